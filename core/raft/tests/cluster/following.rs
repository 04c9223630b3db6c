//! What a follower makes of what it is told: S14, S16, S17.

use std::collections::BTreeMap;

use model::{LogIndex, Term};
use raft::{Body, Effect, Group, Input, Message, Position, ReplicaId};

use crate::disk::Disk;
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
}

impl Nothing {
    /// What must not come of `input`, if that is known before.
    pub(crate) fn of(input: &Input, replica: &Replica) -> Option<Self> {
        let (group, disk) = (replica.group.as_ref()?, &replica.disk);
        match input {
            Input::Received(message) => {
                let Body::Append { prev, frames, .. } = &message.body else {
                    return None;
                };
                let places = (prev.index.next().0..).map(LogIndex);
                let same = places
                    .zip(frames)
                    .all(|(index, frame)| disk.frame(index) == Some(frame));
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
