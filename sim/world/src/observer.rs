//! What happened, as one number: a digest over every event, with checkpoints between which two runs that differ
//! can be bisected, and a watcher for the one run that somebody wants to read.

use core::cell::{Cell, RefCell};
use core::fmt;

use runtime::{Digest, TraceEvent};
use stdx::Instant;

use crate::event::{EventKind, NodeId, Place};

/// Events between two checkpoints.
pub const CHECKPOINT_EVENTS: u64 = 1_024;

/// The digest after so many events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Events delivered.
    pub events: u64,
    /// When.
    pub time: Instant,
    /// The digest of all that happened so far.
    pub digest: u128,
}

/// One thing that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observed {
    /// When, on the heap's clock.
    pub time: Instant,
    /// On which node.
    pub node: NodeId,
    /// In which of its lives.
    pub incarnation: u32,
    /// On which core.
    pub core: u16,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The heap delivered an event.
    Event {
        /// Its kind.
        kind: EventKind,
        /// A number that stands for the rest of it.
        payload: u64,
    },
    /// A core did something.
    Core(TraceEvent),
}

impl fmt::Display for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            time,
            node,
            incarnation,
            core,
            what,
        } = self;
        write!(f, "{:>14} {node}.{incarnation}/{core} ", time.as_nanos())?;
        match what {
            What::Event { kind, payload } => write!(f, "{kind:?} {payload:x}"),
            What::Core(event) => write!(f, "  {event:?}"),
        }
    }
}

/// Who is told of everything that happens.
pub type Watcher = Box<dyn FnMut(&Observed)>;

/// Folds all that happens.
pub(crate) struct Observer {
    digest: RefCell<Digest>,
    checkpoints: RefCell<Vec<Checkpoint>>,
    events: Cell<u64>,
    now: Cell<Instant>,
    pub(crate) traces: bool,
    watcher: RefCell<Option<Watcher>>,
    watched: Cell<bool>,
}

impl Observer {
    pub(crate) fn new(seed: u64, traces: bool) -> Self {
        let mut digest = Digest::new();
        digest.words(&[seed]);
        Self {
            digest: RefCell::new(digest),
            checkpoints: RefCell::default(),
            events: Cell::new(0),
            now: Cell::new(Instant::ZERO),
            traces,
            watcher: RefCell::default(),
            watched: Cell::new(false),
        }
    }

    pub(crate) fn watch(&self, watcher: Option<Watcher>) {
        self.watched.set(watcher.is_some());
        self.watcher.replace(watcher);
    }

    /// The heap delivered something.
    pub(crate) fn event(&self, time: Instant, place: Place, kind: EventKind, payload: u64) {
        self.now.set(time);
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&time.as_nanos().to_le_bytes());
        bytes[8..10].copy_from_slice(&place.node.0.to_le_bytes());
        bytes[10..12].copy_from_slice(&place.core.to_le_bytes());
        bytes[12..16].copy_from_slice(&(place.incarnation << 8 | kind as u32).to_le_bytes());
        bytes[16..].copy_from_slice(&payload.to_le_bytes());
        self.digest.borrow_mut().bytes(&bytes);
        let events = self.events.get() + 1;
        self.events.set(events);
        if events.is_multiple_of(CHECKPOINT_EVENTS) {
            self.checkpoints.borrow_mut().push(Checkpoint {
                events,
                time,
                digest: self.digest(),
            });
        }
        if self.watched.get() {
            self.tell(place, What::Event { kind, payload });
        }
    }

    /// A core did something.
    pub(crate) fn trace(&self, place: Place, event: TraceEvent) {
        event.fold(&mut self.digest.borrow_mut());
        if self.watched.get() {
            self.tell(place, What::Core(event));
        }
    }

    pub(crate) fn events(&self) -> u64 {
        self.events.get()
    }

    pub(crate) fn digest(&self) -> u128 {
        self.digest.borrow().value()
    }

    pub(crate) fn checkpoints(&self) -> Vec<Checkpoint> {
        self.checkpoints.borrow().clone()
    }

    fn tell(&self, place: Place, what: What) {
        let Place {
            node,
            core,
            incarnation,
        } = place;
        if let Some(watcher) = self.watcher.borrow_mut().as_mut() {
            watcher(&Observed {
                time: self.now.get(),
                node,
                incarnation,
                core,
                what,
            });
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Observer({} events)", self.events.get())
    }
}
