//! Memory that clients hold while they do nothing, and how others get it when there is none left.
//!
//! A request's memory is reserved before its body is read, and an answer's is given back after the last of it was
//! sent. Clients that stop in the middle of either would hold it until their time is over, and a few hundred of
//! them all of it. So whoever holds memory and waits for a client says so here; when somebody else waits for that
//! memory, transfers that are behind the pace that is the least to be expected are cut, and long polls end early,
//! the oldest first. Nobody is cut while there is memory.
//!
//! ```text
//!   reading a frame  --+                                 +-- a frame or an answer waits
//!   sending an answer --+--> Pressure { holds } <-- relieve --+
//!   a long poll       --+                                 +-- a partition's reads wait (any core)
//! ```

use core::cell::{Cell, RefCell};
use core::pin::pin;
use std::collections::BTreeMap;
use std::rc::Rc;

use runtime::{Budget, CoreId, Either, Lease, Port, Runtime, race};
use stdx::{Duration, Instant};

use crate::config::FRAME_BYTES_PER_SECOND_MIN;
use crate::ending::Ending;
use crate::marks;

/// How long a transfer may take before its pace is looked at.
const GRACE: Duration = Duration::from_secs(1);

/// How long a poll may wait whatever others need. Its client only asks again.
const POLL_GRACE: Duration = LOOK_INTERVAL;

/// The same for a frame that stood in line: what its client sent meanwhile lies in the system's buffers and comes at
/// once, if there is anything. Over when the next look comes.
const GRACE_AFTER_LINE: Duration = Duration::from_millis(200);

/// How long a transfer may stand still. At twice the least pace, the largest piece that is sent at once moves in it.
const STANDSTILL: Duration = Duration::from_secs(2);

/// How often someone who waits for memory has the others looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// Memory is short somewhere on this node: every core cuts what is behind.
pub(crate) const RELIEVE: Port<()> = Port::new(40, "relieve memory", 4);

/// Has every core of the node cut its slow readers. A core that has enough such requests waiting needs no more.
pub(crate) fn relieve_everywhere(runtime: &Runtime) {
    for core in (0..runtime.cores()).map(CoreId::new) {
        runtime.try_send(core, RELIEVE, ()).unwrap_or_default();
    }
}

/// The kinds of memory that the door gives out, each from a budget of its own: who waits for one is not helped by
/// the end of those who hold another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    /// Requests of some size: those that carry records.
    Large,
    /// Requests that only ask something.
    Small,
    /// Answers.
    Answers,
}

/// Bytes of each kind of memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held([usize; 3]);

impl Held {
    /// `bytes` of one kind.
    pub(crate) fn of(memory: Memory, bytes: usize) -> Self {
        let mut held = Self::default();
        held.add(memory, bytes);
        held
    }

    pub(crate) fn get(self, memory: Memory) -> usize {
        self.0[memory as usize]
    }

    pub(crate) fn add(&mut self, memory: Memory, bytes: usize) {
        self.0[memory as usize] += bytes;
    }

    pub(crate) fn take(&mut self, memory: Memory, bytes: usize) {
        self.0[memory as usize] -= bytes;
    }
}

/// Who waits for a client, and holds memory.
#[derive(Debug, Default)]
pub(crate) struct Pressure {
    waits: RefCell<BTreeMap<u64, Rc<Wait>>>,
    next: Cell<u64>,
    /// What others wait for.
    wanted: Cell<Held>,
    /// When somebody last looked for it.
    looked_at: Cell<[Option<Instant>; 3]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Bytes come from a client or go to it; its pace is looked at after the grace.
    Transfer { grace: Duration },
    /// A client waits for news.
    Poll,
}

#[derive(Debug)]
struct Wait {
    kind: Kind,
    since: Instant,
    /// Memory that its end gives back.
    held: Held,
    /// Bytes that the client sent or took.
    moved: Cell<usize>,
    /// When it last did.
    moved_at: Cell<Instant>,
    cut: Ending,
}

impl Wait {
    /// Whether a client is slower than the least that is expected of one, or has stopped: the system's own buffers
    /// may have taken megabytes at once for one that reads nothing.
    fn is_behind(&self, now: Instant) -> bool {
        let age = now.since(self.since);
        let grace = match self.kind {
            Kind::Poll => return age >= POLL_GRACE,
            Kind::Transfer { grace } => grace,
        };
        if now.since(self.moved_at.get()) > STANDSTILL {
            return true;
        }
        let expected = age.saturating_sub(grace).as_millis() * FRAME_BYTES_PER_SECOND_MIN as u128;
        expected / 1000 > self.moved.get() as u128
    }
}

/// A wait's entry, for as long as it lives.
#[derive(Debug)]
pub(crate) struct Hold<'a> {
    pressure: &'a Pressure,
    number: u64,
    wait: Rc<Wait>,
}

impl Hold<'_> {
    /// Says that the client sent or took `bytes` more.
    pub(crate) fn moved(&self, now: Instant, bytes: usize) {
        self.wait.moved_at.set(now);
        self.wait.moved.set(self.wait.moved.get() + bytes);
    }

    /// Waits until it is cut.
    pub(crate) async fn cut(&self) {
        self.wait.cut.begun().await;
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.pressure.waits.borrow_mut().remove(&self.number);
    }
}

/// Counts what somebody waits for, while they do.
struct Wanting<'a> {
    pressure: &'a Pressure,
    memory: Memory,
    bytes: usize,
}

impl<'a> Wanting<'a> {
    fn enter(pressure: &'a Pressure, memory: Memory, bytes: usize) -> Self {
        let mut wanted = pressure.wanted.get();
        wanted.add(memory, bytes);
        pressure.wanted.set(wanted);
        Self {
            pressure,
            memory,
            bytes,
        }
    }
}

impl Drop for Wanting<'_> {
    fn drop(&mut self) {
        let mut wanted = self.pressure.wanted.get();
        wanted.take(self.memory, self.bytes);
        self.pressure.wanted.set(wanted);
    }
}

impl Pressure {
    /// Enters a transfer that holds memory until its end.
    pub(crate) fn transfer(&self, now: Instant, held: Held) -> Hold<'_> {
        self.enter(Kind::Transfer { grace: GRACE }, now, held)
    }

    /// Enters a transfer whose client was kept waiting before it began.
    pub(crate) fn transfer_after_line(&self, now: Instant, held: Held) -> Hold<'_> {
        let grace = GRACE_AFTER_LINE;
        self.enter(Kind::Transfer { grace }, now, held)
    }

    /// Enters a long poll.
    pub(crate) fn poll(&self, now: Instant, held: Held) -> Hold<'_> {
        self.enter(Kind::Poll, now, held)
    }

    fn enter(&self, kind: Kind, now: Instant, held: Held) -> Hold<'_> {
        let number = self.next.get();
        self.next.set(number + 1);
        let wait = Rc::new(Wait {
            kind,
            since: now,
            held,
            moved: Cell::new(0),
            moved_at: Cell::new(now),
            cut: Ending::default(),
        });
        self.waits.borrow_mut().insert(number, Rc::clone(&wait));
        Hold {
            pressure: self,
            number,
            wait,
        }
    }

    /// Ends what is behind, the oldest first, until that gives back `wanted` bytes of `memory`.
    pub(crate) fn relieve(&self, now: Instant, memory: Memory, wanted: usize) {
        let mut freed = 0;
        for wait in self.waits.borrow().values() {
            if freed >= wanted {
                return;
            }
            if wait.held.get(memory) == 0 || !wait.is_behind(now) {
                continue;
            }
            match wait.kind {
                Kind::Transfer { .. } => marks::CUT_FOR_MEMORY.hit(),
                Kind::Poll => marks::POLL_HURRIED.hit(),
            }
            freed += wait.held.get(memory);
            wait.cut.begin();
        }
    }

    /// Reserves `bytes` from `budget`, which is that of `memory`; while that waits, others are hurried.
    pub(crate) async fn reserve(
        &self,
        runtime: &Runtime,
        (memory, budget): (Memory, &Budget),
        bytes: usize,
    ) -> Lease {
        let mut reserving = pin!(budget.reserve(bytes));
        let _wanting = Wanting::enter(self, memory, bytes);
        loop {
            self.look(runtime.now(), memory);
            match race(reserving.as_mut(), runtime.sleep(LOOK_INTERVAL)).await {
                Either::Left(lease) => return lease,
                Either::Right(()) => {}
            }
        }
    }

    /// Relieves for all who wait, unless one of them just did: as many may wait as hold.
    fn look(&self, now: Instant, memory: Memory) {
        let mut looked_at = self.looked_at.get();
        let last = &mut looked_at[memory as usize];
        if last.is_some_and(|last| now.since(last) < LOOK_INTERVAL) {
            return;
        }
        *last = Some(now);
        self.looked_at.set(looked_at);
        self.relieve(now, memory, self.wanted.get().get(memory));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWERS: Memory = Memory::Answers;

    fn seconds(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    fn held() -> Held {
        Held::of(ANSWERS, 100)
    }

    #[test]
    fn only_those_behind_are_cut_and_no_more_than_needed() {
        let pressure = Pressure::default();
        let stopped = pressure.transfer(Instant::ZERO, held());
        let steady = pressure.transfer(Instant::ZERO, held());
        let another = pressure.transfer(Instant::ZERO, held());
        let young = pressure.transfer(seconds(3), held());
        steady.moved(seconds(3), 10 * FRAME_BYTES_PER_SECOND_MIN);
        pressure.relieve(seconds(1), ANSWERS, 1_000);
        assert!(!stopped.wait.cut.has_begun(), "within its grace");
        pressure.relieve(seconds(4), ANSWERS, 50);
        assert!(stopped.wait.cut.has_begun());
        assert!(!another.wait.cut.has_begun(), "one was enough");
        drop(stopped);
        pressure.relieve(seconds(4), ANSWERS, 1_000);
        assert!(another.wait.cut.has_begun());
        assert!(!steady.wait.cut.has_begun());
        assert!(!young.wait.cut.has_begun());
        pressure.relieve(seconds(5) + Duration::from_millis(1), ANSWERS, 1);
        assert!(steady.wait.cut.has_begun(), "it stood still");
        drop((another, steady, young));
        assert!(pressure.waits.borrow().is_empty());
    }

    #[test]
    fn only_those_are_cut_who_hold_what_is_wanted() {
        let pressure = Pressure::default();
        let other = pressure.transfer(Instant::ZERO, Held::of(Memory::Large, 100));
        let poll = pressure.poll(Instant::ZERO, held());
        pressure.relieve(Instant::ZERO, ANSWERS, 1);
        assert!(!poll.wait.cut.has_begun(), "within its grace");
        pressure.relieve(seconds(2), ANSWERS, 1_000);
        assert!(poll.wait.cut.has_begun());
        assert!(!other.wait.cut.has_begun());
    }

    #[test]
    fn who_stood_in_line_has_less_grace() {
        let pressure = Pressure::default();
        let waited = pressure.transfer_after_line(seconds(1), held());
        let honest = pressure.transfer_after_line(seconds(1), held());
        waited.moved(seconds(1), 4);
        honest.moved(seconds(1), FRAME_BYTES_PER_SECOND_MIN);
        let soon = seconds(1) + GRACE_AFTER_LINE + Duration::from_millis(1);
        pressure.relieve(soon, ANSWERS, 1_000);
        assert!(waited.wait.cut.has_begun());
        assert!(!honest.wait.cut.has_begun());
    }
}
