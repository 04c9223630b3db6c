//! Following: appending what the leader sends, and nothing else.

use std::sync::Arc;

use model::LogIndex;
use stdx::mutant;

use crate::effect::Effect;
use crate::frame::{Frame, Frames};
use crate::group::Group;
use crate::hard_state::HardState;
use crate::message::{Body, Message};
use crate::position::Position;
use crate::role::Role;

impl Group {
    /// The leader of this term was heard of, whatever it said [redpanda 30815].
    pub(crate) fn hear_leader(&mut self, message: &Message, out: &mut Vec<Effect>) -> bool {
        match self.role {
            Role::Leader(_) => {
                self.break_down("two leaders in one term", out);
                return false;
            }
            Role::Candidate(_) => self.follow(Some(message.from), out),
            Role::Follower(_) if self.leader != Some(message.from) => {
                if self.leader.is_some() {
                    self.break_down("two leaders in one term", out);
                    return false;
                }
                self.follow(Some(message.from), out);
            }
            Role::Follower(_) => {}
        }
        self.contact = Some(self.now);
        self.rest();
        true
    }

    /// Frames from the leader.
    pub(crate) fn append(&mut self, message: Message, out: &mut Vec<Effect>) {
        if !self.hear_leader(&message, out) {
            return;
        }
        let Body::Append {
            sequence,
            prev,
            frames,
            commit,
        } = &message.body
        else {
            return;
        };
        let (sequence, prev, commit) = (*sequence, *prev, *commit);
        let Some((prev, frames)) = self.behind_start(prev, frames) else {
            self.break_down("the leader contradicts what is committed here", out);
            return;
        };
        if self.contradicts_commit(prev) && !mutant!(R08) {
            self.break_down("the leader contradicts what is committed here", out);
            return;
        }
        if let Some(next) = self.mismatch_at(prev) {
            if mutant!(R07) && next <= self.log.dirty() {
                let last = LogIndex(self.log.reign_begins(prev.index).0.saturating_sub(2));
                self.log.truncate(last);
                let epoch = self.log.epoch();
                out.push(Effect::Truncate { last, epoch });
            }
            self.say(message.from, Body::Mismatch { sequence, next });
            return;
        }
        let verified = LogIndex(prev.index.0 + frames.len() as u64);
        match self.first_conflict(prev, frames) {
            Conflict::None => {}
            Conflict::Missing(at) => {
                let new = frames_from(prev, frames, at);
                let before = self.log.config().0;
                self.append_from_leader(at, new, before, out);
            }
            Conflict::Other(at) if at <= self.commit && !mutant!(R17) => {
                self.break_down("the leader contradicts what is committed here", out);
                return;
            }
            Conflict::Other(at) => {
                let last = LogIndex(at.0 - 1);
                if self.lower_claim(last) {
                    // Nothing is cut before it is durable that less is claimed.
                    self.deferred = Some(Box::new(message));
                    return;
                }
                let new = frames_from(prev, frames, at);
                let before = self.log.config().0;
                self.log.truncate(last);
                let epoch = self.log.epoch();
                out.push(Effect::Truncate { last, epoch });
                self.append_from_leader(at, new, before, out);
            }
        }
        self.verify(verified, commit, out);
        let body = Body::Appended {
            sequence,
            verified,
            flushed: LogIndex::ZERO,
        };
        let wait_for = if mutant!(R03) {
            LogIndex::ZERO
        } else {
            verified
        };
        self.say_when_flushed(message.from, body, wait_for);
    }

    /// What of the frames of a message is behind the start of the log here, all before it being committed; none where they
    /// contradict that.
    fn behind_start<'a>(
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

    /// Whether a frame that is committed here is another one in the log of a leader.
    fn contradicts_commit(&self, prev: Position) -> bool {
        let here = self.log.term_at(prev.index);
        prev.index <= self.commit && here.is_some_and(|term| term != prev.term)
    }

    /// Where to try next, if the frame before those of a message is not here. One answer for each reign that differs,
    /// not one for each frame.
    fn mismatch_at(&self, prev: Position) -> Option<LogIndex> {
        match self.log.term_at(prev.index) {
            None => Some(self.log.dirty().next()),
            Some(_) if mutant!(R08) => None,
            Some(term) if term == prev.term => None,
            Some(_) => {
                let begins = self.log.reign_begins(prev.index);
                // What is committed is the same everywhere.
                Some(begins.max(self.commit.next()))
            }
        }
    }

    fn first_conflict(&self, prev: Position, frames: &[Frame]) -> Conflict {
        let mut at = prev.index;
        for frame in frames {
            at = at.next();
            match self.log.term_at(at) {
                None => return Conflict::Missing(at),
                // What is the same stays: an old message must not cut off what came after it [redpanda 17895].
                Some(term) if term == frame.term && !mutant!(R17) => {}
                Some(_) => return Conflict::Other(at),
            }
        }
        Conflict::None
    }

    /// Frames go behind all others, here and on the disk.
    pub(crate) fn write_frames(&mut self, first: LogIndex, frames: Frames, out: &mut Vec<Effect>) {
        self.log.append(frames.iter().cloned());
        let epoch = self.log.epoch();
        out.push(Effect::Append {
            first,
            frames,
            epoch,
        });
    }

    /// Appends; the configuration `before` was in force until now, and may have been cut off.
    fn append_from_leader(
        &mut self,
        first: LogIndex,
        frames: Frames,
        before: LogIndex,
        out: &mut Vec<Effect>,
    ) {
        self.write_frames(first, frames, out);
        let (after, config) = self.log.config();
        if after != before {
            out.push(Effect::Reconfigured(Arc::clone(config)));
        }
    }

    /// Whether less has to be claimed before everything above `last` is cut off.
    pub(crate) fn lower_claim(&mut self, last: LogIndex) -> bool {
        let hard = *self.hard.get();
        if hard.claimed.index > last {
            let claimed = self.log.position(last).unwrap_or_default();
            self.hard.set(HardState { claimed, ..hard });
        }
        self.hard.durable() < self.hard.changed()
    }

    /// The logs are the same up to `verified`: only that far does the leader's commit hold here [copycat 265].
    pub(crate) fn verify(&mut self, verified: LogIndex, commit: LogIndex, out: &mut Vec<Effect>) {
        let Role::Follower(following) = &mut self.role else {
            return;
        };
        following.verified = following.verified.max(verified);
        let commit = if mutant!(R15) {
            commit.min(self.log.dirty())
        } else {
            commit.min(following.verified)
        };
        self.commit_to(commit, out);
    }

    /// The leader leads.
    pub(crate) fn beat(
        &mut self,
        message: &Message,
        sequence: u64,
        commit: LogIndex,
        out: &mut Vec<Effect>,
    ) {
        if !self.hear_leader(message, out) {
            return;
        }
        let Role::Follower(following) = &self.role else {
            return;
        };
        let verified = following.verified;
        self.verify(verified, commit, out);
        let body = Body::BeatReply {
            sequence,
            verified,
            flushed: self.log.flushed().min(verified),
        };
        self.say(message.from, body);
    }
}

/// The first frame of a message that is not here as it is sent.
enum Conflict {
    None,
    /// The log ends before it.
    Missing(LogIndex),
    /// Another is there.
    Other(LogIndex),
}

fn frames_from(prev: Position, frames: &[Frame], at: LogIndex) -> Frames {
    let skip = usize::try_from(at.0 - prev.index.0 - 1).unwrap_or(usize::MAX);
    frames.iter().skip(skip).cloned().collect()
}
