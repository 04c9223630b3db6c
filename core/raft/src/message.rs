//! What replicas say to each other.
//!
//! Messages may be lost, late, twice, or out of order. Each carries the latest reign that its sender had heard of.

use model::{LogIndex, Term};

use crate::frame::Frames;
use crate::position::Position;
use crate::prefix::Prefix;
use crate::repair::Lack;
use crate::replica::ReplicaId;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who says it.
    pub from: ReplicaId,
    /// To whom.
    pub to: ReplicaId,
    /// The sender's term.
    pub term: Term,
    /// What.
    pub body: Body,
}

/// What is said. What is said rarely is in a box where it is large: frames are what passes through here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// May I lead?
    VoteRequest {
        /// In which sense.
        ballot: Ballot,
        /// The tail of the candidate's log.
        last: Position,
    },
    /// The answer to that.
    VoteReply {
        /// Of a vote in advance.
        pre: bool,
        /// Whether it may.
        granted: bool,
    },
    /// Frames to append; none where only the place is asked about [raft §5.3].
    Append {
        /// Counts the messages of a reign to one follower.
        sequence: u64,
        /// The frame before them.
        prev: Position,
        /// The frames.
        frames: Frames,
        /// How far the leader has committed.
        commit: LogIndex,
        /// Whether it wants to hear of them when they are durable, and not at once.
        flush: bool,
    },
    /// The frames are there.
    Appended {
        /// Of which message.
        sequence: u64,
        /// The last frame up to which the logs are known to be the same.
        verified: LogIndex,
        /// How much of that is durable.
        flushed: LogIndex,
    },
    /// The frame before them is not.
    Mismatch {
        /// Of which message.
        sequence: u64,
        /// Where to try next: nothing from here on is the same.
        next: LogIndex,
    },
    /// My log begins here, and you lack what was before: begin there too, unless you have it after all. Whoever hosts the
    /// sender adds what it derived from those frames. It is answered as frames are.
    Install {
        /// As in [`Body::Append`].
        sequence: u64,
        /// What stands for those frames.
        prefix: Prefix,
        /// As in [`Body::Append`].
        commit: LogIndex,
        /// What was asked for, if its anchor is not here: then it is another log.
        differs: Option<Box<Lack>>,
    },
    /// I cannot read these any more: who has them? Anybody may.
    Repair(Box<Lack>),
    /// Some of them.
    Repaired {
        /// What was asked for.
        lack: Box<Lack>,
        /// The index of the first.
        first: LogIndex,
        /// The frame before them, or the zero position where that is not known.
        prev: Position,
        /// The frames.
        frames: Frames,
    },
    /// Of what you lack nothing is needed any more: the log begins here. Whoever hosts the sender adds what it derived.
    Begins {
        /// What stands for the frames before.
        prefix: Prefix,
        /// What was asked for, if its anchor is here: then it is the same log.
        lack: Option<Box<Lack>>,
    },
    /// I lead.
    Beat {
        /// Counts the beats of a reign.
        sequence: u64,
        /// How far the leader has committed.
        commit: LogIndex,
    },
    /// The answer to that.
    BeatReply {
        /// Of which beat.
        sequence: u64,
        /// As in [`Body::Appended`].
        verified: LogIndex,
        /// As in [`Body::Appended`].
        flushed: LogIndex,
    },
    /// Lead, now.
    TimeoutNow,
    /// Your reign is over: see my term.
    Stale,
}

/// In which sense a vote is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ballot {
    /// Would you vote for me in the reign after mine? Nothing comes of it for the voter [raft thesis §9.6].
    Pre,
    /// Vote for me in this reign.
    Real,
    /// The same, and the leader wants it: loyalty to it is no reason against.
    Transfer,
}
