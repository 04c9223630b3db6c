//! Carrying out what a replica decided, checked on the way.

use model::LogIndex;
use raft::{Effect, Input, Outcome, Purpose, ReplicaId};

use super::Cluster;
use crate::letter::Letter;

impl Cluster {
    pub(super) fn carry_out_all(
        &mut self,
        id: ReplicaId,
        effects: Vec<Effect>,
        state: Option<String>,
    ) {
        for effect in effects {
            self.note(|| format!("    {effect:?}"));
            self.carry_out(id, effect);
        }
        if let Some(state) = state {
            self.note(|| format!("    = {state}"));
        }
        let mut checked = self.invariants.check(&self.replicas, id);
        let group = self.replicas.get(&id).and_then(|it| it.group.as_ref());
        if let Some(group) = group {
            let limit = self.settings.election_min;
            let now = self.shown(id);
            checked = checked.and(self.hearing.check(now, group, limit));
        }
        if let Err(broken) = checked {
            self.fail_at(id, &broken);
        }
    }

    fn carry_out(&mut self, id: ReplicaId, effect: Effect) {
        let replica = self.replicas.get_mut(&id).expect("a replica");
        match effect {
            Effect::Send(message) => {
                let group = replica.group.as_ref();
                let sent = self.invariants.sent(&message, group, &replica.disk);
                if let Err(broken) = sent {
                    self.fail_at(id, &broken);
                }
                self.messages.push(Letter::Message(message));
            }
            Effect::Resolved { token, outcome } => {
                self.seen += u64::from(matches!(outcome, Outcome::Seen { .. }));
                let told_before = self.outcomes.insert(token, outcome);
                // What was only seen is not decided.
                let before = told_before.filter(|before| !matches!(before, Outcome::Seen { .. }));
                if before.is_some_and(|before| before != outcome) {
                    self.fail_at(id, "S29: a proposal has two outcomes");
                }
            }
            Effect::ReadReady { token, index } => {
                let asked = self.reads_asked[&token];
                if index < asked {
                    let what =
                        format!("S27: a read at {index} misses what was committed up to {asked}");
                    self.fail_at(id, &what);
                }
                self.reads.insert(token, index);
            }
            Effect::Visible { upto } => {
                let seen = self.invariants.sees(&self.replicas[&id], upto);
                if let Err(broken) = seen {
                    self.fail_at(id, &broken);
                }
            }
            Effect::Hidden { .. } => self.hidden += 1,
            Effect::Role { term, leads, .. } => {
                if leads {
                    self.leaders.insert(term);
                }
            }
            Effect::Broken(what) => self.fail_at(id, &format!("{id} broke down: {what}")),
            Effect::Fetch {
                to, first, purpose, ..
            } => self.read(id, to, first, purpose),
            Effect::Lagging { .. } => {
                self.turns += 1;
                if self.catching_up.insert(id, false).is_some() {
                    self.fail_at(id, "it waits for its turn twice");
                }
            }
            Effect::CaughtUp => {
                if self.catching_up.remove(&id).is_none() {
                    self.fail_at(id, "it gives back a turn that it did not ask for");
                }
            }
            Effect::Commit { .. } | Effect::Refused { .. } | Effect::Reconfigured(_) => {}
            written => self.write(id, written),
        }
    }

    /// Counts and checks what a replica decided about its disk, and has that do it.
    fn write(&mut self, id: ReplicaId, effect: Effect) {
        match &effect {
            Effect::Truncate { .. } => self.truncations += 1,
            Effect::Begin(_) => self.starts += 1,
            Effect::Install { .. } => self.installs += 1,
            Effect::Flush { .. } => self.flushes += 1,
            Effect::Fence { .. } => self.fences += 1,
            Effect::Repair { frames, .. } => self.repairs += frames.len() as u64,
            _ => {}
        }
        let replica = self.replicas.get_mut(&id).expect("a replica");
        let checked = self.invariants.decided(id, &effect, &replica.disk);
        replica.write(effect);
        if let Err(broken) = checked {
            self.fail_at(id, &broken);
        }
    }

    /// Reads frames, a few at a time.
    fn read(&mut self, id: ReplicaId, to: ReplicaId, first: LogIndex, purpose: Purpose) {
        let replica = &self.replicas[&id];
        let frames = replica.read(first, &purpose, 2);
        let disk = &replica.disk;
        let unreadable = first <= disk.last() && disk.frame(first).is_none();
        let fetched = Input::Fetched {
            to,
            first,
            purpose,
            frames,
        };
        self.step(id, fetched);
        if unreadable {
            self.find_fault(id, first);
        }
    }
}
