//! The replicas, the messages between them, and time.

#[path = "beating.rs"]
mod beating;
#[path = "carry_out.rs"]
mod carry_out;
#[path = "passing.rs"]
mod passing;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use model::{LogIndex, NodeId, Term};
use raft::{
    Ack, Config, Group, HardState, Heartbeats, Input, Outcome, Position, ReplicaId, Settings,
};
use stdx::{Instant, Prng};

use crate::clock::Clock;
use crate::disk::Disk;
use crate::hearing::Hearing;
use crate::invariants::{Invariants, Nothing, check_vote};
use crate::letter::Letter;
use crate::replica::Replica;
use crate::telling::Telling;

/// A cluster.
pub(crate) struct Cluster {
    pub(crate) now: Instant,
    pub(crate) replicas: BTreeMap<ReplicaId, Replica>,
    clocks: BTreeMap<ReplicaId, Clock>,
    /// All that ever were.
    known: BTreeSet<ReplicaId>,
    /// On their way, in no order.
    pub(crate) messages: Vec<Letter>,
    /// Copies that will arrive when nobody expects them any more.
    late: VecDeque<Letter>,
    /// What was delivered to each last, where replicas may be removed and lose their disks.
    pub(crate) last_to: Option<BTreeMap<ReplicaId, Letter>>,
    delivered: usize,
    /// Nothing but votes arrives.
    pub(crate) votes_only: bool,
    /// When each replica beats next, where that is done for all groups together.
    pulse_at: BTreeMap<ReplicaId, Instant>,
    heartbeats: BTreeMap<ReplicaId, Heartbeats>,
    /// Counts the processes that ever ran.
    lives: u64,
    /// Beats that said nothing but that somebody leads.
    pub(crate) quiet: u64,
    /// Pairs that do not reach each other, one way.
    pub(crate) cut: BTreeSet<(ReplicaId, ReplicaId)>,
    /// Stands still and hears nothing, while time goes by for the others.
    pub(crate) frozen: Option<ReplicaId>,
    pub(crate) invariants: Invariants,
    hearing: Hearing,
    pub(crate) telling: Telling,
    pub(crate) first_config: Config,
    pub(crate) settings: Settings,
    /// Most of what is proposed is lazy.
    pub(crate) lazy: bool,
    pub(crate) outcomes: BTreeMap<u64, Outcome>,
    pub(crate) truncations: u64,
    pub(crate) starts: u64,
    pub(crate) installs: u64,
    pub(crate) wipes: u64,
    /// Letters to replicas that are gone, taken to those that are there now.
    pub(crate) misdelivered: u64,
    pub(crate) fences: u64,
    pub(crate) flushes: u64,
    pub(crate) hidden: u64,
    pub(crate) seen: u64,
    pub(crate) repairs: u64,
    /// Who lacks much, and whether it has its turn.
    pub(crate) catching_up: BTreeMap<ReplicaId, bool>,
    pub(crate) turns: u64,
    pub(crate) leaders: BTreeSet<Term>,
    pub(crate) reads: BTreeMap<u64, LogIndex>,
    /// What had been committed when each read was asked for.
    reads_asked: BTreeMap<u64, LogIndex>,
    /// Where each proposal was appended.
    proposed: BTreeMap<u64, Position>,
    seed: u64,
    trace: DefaultHasher,
    pub(crate) lines: Vec<String>,
    /// It keeps lines: that takes most of the time.
    traced: bool,
}

/// What nodes call the group in their beats.
const GROUP: u64 = 7;

/// Lines of a trace that a failure prints.
const LINES_KEPT: usize = 60;

impl Cluster {
    pub(crate) fn new(seed: u64, count: i32, traced: bool) -> Self {
        let voters: Vec<ReplicaId> = (1..=count).map(ReplicaId::first).collect();
        let mut cluster = Self {
            now: Instant::ZERO,
            replicas: BTreeMap::new(),
            clocks: BTreeMap::new(),
            known: BTreeSet::new(),
            messages: Vec::new(),
            late: VecDeque::new(),
            last_to: None,
            delivered: 0,
            votes_only: false,
            pulse_at: BTreeMap::new(),
            heartbeats: BTreeMap::new(),
            lives: 0,
            quiet: 0,
            cut: BTreeSet::new(),
            frozen: None,
            invariants: Invariants::default(),
            hearing: Hearing::default(),
            telling: Telling::default(),
            first_config: Config::of(voters.iter().copied()),
            settings: Settings {
                in_flight_messages_max: 4,
                // Three frames of those that are proposed, or one.
                message_bytes_max: if seed % 4 < 2 { 300 } else { 100 },
                catch_up_frames: 3,
                lag_max: if seed % 5 < 2 { 2 } else { 1_000 },
                learner_bytes_per_second: if seed % 7 < 2 { 2_000 } else { u64::MAX },
                pulsed: seed % 2 == 1,
                ..Settings::default()
            },
            lazy: false,
            outcomes: BTreeMap::new(),
            truncations: 0,
            starts: 0,
            installs: 0,
            wipes: 0,
            misdelivered: 0,
            fences: 0,
            flushes: 0,
            hidden: 0,
            seen: 0,
            repairs: 0,
            catching_up: BTreeMap::new(),
            turns: 0,
            leaders: BTreeSet::new(),
            reads: BTreeMap::new(),
            reads_asked: BTreeMap::new(),
            proposed: BTreeMap::new(),
            seed,
            trace: DefaultHasher::new(),
            lines: Vec::new(),
            traced,
        };
        for voter in voters {
            cluster.add(voter);
        }
        cluster
    }

    /// Adds a replica with an empty disk, and starts it.
    pub(crate) fn add(&mut self, id: ReplicaId) {
        assert!(self.known.insert(id), "S22: {id} was there before");
        let disk = Disk::new(&self.first_config);
        self.clocks.insert(id, Clock::of(self.seed, id));
        self.replicas.insert(
            id,
            Replica {
                group: None,
                disk,
                starts: 0,
            },
        );
        self.start(id);
    }

    pub(crate) fn start(&mut self, id: ReplicaId) {
        let (settings, now) = (self.settings, self.shown(id));
        let replica = self.replicas.get_mut(&id).expect("a replica");
        if replica.group.is_some() {
            return;
        }
        let (hard, log): (HardState, _) = replica.disk.recover();
        replica.starts += 1;
        let seed = self.seed.wrapping_mul(1_000).wrapping_add(replica.starts);
        let mut group = Group::new(id, settings, hard, log, now, seed);
        crate::decided::add(group.take_lines());
        if self.traced {
            let disk = (&hard, &replica.disk);
            self.telling.start((now, seed, &settings), &group, disk);
        }
        let checked = check_vote(&group, &replica.disk);
        replica.group = Some(group);
        self.lives += 1;
        let mut heartbeats = Heartbeats::new(self.lives);
        heartbeats.add(GROUP);
        self.heartbeats.insert(id, heartbeats);
        self.note(|| format!("{id} starts"));
        if let Err(broken) = checked {
            self.fail_at(id, &broken);
        }
    }

    pub(crate) fn crash(&mut self, id: ReplicaId, kept: usize) {
        let replica = self.replicas.get_mut(&id).expect("a replica");
        replica.group = None;
        self.catching_up.remove(&id);
        let lost = replica.disk.crash(kept);
        self.invariants.lose(lost);
        self.invariants.forget_boot(id);
        self.note(|| format!("{id} crashes, {kept} unsynced frames survive"));
    }

    /// Somebody tries to read a frame that cannot be read.
    pub(crate) fn find_fault(&mut self, id: ReplicaId, index: LogIndex) {
        let replica = self.replicas.get_mut(&id).expect("a replica");
        if replica.group.is_none() {
            return;
        }
        replica.disk.find(index);
        let input = Input::StorageFault {
            first: index,
            last: index,
            epoch: replica.disk.epoch,
        };
        self.step(id, input);
    }

    /// A replica is gone for good, with its disk.
    pub(crate) fn wipe(&mut self, id: ReplicaId) {
        self.wipes += 1;
        self.replicas.remove(&id);
        self.catching_up.remove(&id);
        self.pulse_at.remove(&id);
        // Something that it was told comes once more.
        let last = self.last_to.as_mut().and_then(|last| last.remove(&id));
        self.messages.extend(last);
        self.note(|| format!("{id} loses its disk"));
    }

    /// One that never was, on a node that has none.
    pub(crate) fn next_on(&self, node: NodeId) -> ReplicaId {
        let before = self.known.iter().filter(|known| known.node == node);
        let last = before.map(|known| known.incarnation).max();
        let incarnation = last.map_or(0, |last| last + 1);
        ReplicaId { node, incarnation }
    }

    /// A leader was to take `new` in. If it did not, nobody ever knew of it, and nothing is left of it.
    pub(crate) fn drop_refused(&mut self, leader: ReplicaId, new: ReplicaId) {
        let group = self.replicas[&leader].group.as_ref();
        if group.is_none_or(|group| !group.config().is_member(new)) {
            self.replicas.remove(&new);
            self.catching_up.remove(&new);
            self.known.remove(&new);
        }
    }

    /// How the next proposal is to be answered.
    pub(crate) fn ack(&self, prng: &mut Prng) -> Ack {
        if self.lazy && prng.chance(7, 8) {
            Ack::Lazy
        } else {
            Ack::Durable
        }
    }

    /// What the clock of a replica shows now.
    pub(crate) fn shown(&self, id: ReplicaId) -> Instant {
        self.clocks[&id].shows(self.now)
    }

    /// All who believe that they lead.
    pub(crate) fn leaders_now(&self) -> Vec<ReplicaId> {
        let running = self
            .replicas
            .values()
            .filter_map(|replica| replica.group.as_ref());
        running
            .filter(|group| group.leads())
            .map(Group::me)
            .collect()
    }

    /// The leader with the latest term.
    pub(crate) fn leader(&self) -> Option<ReplicaId> {
        let running = self
            .replicas
            .values()
            .filter_map(|replica| replica.group.as_ref());
        let leading = running.filter(|group| group.leads());
        leading.max_by_key(|group| group.term()).map(Group::me)
    }

    /// Gives `input` to a replica, carries out what comes of it, and checks everything.
    pub(crate) fn step(&mut self, id: ReplicaId, input: Input) {
        let now = self.shown(id);
        let replica = self.replicas.get_mut(&id).expect("a replica");
        let nothing = Nothing::of(&input, replica);
        let Some(group) = &mut replica.group else {
            return;
        };
        if let Input::Received(message) = &input {
            self.invariants.hears(id, message);
        }
        let told = self.traced.then(|| format!("{input:?}"));
        let heartbeats = self.heartbeats.get_mut(&id).expect("it runs");
        for (quiet, at) in heartbeats.news(GROUP, group) {
            if quiet.term != group.term() {
                beating::wrong_term(self.seed);
            }
            if self.traced && quiet.from == id {
                self.telling.answer(id, now, (&quiet, at, true));
            } else if self.traced {
                self.telling.hear(id, now, (&quiet, at));
            }
        }
        if self.traced {
            self.telling.step(id, now, &input);
        }
        heartbeats.before(GROUP, group);
        if let Input::Read { token } = input {
            let committed = self.invariants.last_committed();
            self.reads_asked.insert(token, committed);
        }
        let proposal = match input {
            Input::Propose { token, .. } => Some(token),
            _ => None,
        };
        let mut effects = Vec::new();
        group.step(now, input, &mut effects);
        heartbeats.after(GROUP, group);
        crate::decided::add(group.take_lines());
        let checked = nothing.map_or(Ok(()), |nothing| nothing.check(group, &effects));
        if let Some(token) = proposal {
            // Where it is, if it was taken.
            self.proposed.insert(token, group.log().last());
        }
        let state = self.traced.then(|| group.to_string());
        if let Some(told) = told {
            self.note(|| format!("{}ms {id} <- {told}", now.as_nanos() / 1_000_000));
        }
        if let Err(broken) = checked {
            self.fail_at(id, &broken);
        }
        self.carry_out_all(id, effects, state);
    }

    /// A step of a replica was wrong: what happened to it is told as a script, for `tests/testdata`.
    fn fail_at(&self, id: ReplicaId, broken: &str) -> ! {
        let script = self.telling.of(id);
        if script.is_empty() {
            self.fail(broken);
        }
        panic!(
            "seed {}: {broken}\n{}\n\n# {id} in seed {}: {broken}\n\ndo\n{}\n----",
            self.seed,
            self.lines.join("\n"),
            self.seed,
            script.join("\n")
        );
    }

    fn fail(&self, broken: &str) -> ! {
        panic!("seed {}: {broken}\n{}", self.seed, self.lines.join("\n"));
    }

    /// What was said of proposals is so: one that is committed is there, one that is lost is not, and never will be.
    pub(crate) fn check_outcomes(&self) {
        for (token, outcome) in &self.outcomes {
            // A change of voters is no proposal.
            let Some(place) = self.proposed.get(token) else {
                continue;
            };
            let committed = self.invariants.committed.get(&place.index);
            let there = committed.is_some_and(|(frame, _)| frame.term == place.term);
            let as_said = match outcome {
                Outcome::Committed { .. } => there,
                Outcome::Lost => !there,
                Outcome::Unknown => true,
                Outcome::Seen { .. } => there || self.invariants.lost_once(*place),
            };
            if !as_said {
                self.fail(&format!(
                    "S29: proposal {token} at {place} is said to be {outcome:?}"
                ));
            }
        }
    }

    fn note(&mut self, line: impl FnOnce() -> String) {
        if !self.traced {
            return;
        }
        let line = line();
        line.hash(&mut self.trace);
        if self.lines.len() == LINES_KEPT * 20 {
            self.lines.drain(..LINES_KEPT * 10);
        }
        self.lines.push(line);
    }

    pub(crate) fn trace_digest(&self) -> u64 {
        self.trace.finish()
    }
}
