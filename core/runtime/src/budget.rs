//! Memory budgets: a room that holds bytes on behalf of a client reserves them first and waits when there are
//! none, before anything is read. A [`Lease`] is the receipt; it may be dropped on any core.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::collections::VecDeque;
use std::sync::Arc;

use crate::handle::Runtime;
use crate::home::{Home, Returned};

/// Bytes reserved from one budget of one core, given back on drop.
pub struct Lease {
    home: Arc<Home>,
    budget: u16,
    bytes: usize,
}

impl Lease {
    pub(crate) fn new(home: Arc<Home>, budget: u16, bytes: usize) -> Self {
        Self {
            home,
            budget,
            bytes,
        }
    }

    /// Bytes reserved.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Keeps only `bytes` of it and gives the rest back.
    ///
    /// # Panics
    /// When it holds fewer.
    pub fn shrink_to(&mut self, bytes: usize) {
        assert!(bytes <= self.bytes);
        let surplus = self.bytes - bytes;
        self.bytes = bytes;
        if surplus > 0 {
            self.give_back(surplus);
        }
    }

    /// Takes `bytes` of it as a lease of their own.
    ///
    /// # Panics
    /// When it holds fewer.
    #[must_use]
    pub fn split(&mut self, bytes: usize) -> Self {
        assert!(bytes <= self.bytes);
        self.bytes -= bytes;
        Self::new(Arc::clone(&self.home), self.budget, bytes)
    }

    fn give_back(&self, bytes: usize) {
        self.home.give_back(Returned {
            block: None,
            lease: Some((self.budget, bytes)),
        });
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.give_back(self.bytes);
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lease({} bytes)", self.bytes)
    }
}

/// Someone waiting for bytes.
#[derive(Debug)]
struct Waiter {
    ticket: u64,
    bytes: usize,
    /// None while it was not polled since it became its turn.
    waker: Option<Waker>,
    granted: bool,
}

/// One budget's books. Waiters are served in the order in which they came: a large reservation is not starved by
/// small ones behind it.
#[derive(Debug)]
pub(crate) struct Ledger {
    name: &'static str,
    limit: usize,
    used: usize,
    used_peak: usize,
    waits: u64,
    next_ticket: u64,
    waiters: VecDeque<Waiter>,
}

impl Ledger {
    pub(crate) fn new(name: &'static str, limit: usize) -> Self {
        Self {
            name,
            limit,
            used: 0,
            used_peak: 0,
            waits: 0,
            next_ticket: 0,
            waiters: VecDeque::new(),
        }
    }

    /// Takes `bytes` now if they are free and nobody waits.
    fn try_take(&mut self, bytes: usize) -> bool {
        let free = self.limit - self.used;
        let fits = bytes <= free && self.waiters.is_empty();
        if fits {
            self.take(bytes);
        }
        fits
    }

    fn take(&mut self, bytes: usize) {
        self.used += bytes;
        self.used_peak = self.used_peak.max(self.used);
    }

    /// Gives `bytes` back and grants those at the head of the line whom the free bytes satisfy.
    pub(crate) fn give_back(&mut self, bytes: usize, woken: &mut Vec<Waker>) {
        assert!(
            bytes <= self.used,
            "budget {} was given back more than was taken",
            self.name
        );
        self.used -= bytes;
        self.grant(woken);
    }

    fn grant(&mut self, woken: &mut Vec<Waker>) {
        for index in 0..self.waiters.len() {
            if self.waiters[index].granted {
                continue;
            }
            if self.waiters[index].bytes > self.limit - self.used {
                return;
            }
            let bytes = self.waiters[index].bytes;
            self.take(bytes);
            self.waiters[index].granted = true;
            woken.extend(self.waiters[index].waker.take());
        }
    }

    fn enqueue(&mut self, bytes: usize) -> u64 {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.waits += 1;
        self.waiters.push_back(Waiter {
            ticket,
            bytes,
            waker: None,
            granted: false,
        });
        ticket
    }

    /// Whether `ticket` was granted; it leaves the line then. Otherwise `waker` is called when it is.
    fn poll(&mut self, ticket: u64, waker: &Waker) -> bool {
        let index = self.position(ticket);
        if self.waiters[index].granted {
            self.waiters.remove(index);
            return true;
        }
        self.waiters[index].waker = Some(waker.clone());
        false
    }

    /// Leaves the line; bytes granted meanwhile go on to the next.
    fn leave(&mut self, ticket: u64, woken: &mut Vec<Waker>) {
        let index = self.position(ticket);
        let waiter = self.waiters.remove(index).expect("found above");
        if waiter.granted {
            self.used -= waiter.bytes;
        }
        self.grant(woken);
    }

    fn position(&self, ticket: u64) -> usize {
        self.waiters
            .binary_search_by_key(&ticket, |waiter| waiter.ticket)
            .expect("a ticket stays in line until it is taken or left")
    }
}

/// A named share of one core's memory.
#[derive(Clone)]
pub struct Budget {
    runtime: Runtime,
    number: u16,
}

impl Budget {
    pub(crate) fn new(runtime: Runtime, number: u16) -> Self {
        Self { runtime, number }
    }

    /// Reserves `bytes`, waiting in line for them.
    ///
    /// # Panics
    /// When `bytes` is above the whole budget: nobody could ever give that; the caller refuses such sizes first.
    pub fn reserve(&self, bytes: usize) -> Reserve {
        assert!(
            bytes <= self.limit(),
            "a reservation above the whole budget"
        );
        Reserve {
            budget: self.clone(),
            bytes,
            ticket: None,
            done: false,
        }
    }

    /// Reserves `bytes` if they are free now.
    pub fn try_reserve(&self, bytes: usize) -> Option<Lease> {
        self.with(|ledger| ledger.try_take(bytes))
            .then(|| self.lease(bytes))
    }

    /// Bytes in all.
    pub fn limit(&self) -> usize {
        self.with(|ledger| ledger.limit)
    }

    /// Bytes reserved now.
    pub fn used(&self) -> usize {
        self.with(|ledger| ledger.used)
    }

    /// The most bytes ever reserved at once.
    pub fn used_peak(&self) -> usize {
        self.with(|ledger| ledger.used_peak)
    }

    /// Reservations that had to wait.
    pub fn waits(&self) -> u64 {
        self.with(|ledger| ledger.waits)
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.with(|ledger| ledger.name)
    }

    fn lease(&self, bytes: usize) -> Lease {
        Lease::new(Arc::clone(self.runtime.home()), self.number, bytes)
    }

    fn with<R>(&self, f: impl FnOnce(&mut Ledger) -> R) -> R {
        self.runtime.take_own_returns();
        f(&mut self.runtime.ledgers()[usize::from(self.number)])
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Budget({}: {} of {} bytes)",
            self.name(),
            self.used(),
            self.limit()
        )
    }
}

/// A reservation on its way.
#[derive(Debug)]
pub struct Reserve {
    budget: Budget,
    bytes: usize,
    ticket: Option<u64>,
    done: bool,
}

impl Future for Reserve {
    type Output = Lease;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Lease> {
        let bytes = self.bytes;
        let ticket = match self.ticket {
            Some(ticket) => ticket,
            None if self.budget.with(|ledger| ledger.try_take(bytes)) => {
                self.done = true;
                return Poll::Ready(self.budget.lease(bytes));
            }
            None => self.budget.with(|ledger| ledger.enqueue(bytes)),
        };
        self.ticket = Some(ticket);
        if self
            .budget
            .with(|ledger| ledger.poll(ticket, context.waker()))
        {
            self.done = true;
            return Poll::Ready(self.budget.lease(bytes));
        }
        Poll::Pending
    }
}

impl Drop for Reserve {
    fn drop(&mut self) {
        if let (Some(ticket), false) = (self.ticket, self.done) {
            let mut woken = Vec::new();
            self.budget.with(|ledger| ledger.leave(ticket, &mut woken));
            woken.into_iter().for_each(Waker::wake);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_served_in_order_and_leaving_it_serves_the_next() {
        let mut ledger = Ledger::new("test", 10);
        let mut woken = Vec::new();
        assert!(ledger.try_take(8));
        let large = ledger.enqueue(5);
        let small = ledger.enqueue(2);
        assert!(!ledger.try_take(1), "nobody overtakes the line");
        assert!(!ledger.poll(small, Waker::noop()));
        ledger.give_back(1, &mut woken);
        assert!(
            !ledger.poll(small, Waker::noop()),
            "the small one waits behind the large one"
        );
        ledger.leave(large, &mut woken);
        assert!(ledger.poll(small, Waker::noop()));
        assert_eq!((ledger.used, ledger.used_peak, ledger.waits), (9, 9, 2));
    }

    #[test]
    fn leaving_after_the_grant_gives_the_bytes_back() {
        let mut ledger = Ledger::new("test", 10);
        let mut woken = Vec::new();
        assert!(ledger.try_take(10));
        let first = ledger.enqueue(10);
        let second = ledger.enqueue(10);
        ledger.give_back(10, &mut woken);
        ledger.leave(first, &mut woken);
        assert!(ledger.poll(second, Waker::noop()));
        assert_eq!(ledger.used, 10);
    }
}
