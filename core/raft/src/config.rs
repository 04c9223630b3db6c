//! Who votes, and how many of them are enough.

use core::fmt;
use std::collections::BTreeSet;

use smallvec::SmallVec;

use crate::replica::ReplicaId;

/// A set of voters that decides by majority.
pub type Voters = BTreeSet<ReplicaId>;

/// A configuration. It is in force from the moment in which it is in the log, committed or not, and out of force when
/// it is cut off again [raft §6].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Who votes; in a joint configuration, who is to.
    pub voters: Voters,
    /// In a joint configuration, who voted before: both sets have to agree to everything.
    pub outgoing: Option<Voters>,
    /// Who is told everything and asked nothing.
    pub learners: BTreeSet<ReplicaId>,
}

impl Config {
    /// A configuration of voters alone.
    pub fn of(voters: impl IntoIterator<Item = ReplicaId>) -> Self {
        Self {
            voters: voters.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Whether two sets have to agree.
    pub fn is_joint(&self) -> bool {
        self.outgoing.is_some()
    }

    /// The sets that have to agree.
    pub fn sets(&self) -> impl Iterator<Item = &Voters> {
        core::iter::once(&self.voters).chain(&self.outgoing)
    }

    /// Whether `replica` votes in any set.
    pub fn is_voter(&self, replica: ReplicaId) -> bool {
        self.sets().any(|set| set.contains(&replica))
    }

    /// Whether `replica` is told everything and asked nothing.
    pub fn is_learner(&self, replica: ReplicaId) -> bool {
        !self.learners.is_empty() && self.learners.contains(&replica) && !self.is_voter(replica)
    }

    /// Whether `replica` is told what happens.
    pub fn is_member(&self, replica: ReplicaId) -> bool {
        self.is_voter(replica) || self.learners.contains(&replica)
    }

    /// Whether `replica` alone votes: there is nobody to ask, and nobody else who could lead.
    pub fn is_alone(&self, replica: ReplicaId) -> bool {
        self.sets().flatten().all(|&voter| voter == replica) && self.is_voter(replica)
    }

    /// Everyone who is told what happens, in order, each once.
    pub fn members(&self) -> BTreeSet<ReplicaId> {
        let voters = self.sets().flatten();
        voters.chain(&self.learners).copied().collect()
    }

    /// Whether those who `agree` are a majority of every set. A set without voters never agrees [redpanda 2290].
    pub fn is_quorum(&self, agrees: impl Fn(ReplicaId) -> bool) -> bool {
        self.sets().all(|set| {
            let count = set.iter().filter(|&&voter| agrees(voter)).count();
            count > set.len() / 2
        })
    }

    /// The largest value that a majority of every set has at least.
    pub fn agreed<T: Ord + Copy + Default>(&self, value: impl Fn(ReplicaId) -> T) -> T {
        let of_set = |set: &Voters| {
            let mut values: SmallVec<[T; 8]> = set.iter().map(|&voter| value(voter)).collect();
            values.sort_unstable();
            let majority = set.len() / 2 + 1;
            values
                .len()
                .checked_sub(majority)
                .map_or(T::default(), |place| values[place])
        };
        self.sets().map(of_set).min().unwrap_or_default()
    }
}

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |set: &BTreeSet<ReplicaId>| {
            let names: Vec<String> = set.iter().map(ToString::to_string).collect();
            names.join(" ")
        };
        write!(f, "({})", list(&self.voters))?;
        if let Some(outgoing) = &self.outgoing {
            write!(f, "&({})", list(outgoing))?;
        }
        if !self.learners.is_empty() {
            write!(f, " learners ({})", list(&self.learners))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(numbers: &[i32]) -> Voters {
        numbers.iter().copied().map(ReplicaId::first).collect()
    }

    fn agrees(config: &Config, who: &[i32]) -> bool {
        let who = set(who);
        config.is_quorum(|replica| who.contains(&replica))
    }

    #[test]
    fn a_majority_is_more_than_half() {
        let of = |numbers: &[i32]| Config::of(set(numbers));
        assert!(agrees(&of(&[1]), &[1]));
        assert!(!agrees(&of(&[1, 2]), &[1]));
        assert!(agrees(&of(&[1, 2, 3]), &[1, 3]));
        assert!(!agrees(&of(&[1, 2, 3, 4]), &[1, 2]));
        assert!(!agrees(&of(&[]), &[1, 2, 3]), "nobody never agrees");
    }

    #[test]
    fn both_sets_have_to_agree() {
        let joint = Config {
            voters: set(&[3, 4, 5]),
            outgoing: Some(set(&[1, 2, 3])),
            learners: set(&[6]),
        };
        assert!(agrees(&joint, &[1, 3, 4]));
        assert!(!agrees(&joint, &[3, 4, 5]));
        assert!(!agrees(&joint, &[1, 2, 3]));
        assert!(!agrees(&joint, &[3, 6]));
        let value = |replica: ReplicaId| u64::from(replica.node.0.unsigned_abs()) * 10;
        assert_eq!(joint.agreed(value), 20, "of 10 20 30, not of 30 40 50");
        assert_eq!(joint.members(), set(&[1, 2, 3, 4, 5, 6]));
    }

    #[test]
    fn one_who_votes_alone_knows_it() {
        let one = ReplicaId::first(1);
        assert!(Config::of([one]).is_alone(one));
        assert!(!Config::of([one]).is_alone(ReplicaId::first(2)));
        assert!(!Config::of(set(&[1, 2])).is_alone(one));
        assert!(!Config::default().is_alone(one));
        let joint = Config {
            voters: set(&[1]),
            outgoing: Some(set(&[1, 2])),
            ..Config::default()
        };
        assert!(!joint.is_alone(one));
    }

    #[test]
    fn agreed_is_what_a_majority_has() {
        let config = Config::of(set(&[1, 2, 3, 4]));
        let value = |replica: ReplicaId| match replica.node.0 {
            1 => 7,
            2 => 5,
            3 => 9,
            _ => 1,
        };
        assert_eq!(config.agreed(value), 5);
        assert_eq!(Config::default().agreed(value), 0);
    }
}
