//! Appending: offsets and reigns are assigned here, in the order of the calls; the writer does the rest.

use model::{LogIndex, Offset, Term};
use records::{BatchView, Batches};
use runtime::Frozen;
use stdx::Timestamp;

use crate::epochs::EpochStart;
use crate::error::AppendError;
use crate::forming::Forming;
use crate::frame::{FRAME_BYTES_MAX, FrameKind, HEADER_BYTES};
use crate::log::{Inner, Log, Mark, QUEUED_BYTES_MAX, State};
use crate::marks;

/// Batches to append together.
#[derive(Clone, Copy, Debug)]
pub struct Append<'a> {
    /// The reign that appends; never below the last frame's.
    pub term: Term,
    /// Data, or the broker's own batches.
    pub kind: FrameKind,
    /// Whole batches, one after the other, validated. What the leader assigns in them is overwritten in copies
    /// of their headers.
    pub batches: &'a Frozen,
    /// Makes it the time of all records.
    pub append_time: Option<Timestamp>,
    /// What is committed, as far as the caller knows.
    pub commit: LogIndex,
}

/// Where an append ended up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The frame of its last batch: when that is durable, so is all of it.
    pub index: LogIndex,
    /// Offset of its first record.
    pub base_offset: Offset,
    /// The offset after its last.
    pub end_offset: Offset,
}

impl Log {
    /// Appends batches: all of them, or nothing. They are durable when [`Log::flushed`] reaches the index.
    ///
    /// # Panics
    /// When the kind has no batches, or the term is below that of the last frame: the caller is broken.
    pub fn append(&self, append: &Append<'_>) -> Result<Appended, AppendError> {
        assert!(append.kind.has_batches());
        let mut state = self.0.state.borrow_mut();
        state.admit(append.batches.len())?;
        check_batches(append.batches, state.dirty.end_offset)?;
        let base_offset = state.dirty.end_offset;
        let mut start = 0;
        for view in Batches::new(append.batches).map_while(Result::ok) {
            state.push(&self.0, append, view, start);
            start += view.len();
        }
        let Mark { index, end_offset } = state.dirty;
        drop(state);
        self.0.work.notify();
        Ok(Appended {
            index,
            base_offset,
            end_offset,
        })
    }

    /// Appends a frame without a body.
    ///
    /// # Panics
    /// When the kind has a body, or the term is below that of the last frame: the caller is broken.
    pub fn append_bare(
        &self,
        term: Term,
        kind: FrameKind,
        commit: LogIndex,
    ) -> Result<LogIndex, AppendError> {
        assert!(kind.is_bare());
        let mut state = self.0.state.borrow_mut();
        state.admit(HEADER_BYTES)?;
        state.begin(&self.0, term, kind, 0).saw_commit(commit);
        let index = state.dirty.index;
        drop(state);
        self.0.work.notify();
        Ok(index)
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

impl State {
    /// Whether an append of `bytes` bytes may be taken now.
    fn admit(&self, bytes: usize) -> Result<(), AppendError> {
        if let Some(fence) = self.fences.refusal() {
            return Err(AppendError::Fenced(fence.to_string()));
        }
        if self.closing {
            return Err(AppendError::Closed);
        }
        if self.no_space {
            return Err(AppendError::NoSpace);
        }
        if self.queued_bytes > 0 && self.queued_bytes + bytes > QUEUED_BYTES_MAX {
            marks::APPEND_OVERLOADED.hit();
            return Err(AppendError::Overloaded);
        }
        Ok(())
    }

    /// Puts one batch into the frame that takes it, the last one or a new one.
    fn push(&mut self, inner: &Inner, append: &Append<'_>, view: BatchView<'_>, start: usize) {
        let Append {
            term,
            kind,
            batches,
            append_time,
            commit,
        } = *append;
        let span = u32::try_from(view.last_offset_delta()).expect("checked before") + 1;
        let joins = self
            .queue
            .back()
            .is_some_and(|last| last.takes(term, kind, view.len(), span));
        stdx::sometimes!(marks::FRAME_SHARED, joins);
        if !joins {
            self.begin(inner, term, kind, view.len());
        }
        stdx::sometimes!(
            marks::FRAME_OVERSIZED,
            view.len() + HEADER_BYTES > FRAME_BYTES_MAX
        );
        let frame = self
            .queue
            .back_mut()
            .expect("begun above where there was none");
        frame.saw_commit(commit);
        frame.push(
            &inner.runtime,
            (batches, start),
            view,
            append_time.map(Timestamp::as_millis),
        );
        self.dirty.end_offset = frame.end_offset();
        self.queued_bytes += view.len();
    }

    /// Begins a frame, the next of the log.
    fn begin(
        &mut self,
        inner: &Inner,
        term: Term,
        kind: FrameKind,
        expected_bytes: usize,
    ) -> &mut Forming {
        assert!(
            self.epochs.last().is_none_or(|last| last <= term),
            "a reign that is over appends"
        );
        let (index, offset) = (self.dirty.index.next(), self.dirty.end_offset);
        self.epochs.push(EpochStart {
            term,
            index,
            offset,
        });
        self.dirty.index = index;
        self.queue.push_back(Forming::new(
            &inner.runtime,
            index,
            offset,
            (term, kind),
            expected_bytes,
        ));
        self.queue.back_mut().expect("pushed just now")
    }
}
