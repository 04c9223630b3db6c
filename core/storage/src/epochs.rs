//! Which reign appended what: the epoch map, derived from the log and never trusted over it.

use model::{LogIndex, Offset, Term};

/// Where a reign begins in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochStart {
    /// The reign.
    pub term: Term,
    /// Its first frame.
    pub index: LogIndex,
    /// The offset with which it begins.
    pub offset: Offset,
}

/// The reigns of a log, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EpochMap {
    starts: Vec<EpochStart>,
}

impl EpochMap {
    /// Notes a frame; reigns come in order.
    pub fn push(&mut self, start: EpochStart) {
        if self.last().is_none_or(|last| last < start.term) {
            self.starts.push(start);
        }
    }

    /// The first frame of each reign.
    pub fn starts(&self) -> impl Iterator<Item = (LogIndex, Term)> {
        self.starts.iter().map(|start| (start.index, start.term))
    }

    /// The last reign that appended something.
    pub fn last(&self) -> Option<Term> {
        self.starts.last().map(|start| start.term)
    }

    /// The reign in which the frame `index` was appended.
    pub fn term_at(&self, index: LogIndex) -> Option<Term> {
        let after = self.starts.partition_point(|start| start.index <= index);
        Some(self.starts.get(after.checked_sub(1)?)?.term)
    }

    /// The reigns of the frames from `first` to `last`, each from its first frame there on; `first` has the offset
    /// `offset`.
    pub(crate) fn within(
        &self,
        first: LogIndex,
        last: LogIndex,
        offset: Offset,
    ) -> Vec<EpochStart> {
        let begun = self.term_at(first).map(|term| EpochStart {
            term,
            index: first,
            offset,
        });
        let inner = self.starts.iter().copied();
        let inner = inner.filter(|start| start.index > first && start.index <= last);
        begun.into_iter().chain(inner).collect()
    }

    /// The largest reign that is not after `term`, and the offset with which the one after it begins; None there
    /// when it is the last, and `log_end` is the answer [KIP-279].
    pub fn end_of(&self, term: Term) -> Option<(Term, Option<Offset>)> {
        let after = self.starts.partition_point(|start| start.term <= term);
        let found = self.starts.get(after.checked_sub(1)?)?;
        Some((found.term, self.starts.get(after).map(|next| next.offset)))
    }

    /// Forgets what begins after the frame `last`.
    pub fn cut(&mut self, last: LogIndex) {
        self.starts.retain(|start| start.index <= last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reigns_are_found_by_frame_and_by_number() {
        let mut map = EpochMap::default();
        for (term, index) in [(2, 1), (2, 2), (3, 3), (7, 5), (7, 6)] {
            map.push(EpochStart {
                term: Term(term),
                index: LogIndex(index),
                offset: Offset(10 * index.cast_signed()),
            });
        }
        assert_eq!(map.term_at(LogIndex(0)), None);
        assert_eq!(map.term_at(LogIndex(2)), Some(Term(2)));
        assert_eq!(map.term_at(LogIndex(4)), Some(Term(3)));
        assert_eq!(map.end_of(Term(1)), None);
        assert_eq!(map.end_of(Term(5)), Some((Term(3), Some(Offset(50)))));
        assert_eq!(map.end_of(Term(9)), Some((Term(7), None)));
        map.cut(LogIndex(4));
        assert_eq!(map.last(), Some(Term(3)));
    }
}
