//! A small world, and what may happen in it next.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use model::LogIndex;
use raft::{Ack, Config, Effect, Group, Input, Message, ReplicaId, Settings};
use stdx::{Duration, Instant};

use crate::disk::Disk;
use crate::invariants::{Invariants, Nothing, check_vote};
use crate::replica::Replica;

/// How much of what is not forced may happen.
#[derive(Clone, Copy, Debug, Hash)]
pub(crate) struct Bounds {
    pub(crate) replicas: i32,
    /// So many of them vote at first.
    pub(crate) voters: i32,
    /// Deadlines that pass: elections that are tried, beats that are sent.
    pub(crate) timeouts: u32,
    pub(crate) proposals: u32,
    /// Times that all replicas are to vote.
    pub(crate) changes: u32,
    /// Logs that begin behind all that is committed.
    pub(crate) starts: u32,
    pub(crate) crashes: u32,
    /// Times that records go which nobody needs.
    pub(crate) compactions: u32,
    /// Frames that a disk loses, which another one keeps.
    pub(crate) damages: u32,
}

/// What may happen next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Action {
    /// The message at this place arrives.
    Deliver(usize),
    /// A hard state becomes durable.
    Persist(ReplicaId),
    /// Frames become durable.
    Flush(ReplicaId),
    /// Its deadline passes.
    Timeout(ReplicaId),
    /// Something is proposed to it.
    Propose(ReplicaId),
    /// It is asked to have all replicas vote.
    Change(ReplicaId),
    /// What is committed there is not needed any longer.
    TruncatePrefix(ReplicaId),
    /// All records that it knows to be committed go on its disk.
    Compact(ReplicaId),
    /// A frame that was lost becomes durable again.
    Repair(ReplicaId),
    /// Its disk loses the frame at this place, which it once claimed to have, and somebody tries to read it.
    Damage(ReplicaId, LogIndex),
    /// Its process dies with all that was not durable, and starts again.
    Crash(ReplicaId),
}

/// A state.
#[derive(Clone)]
pub(crate) struct World {
    replicas: BTreeMap<ReplicaId, Replica>,
    messages: Vec<Message>,
    /// Each replica's clock: they have nothing to do with each other.
    clocks: BTreeMap<ReplicaId, Instant>,
    left: Bounds,
    invariants: Invariants,
    config: Config,
    /// How it came to this.
    path: Vec<String>,
}

/// No chance in it: an election is tried at one time.
fn settings() -> Settings {
    let defaults = Settings::default();
    Settings {
        election_max: defaults.election_min,
        ..defaults
    }
}

impl World {
    pub(crate) fn new(bounds: Bounds) -> Self {
        let ids: Vec<ReplicaId> = (1..=bounds.replicas).map(ReplicaId::first).collect();
        let config = Config::of((1..=bounds.voters).map(ReplicaId::first));
        let mut world = Self {
            replicas: BTreeMap::new(),
            messages: Vec::new(),
            clocks: ids.iter().map(|&id| (id, Instant::ZERO)).collect(),
            left: bounds,
            invariants: Invariants::default(),
            config,
            path: Vec::new(),
        };
        for id in ids {
            let replica = Replica {
                group: None,
                disk: Disk::new(&world.config),
                starts: 0,
            };
            world.replicas.insert(id, replica);
            world.start(id);
        }
        world
    }

    /// Lets the first replica be elected, with everything going well.
    pub(crate) fn elect_first(&mut self) {
        let first = ReplicaId::first(1);
        self.time_out(first);
        self.settle();
    }

    /// Has those who do not vote learn, and lets that be committed.
    pub(crate) fn teach_others(&mut self) {
        self.change(ReplicaId::first(1), false);
        self.settle();
    }

    /// Asks a leader for other members: those who do not vote yet are to, or to learn.
    fn change(&mut self, leader: ReplicaId, vote: bool) {
        let (mut voters, mut learners) = (Vec::new(), Vec::new());
        for &id in self.replicas.keys() {
            if vote || self.config.voters.contains(&id) {
                voters.push(id);
            } else {
                learners.push(id);
            }
        }
        let change = Input::Change {
            token: 200,
            voters,
            learners,
        };
        self.step(leader, change);
    }

    fn settle(&mut self) {
        loop {
            if !self.messages.is_empty() {
                let message = self.messages.remove(0);
                self.step(message.to, Input::Received(message));
                continue;
            }
            let busy = self
                .replicas
                .iter()
                .find(|(_, replica)| replica.disk.is_busy());
            let Some((&id, _)) = busy else {
                return;
            };
            self.write(id, true);
            self.write(id, false);
        }
    }

    /// All that may happen next.
    pub(crate) fn actions(&self) -> Vec<Action> {
        let mut actions: Vec<Action> = (0..self.messages.len()).map(Action::Deliver).collect();
        for (&id, replica) in &self.replicas {
            let group = replica.group.as_ref().expect("all run");
            if replica.disk.persists() {
                actions.push(Action::Persist(id));
            }
            if replica.disk.repairs() {
                actions.push(Action::Repair(id));
            }
            if self.left.damages > 0 {
                let lost = self.may_be_lost(id).into_iter();
                actions.extend(lost.map(|index| Action::Damage(id, index)));
            }
            if replica.disk.flushes() {
                actions.push(Action::Flush(id));
            }
            if self.left.timeouts > 0 {
                actions.push(Action::Timeout(id));
            }
            if self.left.proposals > 0 && group.leads() {
                actions.push(Action::Propose(id));
            }
            if self.left.changes > 0 && group.leads() {
                actions.push(Action::Change(id));
            }
            if self.left.starts > 0 && group.leads() && group.commit() > group.log().start().index {
                actions.push(Action::TruncatePrefix(id));
            }
            if self.left.compactions > 0 && replica.records() {
                actions.push(Action::Compact(id));
            }
            if self.left.crashes > 0 {
                actions.push(Action::Crash(id));
            }
        }
        actions
    }

    /// What it is after `action`.
    pub(crate) fn after(&self, action: Action) -> Self {
        let mut world = self.clone();
        world.path.push(format!("{action:?}"));
        match action {
            Action::Deliver(at) => {
                let message = world.messages.remove(at);
                world.step(message.to, Input::Received(message));
            }
            Action::Persist(id) => world.write(id, true),
            Action::Flush(id) => world.write(id, false),
            Action::Timeout(id) => {
                world.left.timeouts -= 1;
                world.time_out(id);
            }
            Action::Propose(id) => {
                world.left.proposals -= 1;
                let input = Input::Propose {
                    token: u64::from(world.left.proposals),
                    expected_term: None,
                    frames: vec![1].into(),
                    ack: Ack::Durable,
                };
                world.step(id, input);
            }
            Action::Change(id) => {
                world.left.changes -= 1;
                world.change(id, true);
            }
            Action::Compact(id) => {
                world.left.compactions -= 1;
                let replica = world.replicas.get_mut(&id).expect("a replica");
                let (start, last) = (replica.disk.start(), replica.settled());
                replica.disk.compact(start.next(), last);
            }
            Action::Repair(id) => {
                let replica = world.replicas.get_mut(&id).expect("a replica");
                if let Some(input) = replica.disk.finish_repair() {
                    world.step(id, input);
                }
            }
            Action::Damage(id, index) => {
                world.left.damages -= 1;
                let replica = world.replicas.get_mut(&id).expect("a replica");
                replica.disk.damage(index);
                replica.disk.find(index);
                let epoch = replica.disk.epoch;
                let (first, last) = (index, index);
                world.step(id, Input::StorageFault { first, last, epoch });
            }
            Action::TruncatePrefix(id) => {
                world.left.starts -= 1;
                let group = world.replicas[&id].group.as_ref().expect("all run");
                let (token, upto) = (100, group.commit());
                world.step(id, Input::TruncatePrefix { token, upto });
            }
            Action::Crash(id) => {
                world.left.crashes -= 1;
                world.crash(id);
            }
        }
        world
    }

    /// What was claimed there and is kept elsewhere too.
    fn may_be_lost(&self, id: ReplicaId) -> Vec<LogIndex> {
        let disk = &self.replicas[&id].disk;
        let claimed = disk.placed();
        let claimed = claimed.take_while(|(index, _)| *index <= disk.hard.claimed.index);
        let kept = claimed.filter(|(index, frame)| {
            let keeps = |replica: &Replica| replica.disk.keeps(*index, frame);
            let others = self.replicas.iter().filter(|(other, _)| **other != id);
            disk.keeps(*index, frame) && others.into_iter().any(|(_, other)| keeps(other))
        });
        kept.map(|(index, _)| index).collect()
    }

    fn crash(&mut self, id: ReplicaId) {
        let replica = self.replicas.get_mut(&id).expect("a replica");
        replica.group = None;
        let lost = replica.disk.crash(0);
        self.invariants.lose(lost);
        self.invariants.forget_boot(id);
        self.start(id);
    }

    /// Everybody starts again.
    pub(crate) fn restart(&mut self) {
        let ids: Vec<ReplicaId> = self.replicas.keys().copied().collect();
        for id in ids {
            self.crash(id);
        }
    }

    fn start(&mut self, id: ReplicaId) {
        let now = self.clocks[&id];
        let replica = self.replicas.get_mut(&id).expect("a replica");
        let (hard, log) = replica.disk.recover();
        replica.starts += 1;
        let group = Group::new(id, settings(), hard, log, now, replica.starts);
        let checked = check_vote(&group, &replica.disk);
        replica.group = Some(group);
        if let Err(broken) = checked {
            self.fail(&broken);
        }
    }

    fn time_out(&mut self, id: ReplicaId) {
        let group = self.replicas[&id].group.as_ref().expect("all run");
        let deadline = group.deadline() + Duration::from_millis(1);
        self.clocks.insert(id, deadline);
        self.step(id, Input::Tick);
    }

    fn write(&mut self, id: ReplicaId, hard: bool) {
        let replica = self.replicas.get_mut(&id).expect("a replica");
        let input = if hard {
            replica.disk.finish_hard()
        } else {
            replica.disk.finish_flush(0)
        };
        if let Some(input) = input {
            self.step(id, input);
        }
    }

    fn step(&mut self, id: ReplicaId, input: Input) {
        let now = self.clocks[&id];
        let replica = self.replicas.get_mut(&id).expect("a replica");
        let mut effects = Vec::new();
        let nothing = Nothing::of(&input, replica);
        if let Input::Received(message) = &input {
            self.invariants.hears(id, message);
        }
        let group = replica.group.as_mut().expect("all run");
        group.step(now, input, &mut effects);
        if let Some(Err(broken)) = nothing.map(|nothing| nothing.check(group, &effects)) {
            self.fail(&broken);
        }
        for effect in effects {
            self.carry_out(id, effect);
        }
        let checked = self.invariants.check(&self.replicas, id);
        let logs = Invariants::check_logs(&self.replicas);
        if let Err(broken) = checked.and(logs) {
            self.fail(&broken);
        }
    }

    fn carry_out(&mut self, id: ReplicaId, effect: Effect) {
        let replica = self.replicas.get_mut(&id).expect("a replica");
        match effect {
            Effect::Fetch {
                to, first, purpose, ..
            } => {
                let frames = replica.read(first, &purpose, usize::MAX);
                let fetched = Input::Fetched {
                    to,
                    first,
                    purpose,
                    frames,
                };
                self.step(id, fetched);
            }
            Effect::Send(message) => {
                let group = replica.group.as_ref();
                let sent = self.invariants.sent(&message, group, &replica.disk);
                self.messages.push(message);
                // In one order, whatever the way here: the network keeps none.
                self.messages.sort_by_key(|message| format!("{message:?}"));
                if let Err(broken) = sent {
                    self.fail(&broken);
                }
            }
            Effect::Visible { upto } => {
                let seen = self.invariants.sees(&self.replicas[&id], upto);
                if let Err(broken) = seen {
                    self.fail(&broken);
                }
            }
            Effect::Broken(what) => self.fail(what),
            Effect::Commit { .. }
            | Effect::Resolved { .. }
            | Effect::Refused { .. }
            | Effect::ReadReady { .. }
            | Effect::Role { .. }
            | Effect::Hidden { .. }
            | Effect::Lagging { .. }
            | Effect::CaughtUp
            | Effect::Reconfigured(_) => {}
            written => {
                let checked = self.invariants.decided(id, &written, &replica.disk);
                replica.write(written);
                if let Err(broken) = checked {
                    self.fail(&broken);
                }
            }
        }
    }

    fn fail(&self, broken: &str) -> ! {
        panic!("{broken}\nafter\n{}", self.path.join("\n"));
    }

    /// A number that stands for the state.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for replica in self.replicas.values() {
            let group = replica.group.as_ref().expect("all run");
            group.state().hash(&mut hasher);
            format!("{:?}", replica.disk).hash(&mut hasher);
        }
        format!("{:?}{:?}", self.messages, self.invariants).hash(&mut hasher);
        self.left.hash(&mut hasher);
        hasher.finish()
    }
}
