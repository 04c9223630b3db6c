//! Who votes for whom, who leads, and who could lead beside them: S1 to S3, S19, S21.

use std::collections::{BTreeMap, BTreeSet};

use model::Term;
use raft::{Ballot, Body, Config, Group, Message, Position, ReplicaId};

use crate::disk::Disk;
use crate::replica::Replica;

/// What was seen of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Elections {
    /// Who led in each term.
    leaders: BTreeMap<Term, ReplicaId>,
    /// To whom each replica granted its vote in each term.
    votes: BTreeMap<(ReplicaId, Term), ReplicaId>,
}

impl Elections {
    /// Checks what a message reveals of terms and votes when it leaves.
    pub(crate) fn sent(
        &mut self,
        message: &Message,
        group: Option<&Group>,
        disk: &Disk,
    ) -> Result<(), String> {
        let Message {
            from,
            to,
            term,
            body,
        } = message;
        if disk.hard.term < *term {
            return Err(format!(
                "S3: {from} reveals term {term}, which is not durable"
            ));
        }
        match body {
            Body::VoteReply {
                pre: false,
                granted: true,
            } => {
                // In a later term it cannot vote in this one any more.
                let same = disk.hard.term == *term;
                if same && disk.hard.vote != Some(*to) {
                    return Err(format!(
                        "S2: {from} granted a vote that is not durable: {message:?}"
                    ));
                }
                let before = self.votes.insert((*from, *term), *to);
                if before.is_some_and(|before| before != *to) {
                    return Err(format!("S2: {from} voted twice in term {term}"));
                }
            }
            Body::VoteRequest { ballot, .. } => {
                let own = disk.hard.term > *term || disk.hard.vote == Some(*from);
                if *ballot != Ballot::Pre && !own {
                    return Err(format!(
                        "S2: {from} asks for votes before its own is durable"
                    ));
                }
                if group.is_some_and(|group| !may_ask(group)) {
                    return Err(format!("S21: {from} asks for votes, and has none"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A replica leads: nobody else does in its term, and when it begins to, a majority of every set of voters has voted
    /// for it.
    pub(crate) fn leads(&mut self, group: &Group, disk: &Disk) -> Result<(), String> {
        let (id, term) = (group.me(), group.term());
        let before = self.leaders.insert(term, id);
        if before == Some(id) {
            return Ok(());
        }
        if let Some(before) = before {
            return Err(format!("S1: {before} and {id} lead in term {term}"));
        }
        let own = disk.hard.term == term && disk.hard.vote == Some(id);
        let voted = |voter: ReplicaId| {
            let vote = self.votes.get(&(voter, term));
            (voter == id && own) || vote == Some(&id)
        };
        if group.config().is_quorum(voted) {
            return Ok(());
        }
        Err(format!(
            "S21: {id} leads in term {term} without the votes of a quorum"
        ))
    }
}

/// Whether a replica may ask for votes: who votes does, and who did by the last configuration that it knows to be
/// committed.
fn may_ask(group: &Group) -> bool {
    let committed = group.log().config_at(group.commit());
    group.config().is_voter(group.me()) || committed.is_voter(group.me())
}

/// A replica that could be elected: by whom, and by how many of them.
struct Possible<'a> {
    id: ReplicaId,
    config: &'a Config,
    /// Who may vote for it, now or after a crash.
    voters: Vec<ReplicaId>,
}

/// Any two replicas that could be elected, each by what its own log says, need a vote of the same voter (S19).
pub(crate) fn check_quorums(replicas: &BTreeMap<ReplicaId, Replica>) -> Result<(), String> {
    let disks = || replicas.iter().map(|(id, replica)| (*id, &replica.disk));
    let configs: Vec<&Config> = disks().map(|(_, disk)| disk.config()).collect();
    if configs.iter().all(|config| *config == configs[0]) {
        // Two majorities of the same set always have.
        return Ok(());
    }
    let possible = disks().filter_map(|(id, disk)| {
        let (last, config) = (disk.tail(), disk.config());
        let would = |voter: &ReplicaId| would_vote(replicas, *voter, last, id);
        let voters: Vec<ReplicaId> = config.sets().flatten().copied().collect();
        let voters: BTreeSet<ReplicaId> = voters.into_iter().filter(would).collect();
        let elected = config.is_quorum(|voter| voters.contains(&voter));
        elected.then(|| Possible {
            id,
            config,
            voters: voters.into_iter().collect(),
        })
    });
    let possible: Vec<Possible<'_>> = possible.collect();
    for (number, one) in possible.iter().enumerate() {
        for other in &possible[..number] {
            if one.config != other.config && are_apart(one, other) {
                return Err(format!(
                    "S19: {} could be elected by {}, and {} in the same term by {}",
                    one.id, one.config, other.id, other.config
                ));
            }
        }
    }
    Ok(())
}

fn would_vote(
    replicas: &BTreeMap<ReplicaId, Replica>,
    voter: ReplicaId,
    last: Position,
    candidate: ReplicaId,
) -> bool {
    let disk = replicas.get(&voter).map(|replica| &replica.disk);
    disk.is_some_and(|disk| voter == candidate || last.is_up_to_date(disk.promised()))
}

/// Whether each could have a quorum and no vote of the other's.
fn are_apart(one: &Possible<'_>, other: &Possible<'_>) -> bool {
    let subsets = 1_u32 << one.voters.len();
    (0..subsets).any(|subset| {
        let votes = |voter: ReplicaId| {
            let at = one.voters.iter().position(|it| *it == voter);
            at.is_some_and(|at| subset >> at & 1 == 1)
        };
        one.config.is_quorum(votes)
            && other
                .config
                .is_quorum(|voter| other.voters.contains(&voter) && !votes(voter))
    })
}
