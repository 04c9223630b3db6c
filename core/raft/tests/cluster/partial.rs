//! A majority that reaches itself, while the others reach what they will: it has to go on (L11).

use raft::{Ack, Config, ReplicaId};
use stdx::{Duration, Prng};

use super::{proposal, states};
use crate::cluster::Cluster;

/// The first of the proposals that are made meanwhile.
const TOKENS: u64 = 100;

/// Cuts links, one way each, but for those within a majority; false where `config` has no voters to spare. A bridge that
/// only some reach, or that only reaches some, must neither keep the others from electing nor lead on without them
/// [openraft 1839, 2080].
pub(crate) fn go_on(cluster: &mut Cluster, config: &Config, seed: u64) -> bool {
    let mut prng = Prng::labelled(seed, "partial");
    let mut core: Vec<ReplicaId> = config.voters.iter().copied().collect();
    if core.len() < 3 {
        return false;
    }
    let majority = core.len() / 2 + 1;
    while core.len() > majority {
        core.swap_remove(prng.index(core.len()));
    }
    let all: Vec<ReplicaId> = cluster.replicas.keys().copied().collect();
    for from in &all {
        for to in &all {
            let within = core.contains(from) && core.contains(to);
            if !within && prng.chance(1, 2) {
                cluster.cut.insert((*from, *to));
            }
        }
    }
    cluster.settle(Duration::from_secs(30));
    let leaders = cluster.leaders.len();
    let mut token = TOKENS;
    for _ in 0..10 {
        for leader in cluster.leaders_now() {
            token += 1;
            cluster.step(leader, proposal(token, Ack::Durable));
        }
        cluster.settle(Duration::from_secs(1));
    }
    let outcomes = cluster.outcomes.range(TOKENS..=token);
    let committed = outcomes.filter(|(_, outcome)| outcome.is_committed());
    let reached = || {
        let cut = &cluster.cut;
        format!("{core:?} reach each other, cut are {cut:?}")
    };
    assert!(
        committed.count() >= 10,
        "seed {seed}: L11: {}\n{}",
        reached(),
        states(cluster)
    );
    assert_eq!(
        cluster.leaders.len(),
        leaders,
        "seed {seed}: L10: {}\n{}",
        reached(),
        states(cluster)
    );
    cluster.cut.clear();
    cluster.settle(Duration::from_secs(10));
    true
}
