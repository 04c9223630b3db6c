//! Healing a cluster, and what has to be so afterwards.

#[path = "partial.rs"]
mod partial;

use std::sync::Arc;

pub(crate) use partial::go_on;
use raft::{Ack, Config, Input, ReplicaId};
use stdx::Duration;

use crate::cluster::Cluster;
use crate::invariants::Invariants;

/// Everything runs and reaches everything: somebody leads, and what is proposed is committed everywhere. Returns who votes
/// then.
pub(crate) fn heal(cluster: &mut Cluster, seed: u64) -> Arc<Config> {
    cluster.cut.clear();
    let ids: Vec<ReplicaId> = cluster.replicas.keys().copied().collect();
    for id in ids {
        cluster.start(id);
    }
    scrub(cluster);
    cluster.settle(Duration::from_secs(30));
    let Some(leader) = cluster.leader() else {
        panic!("seed {seed}: L1: nobody leads\n{}", states(cluster));
    };
    let token = 1;
    cluster.step(leader, proposal(token, Ack::Durable));
    cluster.settle(Duration::from_secs(10));
    let done = cluster
        .outcomes
        .get(&token)
        .is_some_and(|outcome| outcome.is_committed());
    assert!(
        done,
        "seed {seed}: L2, L3: nothing is committed\n{}",
        states(cluster)
    );
    // L10: nobody is elected without a cause from here on.
    let leaders = cluster.leaders.len();
    if cluster.lazy {
        // Nobody proposes anything after it: it has to become durable all the same [redpanda 31642].
        cluster.step(leader, proposal(2, Ack::Lazy));
        cluster.settle(Duration::from_secs(10));
    }
    check_logs(cluster, seed);
    let last = cluster.invariants.last_committed();
    let config = cluster.replicas[&leader]
        .group
        .as_ref()
        .map(|group| Arc::clone(group.config()));
    let config = config.expect("it runs");
    for member in config.members() {
        let group = cluster.replicas[&member].group.as_ref().expect("it runs");
        assert_eq!(
            group.commit(),
            last,
            "seed {seed}: L4: {group}\n{}",
            states(cluster)
        );
        assert_eq!(
            group.log().flushed(),
            group.log().dirty(),
            "seed {seed}: L4: {group}\n{}",
            states(cluster)
        );
        // A change of voters that had begun has come to its end, and everybody goes by what came of it.
        let settled = !config.is_joint() && group.log().config().0 <= last;
        assert!(
            settled && *group.config() == config,
            "seed {seed}: L5: {group}\n{}",
            states(cluster)
        );
        // Whoever was removed gets nothing back.
        let bad = cluster.replicas[&member].disk.bad();
        assert!(
            bad.is_empty(),
            "seed {seed}: L6: {member} {bad:?}\n{}",
            states(cluster)
        );
    }
    cluster.settle(Duration::from_secs(20));
    assert_eq!(
        cluster.leaders.len(),
        leaders,
        "seed {seed}: L10\n{}",
        states(cluster)
    );
    config
}

fn proposal(token: u64, ack: Ack) -> Input {
    Input::Propose {
        token,
        expected_term: None,
        frames: vec![100].into(),
        ack,
    }
}

/// All that cannot be read is found.
fn scrub(cluster: &mut Cluster) {
    let disks = cluster.replicas.iter();
    let bad: Vec<_> = disks
        .map(|(id, replica)| (*id, replica.disk.bad()))
        .collect();
    for (id, bad) in bad {
        for index in bad {
            cluster.find_fault(id, index);
        }
    }
}

fn states(cluster: &Cluster) -> String {
    let groups = cluster
        .replicas
        .values()
        .filter_map(|replica| replica.group.as_ref());
    let states: Vec<String> = groups
        .map(|group| format!("{group} {}", group.config()))
        .collect();
    let tail = cluster.lines.len().saturating_sub(40);
    format!(
        "{}\n{}",
        states.join("\n"),
        cluster.lines[tail..].join("\n")
    )
}

/// Checks all logs against each other.
pub(crate) fn check_logs(cluster: &Cluster, seed: u64) {
    if let Err(broken) = Invariants::check_logs(&cluster.replicas) {
        panic!("seed {seed}: {broken}\n{}", states(cluster));
    }
}
