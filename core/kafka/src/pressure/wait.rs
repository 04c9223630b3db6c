//! Somebody who waits for a client while it holds memory.

use core::cell::Cell;
use std::rc::Rc;

use stdx::{Duration, Instant};

use super::LOOK_INTERVAL;
use crate::config::{FRAME_BYTES_PER_SECOND_MIN, SEND_BYTES_MAX};
use crate::ending::Ending;
use crate::memory::{Held, Memory};

/// How long a transfer may take before its pace is looked at.
pub(super) const GRACE: Duration = Duration::from_secs(1);

/// How long a poll may wait whatever others need. Its client only asks again.
const POLL_GRACE: Duration = LOOK_INTERVAL;

/// The same for a frame that stood in line: what its client sent meanwhile lies in the system's buffers and comes at
/// once, if there is anything. Over when the next look comes.
pub(super) const GRACE_AFTER_LINE: Duration = Duration::from_millis(200);

/// How long a transfer may stand still. An answer moves by whole pieces, and the first has as long: a reader has to take
/// [`SEND_BYTES_MAX`] bytes in it, which is twice the least pace.
const STANDSTILL: Duration =
    Duration::from_millis(SEND_BYTES_MAX as u64 * 1000 / (2 * FRAME_BYTES_PER_SECOND_MIN) as u64);

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A request comes from a client; its pace is looked at after the grace.
    Receiving { grace: Duration },
    /// An answer goes to a client. Its end is that of the connection, and gives back what waits behind it.
    Sending,
    /// A client waits for news. Behind the end of that, writes are answered at once; another poll would only begin.
    Polling,
}

/// One wait.
#[derive(Debug)]
pub(super) struct Wait {
    pub(super) kind: Kind,
    pub(super) since: Instant,
    /// Memory that its end gives back.
    pub(super) own: Held,
    /// What the requests of its connection hold.
    pub(super) behind: Option<Rc<Cell<Held>>>,
    /// Bytes that the client sent or took.
    pub(super) moved: Cell<usize>,
    /// When it last did.
    pub(super) moved_at: Cell<Instant>,
    pub(super) cut: Ending,
}

impl Wait {
    /// Bytes of a kind of memory that its end gives back, sooner or later.
    pub(super) fn held(&self, memory: Memory) -> usize {
        let behind = match (self.kind, memory, &self.behind) {
            (Kind::Sending, _, Some(behind)) | (Kind::Polling, Memory::Entries, Some(behind)) => {
                behind.get().get(memory)
            }
            _ => 0,
        };
        self.own.get(memory) + behind
    }

    /// Whether a client is slower than the least that is expected of one, or has stopped: the system's own buffers
    /// may have taken megabytes at once for one that reads nothing.
    pub(super) fn is_behind(&self, now: Instant) -> bool {
        let age = now.since(self.since);
        let grace = match self.kind {
            Kind::Polling => return age >= POLL_GRACE,
            Kind::Receiving { grace } => grace,
            Kind::Sending => STANDSTILL,
        };
        if now.since(self.moved_at.get()) > STANDSTILL {
            return true;
        }
        let expected = age.saturating_sub(grace).as_millis() * FRAME_BYTES_PER_SECOND_MIN as u128;
        expected / 1000 > self.moved.get() as u128
    }
}
