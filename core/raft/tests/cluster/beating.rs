//! Nodes beat for their replicas, and hear each other's beats.

use model::Term;
use raft::{Pulse, PulseReply, Quiet, ReplicaId};

use super::{Cluster, GROUP};
use crate::letter::Letter;

pub(super) fn wrong_term(seed: u64) -> ! {
    panic!("seed {seed}: L11: a quiet beat of another term is accepted")
}

impl Cluster {
    /// Beats, where that is done for all groups together and it is time to.
    pub(crate) fn pulse(&mut self, id: ReplicaId) {
        let now = self.shown(id);
        let next = now + self.settings.heartbeat;
        let at = self.pulse_at.entry(id).or_default();
        if !self.settings.pulsed || now < *at || self.frozen == Some(id) {
            return;
        }
        *at = next;
        let replica = self.replicas.get_mut(&id).expect("a replica");
        let Some(group) = &mut replica.group else {
            return;
        };
        let heartbeats = self.heartbeats.get_mut(&id).expect("it runs");
        let mut effects = Vec::new();
        let looked_at = heartbeats.begin().contains(&GROUP);
        if looked_at {
            if self.traced {
                self.telling.pulse(id, now);
            }
            heartbeats.beat(now, GROUP, group, &mut effects);
            crate::decided::add(group.take_lines());
        }
        let pulses = heartbeats.pulses(id.node);
        for (node, _) in &pulses {
            for (_, quiet) in heartbeats.quiet_to(id.node, *node) {
                self.quiet += 1;
                assert!(
                    group.leads() && group.term() == quiet.term,
                    "seed {}: L11: it beats as {quiet:?}: {group}",
                    self.seed
                );
            }
        }
        let state = (self.traced && looked_at).then(|| group.to_string());
        for (node, pulse) in pulses {
            self.note(|| format!("{id} beats: {pulse:?}"));
            let to = self.on_node(node);
            let letter = to.map(|to| Letter::Pulse((id, to), pulse));
            self.messages.extend(letter);
        }
        if looked_at {
            self.carry_out_all(id, effects, state);
        }
    }

    /// A pulse comes to the node of `to`. Whether any beat of it was accepted.
    pub(super) fn hear_pulse(&mut self, (from, to): (ReplicaId, ReplicaId), pulse: &Pulse) -> bool {
        let (now, seed) = (self.shown(to), self.seed);
        let replica = self.replicas.get_mut(&to).expect("a replica");
        let Some(group) = &mut replica.group else {
            return false;
        };
        let heartbeats = self.heartbeats.get_mut(&to).expect("it runs");
        let mut any = false;
        let reply = heartbeats.hear(now, from.node, pulse, |_, quiet| {
            if self.traced {
                self.telling.hear(to, now, (quiet, now));
            }
            // One of an earlier term may come late: it is of a leader that this one does not follow any more.
            let stale = Quiet {
                term: Term(quiet.term.0.saturating_sub(1)),
                ..*quiet
            };
            if group.clone().hear_quiet(now, &stale) && group.term() != stale.term {
                wrong_term(seed);
            }
            let accepted = group.hear_quiet(now, quiet);
            if accepted && group.term() != quiet.term {
                wrong_term(seed);
            }
            any |= accepted;
            accepted
        });
        self.note(|| format!("{to} hears {pulse:?}: {reply:?}"));
        let reply = reply.map(|reply| Letter::Answer((to, from), reply));
        self.messages.extend(reply);
        any
    }

    /// A node answered a pulse.
    pub(super) fn hear_answer(&mut self, (from, to): (ReplicaId, ReplicaId), reply: &PulseReply) {
        let now = self.shown(to);
        let replica = &self.replicas[&to];
        if replica.group.is_none() {
            return;
        }
        let heartbeats = self.heartbeats.get_mut(&to).expect("it runs");
        let refused = heartbeats.answered(now, (to.node, from.node), reply);
        self.note(|| format!("{to} hears {reply:?}: {refused:?}"));
        for (_, quiet) in refused {
            if self.traced {
                self.telling.answer(to, now, (&quiet, now, false));
            }
            let replica = self.replicas.get_mut(&to).expect("a replica");
            let heartbeats = self.heartbeats.get_mut(&to).expect("it runs");
            if let Some(group) = &mut replica.group {
                group.quiet_answered(now, &quiet, false);
                heartbeats.after(GROUP, group);
            }
        }
    }
}
