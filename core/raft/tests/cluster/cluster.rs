//! The replicas, the messages between them, and time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use model::{LogIndex, Term};
use raft::{
    Ack, Body, Config, Effect, Group, HardState, Input, Message, Outcome, Position, Purpose, Quiet,
    ReplicaId, Settings,
};
use stdx::{Duration, Instant, Prng};

use crate::disk::Disk;
use crate::hearing::Hearing;
use crate::invariants::Invariants;
use crate::replica::Replica;
use crate::telling::Telling;

/// Something on its way.
#[derive(Clone, Debug)]
pub(crate) enum Letter {
    Message(Message),
    Quiet(Quiet),
    /// To a quiet beat, and whether it was accepted.
    Answer(Quiet, bool),
}

impl Letter {
    fn is_vote(&self) -> bool {
        let Self::Message(message) = self else {
            return false;
        };
        matches!(
            message.body,
            Body::VoteRequest { .. } | Body::VoteReply { .. }
        )
    }

    fn ends(&self) -> (ReplicaId, ReplicaId) {
        match self {
            Self::Message(message) => (message.from, message.to),
            Self::Quiet(quiet) => (quiet.from, quiet.to),
            Self::Answer(quiet, _) => (quiet.to, quiet.from),
        }
    }
}

/// A cluster.
pub(crate) struct Cluster {
    pub(crate) now: Instant,
    pub(crate) replicas: BTreeMap<ReplicaId, Replica>,
    /// On their way, in no order.
    pub(crate) messages: Vec<Letter>,
    /// Copies that will arrive when nobody expects them any more.
    late: VecDeque<Letter>,
    delivered: usize,
    /// Nothing but votes arrives.
    pub(crate) votes_only: bool,
    /// When each replica beats next, where that is done for all groups together.
    pulse_at: BTreeMap<ReplicaId, Instant>,
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
    pub(crate) fences: u64,
    pub(crate) flushes: u64,
    pub(crate) hidden: u64,
    pub(crate) seen: u64,
    pub(crate) repairs: u64,
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

/// Every so many letters one is kept that arrives once more, and so many of them.
const LATE_EVERY: usize = 37;
const LATE_MAX: usize = 16;

/// Lines of a trace that a failure prints.
const LINES_KEPT: usize = 60;

fn wrong_term(seed: u64) -> ! {
    panic!("seed {seed}: L11: a quiet beat of another term is accepted")
}

impl Cluster {
    pub(crate) fn new(seed: u64, count: i32, traced: bool) -> Self {
        let voters: Vec<ReplicaId> = (1..=count).map(ReplicaId::first).collect();
        let mut cluster = Self {
            now: Instant::ZERO,
            replicas: BTreeMap::new(),
            messages: Vec::new(),
            late: VecDeque::new(),
            delivered: 0,
            votes_only: false,
            pulse_at: BTreeMap::new(),
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
                pulsed: seed % 2 == 1,
                ..Settings::default()
            },
            lazy: false,
            outcomes: BTreeMap::new(),
            truncations: 0,
            starts: 0,
            installs: 0,
            wipes: 0,
            fences: 0,
            flushes: 0,
            hidden: 0,
            seen: 0,
            repairs: 0,
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
        let disk = Disk::new(&self.first_config);
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
        let (settings, now) = (self.settings, self.now);
        let replica = self.replicas.get_mut(&id).expect("a replica");
        if replica.group.is_some() {
            return;
        }
        let (hard, log): (HardState, _) = replica.disk.recover();
        replica.starts += 1;
        let seed = self.seed.wrapping_mul(1_000).wrapping_add(replica.starts);
        let group = Group::new(id, settings, hard, log, now, seed);
        if self.traced {
            let disk = (&hard, &replica.disk);
            self.telling.start((now, seed, &settings), &group, disk);
        }
        replica.group = Some(group);
        self.note(|| format!("{id} starts"));
    }

    pub(crate) fn crash(&mut self, id: ReplicaId, kept: usize) {
        let replica = self.replicas.get_mut(&id).expect("a replica");
        replica.group = None;
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
        self.pulse_at.remove(&id);
        self.note(|| format!("{id} loses its disk"));
    }

    /// How the next proposal is to be answered.
    pub(crate) fn ack(&self, prng: &mut Prng) -> Ack {
        if self.lazy && prng.chance(7, 8) {
            Ack::Lazy
        } else {
            Ack::Durable
        }
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
        let now = self.now;
        let replica = self.replicas.get_mut(&id).expect("a replica");
        let Some(group) = &mut replica.group else {
            return;
        };
        let told = self.traced.then(|| format!("{input:?}"));
        if self.traced {
            self.telling.step(id, now, &input);
        }
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
        if let Some(token) = proposal {
            // Where it is, if it was taken.
            self.proposed.insert(token, group.log().last());
        }
        let state = self.traced.then(|| group.to_string());
        if let Some(told) = told {
            self.note(|| format!("{}ms {id} <- {told}", now.as_nanos() / 1_000_000));
        }
        self.carry_out_all(id, effects, state);
    }

    /// Beats, where that is done for all groups together and it is time to.
    pub(crate) fn pulse(&mut self, id: ReplicaId) {
        let (now, next) = (self.now, self.now + self.settings.heartbeat);
        let at = self.pulse_at.entry(id).or_default();
        if !self.settings.pulsed || now < *at || self.frozen == Some(id) {
            return;
        }
        *at = next;
        let replica = self.replicas.get_mut(&id).expect("a replica");
        let Some(group) = &mut replica.group else {
            return;
        };
        if self.traced {
            self.telling.pulse(id, now, group.leads());
        }
        let (mut quiet, mut effects) = (Vec::new(), Vec::new());
        group.pulse(now, &mut quiet, &mut effects);
        let state = self.traced.then(|| group.to_string());
        self.note(|| format!("{id} beats, {} quietly", quiet.len()));
        self.quiet += quiet.len() as u64;
        self.messages.extend(quiet.into_iter().map(Letter::Quiet));
        self.carry_out_all(id, effects, state);
    }

    fn carry_out_all(&mut self, id: ReplicaId, effects: Vec<Effect>, state: Option<String>) {
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
            checked = checked.and(self.hearing.check(self.now, group, limit));
        }
        if let Err(broken) = checked {
            self.fail_at(id, &broken);
        }
    }

    fn carry_out(&mut self, id: ReplicaId, effect: Effect) {
        let replica = self.replicas.get_mut(&id).expect("a replica");
        match effect {
            Effect::Send(message) => {
                let sent = self.invariants.sent(&message, &replica.disk);
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
            let pulse = self.pulse_at.get(id).copied().unwrap_or_default();
            let pulse = if self.settings.pulsed {
                pulse
            } else {
                Instant::MAX
            };
            group.deadline().min(pulse)
        });
        deadlines.min().unwrap_or(Instant::MAX)
    }

    fn due(&self) -> Vec<ReplicaId> {
        let running = self
            .replicas
            .values()
            .filter_map(|replica| replica.group.as_ref());
        let running = running.filter(|group| Some(group.me()) != self.frozen);
        let due = running.filter(|group| group.deadline() <= self.now);
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
        let (ends, now) = (letter.ends(), self.now);
        let other = self.votes_only && !letter.is_vote();
        if self.cut.contains(&ends) || self.frozen == Some(ends.1) || other {
            return;
        }
        self.keep_late(&letter);
        let Some(replica) = self.replicas.get_mut(&ends.1) else {
            return;
        };
        match letter {
            Letter::Message(message) => {
                self.hearing.message(now, &message);
                self.step(ends.1, Input::Received(message));
            }
            Letter::Quiet(quiet) => {
                if self.traced && replica.group.is_some() {
                    self.telling.hear(now, &quiet);
                }
                let group = replica.group.as_mut();
                let accepted = group.is_some_and(|group| {
                    let accepted = group.hear_quiet(now, &quiet);
                    accepted && (group.term() == quiet.term || wrong_term(self.seed))
                });
                self.note(|| format!("{quiet:?} is accepted: {accepted}"));
                self.messages.push(Letter::Answer(quiet, accepted));
            }
            Letter::Answer(quiet, accepted) => {
                if let Some(group) = &mut replica.group {
                    self.hearing.quiet(now, &quiet);
                    if self.traced {
                        self.telling.answer(now, &quiet, accepted);
                    }
                    group.quiet_answered(now, &quiet, accepted);
                }
            }
        }
    }

    /// Keeps a copy of some of what is delivered.
    fn keep_late(&mut self, letter: &Letter) {
        self.delivered += 1;
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
