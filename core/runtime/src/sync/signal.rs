//! Something changed: whoever waited looks again.

use core::cell::{Cell, RefCell};
use core::future::{Future, poll_fn};
use core::task::{Poll, Waker};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Counts changes and wakes who waits for the next one.
///
/// Take the count with [`Signal::seen`] *before* looking at the state, then wait with it: no change is missed.
#[derive(Clone, Debug, Default)]
pub struct Signal(Rc<State>);

#[derive(Debug, Default)]
struct State {
    changes: Cell<u64>,
    next_waiter: Cell<u64>,
    /// In the order in which they came.
    waiters: RefCell<BTreeMap<u64, Waker>>,
}

impl Signal {
    /// A signal without changes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Changes so far.
    pub fn seen(&self) -> u64 {
        self.0.changes.get()
    }

    /// Counts a change and wakes everybody.
    pub fn notify(&self) {
        self.0.changes.set(self.0.changes.get() + 1);
        let waiters = self.0.waiters.take();
        waiters.into_values().for_each(Waker::wake);
    }

    /// Waits until there are more changes than `seen`.
    pub fn changed(&self, seen: u64) -> impl Future<Output = ()> + use<> {
        let mut place = Place {
            signal: self.clone(),
            number: None,
        };
        poll_fn(move |context| place.poll(seen, context.waker()))
    }
}

/// One waiter's place in line.
struct Place {
    signal: Signal,
    number: Option<u64>,
}

impl Place {
    fn poll(&mut self, seen: u64, waker: &Waker) -> Poll<()> {
        if self.signal.seen() > seen {
            return Poll::Ready(());
        }
        let state = &self.signal.0;
        let number = *self.number.get_or_insert_with(|| {
            let number = state.next_waiter.get();
            state.next_waiter.set(number + 1);
            number
        });
        state.waiters.borrow_mut().insert(number, waker.clone());
        Poll::Pending
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.signal.0.waiters.borrow_mut().remove(&number);
        }
    }
}
