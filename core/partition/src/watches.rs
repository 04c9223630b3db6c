//! Who waits for more to be visible, by offset and by deadline. Pure.

use std::collections::BTreeMap;

use model::Offset;
use stdx::Instant;

/// Waiters of one partition.
#[derive(Debug)]
pub(crate) struct Watches<T> {
    by_offset: BTreeMap<(Offset, u64), (Instant, T)>,
    by_deadline: BTreeMap<(Instant, u64), Offset>,
    next: u64,
}

impl<T> Default for Watches<T> {
    fn default() -> Self {
        Self {
            by_offset: BTreeMap::new(),
            by_deadline: BTreeMap::new(),
            next: 0,
        }
    }
}

impl<T> Watches<T> {
    /// Adds a waiter that has seen `offset`.
    pub(crate) fn add(&mut self, offset: Offset, deadline: Instant, waiter: T) {
        let number = self.next;
        self.next += 1;
        self.by_offset.insert((offset, number), (deadline, waiter));
        self.by_deadline.insert((deadline, number), offset);
    }

    /// Whether nobody waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_offset.is_empty()
    }

    /// Takes out a waiter for whom `high_watermark` is news, the one with the lowest offset.
    pub(crate) fn passed(&mut self, high_watermark: Offset) -> Option<T> {
        let first = self
            .by_offset
            .first_entry()
            .filter(|first| first.key().0 < high_watermark)?;
        let ((_, number), (deadline, waiter)) = first.remove_entry();
        self.by_deadline.remove(&(deadline, number));
        Some(waiter)
    }

    /// Takes out a waiter whose deadline is over, the one that was due first.
    pub(crate) fn expired(&mut self, now: Instant) -> Option<T> {
        let first = self
            .by_deadline
            .first_entry()
            .filter(|first| first.key().0 <= now)?;
        let ((_, number), offset) = first.remove_entry();
        self.by_offset
            .remove(&(offset, number))
            .map(|(_, waiter)| waiter)
    }

    /// The next deadline.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.by_deadline
            .first_key_value()
            .map(|((deadline, _), _)| *deadline)
    }

    /// Takes all out.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = T> + use<T> {
        self.by_deadline.clear();
        core::mem::take(&mut self.by_offset)
            .into_values()
            .map(|(_, waiter)| waiter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: u64) -> Instant {
        Instant::from_nanos(nanos)
    }

    #[test]
    fn a_waiter_leaves_once_by_offset_or_by_deadline() {
        let mut watches = Watches::default();
        watches.add(Offset(5), at(10), 'a');
        watches.add(Offset(3), at(30), 'b');
        watches.add(Offset(9), at(20), 'c');
        assert_eq!(watches.next_deadline(), Some(at(10)));
        assert_eq!(
            watches.passed(Offset(3)),
            None,
            "the one who saw 3 learns nothing from 3"
        );
        assert_eq!(watches.passed(Offset(4)), Some('b'));
        assert_eq!(watches.expired(at(9)), None);
        assert_eq!(watches.expired(at(10)), Some('a'));
        assert_eq!(watches.passed(Offset(6)), None);
        assert_eq!(watches.next_deadline(), Some(at(20)));
        assert_eq!(watches.drain().collect::<String>(), "c");
        assert_eq!(
            (watches.next_deadline(), watches.expired(at(99))),
            (None, None)
        );
    }
}
