//! What a node tells another one of all groups that are quiet, and what is known of it there.
//!
//! Both keep a set, which changes by versions. A pulse says what is different from the last version that was answered for: any
//! later one comes right by it too, so a pulse or an answer may be lost, and what comes late or twice changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use model::{NodeId, Term};
use stdx::Instant;

use crate::quiet::Quiet;
use crate::replica::ReplicaId;

/// Who says something, and to whom.
type Pair = (NodeId, NodeId);

/// Groups in the set of a pair of nodes, and refused ones. Beyond it a node says that it knows nothing.
pub const PULSE_GROUPS_MAX: usize = 1 << 20;

/// What one node tells another one in a round.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pulse {
    /// Of the sender's process: larger than those of its earlier ones.
    pub life: u64,
    /// Counts the rounds of a life.
    pub sequence: u64,
    /// The set of quiet groups that holds now; counts its changes.
    pub version: u64,
    /// What follows is what is different from this version, or from any later one; none: it is all.
    pub base: Option<u64>,
    /// Groups that are not in the set, by whatever the hosts call a group.
    pub left: Vec<u64>,
    /// Groups that are, with the beat that stands for all until they leave.
    pub joined: Vec<(u64, Quiet)>,
}

/// The answer to a pulse.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PulseReply {
    /// Of which life.
    pub life: u64,
    /// Of which round.
    pub sequence: u64,
    /// The set that is known now; none: it has to be told whole.
    pub version: Option<u64>,
    /// Groups of it that take their leader's word no more.
    pub refused: Vec<u64>,
}

/// The quiet beat of a group, but for the nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) term: Term,
}

impl Row {
    fn quiet(self, (me, other): Pair) -> Quiet {
        let replica = |node, incarnation| ReplicaId { node, incarnation };
        Quiet {
            from: replica(me, self.from),
            to: replica(other, self.to),
            term: self.term,
        }
    }
}

/// The groups that are quiet to one other node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outgoing {
    rows: BTreeMap<u64, Row>,
    version: u64,
    /// Something changed since the version was counted.
    dirty: bool,
    /// The version that the other one has.
    known: Option<u64>,
    /// The rows that are different since, each with the version in which it is as it is now.
    changed: BTreeMap<u64, u64>,
    /// The last answer: to which round, and when it came.
    answered: Option<(u64, Instant)>,
}

impl Outgoing {
    /// `name` is quiet.
    pub(crate) fn put(&mut self, name: u64, row: Row) {
        if self.rows.insert(name, row) != Some(row) {
            self.change(name);
        }
    }

    /// `name` is not quiet any more.
    pub(crate) fn remove(&mut self, name: u64) {
        if self.rows.remove(&name).is_some() {
            self.change(name);
        }
    }

    fn change(&mut self, name: u64) {
        self.dirty = true;
        self.changed.insert(name, self.version + 1);
    }

    /// The beats that stand until they leave.
    pub(crate) fn beats(&self, pair: Pair) -> impl Iterator<Item = (u64, Quiet)> {
        let rows = self.rows.iter();
        rows.map(move |(name, row)| (*name, row.quiet(pair)))
    }

    /// What the other node is told, if there is anything: of no round yet.
    pub(crate) fn pulse(&mut self, pair: Pair) -> Option<Pulse> {
        if self.rows.is_empty() && self.changed.is_empty() {
            return None;
        }
        self.version += u64::from(core::mem::take(&mut self.dirty));
        let mut pulse = Pulse {
            version: self.version,
            base: self.known,
            ..Pulse::default()
        };
        if self.known.is_none() {
            pulse.joined = self.beats(pair).collect();
            return Some(pulse);
        }
        for name in self.changed.keys() {
            match self.rows.get(name) {
                Some(row) => pulse.joined.push((*name, row.quiet(pair))),
                None => pulse.left.push(*name),
            }
        }
        Some(pulse)
    }

    /// The other node answered: the beats that it refused, as they are now.
    pub(crate) fn hear(
        &mut self,
        pair: Pair,
        now: Instant,
        reply: &PulseReply,
    ) -> Vec<(u64, Quiet)> {
        let last = self.answered.map_or(0, |(sequence, _)| sequence);
        if reply.sequence <= last {
            return Vec::new();
        }
        let Some(version) = reply.version.filter(|it| *it <= self.version) else {
            self.known = None;
            return Vec::new();
        };
        self.answered = Some((reply.sequence, now));
        self.known = self.known.max(Some(version));
        self.changed.retain(|_, since| *since > version);
        // What is different by now is judged when it is told.
        let refused = reply.refused.iter();
        let refused = refused.filter(|name| !self.changed.contains_key(name));
        let rows = refused.filter_map(|name| Some((*name, self.rows.get(name)?.quiet(pair))));
        rows.collect()
    }

    /// When the other node last answered for `name` as it is in the set now.
    pub(crate) fn answered_for(&self, name: u64) -> Option<Instant> {
        let there = self.known.is_some() && !self.changed.contains_key(&name);
        self.answered.filter(|_| there).map(|(_, at)| at)
    }
}

/// The groups that another node is quiet about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Incoming {
    life: u64,
    sequence: u64,
    version: Option<u64>,
    names: BTreeSet<u64>,
    refused: BTreeSet<u64>,
    /// When it last spoke for them.
    at: Instant,
}

impl Incoming {
    fn leave(&mut self, name: u64) {
        self.names.remove(&name);
        self.refused.remove(&name);
    }

    /// `name` does not take the other's word any more: that is said until it leaves.
    pub(crate) fn refuse(&mut self, name: u64) {
        if self.names.remove(&name) {
            self.refused.insert(name);
        }
    }

    /// When the other node last spoke for `name`.
    pub(crate) fn spoke_for(&self, name: u64) -> Option<Instant> {
        self.names.contains(&name).then_some(self.at)
    }

    /// A pulse came from `from`; see [`crate::Heartbeats::hear`].
    pub(crate) fn hear(
        &mut self,
        (from, now): (NodeId, Instant),
        pulse: &Pulse,
        mut hear: impl FnMut(u64, &Quiet) -> bool,
    ) -> Option<PulseReply> {
        if (pulse.life, pulse.sequence) <= (self.life, self.sequence) {
            return None;
        }
        if pulse.life > self.life {
            self.forget();
        }
        (self.life, self.sequence) = (pulse.life, pulse.sequence);
        let mut reply = PulseReply {
            life: pulse.life,
            sequence: pulse.sequence,
            ..PulseReply::default()
        };
        let within = |base| {
            self.version
                .is_some_and(|known| base <= known && known <= pulse.version)
        };
        let all = self.names.len() + self.refused.len() + pulse.joined.len();
        if !pulse.base.is_none_or(within) || all > PULSE_GROUPS_MAX {
            self.forget();
            return Some(reply);
        }
        if pulse.base.is_none() {
            self.forget();
        }
        for name in &pulse.left {
            self.leave(*name);
        }
        for (name, quiet) in &pulse.joined {
            self.leave(*name);
            if quiet.from.node == from && hear(*name, quiet) {
                self.names.insert(*name);
            } else {
                self.refused.insert(*name);
            }
        }
        (self.version, self.at) = (Some(pulse.version), now);
        reply.version = self.version;
        reply.refused.extend(&self.refused);
        Some(reply)
    }

    fn forget(&mut self) {
        self.version = None;
        self.names.clear();
        self.refused.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stdx::Prng;

    const PAIR: Pair = (NodeId(1), NodeId(2));

    fn row(term: u32) -> Row {
        Row {
            from: 0,
            to: 0,
            term: Term(term),
        }
    }

    /// One of those that are on their way, in any order, and some of them twice.
    fn take<T: Clone>(prng: &mut Prng, sent: &mut Vec<T>) -> Option<T> {
        let at = prng.below(sent.len().max(1) as u64);
        let at = usize::try_from(at).expect("few");
        if prng.chance(1, 5) {
            return sent.get(at).cloned();
        }
        (at < sent.len()).then(|| sent.swap_remove(at))
    }

    #[test]
    fn what_is_answered_for_is_what_was_there_whatever_is_lost_late_or_twice() {
        for seed in 0..300 {
            let mut prng = Prng::labelled(seed, "pulse");
            let (mut outgoing, mut incoming) = (Outgoing::default(), Incoming::default());
            let (mut pulses, mut replies) = (Vec::new(), Vec::new());
            let mut versions: BTreeMap<u64, Vec<(u64, Quiet)>> = BTreeMap::new();
            let mut heard: BTreeMap<u64, Quiet> = BTreeMap::new();
            let mut agreed = 0;
            for sequence in 1..200 {
                for _ in 0..prng.below(3) {
                    let name = prng.below(6);
                    if prng.chance(1, 2) {
                        outgoing.put(name, row(u32::try_from(prng.below(3)).expect("few")));
                    } else {
                        outgoing.remove(name);
                    }
                }
                if let Some(pulse) = outgoing.pulse(PAIR) {
                    versions.insert(pulse.version, outgoing.beats(PAIR).collect());
                    pulses.push(Pulse {
                        life: 1,
                        sequence,
                        ..pulse
                    });
                }
                let now = Instant::from_nanos(sequence);
                if let Some(pulse) = take(&mut prng, &mut pulses).filter(|_| prng.chance(3, 4)) {
                    let reply = incoming.hear((NodeId(1), now), &pulse, |name, quiet| {
                        heard.insert(name, *quiet);
                        true
                    });
                    if reply.as_ref().is_some_and(|reply| reply.version.is_some()) {
                        let names = incoming.names.iter();
                        let there: Vec<_> = names.map(|name| (*name, heard[name])).collect();
                        assert_eq!(there, versions[&pulse.version], "seed {seed}");
                        agreed += 1;
                    }
                    replies.extend(reply);
                }
                if let Some(reply) = take(&mut prng, &mut replies).filter(|_| prng.chance(3, 4)) {
                    outgoing.hear(PAIR, now, &reply);
                    for (name, quiet) in outgoing.beats(PAIR) {
                        let known = outgoing.known.and_then(|version| versions.get(&version));
                        let same = known.is_some_and(|known| known.contains(&(name, quiet)));
                        let said = outgoing.answered_for(name).is_some();
                        assert!(same || !said, "seed {seed}: {name}");
                    }
                }
            }
            assert!(agreed > 10, "seed {seed}: {agreed}");
        }
    }

    #[test]
    fn who_takes_no_word_any_more_is_named_until_it_leaves() {
        let (mut outgoing, mut incoming) = (Outgoing::default(), Incoming::default());
        for name in [7, 8] {
            outgoing.put(name, row(3));
        }
        let round = |outgoing: &mut Outgoing, incoming: &mut Incoming, sequence| {
            let pulse = outgoing.pulse(PAIR).expect("some are quiet");
            let pulse = Pulse { sequence, ..pulse };
            let now = Instant::from_nanos(sequence);
            let reply = incoming.hear((NodeId(1), now), &pulse, |_, _| true);
            let refused = outgoing.hear(PAIR, now, &reply.expect("it is a new round"));
            let names = refused.into_iter().map(|(name, _)| name);
            names.collect::<Vec<u64>>()
        };
        assert_eq!(round(&mut outgoing, &mut incoming, 1), []);
        incoming.refuse(8);
        assert_eq!(incoming.spoke_for(8), None);
        // The answer may have been lost.
        assert_eq!(round(&mut outgoing, &mut incoming, 2), [8]);
        assert_eq!(round(&mut outgoing, &mut incoming, 3), [8]);
        outgoing.remove(8);
        assert_eq!(round(&mut outgoing, &mut incoming, 4), []);
        outgoing.put(8, row(3));
        assert_eq!(round(&mut outgoing, &mut incoming, 5), []);
        assert_eq!(incoming.spoke_for(8), Some(Instant::from_nanos(5)));
    }

    #[test]
    fn what_comes_twice_is_no_sign_of_life() {
        let (mut outgoing, mut incoming) = (Outgoing::default(), Incoming::default());
        outgoing.put(7, row(3));
        let pulse = outgoing.pulse(PAIR).expect("one is quiet");
        let pulse = Pulse {
            sequence: 1,
            ..pulse
        };
        let at = Instant::from_nanos;
        let reply = incoming.hear((NodeId(1), at(1)), &pulse, |_, _| true);
        let reply = reply.expect("it is new");
        outgoing.hear(PAIR, at(2), &reply);
        let again = incoming.hear((NodeId(1), at(8)), &pulse, |_, _| true);
        outgoing.hear(PAIR, at(9), &reply);
        assert_eq!(again, None);
        assert_eq!(incoming.spoke_for(7), Some(at(1)));
        assert_eq!(outgoing.answered_for(7), Some(at(2)));
    }

    #[test]
    fn nonsense_is_no_harm() {
        let (mut outgoing, mut incoming) = (Outgoing::default(), Incoming::default());
        outgoing.put(7, row(3));
        let reply = PulseReply {
            sequence: 1,
            version: Some(99),
            refused: vec![9, 3, 0, 0, 7],
            ..PulseReply::default()
        };
        assert_eq!(outgoing.hear(PAIR, Instant::ZERO, &reply), []);
        let pulse = outgoing.pulse(PAIR).expect("one is quiet");
        let pulse = Pulse {
            sequence: 1,
            ..pulse
        };
        // In the name of another node.
        let forged = incoming.hear((NodeId(3), Instant::ZERO), &pulse, |_, _| true);
        assert_eq!(forged.expect("it is new").refused, [7]);
        let unknown = Pulse {
            sequence: 2,
            base: Some(40),
            version: 50,
            ..Pulse::default()
        };
        let reply = incoming.hear((NodeId(1), Instant::ZERO), &unknown, |_, _| true);
        assert_eq!(reply.expect("it is new").version, None);
        assert_eq!(incoming.names.len() + incoming.refused.len(), 0);
    }
}
