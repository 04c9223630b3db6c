//! What a replica is at the moment.

use std::collections::BTreeSet;

use model::LogIndex;
use stdx::Instant;

use crate::catch_up::CatchUp;
use crate::members::Members;
use crate::progress::Progress;
use crate::reads::Reads;
use crate::replica::ReplicaId;
use crate::transfer::Handover;

/// Follower, candidate or leader [raft §5.1]. A learner is a follower that nobody asks.
#[derive(Clone, Debug)]
pub(crate) enum Role {
    Follower(Following),
    Candidate(Box<Candidacy>),
    Leader(Box<Reign>),
}

/// Following in a term.
#[derive(Clone, Debug, Default)]
pub(crate) struct Following {
    /// The last frame that this term's leader has shown to be its own.
    pub(crate) verified: LogIndex,
    /// It lacks much.
    pub(crate) catching_up: Option<Box<CatchUp>>,
}

/// Wanting to lead.
#[derive(Clone, Debug)]
pub(crate) struct Candidacy {
    /// In advance: would they vote?
    pub(crate) pre: bool,
    pub(crate) granted: BTreeSet<ReplicaId>,
    /// The change of the hard state with which its own vote is durable.
    pub(crate) own_vote: u64,
}

/// Leading.
#[derive(Clone, Debug)]
pub(crate) struct Reign {
    /// Its first frame: with that, everything before it is committed.
    pub(crate) first: LogIndex,
    /// The last frame that has to be durable before it is done.
    pub(crate) strict_upto: LogIndex,
    /// Everyone else.
    pub(crate) progress: Members<Progress>,
    pub(crate) beat_at: Instant,
    /// Beats so far.
    pub(crate) beats: u64,
    /// When it looks whether a quorum still listens.
    pub(crate) quorum_check_at: Instant,
    /// When the oldest frame was appended that is not durable here.
    pub(crate) unflushed_since: Option<Instant>,
    /// The last frame that says what is committed before it.
    pub(crate) marked: LogIndex,
    pub(crate) reads: Reads,
    pub(crate) handover: Option<Handover>,
    /// What to call the change of the configuration that is under way.
    pub(crate) change: Option<u64>,
}

impl Reign {
    pub(crate) fn deadline(&self) -> Instant {
        if self.progress.is_empty() {
            // Nobody listens who could answer, or be told anything.
            return Instant::MAX;
        }
        let handover = self.handover.as_ref().map(|handover| handover.until);
        let soonest = self.beat_at.min(self.quorum_check_at);
        handover.map_or(soonest, |handover| soonest.min(handover))
    }
}

impl Role {
    pub(crate) fn follower() -> Self {
        Self::Follower(Following::default())
    }

    pub(crate) fn is_leader(&self) -> bool {
        matches!(self, Self::Leader(_))
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Follower(_) => "follower",
            Self::Candidate(candidacy) if candidacy.pre => "pre-candidate",
            Self::Candidate(_) => "candidate",
            Self::Leader(_) => "leader",
        }
    }
}
