//! Where the log of a leader and the one here differ.

use model::LogIndex;
use stdx::mutant;

use crate::frame::Frame;
use crate::group::Group;
use crate::position::Position;
use crate::role::Role;

/// The first frame of a message that is not here as it is sent.
pub(crate) enum Conflict {
    None,
    /// The log ends before it.
    Missing(LogIndex),
    /// Another is there.
    Other(LogIndex),
    /// One is there that cannot be read, and it is not known of which term it was.
    Unknown(LogIndex),
}

impl Group {
    /// What of the frames of a message is behind the start of the log here, all before it being committed; none where they
    /// contradict that.
    pub(crate) fn behind_start<'a>(
        &self,
        prev: Position,
        frames: &'a [Frame],
    ) -> Option<(Position, &'a [Frame])> {
        let start = self.log.start();
        let skip = match start.index.0.checked_sub(prev.index.0) {
            None | Some(0) => return Some((prev, frames)),
            Some(skip) => usize::try_from(skip).unwrap_or(usize::MAX),
        };
        match frames.get(skip - 1) {
            None => Some((start, &[])),
            Some(last) if last.term == start.term => Some((start, &frames[skip..])),
            Some(_) => None,
        }
    }

    /// The last frame up to which the logs are the same, whatever can be read here: what is committed, and what this leader
    /// has shown to be before a frame that is.
    pub(crate) fn same_upto(&self) -> LogIndex {
        match &self.role {
            Role::Follower(following) => self.commit.max(following.verified),
            _ => self.commit,
        }
    }

    /// Whether a frame that is committed here is another one in the log of a leader.
    pub(crate) fn contradicts_commit(&self, prev: Position) -> bool {
        let here = self.log.term_at(prev.index);
        prev.index <= self.commit && here.is_some_and(|term| term != prev.term)
    }

    /// Where to try next, if the frame before those of a message is not here. One answer for each reign that differs,
    /// not one for each frame.
    pub(crate) fn mismatch_at(&self, prev: Position) -> Option<LogIndex> {
        match self.log.term_at(prev.index) {
            None if prev.index > self.log.dirty() => Some(self.log.dirty().next()),
            // It cannot be read, and may not be the leader's.
            None if prev.index <= self.same_upto() => None,
            None => Some(self.log.whole().next()),
            Some(_) if mutant!(R08) => None,
            Some(term) if term == prev.term => None,
            Some(_) => {
                let begins = self.log.reign_begins(prev.index);
                // What is committed is the same everywhere.
                Some(begins.max(self.commit.next()))
            }
        }
    }

    /// The first of these frames of a leader's that is not here.
    pub(crate) fn first_conflict(&self, prev: Position, frames: &[Frame]) -> Conflict {
        let mut at = prev.index;
        for frame in frames {
            at = at.next();
            match self.log.term_at(at) {
                // It cannot be read, and is the leader's.
                None if at <= self.same_upto() => {}
                None if at <= self.log.dirty() => return Conflict::Unknown(at),
                None => return Conflict::Missing(at),
                // What is the same stays: an old message must not cut off what came after it [redpanda 17895].
                Some(term) if term == frame.term && !mutant!(R17) => {}
                Some(_) => return Conflict::Other(at),
            }
        }
        Conflict::None
    }
}
