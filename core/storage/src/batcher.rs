//! Batches on their way into frames: what waits while the log is busy shares a header, an index and a place in the
//! gather list.
//!
//! ```text
//!   append --> [frame 9: still takes batches][frame 8][frame 7] --> taken, and appended to the log
//! ```
//! They have their offsets, and no place in the log: whoever decides about the log may still drop them all.

use std::collections::VecDeque;

use model::{Offset, Term};
use records::{BatchView, Batches};
use runtime::{Frozen, Runtime};
use stdx::Timestamp;

use crate::error::AppendError;
use crate::frame::{FRAME_BYTES_MAX, FrameKind, HEADER_BYTES};
use crate::frame_builder::FrameBuilder;
use crate::marks;

/// Batches to append together.
#[derive(Clone, Copy, Debug)]
pub struct Append<'a> {
    /// The reign that appends.
    pub term: Term,
    /// Data, or the broker's own batches.
    pub kind: FrameKind,
    /// Whole batches, one after the other, validated. What the leader assigns in them is overwritten in copies
    /// of their headers.
    pub batches: &'a Frozen,
    /// Makes it the time of all records.
    pub append_time: Option<Timestamp>,
}

/// Where batches ended up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batched {
    /// The number of the frame that has the last of them. Numbers grow, and are not used again.
    pub frame: u64,
    /// Offset of the first record.
    pub base_offset: Offset,
    /// The offset after the last.
    pub end_offset: Offset,
}

/// Frames that were not appended yet.
#[derive(Debug)]
pub struct Batcher {
    runtime: Runtime,
    frames: VecDeque<FrameBuilder>,
    /// The number of the next frame.
    next: u64,
    end_offset: Offset,
    bytes: usize,
}

impl Batcher {
    /// One whose first record will have the offset `end_offset`.
    pub fn new(runtime: Runtime, end_offset: Offset) -> Self {
        Self {
            runtime,
            frames: VecDeque::new(),
            next: 0,
            end_offset,
            bytes: 0,
        }
    }

    /// Takes batches: all of them, or none.
    ///
    /// # Panics
    /// When the kind has no batches: the caller is broken.
    pub fn add(&mut self, append: &Append<'_>) -> Result<Batched, AppendError> {
        assert!(append.kind.has_batches());
        let base_offset = self.end_offset;
        check_batches(append.batches, base_offset)?;
        let mut start = 0;
        for view in Batches::new(append.batches).map_while(Result::ok) {
            self.push(append, view, start);
            start += view.len();
        }
        Ok(Batched {
            frame: self.next - 1,
            base_offset,
            end_offset: self.end_offset,
        })
    }

    /// Takes the oldest frame out, with its number.
    pub fn take(&mut self) -> Option<(u64, FrameBuilder)> {
        let (number, bytes) = self.oldest()?;
        let frame = self.frames.pop_front()?;
        self.bytes -= bytes;
        Some((number, frame))
    }

    /// The number of the oldest frame, and bytes of its batches.
    pub fn oldest(&self) -> Option<(u64, usize)> {
        let number = self.next - self.frames.len() as u64;
        self.frames
            .front()
            .map(|frame| (number, frame.body_bytes()))
    }

    /// Drops everything; the next record will have the offset `end_offset`.
    pub fn restart(&mut self, end_offset: Offset) {
        self.frames.clear();
        self.bytes = 0;
        self.end_offset = end_offset;
    }

    /// Frames that wait.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Bytes of batches that wait.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The offset after the last record.
    pub fn end_offset(&self) -> Offset {
        self.end_offset
    }

    /// Puts one batch into the frame that takes it, the last one or a new one.
    fn push(&mut self, append: &Append<'_>, view: BatchView<'_>, start: usize) {
        let Append {
            term,
            kind,
            batches,
            append_time,
        } = *append;
        let span = u32::try_from(view.last_offset_delta()).expect("checked before") + 1;
        let joins = self
            .frames
            .back()
            .is_some_and(|last| last.takes(term, kind, view.len(), span));
        stdx::sometimes!(marks::FRAME_SHARED, joins);
        if !joins {
            self.next += 1;
            self.frames.push_back(FrameBuilder::new(
                &self.runtime,
                self.end_offset,
                (term, kind),
                view.len(),
            ));
        }
        stdx::sometimes!(
            marks::FRAME_OVERSIZED,
            view.len() + HEADER_BYTES > FRAME_BYTES_MAX
        );
        let frame = self
            .frames
            .back_mut()
            .expect("begun above where there was none");
        frame.push(
            &self.runtime,
            (batches, start),
            view,
            append_time.map(Timestamp::as_millis),
        );
        self.end_offset = frame.end_offset();
        self.bytes += view.len();
    }
}

/// Finds what is wrong before anything is changed.
fn check_batches(batches: &Frozen, base_offset: Offset) -> Result<(), AppendError> {
    let refused = |why: &dyn core::fmt::Display| Err(AppendError::NotBatches(why.to_string()));
    let mut end = base_offset.0;
    for view in Batches::new(batches) {
        let view = match view {
            Ok(view) => view,
            Err(error) => return refused(&error),
        };
        let Ok(delta) = u32::try_from(view.last_offset_delta()) else {
            return refused(&"the last offset is before the first");
        };
        let Some(next) = end.checked_add(i64::from(delta) + 1) else {
            return refused(&"the offsets pass the largest number");
        };
        end = next;
    }
    if end == base_offset.0 {
        return refused(&"there is none");
    }
    Ok(())
}
