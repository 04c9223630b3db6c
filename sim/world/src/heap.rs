//! The event heap: what happens next. Its time is the only time there is.

use core::cmp::Ordering;
use std::collections::BinaryHeap;

use stdx::Instant;

use crate::event::Event;

/// One event to come. Equal times keep the order in which they were scheduled.
#[derive(Clone, Copy, Debug)]
struct Scheduled {
    at: Instant,
    sequence: u64,
    event: Event,
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.sequence == other.sequence
    }
}

impl Eq for Scheduled {}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scheduled {
    /// The earliest is the greatest: the standard heap gives the greatest first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.sequence).cmp(&(self.at, self.sequence))
    }
}

/// Events to come, and the time of the last one taken.
#[derive(Debug, Default)]
pub(crate) struct EventHeap {
    scheduled: BinaryHeap<Scheduled>,
    now: Instant,
    sequence: u64,
}

impl EventHeap {
    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    /// Schedules `event`. What is past happens now.
    pub(crate) fn push(&mut self, at: Instant, event: Event) {
        let sequence = self.sequence;
        self.sequence += 1;
        self.scheduled.push(Scheduled {
            at: at.max(self.now),
            sequence,
            event,
        });
    }

    /// Takes the next event, if it is not after `limit`, and moves time to it.
    pub(crate) fn pop(&mut self, limit: Instant) -> Option<Event> {
        if self.scheduled.peek()?.at > limit {
            return None;
        }
        let next = self.scheduled.pop()?;
        self.now = next.at;
        Some(next.event)
    }

    /// Lets time pass to `target` when nothing is left before it.
    pub(crate) fn pass(&mut self, target: Instant) {
        self.now = self.now.max(target);
    }
}
