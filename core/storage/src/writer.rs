//! The writer: one task per log that takes what waits, gives it a place, and keeps several durable writes in
//! flight.
//!
//! ```text
//!   queue            writes, in order of the log                 file
//!   [f9][f8] --> [f7: in flight][f6: done][f5: in flight]   [...f4]
//!                                          ^ flushed = f4: f6 waits for f5
//! ```

mod roll;

use std::rc::Rc;

use runtime::{Class, File, IoErrorKind, Pieces};
use stdx::{Duration, mutant};

use crate::fatal;
use crate::frame::FRAME_BYTES_MAX;
use crate::log::{Inner, Mark, State, WriterState};
use crate::marks;

/// Durable writes of one log in flight together.
pub const WRITES_IN_FLIGHT_MAX: usize = 4;

/// Bytes that one write gathers, unless a single frame is larger.
pub const WRITE_BYTES_MAX: u64 = FRAME_BYTES_MAX as u64;

/// How long a full device is left alone before the write is tried again.
pub const NO_SPACE_PAUSE: Duration = Duration::from_secs(1);

/// The first and the largest step in which blocks are reserved ahead: a step doubles the file in between.
const RESERVE_BYTES: core::ops::RangeInclusive<u64> = 64 << 10..=32 << 20;

/// A write that `flushed` has not passed.
#[derive(Debug)]
pub(crate) struct Write {
    number: u64,
    /// The last frame in it.
    upto: Mark,
    /// Bytes of batches in it.
    queued_bytes: usize,
    file: File,
    position: u64,
    /// Kept to write them again when there is room again.
    pieces: Pieces,
    status: WriteStatus,
}

impl Write {
    /// Where in its file it is.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WriteStatus {
    InFlight,
    Done,
    NoSpace,
}

/// What the writer does next.
enum Step {
    Wait,
    Unseal,
    Roll,
    Start,
    Redo,
    End,
}

/// Writes until the log is closed and everything is durable.
pub(crate) async fn run(inner: Rc<Inner>) {
    loop {
        let seen = inner.work.seen();
        let step = inner
            .state
            .borrow_mut()
            .next_step(inner.config.segment_bytes);
        match step {
            Step::Wait => inner.work.changed(seen).await,
            Step::Unseal => roll::unseal(&inner).await,
            Step::Roll => roll::roll(&inner).await,
            Step::Start => start(&inner),
            Step::Redo => redo(&inner).await,
            Step::End => return roll::end(&inner).await,
        }
    }
}

impl State {
    fn next_step(&mut self, segment_bytes: u64) -> Step {
        if self.writer == WriterState::Waits {
            return Step::Wait;
        }
        if self.no_space {
            let busy = self
                .writes
                .iter()
                .any(|write| write.status == WriteStatus::InFlight);
            return if busy { Step::Wait } else { Step::Redo };
        }
        let Some(frame) = self.queue.front() else {
            return if self.closing && self.writes.is_empty() {
                Step::End
            } else {
                Step::Wait
            };
        };
        if self.writes.len() >= WRITES_IN_FLIGHT_MAX {
            return Step::Wait;
        }
        let frame_bytes = frame.frame_bytes() as u64;
        let active = self.active();
        if active.is_empty() || active.bytes + frame_bytes <= segment_bytes {
            let sealed = active.footer.is_some();
            return if sealed { Step::Unseal } else { Step::Start };
        }
        // A segment is begun only when the one before it is durable whole: then a tear can only be in the last.
        if self.writes.is_empty() || mutant!(S13) {
            Step::Roll
        } else {
            Step::Wait
        }
    }

    /// Takes frames for one write, gives them their place, and notes them in the index.
    fn take_write(&mut self, inner: &Inner) -> Write {
        let file = self
            .active()
            .file
            .clone()
            .expect("the last segment is open for writing");
        let position = self.active().bytes;
        let mut write = Write {
            number: self.next_write,
            upto: self.flushed,
            queued_bytes: 0,
            file,
            position,
            pieces: Pieces::new(),
            status: WriteStatus::InFlight,
        };
        self.next_write += 1;
        while let Some(frame) = self.queue.front() {
            let frame_bytes = frame.frame_bytes() as u64;
            let (taken, end) = (
                self.active().bytes - position,
                self.active().bytes + frame_bytes,
            );
            let fits = taken + frame_bytes <= WRITE_BYTES_MAX && end <= inner.config.segment_bytes;
            if taken > 0 && !fits {
                break;
            }
            let frame = self.queue.pop_front().expect("looked at just now");
            let sealed = frame.seal(&inner.runtime, inner.config.group, self.prev_origin);
            let header = sealed.header;
            assert!(header.frame_bytes() == frame_bytes);
            self.prev_origin = header.origin;
            self.active().push(&header, sealed.max_timestamp);
            write.upto = Mark {
                index: header.index,
                end_offset: header.end_offset(),
            };
            write.queued_bytes += header.body_bytes as usize;
            write.pieces.extend(sealed.pieces);
        }
        write
    }

    /// Blocks to reserve before a write that ends at the active segment's end: position and bytes.
    fn reserve_ahead(&mut self, segment_bytes: u64) -> Option<(u64, u64)> {
        let active = self.active();
        if active.bytes <= active.reserved || active.reserved >= segment_bytes {
            return None;
        }
        let step = active
            .bytes
            .clamp(*RESERVE_BYTES.start(), *RESERVE_BYTES.end());
        let start = active.reserved;
        let end = (active.bytes + step).min(segment_bytes).max(active.bytes);
        active.reserved = end;
        Some((start, end - start))
    }

    /// Moves `flushed` over the writes that are done without a hole before them.
    fn advance_flushed(&mut self) {
        if mutant!(S08) {
            // Whatever is done counts, with an earlier one in flight.
            let done = self
                .writes
                .iter()
                .filter(|write| write.status == WriteStatus::Done);
            self.flushed = self
                .flushed
                .max(done.map(|write| write.upto).max().unwrap_or_default());
        }
        while let Some(write) = self
            .writes
            .pop_front_if(|write| write.status == WriteStatus::Done)
        {
            assert!(write.upto > self.flushed || mutant!(S08));
            self.flushed = write.upto;
            self.queued_bytes -= write.queued_bytes;
        }
    }
}

/// Starts one durable write.
fn start(inner: &Rc<Inner>) {
    let mut state = inner.state.borrow_mut();
    stdx::sometimes!(marks::WRITES_OVERLAPPED, !state.writes.is_empty());
    let write = state.take_write(inner);
    let reserve = state.reserve_ahead(inner.config.segment_bytes);
    let number = write.number;
    let (file, position, pieces) = (write.file.clone(), write.position, write.pieces.clone());
    state.writes.push_back(write);
    let open = state.writes.len() < WRITES_IN_FLIGHT_MAX;
    drop(state);
    if open {
        inner.moved.notify();
    }
    let task = {
        let inner = Rc::clone(inner);
        async move {
            if let Some((from, bytes)) = reserve {
                // A hint: where it is refused, the write itself says what matters.
                let _hinted = file.allocate(from, bytes, true).await;
            }
            let failed = write_durably(&file, position, pieces).await.err();
            completed(&inner, number, failed);
        }
    };
    inner.spawner.spawn(Class::Produce, "log write", task);
}

async fn write_durably(file: &File, position: u64, pieces: Pieces) -> Result<(), runtime::IoError> {
    if mutant!(S00) {
        return file.write_at(position, pieces).await;
    }
    match file.write_at_sync(position, pieces).await {
        Err(error) if mutant!(S04) && error.kind() != IoErrorKind::NoSpace => Ok(()),
        result => result,
    }
}

/// Notes the end of a write.
fn completed(inner: &Inner, number: u64, failed: Option<runtime::IoError>) {
    if let Some(error) = failed.filter(|error| error.kind() != IoErrorKind::NoSpace) {
        stop(inner, "write and sync in", error);
    }
    let mut state = inner.state.borrow_mut();
    let no_space = state.no_space;
    let earlier = state
        .writes
        .front()
        .is_some_and(|first| first.number != number);
    let write = state.writes.iter_mut().find(|write| write.number == number);
    let write = write.expect("a write stays until flushed passed it");
    // A success that comes after another write's failure is none: see `redo`.
    let full = failed.is_some() || no_space;
    write.status = if full {
        WriteStatus::NoSpace
    } else {
        WriteStatus::Done
    };
    if full && !no_space {
        // Those that completed before this failure and are not behind `flushed` yet, too.
        for write in &mut state.writes {
            if write.status == WriteStatus::Done {
                write.status = WriteStatus::NoSpace;
            }
        }
    }
    state.no_space = full;
    stdx::sometimes!(marks::WRITES_COMPLETED_OUT_OF_ORDER, earlier);
    stdx::sometimes!(marks::NO_SPACE_ENTERED, full && !no_space);
    state.advance_flushed();
    drop(state);
    inner.work.notify();
    inner.moved.notify();
}

/// Writes everything again that is not behind `flushed`, when there is room again.
///
/// The failure may have been the sync's: a device that is full at last says so there. Then pages of *other* writes
/// in flight may have been marked clean without having reached it, so those that completed are written again too
/// [fsyncgate]. A sync alone is never tried again.
async fn redo(inner: &Rc<Inner>) {
    let mut pause = true;
    loop {
        let first = inner.state.borrow().writes.front().map(|write| {
            (
                write.number,
                write.file.clone(),
                write.position,
                write.pieces.clone(),
            )
        });
        let Some((number, file, position, pieces)) = first else {
            break;
        };
        if pause {
            inner.runtime.sleep(NO_SPACE_PAUSE).await;
        }
        pause = match write_durably(&file, position, pieces).await {
            Ok(()) => {
                rewritten(inner, number);
                false
            }
            Err(error) if error.kind() == IoErrorKind::NoSpace => true,
            Err(error) => stop(inner, "write and sync in", error),
        };
    }
    leave_no_space(inner);
}

/// Notes that the first of the writes is durable now.
fn rewritten(inner: &Inner, number: u64) {
    let mut state = inner.state.borrow_mut();
    let write = state
        .writes
        .front_mut()
        .expect("only this task takes writes away now");
    assert!(write.number == number);
    write.status = WriteStatus::Done;
    state.advance_flushed();
    drop(state);
    inner.moved.notify();
}

fn enter_no_space(inner: &Inner) {
    let entered = !core::mem::replace(&mut inner.state.borrow_mut().no_space, true);
    stdx::sometimes!(marks::NO_SPACE_ENTERED, entered);
    inner.moved.notify();
}

fn leave_no_space(inner: &Inner) {
    let left = core::mem::replace(&mut inner.state.borrow_mut().no_space, false);
    stdx::sometimes!(marks::NO_SPACE_LEFT, left);
    inner.moved.notify();
}

fn stop(inner: &Inner, verb: &str, error: runtime::IoError) -> ! {
    fatal::stop(&inner.runtime, verb, &inner.config.directory, error)
}
