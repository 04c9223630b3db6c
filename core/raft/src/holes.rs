//! Frames of a log that cannot be read any more.

use model::LogIndex;

/// A range of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hole {
    /// The first.
    pub first: LogIndex,
    /// The last.
    pub last: LogIndex,
    /// The checksum that the last one had, as the frame behind it says: each frame is chained to the one before.
    pub chain: Option<u32>,
    /// What was in it is known.
    pub seen: bool,
}

/// Holes, in order and apart from each other.
/// Most logs have none: a row of fixed length needs the least room for that.
#[derive(Clone, Debug, Default)]
pub(crate) struct Holes(Box<[Hole]>);

impl Holes {
    /// Whether what was in them is known.
    pub(crate) fn are_seen(&self) -> bool {
        self.0.iter().all(|hole| hole.seen)
    }

    pub(crate) fn first(&self) -> Option<Hole> {
        self.0.first().copied()
    }

    pub(crate) fn last(&self) -> Option<Hole> {
        self.0.last().copied()
    }

    /// The one that `index` is in.
    pub(crate) fn at(&self, index: LogIndex) -> Option<Hole> {
        let after = self.0.partition_point(|hole| hole.first <= index);
        let hole = *self.0.get(after.checked_sub(1)?)?;
        (index <= hole.last).then_some(hole)
    }

    /// The first one that ends at `index` or behind it.
    pub(crate) fn from(&self, index: LogIndex) -> Option<Hole> {
        let before = self.0.partition_point(|hole| hole.last < index);
        self.0.get(before).copied()
    }

    /// Nothing in `hole` can be read. What is a hole already stays as it is: more may be known of it.
    pub(crate) fn add(&mut self, hole: Hole) {
        let mut first = hole.first;
        let mut parts = Vec::new();
        for other in self.0.iter().filter(|other| other.last >= hole.first) {
            if first < other.first && first <= hole.last {
                let last = LogIndex(other.first.0 - 1).min(hole.last);
                let chain = hole.chain.filter(|_| last == hole.last);
                parts.push(Hole {
                    first,
                    last,
                    chain,
                    ..hole
                });
            }
            first = first.max(other.last.next());
        }
        if first <= hole.last {
            parts.push(Hole { first, ..hole });
        }
        parts.extend_from_slice(&self.0);
        parts.sort_by_key(|hole| hole.first);
        self.0 = parts.into();
    }

    /// What is between `first` and `last` can be read again; `chain` is the checksum of the frame before that.
    pub(crate) fn fill(&mut self, first: LogIndex, last: LogIndex, chain: Option<u32>) {
        if self.0.is_empty() {
            return;
        }
        let mut left = Vec::with_capacity(self.0.len() + 1);
        for &hole in &self.0 {
            if hole.last < first || last < hole.first {
                left.push(hole);
                continue;
            }
            if hole.first < first {
                let last = LogIndex(first.0 - 1);
                left.push(Hole {
                    last,
                    chain,
                    ..hole
                });
            }
            if last < hole.last {
                let first = last.next();
                left.push(Hole { first, ..hole });
            }
        }
        self.0 = left.into();
    }

    /// Nothing up to `upto` is wanted any more.
    pub(crate) fn begin_behind(&mut self, upto: LogIndex) {
        self.fill(LogIndex::ZERO, upto, None);
    }

    /// Nothing above `last` is in the log any more.
    pub(crate) fn truncate(&mut self, last: LogIndex) {
        self.fill(last.next(), LogIndex(u64::MAX), None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn hole(first: u64, last: u64, chain: Option<u32>) -> Hole {
        Hole {
            first: LogIndex(first),
            last: LogIndex(last),
            chain,
            seen: true,
        }
    }

    proptest! {
        #[test]
        fn they_are_the_indices_that_were_lost_and_not_filled(
            steps in prop::collection::vec((any::<bool>(), 1..30_u64, 0..6_u64), 0..40)
        ) {
            let mut holes = Holes::default();
            let mut model = BTreeSet::new();
            for (add, first, more) in steps {
                let last = first + more;
                if add {
                    holes.add(Hole { seen: false, ..hole(first, last, None) });
                    model.extend(first..=last);
                } else {
                    holes.fill(LogIndex(first), LogIndex(last), None);
                    model.retain(|index| !(first..=last).contains(index));
                }
                for index in 1..40 {
                    prop_assert_eq!(holes.at(LogIndex(index)).is_some(), model.contains(&index));
                }
                prop_assert_eq!(holes.first().map(|hole| hole.first.0), model.first().copied());
                prop_assert_eq!(holes.last().map(|hole| hole.last.0), model.last().copied());
                prop_assert!(holes.0.windows(2).all(|pair| pair[0].last < pair[1].first));
            }
        }
    }

    #[test]
    fn the_frame_behind_a_hole_says_what_its_last_one_was() {
        let mut holes = Holes::default();
        holes.add(hole(3, 6, Some(66)));
        holes.fill(LogIndex(5), LogIndex(5), Some(44));
        assert_eq!(*holes.0, [hole(3, 4, Some(44)), hole(6, 6, Some(66))]);
        holes.add(hole(2, 8, None));
        let all = [
            hole(2, 2, None),
            hole(3, 4, Some(44)),
            hole(5, 5, None),
            hole(6, 6, Some(66)),
            hole(7, 8, None),
        ];
        assert_eq!(*holes.0, all);
    }
}
