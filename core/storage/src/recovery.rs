//! What we believe of a log after a crash, and why.
//!
//! A start reads every frame of a segment without a footer, believes the footers of the others, decides by [`judge()`],
//! and makes what it believes durable before anybody may build on it. It changes files in four ways only: it removes a
//! last segment that never got its header, cuts a torn tail, writes the unproven part of the tail again, and makes a
//! footer again that is lost. A crash in the middle of any of them leaves a log that the next start treats alike.
//! [`crate::inspect`] has the same decided, every frame read, and nothing done.

pub mod check;
pub(crate) mod derived;
mod fencing;
pub mod judge;
mod report;
pub(crate) mod scan;
mod sealed;
mod settle;
pub(crate) mod verify;

use model::{LogIndex, Offset};
use runtime::{Budget, EntryKind, File, IoErrorKind, OpenOptions, Runtime};
use stdx::Duration;

use crate::error::{OnPath, PathError};
use crate::fatal;
use crate::fence::Fence;
use crate::log::{LogConfig, Mark};
use crate::marks;
use crate::open_segment::Segment;
use crate::read::{leased_bytes, read_upto};
use crate::seal;
use crate::segment::{SEGMENT_HEADER_BYTES, SegmentError, SegmentHeader, parse_file_name};
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
        let file = self.open(&path).await?;
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
            bytes,
            header,
        })
    }

    async fn open(&self, path: &str) -> Result<File, PathError> {
        let options = OpenOptions {
            write: self.hand == Hand::Mends,
            ..OpenOptions::default()
        };
        self.runtime.open(path, options).await.on("open", path)
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
        let file = self.open(&last.path).await?;
        let scan = Scan {
            runtime: self.runtime,
            file: &file,
            file_bytes: last.bytes,
            pause: Duration::ZERO,
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
        self.report.segments = candidates.len();
        let mut candidates = candidates.into_iter().peekable();
        while let Some(candidate) = candidates.next() {
            if let Some(why) = self.misplaced(&candidate) {
                self.put_fence(
                    &candidate.path,
                    0,
                    &why,
                    "the segments from there on are kept and not served, and nothing is appended",
                );
                return Ok(());
            }
            let next = candidates.peek();
            let (is_last, next) = (next.is_none(), next.and_then(|next| next.header.ok()));
            self.pass(candidate, (is_last, next), claimed).await?;
            if self.fence.is_some() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Passes one segment; `next` is the header of the one behind it, if that has one.
    async fn pass(
        &mut self,
        candidate: Candidate,
        (is_last, next): (bool, Option<SegmentHeader>),
        claimed: LogIndex,
    ) -> Result<(), PathError> {
        let Candidate {
            path,
            bytes,
            header,
            ..
        } = candidate;
        let file = self.open(&path).await?;
        let header = header.expect("a header that is bad is misplaced");
        let mut segment = Segment::new(header, path, None);
        let footer = seal::read(self.runtime, (&file, bytes), &header).await;
        let data_bytes = footer.as_ref().map(|footer| footer.trailer.data_bytes);
        let mut scan = Scan {
            runtime: self.runtime,
            file: &file,
            file_bytes: data_bytes.unwrap_or(bytes),
            pause: Duration::ZERO,
        };
        let believed = match &footer {
            Ok(footer) => self.believe(&scan, &mut segment, footer).await,
            Err(_) => false,
        };
        if let Ok(footer) = &footer
            && believed
            && self.hand == Hand::Looks
        {
            self.look_behind(&scan, &segment, footer).await;
        }
        let mut stop = if believed {
            Stop::at_end(segment.bytes)
        } else {
            // Where it says that they end does not count.
            scan.file_bytes = bytes;
            scan.frames(&mut segment, &mut self.tip, &mut self.derived)
                .await
        };
        if next.is_some_and(|next| self.leads_to(&next)) {
            // What follows the last frame is no frame, and none is missing.
            stop = Stop::at_end(stop.position);
        }
        // What a footer says of its frames may not be believed, but that they were durable is.
        let mut claimed = claimed;
        if let Ok(footer) = &footer {
            let trailer = &footer.trailer;
            claimed = claimed.max(trailer.last);
            self.tip.commit_seen = self.tip.commit_seen.max(trailer.commit_seen);
            if stop.position == trailer.data_bytes {
                stop = Stop::at_end(stop.position);
            }
        }
        let verdict = self.decide(&scan, &stop, is_last, claimed).await;
        match verdict {
            Verdict::Whole | Verdict::TornTail if is_last => {
                if !believed {
                    self.settle(&mut segment, &file, bytes, &stop, verdict)
                        .await?;
                }
            }
            Verdict::Whole => {}
            bad => self.fence_frame(&segment.path, &stop, bad, is_last),
        }
        if !believed && self.fence.is_none() {
            self.mend_sealed(&mut segment, (&file, bytes), footer, is_last)
                .await?;
        }
        segment.file = Some(file).filter(|_| is_last && self.fence.is_none());
        segment.reserved = segment.bytes;
        self.segments.push(segment);
        Ok(())
    }

    /// Whether the next segment begins where the frames so far end.
    fn leads_to(&self, next: &SegmentHeader) -> bool {
        next.base_index == self.tip.index.next()
            && next.base_offset == self.tip.end_offset
            && next.prev_origin == self.tip.origin
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
        (!self.leads_to(header)).then(|| "it does not follow the segment before it".to_owned())
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

    async fn create_first(&mut self) -> Result<(), PathError> {
        let header = SegmentHeader {
            group: self.config.group,
            base_index: self.tip.index.next(),
            base_offset: Offset::ZERO,
            prev_origin: 0,
            nonce: self.runtime.random(),
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
