//! What is not believed, and what that means, in words.

use super::Recovery;
use super::check::Fault;
use super::judge::Verdict;
use super::scan::Stop;
use crate::fence::Fence;
use crate::marks;

impl Recovery<'_> {
    /// Nothing is there, and once there was.
    pub(super) fn fence_missing(&mut self) {
        marks::FENCED_CLAIMED.hit();
        let why = format!(
            "there is no segment, and frames up to {} were durable once",
            self.config.claimed
        );
        let directory = self.config.directory.clone();
        self.put_fence(
            &directory,
            0,
            &why,
            "records that were acknowledged are missing: put the files back, or delete the topic",
        );
    }

    pub(super) fn fence_frame(&mut self, path: &str, stop: &Stop, verdict: Verdict, is_last: bool) {
        let index = self.tip.index.next();
        let what = stop.fault.as_ref().unwrap_or(if is_last {
            &Fault::Missing
        } else {
            &Fault::EndsEarly
        });
        let why = format!(
            "frame {index} is bad ({what}), the file is kept as it is, and nothing is appended"
        );
        let means = match verdict {
            Verdict::LostCommitted => {
                "it was committed, so records that were acknowledged cannot be read here"
            }
            Verdict::ClaimedUnreadable => {
                "it was durable, so records that were acknowledged cannot be read here"
            }
            _ => "records that were acknowledged may be there",
        };
        self.put_fence(path, stop.position, &why, means);
    }

    pub(super) fn put_fence(&mut self, path: &str, position: u64, why: &str, means: &str) {
        let fence = Fence {
            start: self.tip.end_offset,
            end: None,
            path: path.to_owned(),
            position,
            why: format!("{why}; {means}"),
        };
        self.report.fenced = true;
        self.report.lines.push(fence.to_string());
        self.fence = Some(fence);
    }
}
