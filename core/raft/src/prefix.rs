//! Where a log begins, and moving that.
//!
//! ```text
//!   before    1 2 3 4 5 6 7 8          the leader appends: begin behind 5
//!   after               6 7 8 S        when S is committed, each replica that has 5 durable begins there
//!             [prefix ] 5/2, and who voted then
//! ```
//! All replicas of a log begin at the same places, each in its time: a frame says so, and what is deleted is deleted by
//! the log. What whoever hosts the group derives from the frames before it goes with the prefix.

use std::sync::Arc;

use model::LogIndex;

use crate::config::Config;
use crate::effect::{Effect, Refusal};
use crate::flush::Ack;
use crate::frame::FrameKind;
use crate::group::Group;
use crate::position::Position;
use crate::role::Role;
use crate::trace::Point;

/// What stands for the frames before a log's first one. All of them were committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// The last of them.
    pub last: Position,
    /// Who votes behind it, until a frame says otherwise. Never one that was not committed [canonical/raft 250].
    pub config: Arc<Config>,
}

impl Prefix {
    /// Nothing before index 1, in a group that begins with `config`.
    pub fn none(config: Config) -> Self {
        Self {
            last: Position::ZERO,
            config: Arc::new(config),
        }
    }
}

impl Group {
    /// Somebody wants the log to begin behind `upto`.
    pub(crate) fn truncate_prefix(&mut self, token: u64, upto: LogIndex, out: &mut Vec<Effect>) {
        let Role::Leader(reign) = &self.role else {
            return Self::refuse(token, Refusal::NotLeader, out);
        };
        let refusal = if reign.handover.is_some() {
            Some(Refusal::Transferring)
        } else if upto > self.commit {
            Some(Refusal::NotCommitted)
        } else if upto <= self.log.start().index {
            Some(Refusal::Empty)
        } else if self.log.start_is_open(self.commit) {
            Some(Refusal::Changing)
        } else {
            None
        };
        if let Some(refusal) = refusal {
            return Self::refuse(token, refusal, out);
        }
        let last = self.append_own([(FrameKind::PrefixTruncate(upto), 0)], Ack::Durable, out);
        self.proposals.add(token, last, self.term(), Ack::Durable);
        self.advance_commit(out);
    }

    /// Begins where a committed frame says, if all up to there is durable here. What is only known to be committed must
    /// not be replaced by a prefix: this replica may be the one that a majority was counted without.
    pub(crate) fn begin_later(&mut self, out: &mut Vec<Effect>) {
        let Some(upto) = self.log.start_due(self.commit) else {
            return;
        };
        if upto <= self.log.flushed() {
            let prefix = self.log.begin_behind(upto);
            out.push(Effect::Begin(prefix));
            self.tell(|| Point::Begin);
        }
    }
}
