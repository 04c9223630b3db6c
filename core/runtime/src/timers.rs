//! Timers of one core, in the order in which they are due; equal deadlines in the order of their making.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::collections::BTreeMap;

use stdx::Instant;

use crate::handle::Runtime;

/// Deadlines and whom to wake.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    entries: BTreeMap<(Instant, u64), Waker>,
    next: u64,
}

impl Timers {
    fn add(&mut self, deadline: Instant, waker: Waker) -> (Instant, u64) {
        let key = (deadline, self.next);
        self.next += 1;
        self.entries.insert(key, waker);
        key
    }

    /// The earliest deadline.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.entries
            .first_key_value()
            .map(|((deadline, _), _)| *deadline)
    }

    /// Takes one timer that is due at `now`.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<(Instant, Waker)> {
        let entry = self.entries.first_entry()?;
        let deadline = entry.key().0;
        (deadline <= now).then(|| (deadline, entry.remove()))
    }
}

/// Ready at its deadline.
#[derive(Debug)]
pub struct Sleep {
    runtime: Runtime,
    deadline: Instant,
    key: Option<(Instant, u64)>,
}

impl Sleep {
    pub(crate) fn new(runtime: Runtime, deadline: Instant) -> Self {
        Self {
            runtime,
            deadline,
            key: None,
        }
    }

    fn forget(&mut self) {
        if let Some(key) = self.key.take() {
            self.runtime.timers().entries.remove(&key);
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.runtime.now() >= self.deadline {
            self.forget();
            return Poll::Ready(());
        }
        let deadline = self.deadline;
        let runtime = self.runtime.clone();
        let mut timers = runtime.timers();
        // A timer stays in its place when the task is polled for another reason.
        if let Some(waker) = self.key.and_then(|key| timers.entries.get_mut(&key)) {
            waker.clone_from(context.waker());
        } else {
            self.key = Some(timers.add(deadline, context.waker().clone()));
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.forget();
    }
}
