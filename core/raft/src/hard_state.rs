//! What a replica must never forget, and the order in which it becomes durable.

use model::Term;
use stdx::mutant;

use crate::position::Position;
use crate::replica::ReplicaId;

/// One atomic record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HardState {
    /// The latest reign that it has heard of.
    pub term: Term,
    /// To whom it gave its vote in that reign.
    pub vote: Option<ReplicaId>,
    /// The tail of its log when it last promised something by it: what it has acknowledged as durable reaches at least
    /// here, whatever its disk says later [protocol-aware recovery].
    pub claimed: Position,
}

/// The hard state as it is, and how much of it is durable. One write is on its way at a time; what changes meanwhile
/// goes with the next one.
#[derive(Clone, Debug)]
pub(crate) struct HardStateWriter {
    current: HardState,
    /// Counts the changes.
    changed: u64,
    /// The change up to which a write is on its way.
    writing: Option<u64>,
    durable: u64,
}

impl HardStateWriter {
    /// One whose state is durable.
    pub(crate) fn new(current: HardState) -> Self {
        Self {
            current,
            changed: 0,
            writing: None,
            durable: 0,
        }
    }

    pub(crate) fn get(&self) -> &HardState {
        &self.current
    }

    /// Changes it. What reveals the change waits for [`Self::changed`].
    pub(crate) fn set(&mut self, state: HardState) {
        if state != self.current {
            self.current = state;
            self.changed += 1;
        }
    }

    /// The number of the last change.
    pub(crate) fn changed(&self) -> u64 {
        self.changed
    }

    /// The number of the last change that is durable.
    pub(crate) fn durable(&self) -> u64 {
        if mutant!(R01) || mutant!(R02) {
            return self.changed;
        }
        self.durable
    }

    /// The write to begin, if there is something to write and none is on its way.
    pub(crate) fn next_write(&mut self) -> Option<(u64, HardState)> {
        if self.writing.is_some() || self.durable == self.changed || mutant!(R02) {
            return None;
        }
        self.writing = Some(self.changed);
        Some((self.changed, self.current))
    }

    /// A write is durable. False when it is not the one that is on its way.
    pub(crate) fn written(&mut self, sequence: u64) -> bool {
        let awaited = self.writing == Some(sequence);
        if awaited {
            self.writing = None;
            self.durable = sequence;
        }
        awaited
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_write_at_a_time_and_the_last_change_wins() {
        let mut writer = HardStateWriter::new(HardState::default());
        assert_eq!(writer.next_write(), None);
        let term = |number| HardState {
            term: Term(number),
            ..HardState::default()
        };
        writer.set(term(1));
        assert_eq!(writer.next_write(), Some((1, term(1))));
        writer.set(term(2));
        writer.set(term(3));
        assert_eq!(writer.next_write(), None, "one is on its way");
        assert!(!writer.written(7), "that is not the one");
        assert_eq!(writer.durable(), 0);
        assert!(writer.written(1));
        assert_eq!(writer.durable(), 1);
        assert_eq!(writer.next_write(), Some((3, term(3))));
        assert!(writer.written(3));
        assert_eq!((writer.durable(), writer.changed()), (3, 3));
    }
}
