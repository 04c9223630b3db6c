//! Time passes, letters arrive, and writes end.

use model::NodeId;
use raft::{Group, Input, ReplicaId};
use stdx::{Duration, Instant};

use super::{Cluster, LINES_KEPT};
use crate::letter::Letter;

/// Every so many letters one is kept that arrives once more, and so many of them.
const LATE_EVERY: usize = 37;
const LATE_MAX: usize = 16;

impl Cluster {
    /// The replica that is on a node now.
    pub(crate) fn on_node(&self, node: NodeId) -> Option<ReplicaId> {
        self.replicas.keys().find(|id| id.node == node).copied()
    }

    /// Lets time go by until `until`, with everything due in between, every message delivered and every write ended as
    /// soon as it can be.
    pub(crate) fn settle(&mut self, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            self.quiesce();
            // Not before anybody has anything to do, and never two things that could be apart.
            let soonest = self.now + Duration::from_millis(10);
            self.now = self.next_deadline().max(soonest).min(until.max(soonest));
            let due: Vec<ReplicaId> = self.due();
            for id in due {
                self.step(id, Input::Tick);
            }
            let ids: Vec<ReplicaId> = self.replicas.keys().copied().collect();
            for id in ids {
                self.pulse(id);
            }
        }
        self.quiesce();
    }

    /// When somebody who runs has something to do.
    fn next_deadline(&self) -> Instant {
        let awake = self
            .replicas
            .iter()
            .filter(|(id, _)| Some(**id) != self.frozen);
        let running = awake.filter_map(|(id, replica)| Some((id, replica.group.as_ref()?)));
        let deadlines = running.map(|(id, group)| {
            let clock = self.clocks[id];
            let pulse = self.pulse_at.get(id).copied().unwrap_or_default();
            let pulse = if self.settings.pulsed {
                pulse
            } else {
                Instant::MAX
            };
            clock.when(group.deadline().min(pulse))
        });
        deadlines.min().unwrap_or(Instant::MAX)
    }

    fn due(&self) -> Vec<ReplicaId> {
        let running = self
            .replicas
            .values()
            .filter_map(|replica| replica.group.as_ref());
        let running = running.filter(|group| Some(group.me()) != self.frozen);
        let due = running.filter(|group| group.deadline() <= self.shown(group.me()));
        due.map(Group::me).collect()
    }

    /// Delivers and ends what is on its way, until nothing is.
    fn quiesce(&mut self) {
        for _ in 0..10_000 {
            // In the order in which they were sent: a pipeline that comes backwards, always, would never get through.
            if !self.messages.is_empty() {
                let message = self.messages.remove(0);
                self.deliver(message);
                continue;
            }
            let waits = self.catching_up.iter().find(|(_, turn)| !**turn);
            if let Some((&id, _)) = waits {
                self.give_turn(id);
                continue;
            }
            let busy = self
                .replicas
                .iter()
                .find(|(_, replica)| replica.group.is_some() && replica.disk.is_busy());
            let Some((&id, _)) = busy else {
                return;
            };
            self.finish_writes(id);
        }
        let tail = self.lines.len().saturating_sub(LINES_KEPT);
        panic!(
            "seed {}: a storm of messages\n{}",
            self.seed,
            self.lines[tail..].join("\n")
        );
    }

    /// If it lacks much, it may catch up now.
    pub(crate) fn give_turn(&mut self, id: ReplicaId) {
        if let Some(turn) = self.catching_up.get_mut(&id)
            && !core::mem::replace(turn, true)
        {
            self.step(id, Input::CatchUp);
        }
    }

    pub(crate) fn finish_writes(&mut self, id: ReplicaId) {
        let disk = |cluster: &mut Self| {
            cluster.replicas.get_mut(&id).map(|replica| {
                let input = replica.disk.finish_hard();
                let input = input.or_else(|| replica.disk.finish_flush(0));
                input.or_else(|| replica.disk.finish_repair())
            })
        };
        while let Some(Some(input)) = disk(self) {
            self.step(id, input);
        }
    }

    pub(crate) fn deliver(&mut self, letter: Letter) {
        let ends = letter.ends();
        let other = self.votes_only && !letter.is_vote();
        if self.cut.contains(&ends) || self.frozen == Some(ends.1) || other {
            return;
        }
        self.keep_late(&letter);
        if !self.replicas.contains_key(&ends.1) {
            self.misdeliver(letter);
            return;
        }
        let now = self.shown(ends.1);
        match letter {
            Letter::Message(message) => {
                self.hearing.message(now, &message);
                self.step(ends.1, Input::Received(message));
            }
            Letter::Pulse(ends, pulse) => {
                self.hear_pulse(ends, &pulse);
            }
            Letter::Answer(ends, reply) => {
                if reply.version.is_some() {
                    self.hearing.answer(now, ends);
                }
                self.hear_answer(ends, &reply);
            }
        }
    }

    /// The replica that it is for is gone, and the network knows nodes: the one that is there now must not care (S22).
    fn misdeliver(&mut self, letter: Letter) {
        let (from, to) = letter.ends();
        let Some(id) = self.on_node(to.node) else {
            return;
        };
        // What time alone does is done before.
        self.step(id, Input::Tick);
        let now = self.shown(id);
        let state = |cluster: &Self| cluster.replicas[&id].group.as_ref().map(Group::state);
        let before = state(self);
        let mut effects = Vec::new();
        let accepted = match letter {
            Letter::Message(message) => {
                let replica = self.replicas.get_mut(&id).expect("a replica");
                if let Some(group) = &mut replica.group {
                    group.step(now, Input::Received(message), &mut effects);
                }
                false
            }
            Letter::Pulse(_, pulse) => self.hear_pulse((from, id), &pulse),
            Letter::Answer(_, reply) => {
                self.hear_answer((from, id), &reply);
                false
            }
        };
        self.misdelivered += 1;
        if accepted || !effects.is_empty() || state(self) != before {
            self.fail(&format!("S22: {id} goes by what {to} is told"));
        }
    }

    /// Keeps a copy of some of what is delivered.
    fn keep_late(&mut self, letter: &Letter) {
        self.delivered += 1;
        if let Some(last) = &mut self.last_to {
            // Whoever it is for may be gone one day.
            last.insert(letter.ends().1, letter.clone());
        }
        if self.delivered.is_multiple_of(LATE_EVERY) {
            self.late.truncate(LATE_MAX - 1);
            self.late.push_front(letter.clone());
        }
    }

    /// Delivers one of those, once more.
    pub(crate) fn deliver_late(&mut self, choice: usize) {
        let Some(at) = choice.checked_rem(self.late.len()) else {
            return;
        };
        if let Some(letter) = self.late.remove(at) {
            self.deliver(letter);
        }
    }
}
