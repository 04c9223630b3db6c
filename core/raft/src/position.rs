//! A place in a log, and whose it is.

use core::fmt;

use model::{LogIndex, Term};

/// A frame by its index and the term in which it was first appended. Two logs that have the same position hold the
/// same frames up to it [raft §5.3].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Position {
    /// Where.
    pub index: LogIndex,
    /// Whose.
    pub term: Term,
}

impl Position {
    /// Before the first frame.
    pub const ZERO: Self = Self {
        index: LogIndex::ZERO,
        term: Term::ZERO,
    };

    /// A position by its numbers.
    pub const fn new(index: u64, term: u32) -> Self {
        Self {
            index: LogIndex(index),
            term: Term(term),
        }
    }

    /// Whether a log that ends here holds all that one that ends at `other` can have committed [raft §5.4.1].
    pub fn is_up_to_date(self, other: Self) -> bool {
        (self.term, self.index) >= (other.term, other.index)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.term)
    }
}
