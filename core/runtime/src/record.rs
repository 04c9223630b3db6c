//! Recording: everything that the cores of a node learn, so that the run can be had again.
//!
//! A recording is the proof that the seam is complete: if replaying the inputs of all cores gives another digest,
//! some input went around it. [`crate::replay`] plays one back.

use core::cell::RefCell;
use core::net::SocketAddr;
use core::sync::atomic::{AtomicU64, Ordering};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use stdx::{Instant, Timestamp};

use crate::core_id::CoreId;
use crate::digest::Digest;
use crate::environment::{Environment, TraceEvent};
use crate::error::IoError;
use crate::operation::{Completion, Descriptor, Entry, OperationId, Output, Status};
use crate::passive::Inputs;
use crate::task::Class;

pub mod summary;

/// One turn of one core.
#[derive(Clone, Debug)]
pub struct RecordedTurn {
    /// Its place among the turns of all cores, by when they started.
    pub sequence: u64,
    /// The core.
    pub core: CoreId,
    /// The monotonic clock.
    pub now: Instant,
    /// The wall clock.
    pub wall: Timestamp,
    /// What completed.
    pub completions: Vec<RecordedCompletion>,
    /// Messages taken in, by source.
    pub messages: Vec<u32>,
    /// Returns taken in, by source.
    pub returns: Vec<u32>,
    /// Random numbers drawn.
    pub draws: Vec<u64>,
    /// Choices among ready tasks.
    pub picks: Vec<usize>,
}

/// A completion with its bytes.
#[derive(Clone, Debug)]
pub struct RecordedCompletion {
    /// Which operation.
    pub id: OperationId,
    /// What it brought.
    pub result: Result<RecordedOutput, IoError>,
    /// Whether more follow.
    pub more: bool,
}

/// An [`Output`] as plain data.
#[derive(Clone, Debug)]
pub enum RecordedOutput {
    /// It was done.
    Done,
    /// A file.
    Opened(Descriptor),
    /// A listener.
    Listening(Descriptor, SocketAddr),
    /// A connection: ours, local, peer.
    Connected(Descriptor, SocketAddr, SocketAddr),
    /// The new bytes of a read.
    Read(Vec<u8>),
    /// Bytes that arrived.
    Received {
        /// The bytes.
        bytes: Vec<u8>,
        /// What the buffer could have held.
        capacity: usize,
    },
    /// Bytes written, and whether they were synced.
    Written(usize, bool),
    /// Names.
    Entries(Vec<Entry>),
    /// A status.
    Status(Status),
    /// A job ran; the replay runs it again, it is pure.
    Finished,
}

impl RecordedOutput {
    fn of(output: &Output) -> Self {
        match output {
            Output::Done => Self::Done,
            Output::Opened(descriptor) => Self::Opened(*descriptor),
            Output::Listening {
                descriptor,
                address,
            } => Self::Listening(*descriptor, *address),
            Output::Connected {
                descriptor,
                local,
                peer,
            } => Self::Connected(*descriptor, *local, *peer),
            Output::Read { bytes, buffer } => {
                Self::Read(buffer.as_slice()[buffer.len() - bytes..].to_vec())
            }
            Output::Received(buffer) => Self::Received {
                bytes: buffer.as_slice().to_vec(),
                capacity: buffer.capacity(),
            },
            Output::Written { bytes, synced, .. } => Self::Written(*bytes, *synced),
            Output::Entries(entries) => Self::Entries(entries.clone()),
            Output::Status(status) => Self::Status(*status),
            Output::Finished(_) => Self::Finished,
        }
    }
}

/// The turns of all cores of a node, and the digest of what each core did in them.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// All turns, in no order.
    pub turns: Vec<RecordedTurn>,
    /// Digests, by core.
    pub digests: Vec<(CoreId, u128)>,
}

/// What the recorders of a node write into.
#[derive(Clone, Debug, Default)]
pub struct Tape {
    sequence: Arc<AtomicU64>,
    recording: Arc<Mutex<Recording>>,
}

impl Tape {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// The recorder of one core. Made on the core's own thread.
    pub fn recorder(&self, core: CoreId) -> Recorder {
        Recorder(Rc::new(State {
            tape: self.clone(),
            core,
            turn: RefCell::new(None),
            turns: RefCell::new(Vec::new()),
            digest: RefCell::new(Digest::new()),
        }))
    }

    /// The recording, once every recorder is gone.
    pub fn recording(&self) -> Recording {
        self.recording
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Records one core. Its turns reach the tape when it is dropped.
#[derive(Clone, Debug)]
pub struct Recorder(Rc<State>);

#[derive(Debug)]
struct State {
    tape: Tape,
    core: CoreId,
    turn: RefCell<Option<RecordedTurn>>,
    turns: RefCell<Vec<RecordedTurn>>,
    digest: RefCell<Digest>,
}

impl Recorder {
    /// An environment that answers as `inner` does and remembers the answers.
    pub(crate) fn wrap(&self, inner: Rc<dyn Environment>) -> Rc<dyn Environment> {
        Rc::new(RecordingEnvironment {
            state: Rc::clone(&self.0),
            inner,
        })
    }

    pub(crate) fn begin_turn(&self, inputs: &Inputs<'_>) {
        let state = &self.0;
        let completions = inputs.completions.iter().map(record_completion).collect();
        *state.turn.borrow_mut() = Some(RecordedTurn {
            // The counts were sampled before this number is drawn: what they count was sent in earlier turns.
            sequence: state.tape.sequence.fetch_add(1, Ordering::AcqRel),
            core: state.core,
            now: inputs.now,
            wall: inputs.wall,
            completions,
            messages: inputs.messages.to_vec(),
            returns: inputs.returns.to_vec(),
            draws: Vec::new(),
            picks: Vec::new(),
        });
    }

    pub(crate) fn end_turn(&self) {
        let turn = self.0.turn.take();
        self.0.turns.borrow_mut().extend(turn);
    }
}

fn record_completion(completion: &Completion) -> RecordedCompletion {
    RecordedCompletion {
        id: completion.id,
        result: completion
            .result
            .as_ref()
            .map(RecordedOutput::of)
            .map_err(|error| *error),
        more: completion.more,
    }
}

impl Drop for State {
    fn drop(&mut self) {
        let mut recording = self
            .tape
            .recording
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        recording.turns.append(&mut self.turns.borrow_mut());
        recording
            .digests
            .push((self.core, self.digest.borrow().value()));
    }
}

struct RecordingEnvironment {
    state: Rc<State>,
    inner: Rc<dyn Environment>,
}

impl Environment for RecordingEnvironment {
    fn random(&self) -> u64 {
        let draw = self.inner.random();
        if let Some(turn) = self.state.turn.borrow_mut().as_mut() {
            turn.draws.push(draw);
        }
        draw
    }

    fn pick(&self, class: Class, ready: usize) -> usize {
        let pick = self.inner.pick(class, ready);
        if let Some(turn) = self.state.turn.borrow_mut().as_mut() {
            turn.picks.push(pick);
        }
        pick
    }

    fn traces(&self) -> bool {
        true
    }

    fn trace(&self, event: TraceEvent) {
        // Only turns count: what a core does while it is taken down has no place in the recording.
        if self.state.turn.borrow().is_some() {
            event.fold(&mut self.state.digest.borrow_mut());
        }
        self.inner.trace(event);
    }

    fn crash(&self, why: &str) -> ! {
        self.inner.crash(why)
    }
}
