//! One partition's log on its core: what is appended, what is durable, and who waits for that.

use core::cell::RefCell;
use core::fmt;
use std::collections::VecDeque;
use std::rc::Rc;

use model::{LogIndex, Offset, Term};
use runtime::sync::Signal;
use runtime::{Budget, Class, File, Runtime, Spawner};

use crate::epochs::EpochMap;
use crate::error::PathError;
use crate::fence::{Fence, Fences};
use crate::frame_builder::FrameBuilder;
use crate::group::Group;
use crate::open_segment::Segment;
use crate::recovery::{self, Hand, Recovered, RecoveryReport};
use crate::segments::Segments;
use crate::writer::{self, Write};

/// Bytes that may wait for the disk in one log before appends are refused; one append always may.
pub const QUEUED_BYTES_MAX: usize = 16 << 20;

/// The smallest size at which a segment may be full.
pub const SEGMENT_BYTES_MIN: u64 = 4096;

/// What a log needs to know.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// The folder of its segments. It exists, and its name is durable.
    pub directory: String,
    /// The identity that its frames carry.
    pub group: Group,
    /// Bytes at which a segment is full. A frame is never split, so one may exceed it.
    pub segment_bytes: u64,
    /// The last frame that was once said to be durable, as far as the replica's hard state knows.
    pub claimed: LogIndex,
}

/// A place in the log: a frame, and the offset after its last record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// The frame.
    pub index: LogIndex,
    /// The offset after it.
    pub end_offset: Offset,
}

/// A log that was opened.
#[derive(Debug)]
pub struct Opened {
    /// The log.
    pub log: Log,
    /// What recovery found.
    pub report: RecoveryReport,
    /// The frames that say who votes, oldest first, and their bodies.
    pub configs: Vec<(LogIndex, Vec<u8>)>,
}

/// The log of one partition. Clones share it; it lives on one core.
///
/// Invariants:
/// - `flushed <= dirty`, both only grow between two truncations, and `flushed` moves over a completed prefix of
///   the writes only, so nothing above a hole counts as durable;
/// - frames are contiguous in index and offset, and each names the one before it;
/// - only the last segment is written, and a segment is begun when the one before it is durable whole.
#[derive(Clone)]
pub struct Log(pub(crate) Rc<Inner>);

pub(crate) struct Inner {
    pub(crate) runtime: Runtime,
    pub(crate) spawner: Spawner,
    pub(crate) config: LogConfig,
    pub(crate) state: RefCell<State>,
    /// There is something for the writer to look at.
    pub(crate) work: Signal,
    /// `flushed` moved, or will not move any more, or the writer took what waited.
    pub(crate) moved: Signal,
}

pub(crate) struct State {
    pub(crate) segments: Segments,
    pub(crate) epochs: EpochMap,
    /// The last frame appended.
    pub(crate) dirty: Mark,
    /// The last frame known to be durable.
    pub(crate) flushed: Mark,
    /// Identity of the last frame that was sealed.
    pub(crate) prev_origin: u32,
    /// Frames that wait for the writer.
    pub(crate) queue: VecDeque<FrameBuilder>,
    /// Bytes of batches that are not durable yet.
    pub(crate) queued_bytes: usize,
    /// Writes that are not behind `flushed` yet, in order of the log.
    pub(crate) writes: VecDeque<Write>,
    /// Counts writes.
    pub(crate) next_write: u64,
    /// How often the end was cut off.
    pub(crate) truncations: u64,
    pub(crate) no_space: bool,
    pub(crate) closing: bool,
    pub(crate) fences: Fences,
    pub(crate) writer: WriterState,
    /// Segments with a footer whose index is in memory all the same, in the order in which it was read.
    pub(crate) indexes: VecDeque<LogIndex>,
    /// The sealed segment that was read last, open.
    pub(crate) reader: Option<(LogIndex, File)>,
}

/// Whether the writer does what there is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriterState {
    /// It does.
    Runs,
    /// The end is being cut off, and nothing is written meanwhile.
    Waits,
    /// The log is closed.
    Ended,
}

impl Log {
    /// Opens the log in a folder: decides what to believe, and makes that durable. Frames behind which there is a good
    /// footer are not looked at. Its tasks run in `spawner`'s scope. The memory of the scan is leased from `budget`.
    pub async fn open(
        runtime: &Runtime,
        spawner: &Spawner,
        budget: &Budget,
        config: LogConfig,
    ) -> Result<Opened, PathError> {
        let config = LogConfig {
            segment_bytes: config.segment_bytes.max(SEGMENT_BYTES_MIN),
            ..config
        };
        let Recovered {
            segments,
            derived,
            last,
            prev_origin,
            fence,
            report,
        } = recovery::recover(runtime, budget, &config, Hand::Mends).await?;
        let mut segments = Segments::new(segments);
        segments.unload();
        let state = State {
            segments,
            epochs: derived.epochs,
            dirty: last,
            flushed: last,
            prev_origin,
            queue: VecDeque::new(),
            queued_bytes: 0,
            writes: VecDeque::new(),
            next_write: 0,
            truncations: 0,
            no_space: false,
            closing: false,
            writer: WriterState::Runs,
            indexes: VecDeque::new(),
            fences: Fences::new(fence),
            reader: None,
        };
        let inner = Rc::new(Inner {
            runtime: runtime.clone(),
            spawner: spawner.clone(),
            config,
            state: RefCell::new(state),
            work: Signal::new(),
            moved: Signal::new(),
        });
        spawner.spawn(Class::Produce, "log writer", writer::run(Rc::clone(&inner)));
        Ok(Opened {
            log: Self(inner),
            report,
            configs: derived.configs.into(),
        })
    }

    /// The last frame appended.
    pub fn dirty(&self) -> Mark {
        self.0.state.borrow().dirty
    }

    /// The last frame that is durable.
    pub fn flushed(&self) -> Mark {
        self.0.state.borrow().flushed
    }

    /// Changes whenever `flushed` moved, room came or went, or the disk would begin with another frame.
    pub fn moved(&self) -> Signal {
        self.0.moved.clone()
    }

    /// The first offset.
    pub fn log_start(&self) -> Offset {
        self.0
            .state
            .borrow()
            .segments
            .first()
            .map_or(Offset::ZERO, |first| first.header.base_offset)
    }

    /// The reign of the last frame; None in an empty log.
    pub fn last_term(&self) -> Option<Term> {
        self.0.state.borrow().epochs.last()
    }

    /// The reigns of this log, as [`EpochMap`] tells them.
    pub fn with_epochs<R>(&self, look: impl FnOnce(&EpochMap) -> R) -> R {
        look(&self.0.state.borrow().epochs)
    }

    /// Why appends are refused; None while they are not.
    pub fn fenced(&self) -> Option<String> {
        self.0.state.borrow().fences.refusal().map(Fence::to_string)
    }

    /// Why this offset is not served; None where nothing stands against it.
    pub fn fenced_at(&self, offset: Offset) -> Option<String> {
        self.0
            .state
            .borrow()
            .fences
            .at(offset)
            .map(Fence::to_string)
    }

    /// Whether the device is full.
    pub fn has_no_space(&self) -> bool {
        self.0.state.borrow().no_space
    }

    /// Waits until everything appended so far is durable, or cannot be for lack of space.
    pub async fn settle(&self) {
        loop {
            let seen = self.0.moved.seen();
            {
                let state = self.0.state.borrow();
                if state.no_space || state.flushed == state.dirty {
                    return;
                }
            }
            self.0.moved.changed(seen).await;
        }
    }

    /// Takes no more appends, settles, and ends the writer. Where there is room it leaves a footer, so that the next start
    /// reads no frame.
    pub async fn close(&self) {
        self.0.state.borrow_mut().closing = true;
        self.0.work.notify();
        loop {
            let seen = self.0.moved.seen();
            {
                let state = self.0.state.borrow();
                if state.no_space || state.writer == WriterState::Ended {
                    return;
                }
            }
            self.0.moved.changed(seen).await;
        }
    }
}

impl State {
    /// The segment that is written. A log that takes appends has one.
    pub(crate) fn active(&mut self) -> &mut Segment {
        self.segments
            .last_mut()
            .expect("a log without a segment is fenced and takes no appends")
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.state.borrow();
        write!(
            f,
            "Log({}, dirty {}, flushed {})",
            self.0.config.directory, state.dirty.index, state.flushed.index
        )
    }
}
