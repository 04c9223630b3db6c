//! Looking at frames that no start looked at, since a footer stood behind them: all that are durable. What is bad is fenced
//! before anybody asks for it, and named; the rest serves on.
//!
//! Whoever scrubs holds two windows of memory at most, one segment after the other, outside of any budget.

use model::{LogIndex, Offset};
use runtime::{IoErrorKind, OpenOptions};
use stdx::Duration;

use crate::error::{OnPath, PathError};
use crate::fence::Fence;
use crate::index::SparseIndex;
use crate::log::{Log, State};
use crate::marks;
use crate::open_segment::Segment;
use crate::recovery::derived::Ignored;
use crate::recovery::scan::Scan;
use crate::recovery::verify::{Bad, verify};
use crate::segment::{SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::writer::Write;

/// What looking at one segment came to.
#[derive(Clone, Debug)]
pub struct Scrubbed {
    /// The segment, by its first frame.
    pub segment: LogIndex,
    /// Bytes of frames in it.
    pub bytes: u64,
    /// What is bad in it and was not known, in words.
    pub found: Vec<String>,
}

/// A segment that is looked at.
struct Patient {
    header: SegmentHeader,
    path: String,
    bytes: u64,
    end_offset: Offset,
    truncations: u64,
}

impl Log {
    /// Looks at all durable frames of the first segment behind the one that begins with `after`; none where there is none.
    /// It pauses for `pause` after each MiB that it read.
    pub async fn scrub(&self, after: LogIndex, pause: Duration) -> Option<Scrubbed> {
        let patient = self.0.state.borrow().next_patient(after)?;
        let looked = self.look(&patient, pause).await;
        marks::SCRUBBED.hit();
        let state = &mut *self.0.state.borrow_mut();
        let found: Vec<String> = match looked {
            // What was looked at may not be there any more.
            _ if state.truncations != patient.truncations => Vec::new(),
            Ok(bad) => bad
                .iter()
                .filter_map(|bad| state.found_bad(&patient, bad))
                .collect(),
            // That passes.
            Err(error) if error.error.kind() == IoErrorKind::TooManyOpenFiles => Vec::new(),
            Err(error) => vec![format!("{error}: nothing of it can be read")],
        };
        stdx::sometimes!(marks::SCRUB_FOUND_DAMAGE, !found.is_empty());
        Some(Scrubbed {
            segment: patient.header.base_index,
            bytes: patient.bytes,
            found,
        })
    }

    /// What is bad in a segment: twice in a row, for a device that fails now and then is no damage.
    async fn look(&self, patient: &Patient, pause: Duration) -> Result<Vec<Bad>, PathError> {
        if self.bad_in(patient, None, pause).await?.is_empty() {
            return Ok(Vec::new());
        }
        // Where the index knows the next frame, no more is lost than what lies before it.
        let base_index = patient.header.base_index;
        self.0.load_index(base_index).await?;
        let index = {
            let state = self.0.state.borrow();
            let segment = state.segments.get(base_index);
            segment.and_then(|segment| segment.index.clone())
        };
        let before = self.bad_in(patient, index.as_ref(), pause).await?;
        let mut bad = self.bad_in(patient, index.as_ref(), pause).await?;
        bad.retain(|bad| before.iter().any(|before| before.index == bad.index));
        Ok(bad)
    }

    async fn bad_in(
        &self,
        patient: &Patient,
        index: Option<&SparseIndex>,
        pause: Duration,
    ) -> Result<Vec<Bad>, PathError> {
        let (runtime, path) = (&self.0.runtime, &patient.path);
        let opened = runtime.open(path, OpenOptions::default()).await;
        let file = opened.on("open", path)?;
        let scan = Scan {
            runtime,
            file: &file,
            file_bytes: patient.bytes,
            pause,
        };
        let known = (patient.end_offset, index);
        Ok(verify(&scan, &patient.header, known, &mut Ignored)
            .await
            .bad)
    }
}

impl State {
    /// The first segment behind `after` that has durable frames, as far as they are durable.
    fn next_patient(&self, after: LogIndex) -> Option<Patient> {
        let in_flight = self.writes.front().map(Write::position);
        let durable = |segment: &Segment| in_flight.unwrap_or(u64::MAX).min(segment.bytes);
        let last = self.segments.iter().next_back()?.header.base_index;
        let mut behind = self.segments.iter().filter_map(|segment| {
            let header = segment.header;
            let bytes = if header.base_index == last {
                durable(segment)
            } else {
                segment.bytes
            };
            let has_frames = bytes > SEGMENT_HEADER_BYTES as u64;
            (header.base_index > after && has_frames).then(|| Patient {
                header,
                path: segment.path.clone(),
                bytes,
                end_offset: segment.end_offset.min(self.flushed.end_offset),
                truncations: self.truncations,
            })
        });
        behind.next()
    }

    /// Fences what is bad, and says so, unless it is known.
    fn found_bad(&mut self, patient: &Patient, bad: &Bad) -> Option<String> {
        let (start, end) = bad.offsets;
        if start == end {
            // Nobody reads it, so there is no fence by which it would be known: it is told each time.
            return Some(bad.line(&patient.path));
        }
        if self.fences.at(start).is_some() {
            // Somebody who read it was told before: now whoever keeps this node is.
            return self.fences.tell(start).then(|| bad.line(&patient.path));
        }
        self.fences.add(Fence {
            start,
            end: Some(end),
            path: patient.path.clone(),
            position: bad.position,
            why: format!(
                "frame {} is bad ({}); this copy is damaged and nothing of it is served",
                bad.index, bad.fault
            ),
        });
        self.fences.tell(start);
        Some(bad.line(&patient.path))
    }
}
