//! One beat for each pair of nodes, however many groups they share.
//!
//! ```text
//!   leaders of one core                       followers on another node
//!   round: each group says for each follower
//!     nothing is new  --> Quiet --+
//!                                 +--> one Pulse to the node --> each group: is that my leader, in my term?
//!     something is    --> Beat    |                                   |
//!                                 +<-- PulseReply: who said no <------+
//!   who said no, or has news, or was quiet nine times, gets a Beat with the next round
//! ```
//! A quiet beat keeps its follower loyal and, when it is accepted, its leader in office; nothing else comes of it. Its
//! term is compared whole.

use std::collections::BTreeMap;

use model::{LogIndex, NodeId, Term};
use stdx::{Instant, mutant};

use crate::effect::Effect;
use crate::group::Group;
use crate::message::Body;
use crate::progress::Progress;
use crate::replica::ReplicaId;
use crate::role::Role;

/// Quiet beats to a follower between two that say everything.
const QUIET_MAX: u8 = 9;

/// A beat that says nothing but that its sender leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quiet {
    /// The leader.
    pub from: ReplicaId,
    /// The follower.
    pub to: ReplicaId,
    /// The leader's term.
    pub term: Term,
}

/// The quiet beats of one round to one node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pulse {
    /// Counts the rounds.
    pub sequence: u64,
    /// The beats, by whatever the host calls a group.
    pub beats: Vec<(u64, Quiet)>,
}

/// The answer to a pulse.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PulseReply {
    /// Of which round.
    pub sequence: u64,
    /// Places in the pulse of those that were not accepted, in order.
    pub refused: Vec<u32>,
}

/// The rounds of one core. It keeps the last pulse to each node, to know what an answer is to.
#[derive(Clone, Debug, Default)]
pub struct Heartbeats {
    sequence: u64,
    pulses: BTreeMap<NodeId, Pulse>,
    /// Kept so that a round needs no memory.
    quiet: Vec<Quiet>,
}

impl Heartbeats {
    /// Begins a round.
    pub fn begin(&mut self) {
        self.sequence += 1;
        for pulse in self.pulses.values_mut() {
            pulse.sequence = self.sequence;
            pulse.beats.clear();
        }
    }

    /// Takes the beats of one group, which the host calls `name`. What is not quiet is in `out`.
    pub fn beat(&mut self, now: Instant, name: u64, group: &mut Group, out: &mut Vec<Effect>) {
        group.pulse(now, &mut self.quiet, out);
        for quiet in self.quiet.drain(..) {
            let pulse = self.pulses.entry(quiet.to.node).or_default();
            pulse.sequence = self.sequence;
            pulse.beats.push((name, quiet));
        }
    }

    /// What is to be sent in this round, to whom.
    pub fn pulses(&self) -> impl Iterator<Item = (NodeId, &Pulse)> {
        let pulses = self.pulses.iter();
        pulses
            .filter(|(_, pulse)| !pulse.beats.is_empty())
            .map(|(node, pulse)| (*node, pulse))
    }

    /// A node answered: `tell` hears of each beat whether it was accepted. Answers to earlier rounds say nothing any more.
    pub fn answered(
        &self,
        from: NodeId,
        reply: &PulseReply,
        mut tell: impl FnMut(u64, &Quiet, bool),
    ) {
        let pulse = self.pulses.get(&from);
        let Some(pulse) = pulse.filter(|pulse| pulse.sequence == reply.sequence) else {
            return;
        };
        let mut refused = reply.refused.iter().peekable();
        for (place, (name, quiet)) in (0_u32..).zip(&pulse.beats) {
            let accepted = refused.next_if_eq(&&place).is_none();
            tell(*name, quiet, accepted);
        }
    }
}

impl Pulse {
    /// Gives each beat to `hear`, which says whether it is accepted, and makes the answer.
    pub fn hear(&self, mut hear: impl FnMut(u64, &Quiet) -> bool) -> PulseReply {
        let places = (0_u32..).zip(&self.beats);
        PulseReply {
            sequence: self.sequence,
            refused: places
                .filter(|(_, (name, quiet))| !hear(*name, quiet))
                .map(|(place, _)| place)
                .collect(),
        }
    }
}

/// What a follower was told, as far as its leader knows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Told {
    /// The commit that it has heard of.
    commit: LogIndex,
    /// The last beat that said everything, and what it said.
    telling: (u64, LogIndex),
    /// Quiet beats since.
    quiet: u8,
    /// It did not accept one.
    refused: bool,
}

impl Told {
    /// It answered a beat that said everything.
    pub(crate) fn answered(&mut self, sequence: u64) {
        if sequence >= self.telling.0 {
            self.commit = self.telling.1;
            self.refused = false;
        }
    }
}

impl Group {
    /// Beats where the host beats for all groups of its core together: who has nothing to hear is left to `quiet`.
    pub fn pulse(&mut self, now: Instant, quiet: &mut Vec<Quiet>, out: &mut Vec<Effect>) {
        self.now = self.now.max(now);
        let (from, term, commit) = (self.me, self.term(), self.commit);
        let (dirty, broken) = (self.log.dirty(), self.broken);
        let Role::Leader(reign) = &mut self.role else {
            return;
        };
        if broken {
            return;
        }
        let mut loud = Vec::new();
        for (to, progress) in reign.progress.iter_mut() {
            if progress.is_quiet(dirty, commit) {
                progress.told.quiet += 1;
                quiet.push(Quiet { from, to, term });
            } else {
                progress.told.quiet = 0;
                progress.told.telling = (reign.beats + 1, commit);
                loud.push(to);
            }
        }
        if loud.is_empty() {
            self.give_back();
            return;
        }
        reign.beats += 1;
        let sequence = reign.beats;
        for to in loud {
            self.say(to, Body::Beat { sequence, commit });
        }
        self.release(out);
    }

    /// Gives memory back that a busy time needed.
    pub(crate) fn give_back(&mut self) {
        if !core::mem::take(&mut self.busy) {
            return;
        }
        self.held.give_back();
        self.log.give_back();
        self.proposals.give_back();
        if let Role::Leader(reign) = &mut self.role {
            for (_, progress) in reign.progress.iter_mut() {
                progress.give_back();
            }
        }
    }

    /// A quiet beat came. False when it is not this term's leader's: that one then says everything.
    pub fn hear_quiet(&mut self, now: Instant, quiet: &Quiet) -> bool {
        let follows = matches!(self.role, Role::Follower(_)) && self.leader == Some(quiet.from);
        let of_this_term = quiet.term == self.term() || mutant!(R21);
        // What it lacks it has to say, and cannot in answer to this.
        let silent = self.broken || self.lacks;
        if quiet.to != self.me || !follows || !of_this_term || silent {
            return false;
        }
        self.now = self.now.max(now);
        self.contact = Some(self.now);
        self.election_at = self.now + self.patience;
        self.give_back();
        true
    }

    /// A quiet beat was answered.
    pub fn quiet_answered(&mut self, now: Instant, quiet: &Quiet, accepted: bool) {
        self.now = self.now.max(now);
        if quiet.from != self.me || quiet.term != self.term() {
            return;
        }
        if let Some(progress) = self.heard(quiet.to) {
            progress.told.refused |= !accepted;
        }
    }
}

impl Progress {
    /// Whether a beat would tell it nothing: it has everything, durably, and knows that it is committed.
    fn is_quiet(&self, dirty: LogIndex, commit: LogIndex) -> bool {
        self.is_idle()
            && self.matched == dirty
            && self.durable == dirty
            && self.told.commit == commit
            && !self.told.refused
            && self.told.quiet < QUIET_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet(to: i32) -> Quiet {
        Quiet {
            from: ReplicaId::first(1),
            to: ReplicaId::first(to),
            term: Term(3),
        }
    }

    #[test]
    fn an_answer_tells_each_beat_of_its_round_apart() {
        let mut heartbeats = Heartbeats::default();
        heartbeats.begin();
        let beats = vec![(7, quiet(2)), (8, quiet(2)), (9, quiet(2))];
        let pulse = Pulse { sequence: 1, beats };
        heartbeats.pulses.insert(NodeId(2), pulse.clone());
        let reply = pulse.hear(|name, _| name != 8);
        assert_eq!(reply.refused, [1]);
        let told = |heartbeats: &Heartbeats| {
            let mut told = Vec::new();
            heartbeats.answered(NodeId(2), &reply, |name, _, accepted| {
                told.push((name, accepted));
            });
            told
        };
        assert_eq!(told(&heartbeats), [(7, true), (8, false), (9, true)]);
        heartbeats.begin();
        assert_eq!(told(&heartbeats), [], "of the round before");
        assert_eq!(heartbeats.pulses().count(), 0);
    }

    #[test]
    fn nonsense_in_an_answer_is_no_harm() {
        let mut heartbeats = Heartbeats::default();
        let pulse = Pulse {
            sequence: 0,
            beats: vec![(7, quiet(2))],
        };
        heartbeats.pulses.insert(NodeId(2), pulse);
        let reply = PulseReply {
            sequence: 0,
            refused: vec![9, 3, 0, 0],
        };
        let mut count = 0;
        heartbeats.answered(NodeId(2), &reply, |_, _, _| count += 1);
        heartbeats.answered(NodeId(5), &reply, |_, _, _| count += 10);
        assert_eq!(count, 1);
    }
}
