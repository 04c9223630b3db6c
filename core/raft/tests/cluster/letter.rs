//! What is on its way between replicas.

use raft::{Body, Message, Pulse, PulseReply, ReplicaId};

/// Something on its way.
#[derive(Clone, Debug)]
pub(crate) enum Letter {
    Message(Message),
    /// What a node says of all its groups, from one of its replicas to one of the other node's.
    Pulse((ReplicaId, ReplicaId), Pulse),
    /// The answer to one.
    Answer((ReplicaId, ReplicaId), PulseReply),
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
            Self::Pulse(ends, _) | Self::Answer(ends, _) => *ends,
        }
    }
}
