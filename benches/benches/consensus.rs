//! Consensus alone: what a step costs, what ten thousand groups cost that do nothing, and what they take.
//!
//! `cargo bench -p benches --bench consensus`. Nothing is written or sent. The control of each group is a copy of a
//! kilobyte in memory: look at the ratio. Counts of messages, bytes and allocations are exact.

#![expect(
    clippy::print_stdout,
    reason = "counts are exact, and no business of criterion's"
)]

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use model::{LogIndex, NodeId};
use raft::{
    Ack, Config, Effect, Group, HardState, Heartbeats, Input, LogView, Message, Pulse, ReplicaId,
    Settings,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use stdx::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

const GROUPS: u64 = 10_000;
const NODES: i32 = 3;

/// As one core has them for all its groups.
fn settings() -> Arc<Settings> {
    Arc::new(Settings {
        pulsed: true,
        ..Settings::default()
    })
}

/// A group's replica with a perfect disk.
struct Replica {
    group: Group,
    inputs: VecDeque<Input>,
    effects: Vec<Effect>,
    sent: VecDeque<Message>,
}

impl Replica {
    fn new(me: i32, voters: i32, name: u64, settings: &Arc<Settings>) -> Self {
        let config = Config::of((1..=voters).map(ReplicaId::first));
        let settings = Arc::clone(settings);
        let (hard, log) = (HardState::default(), LogView::new(config));
        let me = ReplicaId::first(me);
        Self {
            group: Group::new(me, settings, hard, log, Instant::ZERO, name),
            inputs: VecDeque::new(),
            effects: Vec::new(),
            sent: VecDeque::new(),
        }
    }

    /// A step, and everything that the disk has to say to what comes of it.
    fn step(&mut self, now: Instant, input: Input) {
        self.inputs.push_back(input);
        while let Some(input) = self.inputs.pop_front() {
            self.group.step(now, input, &mut self.effects);
            for effect in self.effects.drain(..) {
                match effect {
                    Effect::Persist { sequence, .. } => {
                        self.inputs.push_back(Input::Persisted { sequence });
                    }
                    Effect::Append {
                        first,
                        frames,
                        epoch,
                        ..
                    } => {
                        let upto = LogIndex(first.0 + frames.len() as u64 - 1);
                        self.inputs.push_back(Input::Flushed { upto, epoch });
                    }
                    Effect::Send(message) => self.sent.push_back(message),
                    _ => {}
                }
            }
        }
    }
}

/// The replicas of one group, and which of them leads.
struct Cluster {
    replicas: Vec<Replica>,
    leader: usize,
    now: Instant,
}

impl Cluster {
    /// Everything is committed, and known to be.
    fn new(voters: i32, name: u64, settings: &Arc<Settings>) -> Self {
        let replicas: Vec<Replica> = (1..=voters)
            .map(|me| Replica::new(me, voters, name, settings))
            .collect();
        let first = (0..replicas.len()).min_by_key(|&at| replicas[at].group.deadline());
        let leader = first.expect("a voter");
        let now = replicas[leader].group.deadline();
        let mut cluster = Self {
            replicas,
            leader,
            now,
        };
        cluster.replicas[leader].step(now, Input::Tick);
        cluster.deliver(now);
        let (beat, mut effects) = (now + Duration::from_millis(150), Vec::new());
        let replica = &mut cluster.replicas[leader];
        replica.group.pulse(beat, &mut Vec::new(), &mut effects);
        for effect in effects {
            if let Effect::Send(message) = effect {
                replica.sent.push_back(message);
            }
        }
        cluster.deliver(beat);
        cluster.now = beat + Duration::from_millis(150);
        cluster.rest();
        assert!(cluster.replicas[leader].group.leads());
        cluster
    }

    /// A quiet beat to everyone.
    fn rest(&mut self) {
        let mut quiet = Vec::new();
        let leader = &mut self.replicas[self.leader].group;
        leader.pulse(self.now, &mut quiet, &mut Vec::new());
        for beat in quiet {
            let to = usize::try_from(beat.to.node.0 - 1).expect("from one on");
            assert!(self.replicas[to].group.hear_quiet(self.now, &beat));
        }
    }

    fn deliver(&mut self, now: Instant) {
        while let Some(message) = self
            .replicas
            .iter_mut()
            .find_map(|replica| replica.sent.pop_front())
        {
            let to = usize::try_from(message.to.node.0 - 1).expect("from one on");
            self.replicas[to].step(now, Input::Received(message));
        }
    }

    fn propose(&mut self, token: u64) {
        let now = self.now;
        let propose = Input::Propose {
            token,
            expected_term: None,
            frames: core::iter::once(1_024).collect(),
            ack: Ack::Durable,
        };
        self.replicas[self.leader].step(now, propose);
        self.deliver(now);
    }
}

fn control(criterion: &mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>) {
    let (from, mut to) = (vec![7_u8; 1_024], vec![0_u8; 1_024]);
    criterion.bench_function("control: copy 1 KiB", |bencher| {
        bencher.iter(|| black_box(&mut to).copy_from_slice(black_box(&from)));
    });
}

/// From a proposal to its commit: all steps of all replicas.
fn append(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("propose to commit");
    control(&mut group);
    for voters in [1, 3, 5] {
        let mut cluster = Cluster::new(voters, 1, &settings());
        let mut token = 0;
        for _ in 0..3_000 {
            token += 1;
            cluster.propose(token);
        }
        let region = Region::new(ALLOCATOR);
        for _ in 0..1_000 {
            token += 1;
            cluster.propose(token);
        }
        let allocations = region.change().allocations;
        println!(
            "{voters} voters: {allocations} allocations in 1000 proposals, all replicas together"
        );
        assert_eq!(cluster.replicas[cluster.leader].group.undecided(), 0);
        group.bench_function(format!("{voters} voters, all replicas"), |bencher| {
            bencher.iter(|| {
                token += 1;
                cluster.propose(token);
            });
        });
    }
    group.finish();
}

/// A round of beats of ten thousand groups at rest on three nodes: pulses, what each follower makes of them, answers.
fn heartbeats(criterion: &mut Criterion) {
    let settings = settings();
    let region = Region::new(ALLOCATOR);
    let mut clusters: Vec<Cluster> = (0..GROUPS)
        .map(|name| Cluster::new(NODES, name, &settings))
        .collect();
    for replica in clusters
        .iter_mut()
        .flat_map(|cluster| &mut cluster.replicas)
    {
        // What the bench itself keeps is not the group's.
        replica.inputs = VecDeque::new();
        (replica.effects, replica.sent) = (Vec::new(), VecDeque::new());
    }
    let change = region.change();
    let held = (change.bytes_allocated - change.bytes_deallocated) / clusters.len();
    // What is here and no group's.
    let around = size_of::<Cluster>() + 3 * (size_of::<Replica>() - size_of::<Group>());
    println!(
        "a replica at rest: {} bytes, {} of them in place",
        (held - around) / 3,
        size_of::<Group>()
    );
    // Node by node, as each would have them.
    let mut nodes: Vec<Vec<Group>> = (0..NODES).map(|_| Vec::new()).collect();
    for cluster in clusters {
        for (node, replica) in nodes.iter_mut().zip(cluster.replicas) {
            node.push(replica.group);
        }
    }
    let mut beats: Vec<Heartbeats> = (0..NODES).map(|_| Heartbeats::default()).collect();
    let (mut now, mut loud, mut quiet, mut rounds) =
        (Instant::ZERO + Duration::from_secs(5), 0, 0, 0_u64);
    let mut group = criterion.benchmark_group("a round of 10,000 groups on 3 nodes");
    group.throughput(Throughput::Elements(GROUPS));
    control(&mut group);
    group.bench_function("all three nodes", |bencher| {
        bencher.iter(|| {
            now += Duration::from_millis(150);
            rounds += 1;
            let (said, pulses) = round(&mut nodes, &mut beats, now);
            loud += said;
            quiet += pulses;
        });
    });
    group.finish();
    println!(
        "in a round: {} pulses with their answers, {} beats that say everything",
        quiet / rounds,
        loud / rounds
    );
}

/// Each node beats, and is answered: beats that say everything, and pulses.
fn round(nodes: &mut [Vec<Group>], beats: &mut [Heartbeats], now: Instant) -> (u64, u64) {
    let (mut loud, mut quiet, mut effects) = (0, 0, Vec::new());
    for at in 0..nodes.len() {
        beats[at].begin();
        for name in 0..nodes[at].len() {
            beats[at].beat(now, name as u64, &mut nodes[at][name], &mut effects);
            loud += effects.len() as u64;
            say(nodes, (at, name), now, &mut effects);
        }
        let pulses = beats[at].pulses();
        let pulses: Vec<(NodeId, Pulse)> = pulses.map(|(to, pulse)| (to, pulse.clone())).collect();
        for (to, pulse) in pulses {
            quiet += 1;
            let there = usize::try_from(to.0 - 1).unwrap_or(0);
            let reply = pulse.hear(|name, beat| {
                let group = usize::try_from(name).ok();
                let group = group.and_then(|at| nodes[there].get_mut(at));
                group.is_some_and(|group| group.hear_quiet(now, beat))
            });
            let own = &mut nodes[at];
            beats[at].answered(to, &reply, |name, beat, accepted| {
                let group = usize::try_from(name).ok().and_then(|at| own.get_mut(at));
                if let Some(group) = group {
                    group.quiet_answered(now, beat, accepted);
                }
            });
        }
    }
    (loud, quiet)
}

/// Delivers what a group says, and what it is answered.
fn say(
    nodes: &mut [Vec<Group>],
    (at, name): (usize, usize),
    now: Instant,
    effects: &mut Vec<Effect>,
) {
    let mut answers = Vec::new();
    for effect in effects.drain(..) {
        let Effect::Send(message) = effect else {
            continue;
        };
        let there = usize::try_from(message.to.node.0 - 1).unwrap_or(0);
        nodes[there][name].step(now, Input::Received(message), &mut answers);
        for answer in answers.drain(..) {
            if let Effect::Send(message) = answer {
                nodes[at][name].step(now, Input::Received(message), &mut Vec::new());
            }
        }
    }
}

criterion_group!(benches, append, heartbeats);
criterion_main!(benches);
