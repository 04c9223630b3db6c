//! Many groups on three nodes that beat for all of them together.

#[path = "support/log.rs"]
mod log;

use std::collections::BTreeMap;

use model::{LogIndex, NodeId};
use raft::{
    Ack, Config, Effect, Frame, Group, HardState, Heartbeats, Input, LogView, Prefix, Pulse,
    PulseReply, Purpose, ReplicaId, Settings,
};
use stdx::{Duration, Instant, Prng};

const GROUPS: u64 = 30;
const NODES: i32 = 3;

fn settings() -> Settings {
    Settings {
        pulsed: true,
        ..Settings::default()
    }
}

struct Node {
    groups: BTreeMap<u64, Group>,
    /// The frames of each group's log.
    logs: BTreeMap<u64, Vec<Frame>>,
    heartbeats: Heartbeats,
}

/// Three nodes whose disks and network are perfect, but for a node that may be cut off.
struct Nodes {
    now: Instant,
    by_id: BTreeMap<NodeId, Node>,
    cut_off: Option<NodeId>,
    /// Messages between nodes that were not pulses or their answers.
    loud: u64,
    pulses: u64,
    /// Groups that were looked at in rounds, and that pulses named.
    looked_at: u64,
    told: u64,
    elected: u64,
    lives: u64,
    /// Pulses and their answers that are lost, of a hundred.
    lossy: u64,
    prng: Prng,
}

impl Nodes {
    fn new(seed: u64) -> Self {
        let replicas: Vec<ReplicaId> = (1..=NODES).map(ReplicaId::first).collect();
        let node = |me: ReplicaId| {
            let group = |name: u64| {
                let log = LogView::new(Config::of(replicas.iter().copied()));
                let hard = HardState::default();
                (
                    name,
                    Group::new(me, settings(), hard, log, Instant::ZERO, name),
                )
            };
            let node = Node {
                groups: (0..GROUPS).map(group).collect(),
                logs: BTreeMap::new(),
                heartbeats: Heartbeats::new(1),
            };
            (me.node, node)
        };
        Self {
            now: Instant::ZERO,
            by_id: replicas.iter().copied().map(node).collect(),
            cut_off: None,
            loud: 0,
            pulses: 0,
            looked_at: 0,
            told: 0,
            elected: 0,
            lives: 1,
            lossy: 0,
            prng: Prng::labelled(seed, "nodes"),
        }
    }

    /// Whether a pulse or its answer does.
    fn arrives(&mut self, from: NodeId, to: NodeId) -> bool {
        self.reaches(from, to) && !self.prng.chance(self.lossy, 100)
    }

    fn reaches(&self, from: NodeId, to: NodeId) -> bool {
        self.cut_off != Some(from) && self.cut_off != Some(to)
    }

    fn step(&mut self, at: NodeId, name: u64, input: Input) {
        let mut effects = Vec::new();
        let node = self.by_id.get_mut(&at).expect("a node");
        let group = node.groups.get_mut(&name).expect("a group");
        node.heartbeats.before(name, group);
        group.step(self.now, input, &mut effects);
        node.heartbeats.after(name, group);
        self.carry_out(at, name, effects);
    }

    fn log(&mut self, at: NodeId, name: u64) -> &mut Vec<Frame> {
        let node = self.by_id.get_mut(&at).expect("a node");
        node.logs.entry(name).or_default()
    }

    fn carry_out(&mut self, at: NodeId, name: u64, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Persist { sequence, .. } => {
                    self.step(at, name, Input::Persisted { sequence });
                }
                Effect::Append {
                    first,
                    frames,
                    epoch,
                    ..
                } => {
                    let upto = LogIndex(first.0 + frames.len() as u64 - 1);
                    self.log(at, name).extend(frames);
                    self.step(at, name, Input::Flushed { upto, epoch });
                }
                Effect::Truncate { last, .. } => {
                    let keep = usize::try_from(last.0).expect("short");
                    self.log(at, name).truncate(keep);
                }
                Effect::Fetch { to, first, .. } => {
                    let skip = usize::try_from(first.0 - 1).expect("short");
                    let frames = self.log(at, name)[skip..].to_vec().into();
                    let purpose = Purpose::Replicate;
                    let fetched = Input::Fetched {
                        to,
                        first,
                        purpose,
                        frames,
                    };
                    self.step(at, name, fetched);
                }
                Effect::Send(message) => {
                    self.loud += 1;
                    if self.reaches(at, message.to.node) {
                        self.step(message.to.node, name, Input::Received(message));
                    }
                }
                Effect::Role { leads: true, .. } => self.elected += 1,
                Effect::Broken(what) => panic!("{what}"),
                _ => {}
            }
        }
    }

    fn round(&mut self, at: NodeId) {
        let (now, node) = (self.now, self.by_id.get_mut(&at).expect("a node"));
        let mut loud = Vec::new();
        for name in node.heartbeats.begin() {
            let (mut effects, group) = (Vec::new(), node.groups.get_mut(&name));
            let group = group.expect("a group");
            node.heartbeats.beat(now, name, group, &mut effects);
            self.looked_at += 1;
            loud.push((name, effects));
        }
        let pulses = node.heartbeats.pulses(at);
        for (name, effects) in loud {
            self.carry_out(at, name, effects);
        }
        for (to, pulse) in pulses {
            self.pulses += 1;
            if self.arrives(at, to) {
                self.hear(at, to, &pulse);
            }
        }
    }

    fn hear(&mut self, from: NodeId, to: NodeId, pulse: &Pulse) {
        let (now, node) = (self.now, self.by_id.get_mut(&to).expect("a node"));
        let Node {
            groups, heartbeats, ..
        } = node;
        self.told += (pulse.joined.len() + pulse.left.len()) as u64;
        let reply = heartbeats.hear(now, from, pulse, |name, quiet| {
            let group = groups.get_mut(&name);
            group.is_some_and(|group| group.hear_quiet(now, quiet))
        });
        if let Some(reply) = reply.filter(|_| self.arrives(to, from)) {
            self.answer(from, to, &reply);
        }
    }

    fn answer(&mut self, at: NodeId, from: NodeId, reply: &PulseReply) {
        let (now, node) = (self.now, self.by_id.get_mut(&at).expect("a node"));
        for (name, quiet) in node.heartbeats.answered(now, (at, from), reply) {
            if let Some(group) = node.groups.get_mut(&name) {
                group.quiet_answered(now, &quiet, false);
                node.heartbeats.after(name, group);
            }
        }
    }

    /// The process of a node ends and another one begins, with the same disk.
    fn restart(&mut self, at: NodeId) {
        self.lives += 1;
        let (now, lives) = (self.now, self.lives);
        let node = self.by_id.get_mut(&at).expect("a node");
        node.heartbeats = Heartbeats::new(lives);
        for (name, group) in &mut node.groups {
            let frames = node.logs.entry(*name).or_default().iter().map(Some);
            let first = Config::of((1..=NODES).map(ReplicaId::first));
            let log = log::recovered(&Prefix::none(first), frames, LogIndex::ZERO, |_| None);
            let seed = lives * GROUPS + name;
            *group = Group::new(group.me(), settings(), *group.hard_state(), log, now, seed);
            node.heartbeats.add(*name);
        }
    }

    fn run(&mut self, time: Duration) {
        let (until, step) = (self.now + time, Settings::default().heartbeat);
        while self.now < until {
            self.now += step;
            for at in (1..=NODES).map(NodeId) {
                let due = self.by_id[&at].groups.iter();
                let due = due.filter(|(_, group)| group.deadline() <= self.now);
                for name in due.map(|(name, _)| *name).collect::<Vec<_>>() {
                    self.step(at, name, Input::Tick);
                }
                self.round(at);
            }
        }
    }

    /// Groups that exactly one reachable node leads.
    fn led(&self) -> usize {
        let leads = |name: &u64| {
            let nodes = self.by_id.iter();
            let reachable = nodes.filter(|(node, _)| self.cut_off != Some(**node));
            reachable
                .filter(|(_, node)| node.groups[name].leads())
                .count()
                == 1
        };
        (0..GROUPS).filter(leads).count()
    }
}

#[test]
fn groups_at_rest_cost_a_message_for_each_pair_of_nodes() {
    let mut nodes = Nodes::new(0);
    nodes.run(Duration::from_secs(20));
    assert_eq!((nodes.led(), nodes.elected), (30, GROUPS));
    let (loud, pulses) = (nodes.loud, nodes.pulses);
    let (looked_at, told) = (nodes.looked_at, nodes.told);
    nodes.run(Duration::from_mins(1));
    assert_eq!(
        nodes.elected, GROUPS,
        "L10: nobody is elected without a cause"
    );
    let rounds = 60_000 / 150;
    let pairs = u64::try_from(NODES * (NODES - 1)).expect("few");
    assert_eq!(nodes.pulses - pulses, rounds * pairs);
    assert_eq!(
        (nodes.looked_at, nodes.told),
        (looked_at, told),
        "a round touches and names no group"
    );
    // Every tenth beat says everything, and is answered.
    let full = (nodes.loud - loud) / 2;
    let beats = rounds * GROUPS * u64::try_from(NODES - 1).expect("few");
    assert!(
        (beats / 11..=beats / 9).contains(&full),
        "{full} of {beats}"
    );
}

#[test]
fn a_node_that_is_cut_off_leads_nothing_and_comes_back_to_what_happened() {
    let mut nodes = Nodes::new(0);
    nodes.run(Duration::from_secs(20));
    let leads = |nodes: &Nodes, at: NodeId| {
        let groups = nodes.by_id[&at].groups.values();
        groups.filter(|group| group.leads()).count()
    };
    let away = (1..=NODES)
        .map(NodeId)
        .max_by_key(|&node| leads(&nodes, node));
    let away = away.expect("one leads most");
    assert!(leads(&nodes, away) > 0);
    nodes.cut_off = Some(away);
    nodes.run(Duration::from_secs(20));
    assert_eq!(leads(&nodes, away), 0, "it resigned");
    assert_eq!(nodes.led(), 30);
    nodes.cut_off = None;
    let elected = nodes.elected;
    nodes.run(Duration::from_secs(20));
    assert_eq!(
        (nodes.led(), nodes.elected),
        (30, elected),
        "L10: it disturbed nobody"
    );
    let commits = |nodes: &Nodes, at: NodeId| -> Vec<LogIndex> {
        nodes.by_id[&at]
            .groups
            .values()
            .map(Group::commit)
            .collect()
    };
    let other = if away == NodeId(1) {
        NodeId(2)
    } else {
        NodeId(1)
    };
    assert_eq!(commits(&nodes, away), commits(&nodes, other), "L4");
}

/// Nodes start again and are cut off, pulses and answers get lost, groups have something to do: once that is over, each group
/// has one leader and keeps it, though nothing but quiet beats says so nine times of ten.
#[test]
fn what_nodes_know_of_each_other_comes_right_again() {
    for seed in 0..40 {
        let mut nodes = Nodes::new(seed);
        nodes.run(Duration::from_secs(10));
        nodes.lossy = 30;
        for _ in 0..12 {
            let at = NodeId(i32::try_from(nodes.prng.between(1, 3)).expect("few"));
            match nodes.prng.below(4) {
                0 => nodes.restart(at),
                1 => nodes.cut_off = Some(at),
                2 => nodes.cut_off = None,
                _ => {
                    let name = nodes.prng.below(GROUPS);
                    let (token, expected_term, ack) = (nodes.elected, None, Ack::Durable);
                    let frames = vec![100].into();
                    let propose = Input::Propose {
                        token,
                        expected_term,
                        frames,
                        ack,
                    };
                    nodes.step(at, name, propose);
                }
            }
            let time = nodes.prng.between(50, 4_000);
            nodes.run(Duration::from_millis(time));
        }
        (nodes.lossy, nodes.cut_off) = (0, None);
        nodes.run(Duration::from_secs(20));
        let (elected, told) = (nodes.elected, nodes.told);
        nodes.run(Duration::from_mins(1));
        assert_eq!(nodes.led(), 30, "seed {seed}: L1");
        assert_eq!(nodes.elected, elected, "seed {seed}: L10");
        assert_eq!(nodes.told, told, "seed {seed}: nothing changes any more");
    }
}

#[test]
fn a_quiet_beat_of_another_term_is_refused() {
    quiet_beats_of_others();
}

/// Sends a follower quiet beats of which only one is its leader's.
pub(crate) fn quiet_beats_of_others() {
    let mut nodes = Nodes::new(0);
    nodes.run(Duration::from_secs(20));
    let now = nodes.now;
    let mut groups = nodes
        .by_id
        .into_values()
        .map(|mut node| node.groups.remove(&0));
    let (mut quiet, mut followers) = (Vec::new(), Vec::new());
    while let Some(Some(mut group)) = groups.next() {
        while group.leads() && quiet.len() < 2 {
            quiet.clear();
            group.pulse(now, &mut quiet, &mut Vec::new());
        }
        if !group.leads() {
            followers.push(group);
        }
    }
    let (follower, beat) = (&mut followers[0], quiet[0]);
    assert_eq!(follower.me(), beat.to);
    assert!(follower.hear_quiet(now, &beat));
    let term = |term| raft::Quiet {
        term: model::Term(term),
        ..beat
    };
    let others = [
        term(beat.term.0 + 1),
        term(beat.term.0 - 1),
        raft::Quiet {
            from: quiet[1].to,
            ..beat
        },
        raft::Quiet {
            to: quiet[1].to,
            ..beat
        },
        raft::Quiet {
            to: ReplicaId {
                incarnation: 1,
                ..beat.to
            },
            ..beat
        },
    ];
    for wrong in others {
        assert!(!follower.hear_quiet(now, &wrong), "{wrong:?}");
    }
}
