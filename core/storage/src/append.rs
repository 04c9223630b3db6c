//! Appending: a frame gets its place here, in the order of the calls; the writer does the rest.

use model::LogIndex;

use crate::epochs::EpochStart;
use crate::error::AppendError;
use crate::frame_builder::FrameBuilder;
use crate::log::{Log, Mark, QUEUED_BYTES_MAX};
use crate::marks;
use crate::writer::WRITES_IN_FLIGHT_MAX;

impl Log {
    /// Whether `bytes` more bytes of batches may be taken now, where `waiting` wait before the log already.
    pub fn admit(&self, waiting: usize, bytes: usize) -> Result<(), AppendError> {
        let state = self.0.state.borrow();
        if let Some(fence) = state.fences.refusal() {
            return Err(AppendError::Fenced(fence.to_string()));
        }
        if state.closing {
            return Err(AppendError::Closed);
        }
        if state.no_space {
            return Err(AppendError::NoSpace);
        }
        let queued = state.queued_bytes + waiting;
        if queued > 0 && queued + bytes > QUEUED_BYTES_MAX {
            marks::APPEND_OVERLOADED.hit();
            return Err(AppendError::Overloaded);
        }
        Ok(())
    }

    /// Whether the disk would begin with another frame at once. [`Log::moved`] changes when it would again.
    pub fn wants_frame(&self) -> bool {
        let state = self.0.state.borrow();
        !state.no_space && state.queue.is_empty() && state.writes.len() < WRITES_IN_FLIGHT_MAX
    }

    /// Appends a frame; `commit` is what is committed by now. It is durable when [`Log::flushed`] reaches the index
    /// that comes back.
    ///
    /// # Panics
    /// When the log is fenced or closed, when the frame does not begin with the offset after the last, or when its
    /// term is below that of the last frame: the caller is broken.
    pub fn append(&self, mut frame: FrameBuilder, commit: LogIndex) -> LogIndex {
        let mut state = self.0.state.borrow_mut();
        assert!(!state.closing && state.fences.refusal().is_none());
        assert!(
            state.epochs.last().is_none_or(|last| last <= frame.term),
            "a reign that is over appends"
        );
        assert!(
            frame.base_offset == state.dirty.end_offset,
            "a frame for another place"
        );
        let index = state.dirty.index.next();
        (frame.index, frame.commit) = (index, commit);
        state.epochs.push(EpochStart {
            term: frame.term,
            index,
            offset: frame.base_offset,
        });
        state.dirty = Mark {
            index,
            end_offset: frame.end_offset(),
        };
        state.queued_bytes += frame.body_bytes();
        state.queue.push_back(frame);
        drop(state);
        self.0.work.notify();
        index
    }
}
