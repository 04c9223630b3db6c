//! The term of each index of a log, as the first index of each reign.

use model::{LogIndex, Term};

use crate::position::Position;

/// The last frame of a log's prefix, and then the first index of each reign that begins behind it.
#[derive(Clone, Debug)]
pub(crate) struct Reigns(Vec<(LogIndex, Term)>);

impl Reigns {
    pub(crate) fn behind(last: Position) -> Self {
        Self(vec![(last.index, last.term)])
    }

    /// The last frame of the prefix.
    pub(crate) fn start(&self) -> Position {
        let (index, term) = self.0[0];
        Position { index, term }
    }

    /// The term of the last frame.
    pub(crate) fn last(&self) -> Term {
        self.0[self.0.len() - 1].1
    }

    /// The reign to which `index` belongs, which is at the prefix or behind it.
    fn place(&self, index: LogIndex) -> usize {
        self.0.partition_point(|(first, _)| *first <= index) - 1
    }

    /// The term at `index`, which is at the prefix or behind it.
    pub(crate) fn at(&self, index: LogIndex) -> Term {
        self.0[self.place(index)].1
    }

    /// Where the reign at `index` begins, as far as the log is there.
    pub(crate) fn begins(&self, index: LogIndex) -> LogIndex {
        self.0[self.place(index)].0
    }

    /// The last index of the reign at `index`; none when it is the last reign.
    pub(crate) fn ends(&self, index: LogIndex) -> Option<LogIndex> {
        let next = self.0.get(self.place(index) + 1);
        next.map(|(first, _)| LogIndex(first.0 - 1))
    }

    /// The frame at `index`, the last one, is of `term`.
    pub(crate) fn push(&mut self, index: LogIndex, term: Term) {
        if self.last() != term {
            self.0.push((index, term));
        }
    }

    /// The frame at `index` turns out to be of `term`; what comes before it is known.
    pub(crate) fn set(&mut self, index: LogIndex, term: Term) {
        let place = self.place(index);
        if self.0[place].1 == term {
            return;
        }
        self.0.insert(place + 1, (index, term));
        // What was thought to begin later begins here.
        if self.0.get(place + 2).is_some_and(|(_, next)| *next == term) {
            self.0.remove(place + 2);
        }
    }

    pub(crate) fn extend(&mut self, reigns: impl IntoIterator<Item = (LogIndex, Term)>) {
        self.0.extend(reigns);
    }

    /// Cuts off everything above `last`.
    pub(crate) fn truncate(&mut self, last: LogIndex) {
        self.0.retain(|(first, _)| *first <= last);
    }

    /// Begins behind `upto`.
    pub(crate) fn begin_behind(&mut self, upto: LogIndex) {
        let place = self.place(upto);
        self.0.drain(..place);
        self.0[0].0 = upto;
    }

    pub(crate) fn give_back(&mut self) {
        self.0.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_turns_up_moves_where_a_reign_begins() {
        let mut reigns = Reigns::behind(Position::new(2, 1));
        reigns.push(LogIndex(3), Term(1));
        // 4, 5 and 6 could not be read.
        reigns.push(LogIndex(7), Term(4));
        reigns.set(LogIndex(4), Term(1));
        reigns.set(LogIndex(5), Term(3));
        reigns.set(LogIndex(6), Term(4));
        let terms = (2..=8).map(|index| reigns.at(LogIndex(index)).0);
        assert_eq!(terms.collect::<Vec<_>>(), [1, 1, 1, 3, 4, 4, 4]);
        assert_eq!(reigns.begins(LogIndex(8)), LogIndex(6));
        assert_eq!(reigns.ends(LogIndex(3)), Some(LogIndex(4)));
        assert_eq!(reigns.ends(LogIndex(6)), None);
        reigns.begin_behind(LogIndex(5));
        assert_eq!(reigns.start(), Position::new(5, 3));
        reigns.truncate(LogIndex(5));
        assert_eq!(reigns.last(), Term(3));
    }
}
