//! Following: appending what the leader sends, and nothing else.

use std::sync::Arc;

use model::LogIndex;
use stdx::mutant;

use crate::conflict::Conflict;
use crate::effect::Effect;
use crate::frame::{Frame, Frames};
use crate::group::Group;
use crate::hard_state::HardState;
use crate::message::{Body, Message};
use crate::position::Position;
use crate::replica::ReplicaId;
use crate::role::Role;
use crate::trace::Point;

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
            flush,
        } = &message.body
        else {
            return;
        };
        let (sequence, prev, commit, flush) = (*sequence, *prev, *commit, *flush);
        let (sent_behind, count) = (prev, frames.len());
        let there = self.behind_start(prev, frames);
        let there = there.filter(|(prev, _)| !self.contradicts_commit(*prev) || mutant!(R08));
        let Some((prev, frames)) = there else {
            self.break_down("the leader contradicts what is committed here", out);
            return;
        };
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
        if frames.is_empty() && self.waits_for_turn(&message, prev.index, out) {
            return;
        }
        let verified = LogIndex(prev.index.0 + frames.len() as u64);
        match self.take_frames(prev, frames, flush, out) {
            Taken::All => {}
            Taken::Later => {
                self.deferred = Some(Box::new(message));
                return;
            }
            Taken::Nothing => return,
        }
        self.tell(|| Point::Receive {
            prev: sent_behind,
            count,
        });
        self.verify(verified, commit, out);
        self.came_closer(verified, commit, out);
        self.fill_from(prev, frames, out);
        let whole = self.log.whole();
        if whole < verified && frames.is_empty() {
            // The leader looks for where to go on. To frames it is said that they are there when they are.
            let next = whole.next();
            self.say(message.from, Body::Mismatch { sequence, next });
            return;
        }
        if flush && verified > self.log.synced() {
            // They may have come before, when nobody wanted to hear of them.
            self.flush_now(out);
        }
        let lazy = !flush && verified <= whole;
        self.acknowledge(message.from, (sequence, verified), lazy);
    }

    /// Says that the frames of a message are there: when they are durable, or at once.
    fn acknowledge(&mut self, to: ReplicaId, (sequence, verified): (u64, LogIndex), lazy: bool) {
        let body = Body::Appended {
            sequence,
            verified,
            flushed: LogIndex::ZERO,
        };
        let wait_for = if lazy || mutant!(R03) {
            LogIndex::ZERO
        } else {
            verified
        };
        self.say_when_flushed(to, body, wait_for);
    }

    /// Has frames appended that are not here, after others were cut off that are here in their place.
    fn take_frames(
        &mut self,
        prev: Position,
        frames: &[Frame],
        flush: bool,
        out: &mut Vec<Effect>,
    ) -> Taken {
        let before = self.log.config().0;
        let at = match self.first_conflict(prev, frames) {
            Conflict::None => return Taken::All,
            Conflict::Missing(at) => at,
            Conflict::Unknown(at) => {
                let last = LogIndex(at.0 - 1);
                // What was acknowledged of what is fenced still votes.
                let hard = *self.hard.get();
                let claimed = self.claim();
                self.hard.set(HardState { claimed, ..hard });
                self.hide_above(last, out);
                self.log.truncate(last);
                let epoch = self.log.epoch();
                out.push(Effect::Fence { last, epoch });
                at
            }
            Conflict::Other(at) if at <= self.commit && !mutant!(R17) => {
                self.break_down("the leader contradicts what is committed here", out);
                return Taken::Nothing;
            }
            Conflict::Other(at) => {
                let last = LogIndex(at.0 - 1);
                // Nothing is cut before it is durable that less is claimed.
                if self.lower_claim(position_in(prev, frames, last)) {
                    return Taken::Later;
                }
                self.hide_above(last, out);
                self.log.truncate(last);
                let epoch = self.log.epoch();
                out.push(Effect::Truncate { last, epoch });
                at
            }
        };
        let new = frames_from(prev, frames, at);
        self.append_from_leader((at, new), flush, before, out);
        Taken::All
    }

    /// Has the holes filled that are in the range of these frames from the leader.
    fn fill_from(&mut self, prev: Position, frames: &[Frame], out: &mut Vec<Effect>) {
        let last = LogIndex(prev.index.0 + frames.len() as u64);
        let mut hole = self.log.holes().from(prev.index.next());
        while let Some(lost) = hole.filter(|hole| hole.first <= last) {
            let first = lost.first.max(prev.index.next());
            self.fill_hole(first, frames_from(prev, frames, first), out);
            hole = self.log.holes().from(lost.last.next());
        }
    }

    /// Frames go behind all others, here and on the disk.
    pub(crate) fn write_frames(
        &mut self,
        first: LogIndex,
        frames: Frames,
        flush: bool,
        out: &mut Vec<Effect>,
    ) {
        let bytes = frames.iter().map(|frame| u64::from(frame.bytes)).sum();
        debug_assert_eq!(
            first,
            self.log.dirty().next(),
            "frames go behind all others"
        );
        self.note_unflushed(bytes, flush);
        self.log.append(frames.iter().cloned());
        let epoch = self.log.epoch();
        out.push(Effect::Append {
            first,
            frames,
            epoch,
            flush,
        });
    }

    /// Appends; the configuration `before` was in force until now, and may have been cut off.
    pub(crate) fn append_from_leader(
        &mut self,
        (first, frames): (LogIndex, Frames),
        flush: bool,
        before: LogIndex,
        out: &mut Vec<Effect>,
    ) {
        self.write_frames(first, frames, flush, out);
        self.tell_config(before, out);
    }

    /// Tells which configuration is in force, if that at `before` is not.
    pub(crate) fn tell_config(&self, before: LogIndex, out: &mut Vec<Effect>) {
        let (after, config) = self.log.config();
        if after != before {
            out.push(Effect::Reconfigured(Arc::clone(config)));
        }
    }

    /// Whether less has to be claimed before everything above `last` is cut off.
    pub(crate) fn lower_claim(&mut self, last: Position) -> bool {
        let hard = *self.hard.get();
        if hard.claimed.index > last.index {
            let claimed = last;
            self.hard.set(HardState { claimed, ..hard });
            self.tell(|| Point::Lower(claimed));
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
        self.end_idle_turn(out);
        let verified = verified.min(self.log.whole());
        let body = Body::BeatReply {
            sequence,
            verified,
            flushed: self.log.flushed().min(verified),
        };
        self.say(message.from, body);
    }
}

/// What became of the frames of a message.
enum Taken {
    /// They are here, or on their way to the disk.
    All,
    /// They have to wait for the hard state.
    Later,
    /// They cannot be.
    Nothing,
}

/// The position at `index`, which is that before the frames of a message or in them. What is here may be unreadable.
fn position_in(prev: Position, frames: &[Frame], index: LogIndex) -> Position {
    let at = index.0.checked_sub(prev.index.0 + 1);
    let frame = at.and_then(|at| frames.get(usize::try_from(at).ok()?));
    frame.map_or(prev, |frame| Position {
        index,
        term: frame.term,
    })
}

fn frames_from(prev: Position, frames: &[Frame], at: LogIndex) -> Frames {
    let skip = usize::try_from(at.0 - prev.index.0 - 1).unwrap_or(usize::MAX);
    frames.iter().skip(skip).cloned().collect()
}
