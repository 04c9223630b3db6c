//! What is on its way between replicas.

use raft::{Body, Message, Quiet, ReplicaId};

/// Something on its way.
#[derive(Clone, Debug)]
pub(crate) enum Letter {
    Message(Message),
    Quiet(Quiet),
    /// To a quiet beat, and whether it was accepted.
    Answer(Quiet, bool),
}

impl Letter {
    /// Whether it asks for a vote or gives one.
    pub(crate) fn is_vote(&self) -> bool {
        let Self::Message(message) = self else {
            return false;
        };
        matches!(
            message.body,
            Body::VoteRequest { .. } | Body::VoteReply { .. }
        )
    }

    /// From whom it comes, and to whom it goes.
    pub(crate) fn ends(&self) -> (ReplicaId, ReplicaId) {
        match self {
            Self::Message(message) => (message.from, message.to),
            Self::Quiet(quiet) => (quiet.from, quiet.to),
            Self::Answer(quiet, _) => (quiet.to, quiet.from),
        }
    }
}
