//! Reigns: of a leader in consensus, and what clients see of them.

use core::fmt;

/// The number of a reign in consensus. The first is 1; a term at or above 2^31 is refused, so that every term is
/// a leader epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term(pub u32);

impl Term {
    /// Before the first reign.
    pub const ZERO: Self = Self(0);

    /// The next reign; None past the last that a client can be told of.
    pub fn next(self) -> Option<Self> {
        let next = self.0 + 1;
        i32::try_from(next).ok().map(|_| Self(next))
    }

    /// What clients see of it.
    pub fn leader_epoch(self) -> LeaderEpoch {
        LeaderEpoch(i32::try_from(self.0).expect("a term is below 2^31"))
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A reign as Kafka's clients see it. Never negative: minus one in a request means "not given".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaderEpoch(pub i32);

impl LeaderEpoch {
    /// The reign that it is; None where it is none, which a client may send.
    pub fn term(self) -> Option<Term> {
        u32::try_from(self.0).ok().map(Term)
    }
}

impl fmt::Display for LeaderEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_term_has_no_next() {
        assert_eq!(Term(1).next(), Some(Term(2)));
        assert_eq!(Term(i32::MAX.cast_unsigned()).next(), None);
    }

    #[test]
    fn an_epoch_is_a_term_unless_it_is_none() {
        assert_eq!(Term(7).leader_epoch().term(), Some(Term(7)));
        assert_eq!(LeaderEpoch(-1).term(), None);
    }
}
