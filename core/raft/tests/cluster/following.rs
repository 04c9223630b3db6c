//! What a follower makes of what it is told: S6 where it votes, S14, S16, S17.

use std::collections::BTreeMap;

use model::{LogIndex, Term};
use raft::{Ballot, Body, Effect, Group, Input, Message, Position, ReplicaId};
use stdx::Instant;

use crate::disk::{Disk, same};
use crate::replica::Replica;

/// What each replica was shown by the leader of its term, in this life.
#[derive(Clone, Debug, Default)]
pub(crate) struct Following(BTreeMap<ReplicaId, Shown>);

#[derive(Clone, Debug, Default)]
struct Shown {
    term: Term,
    /// The last frames of what came, by their places.
    ends: BTreeMap<LogIndex, Term>,
    /// Its commit after its last step, and whether it led then.
    commit: Option<LogIndex>,
    led: bool,
}

impl Following {
    pub(crate) fn forget_boot(&mut self, id: ReplicaId) {
        self.0.remove(&id);
    }

    /// A message comes to a replica.
    pub(crate) fn hears(&mut self, id: ReplicaId, message: &Message) {
        let end = match &message.body {
            Body::Append { prev, frames, .. } => frames.last().map_or(*prev, |last| Position {
                index: LogIndex(prev.index.0 + frames.len() as u64),
                term: last.term,
            }),
            Body::Install { prefix, .. } => prefix.last,
            _ => return,
        };
        let shown = self.0.entry(id).or_default();
        if message.term > shown.term {
            shown.term = message.term;
            shown.ends.clear();
        }
        if message.term == shown.term {
            shown.ends.insert(end.index, end.term);
        }
    }

    /// Checks a replica after a step: its commit went no further than what its leader showed to be the same (S14).
    pub(crate) fn check(&mut self, group: &Group, disk: &Disk) -> Result<(), String> {
        let shown = self.0.entry(group.me()).or_default();
        let (commit, led) = (group.commit(), shown.led);
        shown.led = group.leads();
        // What it knows when it starts was committed before; where its log begins now, it was told that all before was.
        let before = shown.commit.replace(commit).unwrap_or(commit);
        if commit <= before || commit <= disk.start() || led || group.leads() {
            return Ok(());
        }
        let of_this_term = shown.term == group.term();
        let mut ends = shown.ends.range(commit..);
        let same = ends.any(|(&index, &term)| disk.holds(Position { index, term }));
        if of_this_term && same {
            return Ok(());
        }
        Err(format!(
            "S14: {group} takes {commit} for committed, and was not shown that"
        ))
    }
}

/// What must not come of an input, whatever else does.
pub(crate) enum Nothing {
    /// Everything is there already (S16).
    Same,
    /// A write ended of a log that is another one by now (S17): what was durable, committed, and there.
    Stale(LogIndex, LogIndex, LogIndex),
    /// Somebody asks for a vote whose log ends before what this replica once promised (S6): who, and in which term.
    Vote(ReplicaId, Term),
}

impl Nothing {
    /// What must not come of `input`, if that is known before.
    pub(crate) fn of(input: &Input, replica: &Replica) -> Option<Self> {
        let (group, disk) = (replica.group.as_ref()?, &replica.disk);
        match input {
            Input::Received(message) => {
                if let Body::VoteRequest { ballot, last } = &message.body {
                    let voted = group.hard_state().vote == Some(message.from);
                    let again = voted && group.term() == message.term;
                    let behind = !last.is_up_to_date(disk.promised());
                    let counts = *ballot != Ballot::Pre && behind && !again;
                    return counts.then_some(Self::Vote(message.from, message.term));
                }
                let Body::Append { prev, frames, .. } = &message.body else {
                    return None;
                };
                let places = (prev.index.next().0..).map(LogIndex);
                let same = places
                    .zip(frames)
                    .all(|(index, frame)| disk.frame(index).is_some_and(|it| same(it, frame)));
                (disk.holds(*prev) && same).then_some(Self::Same)
            }
            Input::Flushed { epoch, .. } if *epoch != disk.epoch => {
                let (flushed, commit, dirty) = marks(group);
                Some(Self::Stale(flushed, commit, dirty))
            }
            _ => None,
        }
    }

    /// Whether that came of it all the same.
    pub(crate) fn check(&self, group: &Group, effects: &[Effect]) -> Result<(), String> {
        match self {
            Self::Same => {
                let changed = effects.iter().find(|effect| {
                    matches!(
                        effect,
                        Effect::Append { .. }
                            | Effect::Truncate { .. }
                            | Effect::Fence { .. }
                            | Effect::Install { .. }
                    )
                });
                changed.map_or(Ok(()), |effect| {
                    Err(format!(
                        "S16: {group} had all these frames, and does {effect:?}"
                    ))
                })
            }
            Self::Vote(candidate, term) => {
                let hard = group.hard_state();
                if (hard.term, hard.vote) != (*term, Some(*candidate)) {
                    return Ok(());
                }
                Err(format!(
                    "S6: {group} votes for {candidate}, which lacks what it promised"
                ))
            }
            Self::Stale(flushed, commit, dirty) => {
                if marks(group) == (*flushed, *commit, *dirty) {
                    return Ok(());
                }
                Err(format!("S17: {group} goes by a write of an earlier log"))
            }
        }
    }
}

/// What is durable, committed, and there.
fn marks(group: &Group) -> (LogIndex, LogIndex, LogIndex) {
    (group.log().flushed(), group.commit(), group.log().dirty())
}

/// Whether a replica that starts votes for none whose log ends before what it once promised, though its own may by now (S6):
/// one is offered to a copy of it.
pub(crate) fn check_vote(group: &Group, disk: &Disk) -> Result<(), String> {
    let promised = disk.promised();
    let voters = group.config().sets().flatten().copied();
    let other = voters.into_iter().find(|voter| *voter != group.me());
    let (Some(from), Some(term)) = (other, group.term().next()) else {
        return Ok(());
    };
    if group.log().last().is_up_to_date(promised) {
        return Ok(());
    }
    let last = Position {
        index: LogIndex(promised.index.0 - 1),
        ..promised
    };
    let ballot = Ballot::Real;
    let request = Message {
        from,
        to: group.me(),
        term,
        body: Body::VoteRequest { ballot, last },
    };
    let mut group = group.clone();
    group.step(Instant::ZERO, Input::Received(request), &mut Vec::new());
    if group.hard_state().vote != Some(from) {
        return Ok(());
    }
    Err(format!(
        "S6: {group} would vote for one that ends at {last}, and promised {promised}"
    ))
}
