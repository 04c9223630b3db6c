//! What a core takes from its surroundings besides operations: draws, the choice among ready tasks, a place for
//! its trace, and the end of the process.

use crate::digest::Digest;
use crate::operation::OperationId;
use crate::task::Class;

/// The surroundings of one core.
pub trait Environment {
    /// 64 random bits. Production seeds them from the operating system, the simulator from the scenario.
    fn random(&self) -> u64;

    /// Which of `ready` tasks of a class runs next: production takes the oldest, the simulator draws.
    fn pick(&self, class: Class, ready: usize) -> usize;

    /// Whether [`Environment::trace`] wants events; asked once, at start.
    fn traces(&self) -> bool {
        false
    }

    /// Takes an event of this core.
    fn trace(&self, _event: TraceEvent) {}

    /// Ends the node: an invariant of the runtime or of what all partitions depend on is broken, or a sync
    /// failed. Production ends the process with exit code 5; the simulator unwinds with [`Crash`] and kills the
    /// node.
    fn crash(&self, why: &str) -> !;
}

/// The payload with which a simulated node's end unwinds through its code. Nothing may catch it but the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crash(pub String);

/// What a core did, in the order in which it did it. Same inputs, same events: that is what digests compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceEvent {
    /// A turn began at this time.
    Turn {
        /// Monotonic nanoseconds.
        now: u64,
        /// Wall clock nanoseconds.
        wall: i64,
    },
    /// A task was polled.
    Polled {
        /// Its identity: slot and generation.
        task: u64,
    },
    /// An operation was handed to the driver.
    Submitted {
        /// Its identity.
        id: OperationId,
        /// Its kind and arguments, folded.
        summary: u64,
    },
    /// An operation completed.
    Completed {
        /// Its identity.
        id: OperationId,
        /// Its result, folded with its bytes.
        summary: u64,
    },
    /// A timer fired.
    Fired {
        /// When it was due.
        deadline: u64,
    },
    /// A message came in.
    Delivered {
        /// From this core.
        source: u16,
        /// On this port; replies and credits have their own numbers.
        port: u32,
    },
    /// Memory came home.
    Returned {
        /// From this core.
        source: u16,
    },
    /// A room says that something happened, by a number and a value of its own.
    Noted {
        /// Which kind of event.
        kind: u32,
        /// With what.
        value: u64,
    },
}

impl TraceEvent {
    /// Folds the event into `digest`.
    pub fn fold(&self, digest: &mut Digest) {
        match *self {
            Self::Turn { now, wall } => digest.words(&[1, now, wall.cast_unsigned()]),
            Self::Polled { task } => digest.words(&[2, task]),
            Self::Submitted { id, summary } => digest.words(&[3, id.to_bits(), summary]),
            Self::Completed { id, summary } => digest.words(&[4, id.to_bits(), summary]),
            Self::Fired { deadline } => digest.words(&[5, deadline]),
            Self::Delivered { source, port } => {
                digest.words(&[6, u64::from(source), u64::from(port)]);
            }
            Self::Returned { source } => digest.words(&[7, u64::from(source)]),
            Self::Noted { kind, value } => digest.words(&[8, u64::from(kind), value]),
        }
    }
}
