//! Proposals whose outcome is open.

use std::collections::VecDeque;

use model::{LogIndex, Term};
use stdx::mutant;

use crate::effect::Outcome;
use crate::flush::Ack;

#[derive(Clone, Copy, Debug)]
struct Proposal {
    token: u64,
    last: LogIndex,
    term: Term,
    ack: Ack,
}

/// Proposals in the order of the log.
///
/// One is committed when the commit reaches its last frame *and* the log has its reign there; it is lost when a frame of
/// another reign was committed in its place, and unknown when that place is before the start of the log. Nothing else decides it: a leader that is deposed does not know
/// [redpanda 3003].
#[derive(Clone, Debug, Default)]
pub(crate) struct Proposals(VecDeque<Proposal>);

impl Proposals {
    /// Adds one whose last frame is `last`. One of an earlier reign that had that place before is still open.
    pub(crate) fn add(&mut self, token: u64, last: LogIndex, term: Term, ack: Ack) {
        let at = self.0.partition_point(|proposal| proposal.last <= last);
        self.0.insert(
            at,
            Proposal {
                token,
                last,
                term,
                ack,
            },
        );
    }

    /// Those that `commit` decides, oldest first, one with each call.
    pub(crate) fn decided(
        &mut self,
        commit: LogIndex,
        term_at: impl Fn(LogIndex) -> Option<Term>,
    ) -> Option<(u64, Outcome)> {
        if let Some(Proposal {
            token, last, term, ..
        }) = self.0.pop_front_if(|proposal| proposal.last <= commit)
        {
            let outcome = match term_at(last) {
                Some(reign) if reign == term || mutant!(R20) => Outcome::Committed { last, term },
                Some(_) => Outcome::Lost,
                None => Outcome::Unknown,
            };
            return Some((token, outcome));
        }
        // Terms grow along a log: behind a committed frame there is none of an earlier reign.
        let reign = term_at(commit).unwrap_or_default();
        let lost = self.0.iter().position(|proposal| proposal.term < reign)?;
        let Proposal { token, .. } = self.0.remove(lost)?;
        Some((token, Outcome::Lost))
    }

    /// Lazy ones of `term` that are there up to `upto`, one with each call.
    pub(crate) fn seen(&mut self, upto: LogIndex, term: Term) -> Option<(u64, LogIndex)> {
        let before = self.0.iter().take_while(|proposal| proposal.last <= upto);
        let mut before = before.enumerate();
        let lazy = before.find(|(_, proposal)| proposal.ack == Ack::Lazy && proposal.term == term);
        let (at, _) = lazy?;
        let Proposal { token, last, .. } = self.0.remove(at)?;
        Some((token, last))
    }

    /// Gives the memory back that nothing needs now.
    pub(crate) fn give_back(&mut self) {
        if self.0.is_empty() {
            self.0 = VecDeque::new();
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reign_at_the_place_decides() {
        let mut proposals = Proposals::default();
        proposals.add(1, LogIndex(3), Term(1), Ack::Durable);
        proposals.add(2, LogIndex(5), Term(1), Ack::Lazy);
        proposals.add(3, LogIndex(4), Term(2), Ack::Lazy);
        let term_at = |index: LogIndex| Some(if index.0 < 4 { Term(1) } else { Term(2) });
        assert_eq!(proposals.decided(LogIndex(2), term_at), None);
        let committed = |last, term| Outcome::Committed {
            last: LogIndex(last),
            term: Term(term),
        };
        let decided = core::iter::from_fn(|| proposals.decided(LogIndex(9), term_at));
        assert_eq!(
            decided.collect::<Vec<_>>(),
            [
                (1, committed(3, 1)),
                (3, committed(4, 2)),
                (2, Outcome::Lost)
            ]
        );
        assert_eq!(proposals.len(), 0);
    }
}
