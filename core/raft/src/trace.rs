//! What a replica decides, one line for each decision that others can build on: the actions of the specification in
//! `papers/spec`, which a trace of lines is checked against.
//!
//! Lines are kept only with the feature `trace`, for tests; without it nothing of this is in a binary.

use std::sync::Arc;

use model::{LogIndex, Term};

use crate::config::Config;
use crate::effect::Effect;
use crate::frame::Frames;
use crate::group::Group;
use crate::hard_state::HardState;
use crate::message::Message;
use crate::position::Position;
use crate::replica::ReplicaId;
use crate::role::Role;

/// One decision, and what the replica is after it.
#[derive(Clone, Debug)]
pub struct Line {
    /// Whose.
    pub replica: ReplicaId,
    /// What was decided.
    pub point: Point,
    /// What it is now.
    pub state: State,
}

/// What was decided.
#[derive(Clone, Debug)]
pub enum Point {
    /// The process began with what its disk has.
    Start,
    /// It stands for election.
    Stand,
    /// It follows, in a later term or in this one.
    Follow,
    /// It gives its vote.
    Vote,
    /// It leads.
    Lead,
    /// This hard state goes to the disk.
    Write(HardState),
    /// The one that went there is durable.
    Written,
    /// A leader appends frames of its own.
    Append(Frames),
    /// Frames of a leader's are in the log, where they were not.
    Receive {
        /// The frame before them, as the message says.
        prev: Position,
        /// How many.
        count: usize,
    },
    /// Less of the log is claimed, before it is cut.
    Lower(Position),
    /// More is claimed: all of a log that rests.
    Raise(Position),
    /// Frames are durable.
    Flush,
    /// Frames are committed, as far as this one knows.
    Commit,
    /// The log begins later.
    Begin,
    /// A leader's log begins behind this frame, and it is here.
    Keep(LogIndex),
    /// The log is thrown away for one that begins behind this frame.
    Install(LogIndex),
    /// A message leaves.
    Send(Message),
}

impl Point {
    /// The frames that were just appended.
    pub(crate) fn appended(out: &[Effect]) -> Self {
        match out.last() {
            Some(Effect::Append { frames, .. }) => Self::Append(frames.clone()),
            _ => Self::Append(Frames::new()),
        }
    }
}

/// What a replica is.
#[derive(Clone, Debug)]
pub struct State {
    /// The latest term that it has heard of.
    pub term: Term,
    /// Its vote in that.
    pub vote: Option<ReplicaId>,
    /// Follower, candidate or leader; whoever only asks in advance follows.
    pub role: &'static str,
    /// The last frame of its log.
    pub last: Position,
    /// How far that is durable.
    pub flushed: LogIndex,
    /// The last frame before the log.
    pub start: LogIndex,
    /// How far it is committed, as far as this one knows.
    pub commit: LogIndex,
    /// Who votes by it.
    pub config: Arc<Config>,
}

impl Group {
    /// Keeps a line of what was just decided.
    #[cfg(feature = "trace")]
    pub(crate) fn tell(&mut self, point: impl FnOnce() -> Point) {
        let line = Line {
            replica: self.me,
            point: point(),
            state: State::of(self),
        };
        self.lines.push(line);
    }

    /// Keeps a line of each message that was let out, from `first` on.
    #[cfg(feature = "trace")]
    pub(crate) fn tell_sent(&mut self, out: &[Effect], first: usize) {
        for effect in &out[first..] {
            if let Effect::Send(message) = effect {
                self.tell(|| Point::Send(message.clone()));
            }
        }
    }

    /// Nobody listens.
    #[cfg(not(feature = "trace"))]
    #[expect(clippy::unused_self, reason = "with the feature it is used")]
    pub(crate) fn tell_sent(&mut self, _out: &[Effect], _first: usize) {}

    /// Nobody listens.
    #[cfg(not(feature = "trace"))]
    #[expect(clippy::unused_self, reason = "with the feature it is used")]
    pub(crate) fn tell(&mut self, _point: impl FnOnce() -> Point) {}

    /// Takes the lines that were kept since this was asked last: none, without the feature `trace`.
    #[cfg(feature = "trace")]
    pub fn take_lines(&mut self) -> Vec<Line> {
        core::mem::take(&mut self.lines)
    }

    /// The same.
    #[cfg(not(feature = "trace"))]
    pub fn take_lines(&mut self) -> Vec<Line> {
        Vec::new()
    }
}

impl State {
    /// What `group` is.
    pub fn of(group: &Group) -> Self {
        let role = match &group.role {
            Role::Candidate(candidacy) if !candidacy.pre => "candidate",
            Role::Follower(_) | Role::Candidate(_) => "follower",
            Role::Leader(_) => "leader",
        };
        Self {
            term: group.term(),
            vote: group.hard_state().vote,
            role,
            last: group.log().last(),
            flushed: group.log().flushed(),
            start: group.log().start().index,
            // An installed prefix was committed, though that is only told next.
            commit: group.commit().max(group.log().start().index),
            config: Arc::clone(group.config()),
        }
    }
}
