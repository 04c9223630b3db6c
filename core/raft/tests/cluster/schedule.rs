//! Schedules: what happens in which order, drawn from a seed.

#[path = "changing.rs"]
mod changing;

use core::fmt;
use std::collections::BTreeMap;

use changing::{change, hand_over, replace};
use model::LogIndex;
use raft::{Ack, Config, Input, Outcome, Position, ReplicaId};
use stdx::{Duration, Prng};

use crate::cluster::Cluster;
use crate::heal::{check_logs, go_on, heal};
use crate::reached::Reached;

/// What happens besides time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weather {
    /// Nothing is lost.
    Calm,
    /// Messages and processes come and go.
    Rough,
    /// The same, and voters change and leaders hand over.
    Changing,
    /// As rough, and nobody waits for the disk with what is proposed.
    Lazy,
    /// As rough, and disks lose what they had, though never the last copy of anything.
    Damaged,
    /// All of that together.
    Foul,
}

impl Weather {
    fn changes(self) -> bool {
        matches!(self, Self::Changing | Self::Foul)
    }

    fn damages(self) -> bool {
        matches!(self, Self::Damaged | Self::Foul)
    }
}

/// Steps of a schedule before everything heals.
const STEPS: u64 = 250;

/// A schedule: what is drawn from `seed` in each of these steps, whatever others there are.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) count: i32,
    pub(crate) weather: Weather,
    pub(crate) steps: Vec<u64>,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            seed,
            count,
            weather,
            steps,
        } = self;
        write!(
            f,
            "seed {seed}: {count} replicas, {weather:?}, steps {steps:?}"
        )
    }
}

impl Plan {
    pub(crate) fn new(seed: u64, count: i32, weather: Weather) -> Self {
        Self {
            seed,
            count,
            weather,
            steps: (0..STEPS).collect(),
        }
    }

    /// Runs it and heals nothing.
    pub(crate) fn drive(&self, traced: bool) -> (Cluster, Reached) {
        let Self {
            seed,
            count,
            weather,
            ..
        } = *self;
        let mut cluster = Cluster::new(seed, count, traced);
        if traced {
            cluster.lines.push(self.to_string());
        }
        cluster.lazy = weather == Weather::Lazy || weather == Weather::Foul && seed % 3 == 0;
        cluster.last_to = weather.changes().then(BTreeMap::new);
        let reached = drive(&mut cluster, self);
        (cluster, reached)
    }

    /// Runs it, heals everything, and checks that it goes on.
    pub(crate) fn run(&self, traced: bool) -> Reached {
        run_traced(self, traced)
    }
}

fn run_traced(plan: &Plan, traced: bool) -> Reached {
    let Plan { seed, weather, .. } = *plan;
    let (mut cluster, mut reached) = plan.drive(traced);
    let config = heal(&mut cluster, seed);
    cluster.check_outcomes();
    reached.runs = 1;
    reached.leaders = cluster.leaders.len() as u64;
    reached.commits = cluster.invariants.last_committed().0;
    reached.truncations = cluster.truncations;
    reached.starts = cluster.starts;
    reached.wipes = cluster.wipes;
    reached.misdelivered = cluster.misdelivered;
    reached.fences = cluster.fences;
    reached.turns = cluster.turns;
    reached.repairs = cluster.repairs;
    reached.seen = cluster.seen;
    reached.flushes = cluster.flushes;
    reached.hidden = cluster.hidden;
    reached.installs = cluster.installs;
    reached.reads = cluster.reads.len() as u64;
    reached.quiet = cluster.quiet;
    reached.digest = cluster.trace_digest();
    for outcome in cluster.outcomes.values() {
        if outcome.is_committed() {
            reached.committed += 1;
        } else {
            reached.lost += u64::from(*outcome == Outcome::Lost);
        }
    }
    if weather == Weather::Calm {
        assert_eq!(
            cluster.leaders.len(),
            1,
            "seed {seed}: one election is enough"
        );
        assert_eq!(reached.lost, 0);
    }
    if seed.is_multiple_of(3) {
        reached.bridged = u64::from(go_on(&mut cluster, &config, seed));
        cluster.check_outcomes();
    }
    reached
}

fn drive(cluster: &mut Cluster, plan: &Plan) -> Reached {
    let Plan { seed, weather, .. } = *plan;
    let mut prng = Prng::labelled(seed, "schedule");
    let mut reached = Reached::default();
    let mut token = 1_000;
    if weather == Weather::Calm {
        for _ in 0..20 {
            cluster.settle(Duration::from_millis(400));
            propose(cluster, &mut prng, &mut token);
        }
        return reached;
    }
    for step in &plan.steps {
        let mut prng = Prng::labelled(seed.wrapping_add(step << 40), "step");
        let ids: Vec<ReplicaId> = cluster.replicas.keys().copied().collect();
        let id = *prng.choose(&ids);
        match prng.below(100) {
            0..=39 => deliver(cluster, &mut prng),
            40..=58 => finish(cluster, &mut prng, id),
            59 => cluster.deliver_late(prng.index(8)),
            60..=69 => {
                cluster.now += Duration::from_millis(prng.between(1, 400));
                tick_some(cluster, &mut prng);
            }
            70..=79 => propose(cluster, &mut prng, &mut token),
            80..=82 => {
                cluster.crash(id, prng.index(3));
                reached.crashes += 1;
            }
            83..=87 => cluster.start(id),
            88..=89 => {
                let other = *prng.choose(&ids);
                cluster.cut.insert((id, other));
            }
            90 => cluster.cut.clear(),
            91 => quarrel(cluster, &mut prng, &mut token),
            92 if weather.damages() && prng.chance(1, 2) => {
                reached.gaps += compact(cluster, &mut prng, id);
            }
            92 => usurp(cluster, &mut prng, &mut token),
            93 if weather.changes() && prng.chance(1, 2) => {
                replace(cluster, &mut prng, &mut token);
            }
            93 => rest(cluster),
            94 => read(cluster, &mut token),
            95 => truncate_prefix(cluster, &mut prng, &mut token),
            96 if weather.changes() => {
                reached.transfers += u64::from(hand_over(cluster, &mut prng, &ids));
            }
            97 | 98 if weather.changes() && (weather != Weather::Foul || prng.chance(1, 2)) => {
                token += 1;
                reached.changes += u64::from(change(cluster, &mut prng, token));
            }
            96..=98 if weather.damages() => {
                let losses = (0..5).filter(|_| damage(cluster, &mut prng, id));
                reached.damages += losses.count() as u64;
            }
            // Everything goes well for a while, or nothing but elections would ever happen.
            _ => {
                let time = Duration::from_millis(prng.between(10, 3_000));
                cluster.settle(time);
            }
        }
        check_logs(cluster, seed);
    }
    reached
}

fn deliver(cluster: &mut Cluster, prng: &mut Prng) {
    if cluster.messages.is_empty() {
        return;
    }
    let at = prng.index(cluster.messages.len());
    match prng.below(10) {
        0 => {
            cluster.messages.swap_remove(at);
        }
        1 => {
            let message = cluster.messages[at].clone();
            cluster.deliver(message);
        }
        _ => {
            let message = cluster.messages.swap_remove(at);
            cluster.deliver(message);
        }
    }
}

fn finish(cluster: &mut Cluster, prng: &mut Prng, id: ReplicaId) {
    let choice = prng.index(8);
    if prng.chance(1, 4) {
        cluster.give_turn(id);
    }
    let replica = cluster.replicas.get_mut(&id).expect("a replica");
    if replica.group.is_none() {
        return;
    }
    let input = match prng.below(5) {
        0..=1 => replica.disk.finish_hard(),
        2..=3 => replica.disk.finish_flush(choice),
        _ => replica.disk.finish_repair(),
    };
    if let Some(input) = input {
        cluster.step(id, input);
    }
}

/// The leader stands still while the others elect another one and go on; then it is asked what it believes to know.
fn usurp(cluster: &mut Cluster, prng: &mut Prng, token: &mut u64) {
    let Some(leader) = cluster.leader() else {
        return;
    };
    cluster.frozen = Some(leader);
    cluster.settle(Duration::from_secs(5));
    let others = cluster.leaders_now().into_iter();
    for other in others.filter(|&other| other != leader).collect::<Vec<_>>() {
        *token += 1;
        let input = Input::Propose {
            token: *token,
            expected_term: None,
            frames: vec![100].into(),
            ack: Ack::Durable,
        };
        cluster.step(other, input);
    }
    cluster.settle(Duration::from_millis(prng.between(10, 500)));
    cluster.frozen = None;
    *token += 1;
    cluster.step(leader, Input::Read { token: *token });
}

/// Only votes arrive for a while, and then little else: leaders have frames for themselves, and some of them have been sent
/// to somebody when the next one is elected [raft §5.4.2].
fn quarrel(cluster: &mut Cluster, prng: &mut Prng, token: &mut u64) {
    for _ in 0..prng.between(1, 5) {
        cluster.votes_only = true;
        cluster.settle(Duration::from_millis(prng.between(10, 5_000)));
        cluster.votes_only = false;
        for leader in cluster.leaders_now() {
            for _ in 0..prng.between(0, 4) {
                *token += 1;
                let input = Input::Propose {
                    token: *token,
                    expected_term: None,
                    frames: vec![100].into(),
                    ack: cluster.ack(prng),
                };
                cluster.step(leader, input);
            }
        }
        for _ in 0..prng.between(0, 40) {
            let ids: Vec<ReplicaId> = cluster.replicas.keys().copied().collect();
            let id = *prng.choose(&ids);
            finish(cluster, prng, id);
            deliver(cluster, prng);
        }
    }
}

/// Some look at their clocks; the others will with their next input.
fn tick_some(cluster: &mut Cluster, prng: &mut Prng) {
    let mut ids: Vec<ReplicaId> = cluster.replicas.keys().copied().collect();
    ids.retain(|_| prng.chance(3, 4));
    for id in ids {
        cluster.step(id, Input::Tick);
        cluster.pulse(id);
    }
}

fn propose(cluster: &mut Cluster, prng: &mut Prng, token: &mut u64) {
    let Some(leader) = cluster.leader() else {
        return;
    };
    *token += 1;
    let frames = (0..prng.between(1, 3)).map(|_| 100).collect();
    let input = Input::Propose {
        token: *token,
        expected_term: None,
        frames,
        ack: cluster.ack(prng),
    };
    cluster.step(leader, input);
}

fn rest(cluster: &mut Cluster) {
    for leader in cluster.leaders_now() {
        cluster.step(leader, Input::Rest);
    }
}

/// Whoever believes that it leads is asked, the ones before among them.
fn read(cluster: &mut Cluster, token: &mut u64) {
    for leader in cluster.leaders_now() {
        *token += 1;
        let token = *token;
        cluster.step(leader, Input::Read { token });
    }
}

/// Some of what is committed is not needed any longer.
fn truncate_prefix(cluster: &mut Cluster, prng: &mut Prng, token: &mut u64) {
    for leader in cluster.leaders_now() {
        let group = cluster.replicas[&leader].group.as_ref().expect("it runs");
        let (start, commit) = (group.log().start().index, group.commit());
        let upto = LogIndex(prng.between(start.0, commit.0 + 1));
        *token += 1;
        let token = *token;
        cluster.step(leader, Input::TruncatePrefix { token, upto });
    }
}

/// Records go on a disk that nobody needs any more, for they are committed and others came for the same keys.
fn compact(cluster: &mut Cluster, prng: &mut Prng, id: ReplicaId) -> u64 {
    let replica = cluster.replicas.get_mut(&id).expect("a replica");
    let (start, last) = (replica.disk.start(), replica.settled());
    if !replica.records() {
        return 0;
    }
    let first = prng.between(start.0 + 1, last.0);
    let last = prng.between(first, last.0);
    replica.disk.compact(LogIndex(first), LogIndex(last))
}

/// A disk loses a frame that was claimed to be there, and that another one keeps; it is found at once, or by whoever reads
/// it, or at the next start.
fn damage(cluster: &mut Cluster, prng: &mut Prng, id: ReplicaId) -> bool {
    let disk = &cluster.replicas[&id].disk;
    let (start, last) = (disk.start(), disk.hard.claimed.index.min(disk.last()));
    if last <= start || disk.durable() < last {
        return false;
    }
    // The end of a log is what votes.
    let first = if prng.chance(1, 3) {
        last.0
    } else {
        start.0 + 1
    };
    let index = LogIndex(prng.between(first, last.0));
    let frame = disk.written(index).expect("it is durable");
    // What was acknowledged since the claim was written, of a later reign, is beyond what one replica may lose.
    let term = frame.term;
    if !disk.hard.claimed.is_up_to_date(Position { index, term }) {
        return false;
    }
    // By one that will be asked for it, by whatever configuration anybody knows: whoever is removed goes only when others have
    // what it had.
    let disks = || cluster.replicas.values().map(|replica| &replica.disk);
    let stays = |config: &Config, other: &ReplicaId| {
        config.voters.contains(other) || config.learners.contains(other)
    };
    let asked = |other: &ReplicaId| disks().all(|disk| stays(disk.config(), other));
    let others = cluster.replicas.iter();
    let others = others.filter(|(other, _)| **other != id && asked(other));
    let mut kept = others.filter(|(_, other)| other.disk.keeps(index, frame));
    if !disk.keeps(index, frame) || kept.next().is_none() {
        return false;
    }
    let replica = cluster.replicas.get_mut(&id).expect("a replica");
    replica.disk.damage(index);
    if prng.chance(1, 2) {
        cluster.find_fault(id, index);
    }
    true
}
