//! Proposals that wait for their outcome, in the order of the log. Pure.

use std::collections::VecDeque;

use model::{LogIndex, Term};

/// Whoever proposed frame `index` in `term`, and what to tell when it is committed.
#[derive(Debug)]
struct Pending<T> {
    index: LogIndex,
    term: Term,
    waiter: T,
}

/// The exact outcome of a proposal that was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Durable, and it will not be taken back.
    Committed,
    /// Known never to be served.
    Lost,
    /// It may or may not be served later.
    Unknown,
}

/// Proposals in flight.
///
/// A proposal is committed when the commit reaches its frame *and* the log has there the term in which it was
/// proposed; it is lost when a frame of another term was committed in its place. Anything else that ends the wait
/// leaves it unknown [redpanda 3003].
#[derive(Debug)]
pub(crate) struct Outcomes<T> {
    pending: VecDeque<Pending<T>>,
}

impl<T> Default for Outcomes<T> {
    fn default() -> Self {
        Self {
            pending: VecDeque::new(),
        }
    }
}

impl<T> Outcomes<T> {
    /// Adds a proposal; they come in the order of the log.
    pub(crate) fn push(&mut self, index: LogIndex, term: Term, waiter: T) {
        assert!(self.pending.back().is_none_or(|last| last.index <= index));
        self.pending.push_back(Pending {
            index,
            term,
            waiter,
        });
    }

    /// The oldest proposal whose outcome `commit` decides. `term_at` says whose frame the log has there.
    pub(crate) fn decided(
        &mut self,
        commit: LogIndex,
        term_at: impl Fn(LogIndex) -> Option<Term>,
    ) -> Option<(T, Outcome)> {
        let Pending {
            index,
            term,
            waiter,
        } = self.pending.pop_front_if(|first| first.index <= commit)?;
        let outcome = if term_at(index) == Some(term) {
            Outcome::Committed
        } else {
            Outcome::Lost
        };
        Some((waiter, outcome))
    }

    /// Ends all waits.
    pub(crate) fn abandon(&mut self) -> impl Iterator<Item = (T, Outcome)> + use<T> {
        core::mem::take(&mut self.pending)
            .into_iter()
            .map(|pending| (pending.waiter, Outcome::Unknown))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(outcomes: &mut Outcomes<char>, commit: u64, term_at: &[u32]) -> Vec<(char, Outcome)> {
        let term_at = |index: LogIndex| {
            let at = usize::try_from(index.0).ok()?;
            term_at.get(at).copied().map(Term)
        };
        core::iter::from_fn(|| outcomes.decided(LogIndex(commit), term_at)).collect()
    }

    #[test]
    fn a_proposal_is_committed_with_its_frame_and_its_term() {
        let mut outcomes = Outcomes::default();
        outcomes.push(LogIndex(1), Term(1), 'a');
        outcomes.push(LogIndex(2), Term(1), 'b');
        outcomes.push(LogIndex(2), Term(1), 'c');
        outcomes.push(LogIndex(3), Term(1), 'd');
        assert_eq!(decide(&mut outcomes, 0, &[0, 1, 1, 1]), []);
        assert_eq!(
            decide(&mut outcomes, 1, &[0, 1, 1, 1]),
            [('a', Outcome::Committed)]
        );
        let both = [('b', Outcome::Committed), ('c', Outcome::Committed)];
        assert_eq!(decide(&mut outcomes, 2, &[0, 1, 1, 1]), both);
        assert_eq!(
            outcomes.abandon().collect::<Vec<_>>(),
            [('d', Outcome::Unknown)]
        );
    }

    #[test]
    fn a_frame_of_another_term_in_its_place_means_lost() {
        let mut outcomes = Outcomes::default();
        outcomes.push(LogIndex(1), Term(1), 'a');
        outcomes.push(LogIndex(2), Term(1), 'b');
        let decided = decide(&mut outcomes, 2, &[0, 1, 2]);
        assert_eq!(decided, [('a', Outcome::Committed), ('b', Outcome::Lost)]);
    }
}
