//! What goes into a group and what comes out of it.

use std::sync::Arc;

use model::{LogIndex, Term};

use crate::config::Config;
use crate::flush::Ack;
use crate::frame::{Frames, Sizes};
use crate::hard_state::HardState;
use crate::message::{Body, Message};
use crate::prefix::Prefix;
use crate::repair::Lack;
use crate::replica::ReplicaId;

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// Time went by; nothing else.
    Tick,
    /// A message came.
    Received(Message),
    /// Somebody wants frames of records appended.
    Propose {
        /// What to call it in the answer.
        token: u64,
        /// Only in this reign.
        expected_term: Option<Term>,
        /// Bytes of each frame.
        frames: Sizes,
        /// What has to be before it is done.
        ack: Ack,
    },
    /// All frames up to `upto` are durable, of the log that [`Effect::Append`] named `epoch`.
    Flushed {
        /// The last of them.
        upto: LogIndex,
        /// Which log.
        epoch: u64,
    },
    /// A hard state is durable.
    Persisted {
        /// Which.
        sequence: u64,
    },
    /// Frames that were asked for with [`Effect::Fetch`].
    Fetched {
        /// For whom.
        to: ReplicaId,
        /// The index of the first.
        first: LogIndex,
        /// What for.
        purpose: Purpose,
        /// The frames, as far as they could be read.
        frames: Frames,
    },
    /// Frames that were durable cannot be read: their bytes are not what was written, or are nowhere.
    StorageFault {
        /// The first.
        first: LogIndex,
        /// The last.
        last: LogIndex,
        /// Of which log.
        epoch: u64,
    },
    /// Frames that [`Effect::Repair`] named are durable, and can be read.
    Repaired {
        /// The index of the first.
        first: LogIndex,
        /// The frames.
        frames: Frames,
        /// The checksum of the frame before them, as the first of them says.
        chain: u32,
    },
    /// Somebody wants to read what was committed before now.
    Read {
        /// What to call it in the answer.
        token: u64,
    },
    /// Somebody wants other voters or learners.
    Change {
        /// What to call it in the answer.
        token: u64,
        /// Who is to vote.
        voters: Vec<ReplicaId>,
        /// Who is to learn.
        learners: Vec<ReplicaId>,
    },
    /// Somebody wants another leader.
    Transfer {
        /// Who.
        to: ReplicaId,
    },
    /// Somebody wants the log to begin later, everywhere. What was derived from the frames before has to be kept by
    /// whoever hosts a replica, from [`Effect::Begin`] on.
    TruncatePrefix {
        /// What to call it in the answer.
        token: u64,
        /// The last frame that is not needed; it is committed.
        upto: LogIndex,
    },
    /// It is its turn to be sent what it lacks, after [`Effect::Lagging`].
    CatchUp,
    /// The log rests. A leader whose log is committed to its end, and does not say so, appends a frame that does; what is
    /// durable is claimed.
    Rest,
}

impl Input {
    /// Whether it is what comes at rest too.
    pub(crate) fn is_beat(&self) -> bool {
        match self {
            Self::Tick => true,
            Self::Received(message) => {
                matches!(message.body, Body::Beat { .. } | Body::BeatReply { .. })
            }
            _ => false,
        }
    }
}

/// Something to be done. They are to be begun in order; see the crate's duties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Make this durable, whole, and say so with [`Input::Persisted`].
    Persist {
        /// Its number.
        sequence: u64,
        /// The record.
        state: HardState,
    },
    /// Append these. If `flush`, make them durable soon, with everything before them, and say so with [`Input::Flushed`].
    Append {
        /// The index of the first.
        first: LogIndex,
        /// The frames.
        frames: Frames,
        /// Which log this is.
        epoch: u64,
        /// Whether they have to be durable soon.
        flush: bool,
    },
    /// Make what was appended durable now, and say so with [`Input::Flushed`].
    Flush {
        /// The last frame.
        upto: LogIndex,
        /// Of which log.
        epoch: u64,
    },
    /// Cut everything above `last` off; the log has another name afterwards.
    Truncate {
        /// The last frame that stays.
        last: LogIndex,
        /// Which log it is then.
        epoch: u64,
    },
    /// The log begins behind this prefix from now on. Make that durable before anything of it is deleted, and delete when
    /// it pleases; should it be forgotten, it is said again. Where it comes of a message, what was derived from the frames
    /// before came with that, and some of them cannot be read here.
    Begin(Prefix),
    /// Throw the whole log away and begin an empty one behind this prefix; all of it or nothing, whatever happens. Say
    /// that its last frame is durable with [`Input::Flushed`].
    Install {
        /// What stands for the frames before.
        prefix: Prefix,
        /// Which log it is then.
        epoch: u64,
    },
    /// Send this; it may be lost.
    Send(Message),
    /// Read frames for a replica that lacks them, and give them back with [`Input::Fetched`], when there is memory for it:
    /// nothing else is sent to that one meanwhile. It is asked for again after a while; the last of these counts.
    Fetch {
        /// For whom.
        to: ReplicaId,
        /// The first.
        first: LogIndex,
        /// Bytes, but for a single larger frame, and in no more frames than [`crate::Settings::message_frames_max`].
        bytes_max: u64,
        /// What for.
        purpose: Purpose,
    },
    /// The log ends at `last` from now on, since what comes next cannot be read. What comes behind that is kept: when frames
    /// are appended there, one that is the same stays, and the rest goes with the first that is not.
    Fence {
        /// The last frame that stays.
        last: LogIndex,
        /// Which log it is then.
        epoch: u64,
    },
    /// Write these where they were, durably, and say so with [`Input::Repaired`].
    Repair {
        /// The index of the first.
        first: LogIndex,
        /// The frames.
        frames: Frames,
    },
    /// Everything up to here is committed.
    Commit {
        /// The last frame.
        upto: LogIndex,
    },
    /// What is not committed may be seen up to here: it was proposed to be lazy, and a majority has it.
    Visible {
        /// The last frame.
        upto: LogIndex,
    },
    /// What was seen above `last` is gone: others lost it before they had written it. Readers have to be told.
    Hidden {
        /// The last frame that may be seen.
        last: LogIndex,
    },
    /// What became of a proposal or a change.
    Resolved {
        /// Which.
        token: u64,
        /// What.
        outcome: Outcome,
    },
    /// It was not even tried.
    Refused {
        /// Which.
        token: u64,
        /// Why.
        refusal: Refusal,
    },
    /// Whoever has applied everything up to `index` may read.
    ReadReady {
        /// Which.
        token: u64,
        /// The last frame that must be seen.
        index: LogIndex,
    },
    /// It leads now, or does not any more.
    Role {
        /// In which reign.
        term: Term,
        /// Whether it leads.
        leads: bool,
        /// Who does, as far as it knows.
        leader: Option<ReplicaId>,
    },
    /// It follows, and lacks so many frames that its leader has committed: it waits for [`Input::CatchUp`].
    Lagging {
        /// How many.
        frames: u64,
    },
    /// It does not wait for its turn any more, and does not need it: its leader is near, or another one, or has nothing to
    /// send.
    CaughtUp,
    /// Another configuration is in force.
    Reconfigured(Arc<Config>),
    /// A promise of consensus is broken: the replica has to stop, and to keep what it has as evidence.
    Broken(&'static str),
}

/// What frames are read for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A follower of this leader needs them.
    Replicate,
    /// Somebody cannot read its own. What [`Effect::Fence`] took out of the log and is still on the disk is read too.
    Repair {
        /// What it lacks.
        lack: Box<Lack>,
        /// They may be other frames: give them back only if the last of what it lacks has the checksum that it names, or if
        /// the anchor that it names is there and can be read.
        check: bool,
    },
}

/// The exact outcome of a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is committed at this place.
    Committed {
        /// Its last frame.
        last: LogIndex,
        /// Its reign.
        term: Term,
    },
    /// A majority has it, and it may still be lost: that was asked for.
    Seen {
        /// Its last frame.
        last: LogIndex,
        /// Its reign.
        term: Term,
    },
    /// It never will be.
    Lost,
    /// It may be or not, and is not followed any longer: a change of voters whose leader leads no more, or what was
    /// proposed in a log that was thrown away, at a place before the one that was installed.
    Unknown,
}

impl Outcome {
    /// Whether it is committed.
    pub fn is_committed(self) -> bool {
        matches!(self, Self::Committed { .. })
    }
}

/// Why something was not tried. Nothing of it happened, and nothing of it will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Somebody else leads, or nobody.
    NotLeader,
    /// The reign is another one than was expected.
    WrongTerm,
    /// There is nothing in it, or nothing to do for it.
    Empty,
    /// Too much waits to be committed.
    Overloaded,
    /// Leadership is being handed over.
    Transferring,
    /// Nothing of this reign is committed yet.
    NotReady,
    /// One that is not committed is under way already: a change of voters, or of the start.
    Changing,
    /// What is to be forgotten is not known to be committed.
    NotCommitted,
    /// Nobody would vote.
    NoVoters,
    /// Somebody who is to vote does not learn yet, or lacks too much.
    NotCaughtUp,
}
