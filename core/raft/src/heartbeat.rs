//! One beat for each pair of nodes, however many groups they share.
//!
//! ```text
//!   leaders of one core                        followers on another node
//!   nothing is new to a follower                 the set of groups that are quiet:
//!     --> it joins the set        --+            each that joins: is that my leader, in my term?
//!   something is, or it is over     +--> Pulse --> leaves
//!     --> it leaves the set, Beat --+              the rest is as it was, and was not even looked at
//!   who was refused is told all <------- PulseReply: who takes that leader's word no more
//! ```
//! A group at rest costs nothing in a round: it is in the set of those that are quiet, on both nodes, and a pulse says that
//! the set is as it was, or what changed. That its leader was heard of, or its follower, a group learns when it is touched
//! next: [`Heartbeats::before`] each step, [`Heartbeats::after`] it what must change in the sets. Ten beats apart a leader
//! says everything by itself.
//!
//! Invariant: who is in the set that a node keeps of another one took that one's word for the leader of its term, when it
//! joined, and has not stopped since; who is in the set that a leader keeps led, and had nothing to say, since it joined.

use std::collections::{BTreeMap, BTreeSet};

use model::NodeId;
use smallvec::SmallVec;
use stdx::{Instant, mutant};

use crate::effect::Effect;
use crate::group::Group;
use crate::pulse::{Incoming, Outgoing, Pulse, PulseReply, Row};
use crate::quiet::Quiet;

/// The beats of one core, for all its groups. A node is one here: where it has more cores, whoever carries pulses says to
/// which of them.
#[derive(Clone, Debug)]
pub struct Heartbeats {
    life: u64,
    sequence: u64,
    /// Groups to be looked at in the next round.
    active: BTreeSet<u64>,
    to: BTreeMap<NodeId, Outgoing>,
    from: BTreeMap<NodeId, Incoming>,
    /// Kept so that a round needs no memory.
    quiet: Vec<Quiet>,
}

impl Heartbeats {
    /// Of a process that is the `life`-th of its node, or began at that time: later ones are larger.
    pub fn new(life: u64) -> Self {
        Self {
            life,
            sequence: 0,
            active: BTreeSet::new(),
            to: BTreeMap::new(),
            from: BTreeMap::new(),
            quiet: Vec::new(),
        }
    }

    /// What `group`, which the host calls `name`, has not heard yet: quiet beats and answers to its own, and when.
    pub fn news(&self, name: u64, group: &Group) -> SmallVec<[(Quiet, Instant); 4]> {
        let (from, term) = (group.me(), group.term());
        let mut news = SmallVec::new();
        for to in group.left_to_host() {
            let outgoing = self.to.get(&to.node);
            if let Some(at) = outgoing.and_then(|outgoing| outgoing.answered_for(name)) {
                news.push((Quiet { from, to, term }, at));
            }
        }
        if let Some(quiet) = group.trusted() {
            let incoming = self.from.get(&quiet.from.node);
            let at = incoming.and_then(|incoming| incoming.spoke_for(name));
            news.extend(at.map(|at| (quiet, at)));
        }
        news
    }

    /// Before `group` takes a step, or its deadline is looked at: it hears what it has not heard yet.
    pub fn before(&self, name: u64, group: &mut Group) {
        for (quiet, at) in self.news(name, group) {
            if quiet.from == group.me() {
                group.quiet_answered(at, &quiet, true);
            } else {
                group.hear_quiet(at, &quiet);
            }
        }
    }

    /// After `group` took a step: the next round looks at it, if it is not as it was; who speaks for a leader whose word it
    /// takes no more is told.
    pub fn after(&mut self, name: u64, group: &mut Group) {
        if group.lost_trust() {
            for incoming in self.from.values_mut() {
                incoming.refuse(name);
            }
        }
        if !group.noted && !group.is_at_rest() {
            self.note(name, group);
        }
    }

    fn note(&mut self, name: u64, group: &mut Group) {
        group.noted = true;
        self.active.insert(name);
    }

    /// A group is hosted here from now on: the next round looks at it.
    pub fn add(&mut self, name: u64) {
        self.active.insert(name);
    }

    /// A group is not hosted here any more.
    pub fn forget(&mut self, name: u64) {
        self.active.remove(&name);
        for outgoing in self.to.values_mut() {
            outgoing.remove(name);
        }
        for incoming in self.from.values_mut() {
            incoming.refuse(name);
        }
    }

    /// No group has a replica on that node any more: nothing is told it, and what was is forgotten.
    pub fn forget_node(&mut self, node: NodeId) {
        self.to.remove(&node);
        self.from.remove(&node);
    }

    /// Begins a round: the groups to be looked at, with [`Self::beat`].
    pub fn begin(&mut self) -> BTreeSet<u64> {
        core::mem::take(&mut self.active)
    }

    /// Looks at `group`. What is not quiet is in `out`.
    pub fn beat(&mut self, now: Instant, name: u64, group: &mut Group, out: &mut Vec<Effect>) {
        self.quiet.clear();
        group.pulse(now, &mut self.quiet, out);
        for (node, outgoing) in &mut self.to {
            if self.quiet.iter().all(|quiet| quiet.to.node != *node) && !mutant!(R28) {
                outgoing.remove(name);
            }
        }
        for Quiet { from, to, term } in self.quiet.drain(..) {
            let row = Row {
                from: from.incarnation,
                to: to.incarnation,
                term,
            };
            self.to.entry(to.node).or_default().put(name, row);
        }
        group.noted = false;
        if !group.is_at_rest() {
            self.note(name, group);
        }
    }

    /// The beats that pulses from `me` to `other` stand for from now on.
    pub fn quiet_to(&self, me: NodeId, other: NodeId) -> impl Iterator<Item = (u64, Quiet)> {
        let outgoing = self.to.get(&other).into_iter();
        outgoing.flat_map(move |outgoing| outgoing.beats((me, other)))
    }

    /// Ends a round: what `me` is to send, to whom. Nothing where nothing is quiet.
    pub fn pulses(&mut self, me: NodeId) -> Vec<(NodeId, Pulse)> {
        self.sequence += 1;
        let (life, sequence) = (self.life, self.sequence);
        let outgoing = self.to.iter_mut().map(|(node, it)| (*node, it));
        let pulses = outgoing.filter_map(|(node, it)| Some((node, it.pulse((me, node))?)));
        let pulses = pulses.map(|(node, pulse)| {
            let pulse = Pulse {
                life,
                sequence,
                ..pulse
            };
            (node, pulse)
        });
        pulses.collect()
    }

    /// A pulse of `from` came: `hear` gives a group its beat, and says whether it takes it. None where a later one was
    /// answered already.
    pub fn hear(
        &mut self,
        now: Instant,
        from: NodeId,
        pulse: &Pulse,
        hear: impl FnMut(u64, &Quiet) -> bool,
    ) -> Option<PulseReply> {
        self.from
            .entry(from)
            .or_default()
            .hear((from, now), pulse, hear)
    }

    /// A node answered: the groups whose beat it refused, which are to be told with [`Group::quiet_answered`].
    pub fn answered(
        &mut self,
        now: Instant,
        (me, from): (NodeId, NodeId),
        reply: &PulseReply,
    ) -> Vec<(u64, Quiet)> {
        let Some(outgoing) = self.to.get_mut(&from) else {
            return Vec::new();
        };
        if reply.life != self.life || reply.sequence > self.sequence {
            return Vec::new();
        }
        outgoing.hear((me, from), now, reply)
    }
}
