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

use crate::ending::Ending;
use crate::marks;
use crate::memory::{Held, Memory};

mod wait;

use wait::{GRACE, GRACE_AFTER_LINE, Kind, Wait};

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

/// Who waits for a client, and holds memory.
#[derive(Debug, Default)]
pub(crate) struct Pressure {
    waits: RefCell<BTreeMap<u64, Rc<Wait>>>,
    next: Cell<u64>,
    /// What others wait for.
    wanted: Cell<Held>,
    /// When somebody last looked whom to cut, and for what.
    looked: RefCell<Vec<(Memory, Instant)>>,
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
    wanted: Held,
}

impl<'a> Wanting<'a> {
    fn enter(pressure: &'a Pressure, wanted: Held) -> Self {
        pressure.wanted.set(pressure.wanted.get().plus(wanted));
        Self { pressure, wanted }
    }
}

impl Drop for Wanting<'_> {
    fn drop(&mut self) {
        let wanted = self.pressure.wanted.get().minus(self.wanted);
        self.pressure.wanted.set(wanted);
    }
}

impl Pressure {
    /// Enters a request on its way from a client.
    pub(crate) fn receiving(&self, now: Instant, own: Held) -> Hold<'_> {
        self.enter(Kind::Receiving { grace: GRACE }, now, own, None)
    }

    /// The same where the client was kept waiting before.
    pub(crate) fn receiving_after_line(&self, now: Instant, own: Held) -> Hold<'_> {
        let grace = GRACE_AFTER_LINE;
        self.enter(Kind::Receiving { grace }, now, own, None)
    }

    /// Enters an answer on its way to a client, of a connection whose requests hold what is `behind` it.
    pub(crate) fn sending(&self, now: Instant, own: Held, behind: &Rc<Cell<Held>>) -> Hold<'_> {
        self.enter(Kind::Sending, now, own, Some(Rc::clone(behind)))
    }

    /// Enters a long poll.
    pub(crate) fn polling(&self, now: Instant, own: Held, behind: &Rc<Cell<Held>>) -> Hold<'_> {
        self.enter(Kind::Polling, now, own, Some(Rc::clone(behind)))
    }

    fn enter(
        &self,
        kind: Kind,
        now: Instant,
        own: Held,
        behind: Option<Rc<Cell<Held>>>,
    ) -> Hold<'_> {
        let number = self.next.get();
        self.next.set(number + 1);
        let wait = Rc::new(Wait {
            kind,
            since: now,
            own,
            behind,
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
            let held = wait.held(memory);
            if held == 0 || !wait.is_behind(now) {
                continue;
            }
            match wait.kind {
                Kind::Receiving { .. } | Kind::Sending => marks::CUT_FOR_MEMORY.hit(),
                Kind::Polling => marks::POLL_HURRIED.hit(),
            }
            freed += held;
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
        let _wanting = Wanting::enter(self, Held::of(memory, bytes));
        loop {
            let began = runtime.now();
            match race(reserving.as_mut(), runtime.sleep(LOOK_INTERVAL)).await {
                Either::Left(lease) => return lease,
                Either::Right(()) => self.look(began, runtime.now(), memory),
            }
        }
    }

    /// Relieves for all who wait, unless one of them just did: as many may wait as hold. Nor does it where this core
    /// itself stood still since `began`: nobody could move then.
    fn look(&self, began: Instant, now: Instant, memory: Memory) {
        if now.since(began) > LOOK_INTERVAL.saturating_add(LOOK_INTERVAL) {
            return;
        }
        let mut looked = self.looked.borrow_mut();
        if looked
            .iter()
            .any(|&(kind, last)| kind == memory && now.since(last) < LOOK_INTERVAL)
        {
            return;
        }
        looked.retain(|&(kind, _)| kind != memory);
        looked.push((memory, now));
        drop(looked);
        self.relieve(now, memory, self.wanted.get().get(memory));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::FRAME_BYTES_PER_SECOND_MIN;

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
        let stopped = pressure.receiving(Instant::ZERO, held());
        let steady = pressure.receiving(Instant::ZERO, held());
        let another = pressure.receiving(Instant::ZERO, held());
        let young = pressure.receiving(seconds(3), held());
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
        let other = pressure.receiving(Instant::ZERO, Held::of(Memory::Writes, 100));
        let poll = pressure.polling(Instant::ZERO, held(), &Rc::default());
        pressure.relieve(Instant::ZERO, ANSWERS, 1);
        assert!(!poll.wait.cut.has_begun(), "within its grace");
        pressure.relieve(seconds(2), ANSWERS, 1_000);
        assert!(poll.wait.cut.has_begun());
        assert!(!other.wait.cut.has_begun());
    }

    #[test]
    fn who_stood_in_line_has_less_grace() {
        let pressure = Pressure::default();
        let waited = pressure.receiving_after_line(seconds(1), held());
        let honest = pressure.receiving_after_line(seconds(1), held());
        waited.moved(seconds(1), 4);
        honest.moved(seconds(1), FRAME_BYTES_PER_SECOND_MIN);
        let soon = seconds(1) + GRACE_AFTER_LINE + Duration::from_millis(1);
        pressure.relieve(soon, ANSWERS, 1_000);
        assert!(waited.wait.cut.has_begun());
        assert!(!honest.wait.cut.has_begun());
    }

    #[test]
    fn a_poll_gives_back_the_writes_behind_it_and_an_answer_everything() {
        let pressure = Pressure::default();
        let behind = Rc::new(Cell::new(Held::default()));
        let poll = pressure.polling(Instant::ZERO, held(), &behind);
        let answer = pressure.sending(Instant::ZERO, held(), &behind);
        // They came later.
        let entries = Held::of(Memory::Entries, 7);
        behind.set(entries.plus(Held::of(Memory::ShortQuestions, 9)));
        for (memory, of_poll, of_answer) in [
            (ANSWERS, 100, 100),
            (Memory::Entries, 7, 7),
            (Memory::ShortQuestions, 0, 9),
        ] {
            let held = (poll.wait.held(memory), answer.wait.held(memory));
            assert_eq!(held, (of_poll, of_answer), "{memory:?}");
        }
    }
}
