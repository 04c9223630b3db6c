//! What we believe of a log after a crash, and why.
//!
//! A start reads every frame, decides by [`judge()`], and makes what it believes durable before anybody may build on
//! it. It changes files in three ways only: it removes a last segment that never got its header, cuts a torn tail,
//! and writes the unproven part of the tail again. A crash in the middle of any of them leaves a log that the next
//! start treats alike. [`crate::inspect`] has the same decided, and nothing done.

pub mod check;
mod derived;
pub mod judge;
mod report;
mod scan;

use model::{LogIndex, Offset};
use runtime::{Budget, EntryKind, File, IoErrorKind, OpenOptions, Pieces, Runtime};

use crate::error::{OnPath, PathError};
use crate::fatal;
use crate::fence::Fence;
use crate::log::{LogConfig, Mark};
use crate::marks;
use crate::read::{leased_bytes, read_upto};
use crate::segment::{SEGMENT_HEADER_BYTES, Segment, SegmentError, SegmentHeader, parse_file_name};
use crate::truncate::cut;
use check::{Fault, Tip};
use derived::Derived;
use judge::{Evidence, Verdict, judge};
pub use report::RecoveryReport;
use scan::{SCAN_BYTES, Scan, Stop};

/// A log as recovery left it.
pub(crate) struct Recovered {
    pub(crate) segments: Vec<Segment>,
    pub(crate) derived: Derived,
    pub(crate) last: Mark,
    pub(crate) prev_origin: u32,
    pub(crate) fence: Option<Fence>,
    pub(crate) report: RecoveryReport,
}

/// A segment file as it was found.
struct Candidate {
    base_index: LogIndex,
    path: String,
    file: File,
    bytes: u64,
    header: Result<SegmentHeader, SegmentError>,
}

/// Whether what is decided is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hand {
    /// It is, durably.
    Mends,
    /// It is told, and nothing is touched.
    Looks,
}

struct Recovery<'a> {
    runtime: &'a Runtime,
    config: &'a LogConfig,
    hand: Hand,
    tip: Tip,
    segments: Vec<Segment>,
    derived: Derived,
    fence: Option<Fence>,
    report: RecoveryReport,
}

/// Recovers the log in a folder, or makes an empty one; or says what it would do.
pub(crate) async fn recover(
    runtime: &Runtime,
    budget: &Budget,
    config: &LogConfig,
    hand: Hand,
) -> Result<Recovered, PathError> {
    // Two windows at most: the one that is read, and what is kept of the one before.
    let _lease = budget
        .reserve(leased_bytes(2 * SCAN_BYTES).min(budget.limit()))
        .await;
    let mut recovery = Recovery {
        runtime,
        config,
        hand,
        tip: Tip::start(config.group),
        segments: Vec::new(),
        derived: Derived::default(),
        fence: None,
        report: RecoveryReport::default(),
    };
    let mut candidates = recovery.list().await?;
    recovery.drop_headerless(&mut candidates).await?;
    recovery.scan(candidates).await?;
    if recovery.segments.is_empty() && recovery.fence.is_none() {
        if config.claimed > LogIndex::ZERO {
            recovery.fence_missing();
        } else if hand == Hand::Mends {
            recovery.create_first().await?;
        }
    }
    Ok(recovery.finish())
}

impl Hand {
    fn says(self, done: &'static str, told: &'static str) -> &'static str {
        match self {
            Self::Mends => done,
            Self::Looks => told,
        }
    }
}

impl Recovery<'_> {
    /// The segment files of the folder, in order.
    async fn list(&mut self) -> Result<Vec<Candidate>, PathError> {
        let directory = &self.config.directory;
        let entries = self
            .runtime
            .read_directory(directory)
            .await
            .on("list", directory)?;
        let mut candidates = Vec::new();
        for entry in entries {
            let base_index = parse_file_name(&entry.name).filter(|_| entry.kind == EntryKind::File);
            let path = format!("{directory}/{}", entry.name);
            let Some(base_index) = base_index else {
                self.report
                    .lines
                    .push(format!("{path} is no segment: it is left alone"));
                continue;
            };
            candidates.push(self.look_at(base_index, path).await?);
        }
        candidates.sort_by_key(|candidate| candidate.base_index);
        Ok(candidates)
    }

    async fn look_at(&self, base_index: LogIndex, path: String) -> Result<Candidate, PathError> {
        let options = OpenOptions {
            write: self.hand == Hand::Mends,
            ..OpenOptions::default()
        };
        let file = self.runtime.open(&path, options).await.on("open", &path)?;
        let bytes = self
            .runtime
            .status(&path)
            .await
            .on("look at", &path)?
            .length;
        let buffer = self.runtime.buffer(SEGMENT_HEADER_BYTES);
        let header = match read_upto(&file, 0, SEGMENT_HEADER_BYTES, buffer).await {
            Ok(buffer) => SegmentHeader::decode(buffer.as_slice()),
            Err(error) if error.kind() == IoErrorKind::Device => Err(SegmentError::Unreadable),
            Err(error) => return Err(PathError::new("read", &path, error)),
        };
        Ok(Candidate {
            base_index,
            path,
            file,
            bytes,
            header,
        })
    }

    /// Removes a last segment whose header is torn and behind which there is no frame: frames are written only
    /// behind a durable header, so it has never held one.
    async fn drop_headerless(&mut self, candidates: &mut Vec<Candidate>) -> Result<(), PathError> {
        let Some(last) = candidates
            .last()
            .filter(|last| last.header == Err(SegmentError::Torn))
            .filter(|last| last.base_index > self.config.claimed)
        else {
            return Ok(());
        };
        let scan = Scan {
            runtime: self.runtime,
            file: &last.file,
            file_bytes: last.bytes,
        };
        let (found, searched_all) = scan.search(SEGMENT_HEADER_BYTES as u64, &self.tip).await;
        if found.frames > 0 || !searched_all {
            return Ok(());
        }
        let Candidate { path, bytes, .. } = last;
        self.report.torn = true;
        let removed = self.hand.says("is removed", "would be removed");
        self.report.lines.push(format!(
            "{path} was begun and never got its header: it {removed} ({bytes} bytes)"
        ));
        if self.hand == Hand::Mends {
            marks::HEADERLESS_SEGMENT_REMOVED.hit();
            self.runtime.unlink(path).await.on("remove", path)?;
            fatal::sync_directory(self.runtime, &self.config.directory).await?;
        }
        candidates.pop();
        Ok(())
    }

    /// Passes all segments up to the first that is bad.
    async fn scan(&mut self, candidates: Vec<Candidate>) -> Result<(), PathError> {
        // Its header says that everything before it was durable.
        let good = candidates
            .iter()
            .rev()
            .find(|candidate| candidate.header.is_ok());
        let begun = good.map_or(LogIndex::ZERO, |last| LogIndex(last.base_index.0 - 1));
        let claimed = begun.max(self.config.claimed);
        let count = candidates.len();
        self.report.segments = count;
        for (number, candidate) in candidates.into_iter().enumerate() {
            let is_last = number + 1 == count;
            if let Some(why) = self.misplaced(&candidate) {
                self.put_fence(
                    &candidate.path,
                    0,
                    &why,
                    "the segments from there on are kept and not served, and nothing is appended",
                );
                return Ok(());
            }
            let Candidate {
                path,
                file,
                bytes,
                header,
                ..
            } = candidate;
            let header = header.expect("a header that is bad is misplaced");
            let mut segment = Segment::new(header, path, None);
            let scan = Scan {
                runtime: self.runtime,
                file: &file,
                file_bytes: bytes,
            };
            let stop = scan
                .frames(&mut segment, &mut self.tip, &mut self.derived)
                .await;
            let verdict = self.decide(&scan, &stop, is_last, claimed).await;
            match verdict {
                Verdict::Whole | Verdict::TornTail if is_last => {
                    self.settle(&mut segment, &file, bytes, &stop, verdict)
                        .await?;
                    segment.file = Some(file);
                }
                Verdict::Whole => {}
                bad => self.fence_frame(&segment.path, &stop, bad, is_last),
            }
            segment.reserved = segment.bytes;
            self.segments.push(segment);
            if self.fence.is_some() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Why a segment does not belong where it is.
    fn misplaced(&self, candidate: &Candidate) -> Option<String> {
        let header = match &candidate.header {
            Ok(header) => header,
            Err(error) => return Some(error.to_string()),
        };
        let next = self.tip.index.next();
        if header.group != self.config.group {
            return Some("it belongs to another partition".to_owned());
        }
        if header.base_index != candidate.base_index {
            return Some(format!(
                "its header says that it begins with frame {}",
                header.base_index
            ));
        }
        if header.base_index != next {
            return Some(format!(
                "it begins with frame {}, and {next} is the next: a file is missing",
                header.base_index
            ));
        }
        let follows =
            header.base_offset == self.tip.end_offset && header.prev_origin == self.tip.origin;
        (!follows).then(|| "it does not follow the segment before it".to_owned())
    }

    async fn decide(
        &mut self,
        scan: &Scan<'_>,
        stop: &Stop,
        is_last: bool,
        claimed: LogIndex,
    ) -> Verdict {
        let first_bad = self.tip.index.next();
        let mut searched_all = true;
        if stop.fault.is_some() && is_last {
            marks::RESYNC_SCANNED.hit();
            let (found, all) = scan.search(stop.search_from, &self.tip).await;
            stdx::sometimes!(marks::FRAMES_BEHIND_THE_TEAR, found.frames > 0);
            self.tip.commit_seen = self.tip.commit_seen.max(found.commit_seen);
            searched_all = all && !matches!(stop.fault, Some(Fault::Unreadable(_)));
        }
        let verdict = judge(&Evidence {
            first_bad,
            ends_well: stop.fault.is_none(),
            commit_seen: self.tip.commit_seen,
            // A segment that ends well ends before the next one begins, which `misplaced` checks.
            claimed: if is_last || stop.fault.is_some() {
                claimed
            } else {
                LogIndex::ZERO
            },
            searched_all,
        });
        stdx::sometimes!(
            marks::FENCED_LOST_COMMITTED,
            verdict == Verdict::LostCommitted
        );
        stdx::sometimes!(marks::FENCED_CLAIMED, verdict == Verdict::ClaimedUnreadable);
        verdict
    }

    /// Makes the last segment what is believed of it, durably: cut where it is torn, the rest written again as far
    /// as no frame proves it durable, and synced.
    ///
    /// Written again, because a sync that failed before a crash of the process may have left pages that read well,
    /// count as clean, and are not on the disk; a sync alone would pass over them [fsyncgate].
    async fn settle(
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
        let stretch = segment
            .index
            .by_index(unproven)
            .filter(|_| unproven > segment.header.base_index);
        let start = stretch.map_or(0, |stretch| stretch.first.position);
        if unproven <= self.tip.index || segment.is_empty() {
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

    /// Nothing is there, and once there was.
    fn fence_missing(&mut self) {
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

    fn fence_frame(&mut self, path: &str, stop: &Stop, verdict: Verdict, is_last: bool) {
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

    fn put_fence(&mut self, path: &str, position: u64, why: &str, means: &str) {
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

    async fn create_first(&mut self) -> Result<(), PathError> {
        let header = SegmentHeader {
            group: self.config.group,
            base_index: self.tip.index.next(),
            base_offset: Offset::ZERO,
            prev_origin: 0,
        };
        let directory = &self.config.directory;
        match Segment::create(self.runtime, directory, header).await {
            Ok(segment) => self.segments.push(segment),
            Err(error) => fatal::check(self.runtime, Err(error), "begin a segment in", directory)?,
        }
        Ok(())
    }

    fn finish(mut self) -> Recovered {
        self.report.frames = self.tip.index.0;
        self.report.end_offset = self.tip.end_offset;
        Recovered {
            segments: self.segments,
            derived: self.derived,
            last: Mark {
                index: self.tip.index,
                end_offset: self.tip.end_offset,
            },
            prev_origin: self.tip.origin,
            fence: self.fence,
            report: self.report,
        }
    }
}
