//! Memory that slow clients hold, and how others get it when there is none left.
//!
//! A request's memory is reserved before its body is read, and an answer's is given back after the last of it was
//! sent. Clients that stop in the middle of either would hold it until their time is over, and a few hundred of
//! them all of it. So each transfer says what it holds and how far it is; when somebody waits for memory, those
//! that are behind the pace that is the least to be expected are cut, the oldest first. Nobody is cut while there
//! is memory.
//!
//! ```text
//!   reading a frame  --+                                        +-- reserve waits
//!   sending an answer --+--> Pressure { transfers } <-- relieve -+-- a partition's reads wait (any core)
//! ```

use core::cell::{Cell, RefCell};
use core::pin::pin;
use std::collections::BTreeMap;
use std::rc::Rc;

use runtime::{Budget, CoreId, Either, Lease, Port, Runtime, race};
use stdx::{Duration, Instant};

use crate::config::{FRAME_BYTES_PER_SECOND_MIN, SEND_BYTES_MAX};
use crate::ending::Ending;
use crate::marks;

/// How long a transfer may take before its pace is looked at.
const GRACE: Duration = Duration::from_secs(1);

/// How long it may stand still: what is sent at once, at the least pace, and the grace.
const STANDSTILL: Duration = GRACE.saturating_add(Duration::from_millis(
    SEND_BYTES_MAX as u64 * 1000 / FRAME_BYTES_PER_SECOND_MIN as u64,
));

/// How often someone who waits for memory has the slow ones looked for.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// Memory is short somewhere on this node: every core cuts what is behind.
pub(crate) const RELIEVE: Port<()> = Port::new(40, "relieve memory", 4);

/// Has every core of the node cut its slow clients. A core that has enough such requests waiting needs no more.
pub(crate) fn relieve_everywhere(runtime: &Runtime) {
    for core in (0..runtime.cores()).map(CoreId::new) {
        runtime.try_send(core, RELIEVE, ()).unwrap_or_default();
    }
}

/// The transfers of one core.
#[derive(Debug, Default)]
pub(crate) struct Pressure {
    transfers: RefCell<BTreeMap<u64, Rc<Transfer>>>,
    next: Cell<u64>,
}

/// Something under way between a client and memory.
#[derive(Debug)]
struct Transfer {
    since: Instant,
    /// Bytes of memory that its end gives back.
    held: usize,
    /// Bytes that the client sent or took.
    moved: Cell<usize>,
    /// When it last did.
    moved_at: Cell<Instant>,
    cut: Ending,
}

impl Transfer {
    /// Whether the client is slower than the least that is expected of one, or has stopped: the system's own
    /// buffers may have taken megabytes at once for one that reads nothing.
    fn is_behind(&self, now: Instant) -> bool {
        if now.since(self.moved_at.get()) > STANDSTILL {
            return true;
        }
        let looked_at = now.since(self.since).saturating_sub(GRACE);
        let expected = looked_at.as_millis() * FRAME_BYTES_PER_SECOND_MIN as u128 / 1000;
        expected > self.moved.get() as u128
    }
}

/// A transfer's entry, for as long as it lives.
#[derive(Debug)]
pub(crate) struct Hold<'a> {
    pressure: &'a Pressure,
    number: u64,
    transfer: Rc<Transfer>,
}

impl Hold<'_> {
    /// Says that the client sent or took `bytes` more.
    pub(crate) fn moved(&self, now: Instant, bytes: usize) {
        self.transfer.moved_at.set(now);
        self.transfer.moved.set(self.transfer.moved.get() + bytes);
    }

    /// Waits until the transfer is cut.
    pub(crate) async fn cut(&self) {
        self.transfer.cut.begun().await;
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.pressure.transfers.borrow_mut().remove(&self.number);
    }
}

impl Pressure {
    /// Enters a transfer that holds `held` bytes of memory until its end.
    pub(crate) fn hold(&self, now: Instant, held: usize) -> Hold<'_> {
        let number = self.next.get();
        self.next.set(number + 1);
        let transfer = Rc::new(Transfer {
            since: now,
            held,
            moved: Cell::new(0),
            moved_at: Cell::new(now),
            cut: Ending::default(),
        });
        self.transfers
            .borrow_mut()
            .insert(number, Rc::clone(&transfer));
        Hold {
            pressure: self,
            number,
            transfer,
        }
    }

    /// Cuts transfers that are behind, the oldest first, until they hold `wanted` bytes together.
    pub(crate) fn relieve(&self, now: Instant, wanted: usize) {
        let mut freed = 0;
        for transfer in self.transfers.borrow().values() {
            if freed >= wanted {
                return;
            }
            if transfer.is_behind(now) {
                marks::CUT_FOR_MEMORY.hit();
                freed += transfer.held;
                transfer.cut.begin();
            }
        }
    }

    /// Reserves `bytes` from `budget`; while that waits, the slow ones make room.
    pub(crate) async fn reserve(&self, runtime: &Runtime, budget: &Budget, bytes: usize) -> Lease {
        let mut reserving = pin!(budget.reserve(bytes));
        loop {
            match race(reserving.as_mut(), runtime.sleep(LOOK_INTERVAL)).await {
                Either::Left(lease) => return lease,
                Either::Right(()) => self.relieve(runtime.now(), bytes),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn only_those_behind_are_cut_and_no_more_than_needed() {
        let pressure = Pressure::default();
        let stopped = pressure.hold(Instant::ZERO, 100);
        let steady = pressure.hold(Instant::ZERO, 100);
        let another = pressure.hold(Instant::ZERO, 100);
        let young = pressure.hold(seconds(3), 100);
        steady.moved(seconds(2), 10 * FRAME_BYTES_PER_SECOND_MIN);
        pressure.relieve(seconds(1), 1_000);
        assert!(!stopped.transfer.cut.has_begun(), "within its grace");
        pressure.relieve(seconds(4), 50);
        assert!(stopped.transfer.cut.has_begun());
        assert!(!another.transfer.cut.has_begun(), "one was enough");
        drop(stopped);
        pressure.relieve(seconds(4), 1_000);
        assert!(another.transfer.cut.has_begun());
        assert!(!steady.transfer.cut.has_begun());
        assert!(!young.transfer.cut.has_begun());
        pressure.relieve(seconds(7) + Duration::from_millis(1), 1);
        assert!(steady.transfer.cut.has_begun(), "it stood still");
        drop((another, steady, young));
        assert!(pressure.transfers.borrow().is_empty());
    }
}
