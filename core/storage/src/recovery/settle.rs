//! Making the end of a log what is believed of it, durably.

use runtime::{File, Pieces};
use stdx::mutant;

use super::check::Fault;
use super::judge::Verdict;
use super::scan::{SCAN_BYTES, Stop};
use super::{Hand, Recovery};
use crate::error::{OnPath, PathError};
use crate::fatal;
use crate::marks;
use crate::open_segment::Segment;
use crate::read::read_upto;
use crate::truncate::cut;

impl Recovery<'_> {
    /// Makes the last segment what is believed of it, durably: cut where it is torn, the rest written again as far
    /// as no frame proves it durable, and synced.
    ///
    /// Written again, because a sync that failed before a crash of the process may have left pages that read well,
    /// count as clean, and are not on the disk; a sync alone would pass over them [fsyncgate].
    pub(super) async fn settle(
        &mut self,
        segment: &mut Segment,
        file: &File,
        file_bytes: u64,
        stop: &Stop,
        verdict: Verdict,
    ) -> Result<(), PathError> {
        let path = &segment.path;
        if verdict == Verdict::TornTail {
            let (bytes_cut, index) = (file_bytes - stop.position, self.tip.index.next());
            let why = stop
                .fault
                .as_ref()
                .map_or_else(String::new, Fault::to_string);
            (self.report.torn, self.report.bytes_cut) = (true, bytes_cut);
            let cut_off = self.hand.says("are cut off", "would be cut off");
            self.report.lines.push(format!(
                "{path}: {bytes_cut} bytes from {} on {cut_off}, which were never acknowledged (frame {index}: {why})",
                stop.position
            ));
        }
        if self.hand == Hand::Looks {
            return Ok(());
        }
        if verdict == Verdict::TornTail {
            marks::TORN_TAIL_CUT.hit();
            let file = (file, path.as_str());
            cut(
                self.runtime,
                &self.config.directory,
                &[],
                file,
                stop.position,
            )
            .await?;
        }
        let unproven = self.tip.commit_seen.next();
        let index = segment.index.as_ref();
        let stretch = index
            .and_then(|index| index.by_index(unproven))
            .filter(|_| unproven > segment.header.base_index);
        let start = stretch.map_or(0, |stretch| stretch.first.position);
        if (unproven <= self.tip.index || segment.is_empty()) && !mutant!(S09) {
            marks::TAIL_REWRITTEN.hit();
            let end = segment.bytes.min(file_bytes);
            self.write_again((file, path), start, end).await?;
        }
        fatal::sync(self.runtime, file, path).await?;
        fatal::sync_directory(self.runtime, &self.config.directory).await
    }

    async fn write_again(
        &self,
        (file, path): (&File, &str),
        mut position: u64,
        end: u64,
    ) -> Result<(), PathError> {
        while position < end {
            let bytes = usize::try_from(end - position)
                .unwrap_or(usize::MAX)
                .min(SCAN_BYTES);
            let buffer = read_upto(file, position, bytes, self.runtime.buffer(bytes))
                .await
                .on("read", path)?;
            let mut pieces = Pieces::new();
            pieces.push(buffer.freeze());
            fatal::check(
                self.runtime,
                file.write_at(position, pieces).await,
                "write",
                path,
            )?;
            position += bytes as u64;
        }
        Ok(())
    }
}
