//! Giving a vote, or not.

use crate::effect::Effect;
use crate::group::Group;
use crate::hard_state::HardState;
use crate::message::{Ballot, Body, Message};
use crate::position::Position;
use crate::role::Role;
use crate::trace::Point;
use stdx::mutant;

impl Group {
    /// The tail by which it votes and asks for votes: what its log has, or what it once said that it has.
    pub(crate) fn claim_or_last(&self) -> Position {
        let (last, claimed) = (self.log.last(), self.hard.get().claimed);
        if last.is_up_to_date(claimed) || mutant!(R24) {
            last
        } else {
            claimed
        }
    }

    /// Whether it is loyal to a leader that it has heard of lately, or leads itself: then it does not even listen to
    /// candidates, or one that cannot hear the leader would depose it [raft thesis §4.2.3].
    fn is_loyal(&self) -> bool {
        if self.role.is_leader() {
            return true;
        }
        let contact = self.leader.and(self.contact).filter(|_| !mutant!(R12));
        contact.is_some_and(|contact| self.now.since(contact) < self.settings.election_min)
    }

    /// Whether the later term of a message is taken over. A candidate's is not by who is loyal, unless the leader itself
    /// wants that candidate.
    pub(crate) fn may_adopt(&self, message: &Message) -> bool {
        match message.body {
            Body::VoteRequest {
                ballot: Ballot::Pre | Ballot::Real,
                ..
            } => !self.is_loyal(),
            _ => true,
        }
    }

    /// Says no, with our term: who is behind learns it from that [openraft 1796].
    pub(crate) fn deny_vote(&mut self, message: &Message, _out: &mut Vec<Effect>) {
        if let Body::VoteRequest { ballot, .. } = message.body {
            let pre = ballot == Ballot::Pre;
            let granted = false;
            self.say(message.from, Body::VoteReply { pre, granted });
        }
    }

    /// Somebody in our term asks. Asked in advance, it promises nothing, keeps nothing and goes on waiting as before
    /// [redpanda 11657].
    pub(crate) fn asked_to_vote(
        &mut self,
        message: &Message,
        ballot: Ballot,
        last: Position,
        out: &mut Vec<Effect>,
    ) {
        let loyal = self.is_loyal() && ballot != Ballot::Transfer;
        let up_to_date = if mutant!(R09) {
            last.index >= self.claim_or_last().index
        } else {
            last.is_up_to_date(self.claim_or_last())
        };
        if loyal || !up_to_date {
            self.deny_vote(message, out);
            self.ask_stranger_for_repair(message.from);
            return;
        }
        if ballot == Ballot::Pre {
            // In the term after this one it has not voted yet.
            self.say(
                message.from,
                Body::VoteReply {
                    pre: true,
                    granted: true,
                },
            );
            return;
        }
        let hard = *self.hard.get();
        let free = mutant!(R19) || hard.vote.is_none_or(|vote| vote == message.from);
        if !free {
            self.deny_vote(message, out);
            return;
        }
        if !matches!(self.role, Role::Follower(_)) {
            // It only asked in advance so far: with a vote in this term it has no reason to go on.
            self.follow(None, out);
        }
        self.hard.set(HardState {
            vote: Some(message.from),
            claimed: self.claim(),
            ..hard
        });
        self.tell(|| Point::Vote);
        self.rest();
        // It leaves when the vote is durable.
        self.say(
            message.from,
            Body::VoteReply {
                pre: false,
                granted: true,
            },
        );
    }
}
