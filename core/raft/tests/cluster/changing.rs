//! Voters that come and go, and leaders that hand over.

use std::sync::Arc;

use model::NodeId;
use raft::{Config, Input, ReplicaId};
use stdx::{Duration, Prng};

use crate::cluster::Cluster;

pub(super) fn hand_over(cluster: &mut Cluster, prng: &mut Prng, ids: &[ReplicaId]) -> bool {
    let Some(leader) = cluster.leader() else {
        return false;
    };
    let to = *prng.choose(ids);
    cluster.step(leader, Input::Transfer { to });
    true
}

/// A replica on another node, or in place of one that is known to be removed and loses its disk: messages to and from
/// that one may still be on their way [redpanda 415, 9766].
fn newcomer(cluster: &mut Cluster, leader: ReplicaId, prng: &mut Prng) -> Option<ReplicaId> {
    let gone = may_go(cluster, leader);
    if !gone.is_empty() && prng.chance(1, 2) {
        let old = *prng.choose(&gone);
        cluster.wipe(old);
        return Some(cluster.next_on(old.node));
    }
    let mut nodes = (1..=7).map(NodeId);
    let free = nodes.find(|node| cluster.on_node(*node).is_none());
    free.map(|node| cluster.next_on(node))
}

/// Learners come, voters come from learners, voters go.
pub(super) fn change(cluster: &mut Cluster, prng: &mut Prng, token: u64) -> bool {
    let Some((leader, config)) = in_force(cluster) else {
        return false;
    };
    let mut voters: Vec<ReplicaId> = config.voters.iter().copied().collect();
    let mut learners: Vec<ReplicaId> = config.learners.iter().copied().collect();
    let mut added = None;
    match prng.below(3) {
        0 => {
            let Some(new) = newcomer(cluster, leader, prng) else {
                return false;
            };
            cluster.add(new);
            added = Some(new);
            learners.push(new);
        }
        1 => voters.append(&mut learners),
        _ if voters.len() > 2 => {
            let at = prng.index(voters.len());
            if !is_spare(cluster, voters.remove(at), &voters) {
                return false;
            }
        }
        _ => return false,
    }
    let input = Input::Change {
        token,
        voters,
        learners,
    };
    cluster.step(leader, input);
    if let Some(new) = added {
        cluster.drop_refused(leader, new);
    }
    true
}

/// A node loses its disk for good: its replica goes first, and another one comes in its place and votes.
pub(super) fn replace(cluster: &mut Cluster, prng: &mut Prng, token: &mut u64) {
    let Some((leader, config)) = in_force(cluster) else {
        return;
    };
    let others = config.voters.iter().copied();
    let others: Vec<ReplicaId> = others.filter(|&voter| voter != leader).collect();
    if config.voters.len() < 3 || config.is_joint() {
        return;
    }
    let old = *prng.choose(&others);
    let stay = || config.voters.iter().copied().filter(|&voter| voter != old);
    if !is_spare(cluster, old, &stay().collect::<Vec<_>>()) {
        return;
    }
    ask(cluster, token, (stay().collect(), Vec::new()));
    cluster.settle(Duration::from_secs(prng.between(1, 5)));
    let Some((leader, _)) = in_force(cluster) else {
        return;
    };
    if !may_go(cluster, leader).contains(&old) {
        return;
    }
    cluster.wipe(old);
    let new = cluster.next_on(old.node);
    cluster.add(new);
    ask(cluster, token, (stay().collect(), vec![new]));
    cluster.drop_refused(leader, new);
    cluster.settle(Duration::from_secs(prng.between(1, 5)));
    ask(cluster, token, (stay().chain([new]).collect(), Vec::new()));
}

/// Asks the leader for these voters and learners.
fn ask(
    cluster: &mut Cluster,
    token: &mut u64,
    (voters, learners): (Vec<ReplicaId>, Vec<ReplicaId>),
) {
    *token += 1;
    let token = *token;
    if let Some(leader) = cluster.leader() {
        let input = Input::Change {
            token,
            voters,
            learners,
        };
        cluster.step(leader, input);
    }
}

/// The leader, and who votes by what it has.
fn in_force(cluster: &Cluster) -> Option<(ReplicaId, Arc<Config>)> {
    let leader = cluster.leader()?;
    let group = cluster.replicas[&leader].group.as_ref()?;
    Some((leader, Arc::clone(group.config())))
}

/// Who is known not to be a member any more, and can be without its disk.
fn may_go(cluster: &Cluster, leader: ReplicaId) -> Vec<ReplicaId> {
    let Some(group) = &cluster.replicas[&leader].group else {
        return Vec::new();
    };
    let (since, config) = group.log().config();
    // Whoever has committed nothing of its own may yet be overruled by one that knows another configuration.
    let own = group.log().term_at(group.commit()) == Some(group.term());
    let settled = own && since <= group.commit() && !config.is_joint();
    let gone = cluster.replicas.keys().copied();
    let members: Vec<ReplicaId> = config.members().into_iter().collect();
    gone.filter(|replica| settled && !config.is_member(*replica))
        .filter(|replica| is_spare(cluster, *replica, &members))
        .collect()
}

/// Whether those who `stay` can read all that is committed and that `old` has: with disks that lose frames and do not know it,
/// nobody is removed who has the last copy of one.
fn is_spare(cluster: &Cluster, old: ReplicaId, stay: &[ReplicaId]) -> bool {
    let disk = |id: &ReplicaId| cluster.replicas.get(id).map(|replica| &replica.disk);
    let Some(had) = disk(&old) else {
        return true;
    };
    let committed = had.placed().filter(|(index, frame)| {
        cluster.invariants.committed.contains_key(index) && had.keeps(*index, frame)
    });
    committed.into_iter().all(|(index, frame)| {
        let mut others = stay.iter().filter_map(disk);
        others.any(|other| other.start() >= index || other.keeps(index, frame))
    })
}
