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
    Ack, Config, Effect, Group, HardState, Heartbeats, Input, LogView, Message, ReplicaId, Settings,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use stdx::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

const GROUPS: u64 = 10_000;

/// When all groups have a leader, and everybody knows everything.
const READY: Duration = Duration::from_millis(4_200);
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
        // All groups come to the same time.
        while cluster.now < Instant::ZERO + READY {
            cluster.now += Duration::from_millis(150);
            cluster.replicas[leader].step(cluster.now, Input::Tick);
            cluster.deliver(cluster.now);
            cluster.rest();
        }
        assert!(cluster.replicas[leader].group.leads());
        cluster
    }

    /// A beat to everyone, quiet where that is enough.
    fn rest(&mut self) {
        let (now, mut quiet) = (self.now, Vec::new());
        let leader = &mut self.replicas[self.leader];
        leader.group.pulse(now, &mut quiet, &mut leader.effects);
        for effect in leader.effects.drain(..) {
            if let Effect::Send(message) = effect {
                leader.sent.push_back(message);
            }
        }
        for beat in quiet {
            let to = usize::try_from(beat.to.node.0 - 1).expect("from one on");
            assert!(self.replicas[to].group.hear_quiet(now, &beat));
            let leader = &mut self.replicas[self.leader].group;
            leader.quiet_answered(now, &beat, true);
        }
        self.deliver(now);
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

    /// Delivers what the leader says to one follower, and says how long that took.
    fn deliver_to_one(&mut self) -> Duration {
        let leader = &mut self.replicas[self.leader];
        let to = leader.sent.front().map(|message| message.to);
        let all = leader.sent.drain(..);
        let (first, rest) = all.partition(|message| Some(message.to) == to);
        leader.sent = rest;
        let Some(to) = to else {
            return Duration::ZERO;
        };
        let follower = usize::try_from(to.node.0 - 1).expect("from one on");
        let (now, messages): (Instant, VecDeque<Message>) = (self.now, first);
        let begin = std::time::Instant::now();
        for message in messages {
            self.replicas[follower].step(now, Input::Received(message));
        }
        begin.elapsed()
    }

    fn propose(&mut self, token: u64) {
        self.propose_only(token);
        self.deliver(self.now);
    }

    fn propose_only(&mut self, token: u64) {
        let now = self.now;
        let propose = Input::Propose {
            token,
            expected_term: None,
            frames: core::iter::once(1_024).collect(),
            ack: Ack::Durable,
        };
        self.replicas[self.leader].step(now, propose);
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

/// What a proposal costs its leader until it is sent and written, and a follower until it is answered, each alone.
fn steps(criterion: &mut Criterion) {
    const BATCH: u64 = 32;
    let mut group = criterion.benchmark_group("step");
    control(&mut group);
    let mut token = 0;
    for follower in [false, true] {
        let mut cluster = Cluster::new(3, 1, &settings());
        let of = if follower {
            "an append on a follower, written and answered"
        } else {
            "a proposal on a leader, written and sent"
        };
        group.bench_function(of, |bencher| {
            bencher.iter_custom(|count| {
                let mut time = Duration::ZERO;
                for _ in 0..count.div_ceil(BATCH) {
                    let begin = std::time::Instant::now();
                    for _ in 0..BATCH {
                        token += 1;
                        cluster.propose_only(token);
                    }
                    let proposed = begin.elapsed();
                    let taken = cluster.deliver_to_one();
                    time += if follower { taken } else { proposed };
                    cluster.deliver(cluster.now);
                }
                time * u32::try_from(count).unwrap_or(u32::MAX)
                    / u32::try_from(count.div_ceil(BATCH) * BATCH).unwrap_or(u32::MAX)
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
    let mut nodes: Vec<Node> = nodes.into_iter().map(Node::new).collect();
    let mut now = Instant::ZERO + READY + Duration::from_millis(150);
    let (mut sum, mut rounds) = (Said::default(), 0_u64);
    // Everybody knows who is quiet, and when each is due has spread.
    let region = Region::new(ALLOCATOR);
    for _ in 0..40 {
        now += Duration::from_millis(150);
        round(&mut nodes, now);
    }
    let change = region.change();
    println!(
        "what the nodes keep of them: {} bytes a replica",
        (change.bytes_allocated - change.bytes_deallocated) / (3 * 10_000)
    );
    let mut group = criterion.benchmark_group("a round of 10,000 groups on 3 nodes");
    group.throughput(Throughput::Elements(GROUPS));
    control(&mut group);
    group.bench_function("all three nodes", |bencher| {
        bencher.iter(|| {
            now += Duration::from_millis(150);
            rounds += 1;
            let said = round(&mut nodes, now);
            sum.loud += said.loud;
            sum.pulses += said.pulses;
            sum.touched += said.touched;
        });
    });
    group.finish();
    println!(
        "in a round: {} pulses with their answers, {} beats that say everything, {} steps of groups",
        sum.pulses / rounds.max(1),
        sum.loud / rounds.max(1),
        sum.touched / rounds.max(1)
    );
}

/// What was said in a round, and how many steps groups took.
#[derive(Default)]
struct Said {
    pulses: u64,
    loud: u64,
    touched: u64,
}

/// A node, and when each of its groups is due.
struct Node {
    groups: Vec<Group>,
    due: Vec<Instant>,
    heartbeats: Heartbeats,
}

impl Node {
    fn new(groups: Vec<Group>) -> Self {
        let mut heartbeats = Heartbeats::new(1);
        (0..groups.len() as u64).for_each(|name| heartbeats.add(name));
        Self {
            due: groups.iter().map(Group::deadline).collect(),
            groups,
            heartbeats,
        }
    }

    fn step(&mut self, name: usize, now: Instant, input: Input, out: &mut Vec<Effect>) {
        let group = &mut self.groups[name];
        self.heartbeats.before(name as u64, group);
        group.step(now, input, out);
        self.heartbeats.after(name as u64, group);
        self.due[name] = group.deadline();
    }
}

/// Each node does what is due and beats, and is answered.
fn round(nodes: &mut [Node], now: Instant) -> Said {
    let (mut said, mut effects) = (Said::default(), Vec::new());
    for at in 0..nodes.len() {
        for name in 0..nodes[at].due.len() {
            if nodes[at].due[name] <= now {
                nodes[at].step(name, now, Input::Tick, &mut effects);
                said.touched += 1;
                say(nodes, (at, name), now, (&mut effects, &mut said));
            }
        }
        for name in nodes[at].heartbeats.begin() {
            let (node, group) = (&mut nodes[at], usize::try_from(name).unwrap_or(0));
            node.heartbeats
                .beat(now, name, &mut node.groups[group], &mut effects);
            said.touched += 1;
            say(nodes, (at, group), now, (&mut effects, &mut said));
        }
        let me = NodeId(i32::try_from(at).unwrap_or(0) + 1);
        for (to, pulse) in nodes[at].heartbeats.pulses(me) {
            said.pulses += 1;
            let there = usize::try_from(to.0 - 1).unwrap_or(0);
            let Node {
                groups, heartbeats, ..
            } = &mut nodes[there];
            let reply = heartbeats.hear(now, me, &pulse, |name, beat| {
                let group = usize::try_from(name).ok();
                let group = group.and_then(|at| groups.get_mut(at));
                group.is_some_and(|group| group.hear_quiet(now, beat))
            });
            if let Some(reply) = reply {
                let refused = nodes[at].heartbeats.answered(now, (me, to), &reply);
                assert!(refused.is_empty(), "all follow");
            }
        }
    }
    said
}

/// Delivers what a group says, and what it is answered.
fn say(
    nodes: &mut [Node],
    (at, name): (usize, usize),
    now: Instant,
    (effects, said): (&mut Vec<Effect>, &mut Said),
) {
    let mut answers = Vec::new();
    for effect in effects.drain(..) {
        let Effect::Send(message) = effect else {
            continue;
        };
        said.loud += 1;
        said.touched += 2;
        let there = usize::try_from(message.to.node.0 - 1).unwrap_or(0);
        nodes[there].step(name, now, Input::Received(message), &mut answers);
        for answer in answers.drain(..) {
            if let Effect::Send(message) = answer {
                nodes[at].step(name, now, Input::Received(message), &mut Vec::new());
            }
        }
    }
}

criterion_group!(benches, append, steps, heartbeats);
criterion_main!(benches);
