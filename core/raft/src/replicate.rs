//! Sending frames to followers, and learning how far they are.

use std::sync::Arc;

use model::{LogIndex, Term};

use crate::effect::{Effect, Purpose, Refusal};
use crate::flush::Ack;
use crate::frame::{FrameKind, Frames};
use crate::group::Group;
use crate::message::Body;
use crate::progress::Stage;
use crate::replica::ReplicaId;
use crate::role::Role;

impl Group {
    /// Appends what somebody proposes, if this is the reign for it.
    pub(crate) fn propose(
        &mut self,
        (token, ack): (u64, Ack),
        expected_term: Option<Term>,
        frames: &[u32],
        out: &mut Vec<Effect>,
    ) {
        let Role::Leader(reign) = &self.role else {
            return Self::refuse(token, Refusal::NotLeader, out);
        };
        if reign.handover.is_some() {
            return Self::refuse(token, Refusal::Transferring, out);
        }
        if expected_term.is_some_and(|expected| expected != self.term()) {
            return Self::refuse(token, Refusal::WrongTerm, out);
        }
        let waiting = self.log.bytes_above(self.commit);
        if frames.is_empty() {
            return Self::refuse(token, Refusal::Empty, out);
        }
        if waiting >= self.settings.uncommitted_bytes_max {
            return Self::refuse(token, Refusal::Overloaded, out);
        }
        let frames = frames.iter().map(|&bytes| (FrameKind::Data, bytes));
        let last = self.append_own(frames, ack, out);
        self.proposals.add(token, last, self.term(), ack);
        self.advance_commit(out);
        self.advance_visible(out);
    }

    /// Sends everyone what it lacks.
    pub(crate) fn replicate_all(&mut self, out: &mut Vec<Effect>) {
        let mut last = None;
        while let Some(other) = self.other_after(last) {
            self.replicate(other, out);
            last = Some(other);
        }
    }

    /// The next replica that this leader knows, in their order.
    pub(crate) fn other_after(&self, last: Option<ReplicaId>) -> Option<ReplicaId> {
        let Role::Leader(reign) = &self.role else {
            return None;
        };
        reign.progress.after(last)
    }

    /// Sends one follower what it lacks, as far as its limits go.
    pub(crate) fn replicate(&mut self, to: ReplicaId, out: &mut Vec<Effect>) {
        let settings = Arc::clone(&self.settings);
        loop {
            let Role::Leader(reign) = &mut self.role else {
                return;
            };
            let Some(progress) = reign.progress.get_mut(to) else {
                return;
            };
            let paced = progress.paced_until > self.now;
            if !progress.is_open(&settings) || (paced && self.log.config().1.is_learner(to)) {
                return;
            }
            let next = progress.next;
            if next <= self.log.start().index {
                // What it lacks is gone here.
                self.send_prefix(to, None);
                return;
            }
            if progress.stage == Stage::Replicate && next > self.log.dirty() {
                return;
            }
            let before = LogIndex(next.0 - 1);
            if self.log.holes().at(next).is_some() || self.log.term_at(before).is_none() {
                // It cannot be read here either, for now.
                progress.waiting = true;
                return;
            }
            if progress.stage == Stage::Probe {
                progress.waiting = true;
                self.send_frames(to, next, Frames::new());
                return;
            }
            let (bytes_max, frames_max) = (settings.message_bytes_max, settings.message_frames_max);
            let Some(frames) = self.log.frames(next, bytes_max, frames_max) else {
                // They are too old to be at hand.
                progress.waiting = true;
                out.push(Effect::Fetch {
                    to,
                    first: next,
                    bytes_max: settings.message_bytes_max,
                    purpose: Purpose::Replicate,
                });
                return;
            };
            self.send_sized(to, next, frames);
        }
    }

    /// Sends a follower that has everything the place up to which it has, without frames.
    pub(crate) fn show_again(&mut self, to: ReplicaId) {
        let Role::Leader(reign) = &self.role else {
            return;
        };
        if let Some(progress) = reign.progress.get(to) {
            let next = progress.matched.next().max(self.log.start().index.next());
            if self.log.term_at(LogIndex(next.0 - 1)).is_some() {
                self.send_frames(to, next, Frames::new());
            }
        }
    }

    fn send_sized(&mut self, to: ReplicaId, first: LogIndex, frames: Frames) {
        let bytes = frames.iter().map(|frame| u64::from(frame.bytes)).sum();
        let last = LogIndex(first.0 + frames.len() as u64 - 1);
        let learns = self.config().is_learner(to);
        let (now, rate) = (self.now, self.settings.learner_bytes_per_second);
        if let Role::Leader(reign) = &mut self.role
            && let Some(progress) = reign.progress.get_mut(to)
        {
            progress.sent(last, bytes);
            if learns {
                progress.pace(now, bytes, rate);
            }
        }
        self.send_frames(to, first, frames);
    }

    fn send_frames(&mut self, to: ReplicaId, first: LogIndex, frames: Frames) {
        let commit = self.commit;
        let prev = self.log.position(LogIndex(first.0 - 1));
        let prev = prev.expect("what is sent next follows what is here");
        let Role::Leader(reign) = &mut self.role else {
            return;
        };
        let Some(progress) = reign.progress.get_mut(to) else {
            return;
        };
        progress.sequence += 1;
        let sequence = progress.sequence;
        // What a follower has to catch up with, too: it may be waited for by then.
        let flush = frames.is_empty() || first <= reign.strict_upto;
        self.say(
            to,
            Body::Append {
                sequence,
                prev,
                frames,
                commit,
                flush,
            },
        );
    }

    /// Frames that were asked for are there.
    pub(crate) fn fetched(
        &mut self,
        to: ReplicaId,
        first: LogIndex,
        frames: Frames,
        out: &mut Vec<Effect>,
    ) {
        let Role::Leader(reign) = &mut self.role else {
            return;
        };
        let Some(progress) = reign.progress.get_mut(to) else {
            return;
        };
        if frames.is_empty() {
            // They could not be read: it is tried again when beats were answered for a while.
            return;
        }
        let there = first > self.log.start().index;
        let expected = progress.stage == Stage::Replicate && progress.next == first && there;
        progress.waiting = progress.stage == Stage::Probe && progress.waiting;
        // The log may have been cut and have grown again since: what is sent is what is there.
        let same = (first.0..)
            .zip(&frames)
            .all(|(index, frame)| self.log.term_at(LogIndex(index)) == Some(frame.term));
        if expected && same {
            self.send_sized(to, first, frames);
        }
        self.replicate(to, out);
    }

    /// A follower has frames.
    pub(crate) fn appended(
        &mut self,
        from: ReplicaId,
        verified: LogIndex,
        flushed: LogIndex,
        out: &mut Vec<Effect>,
    ) {
        let Some(progress) = self.heard(from) else {
            return;
        };
        progress.has(verified, flushed);
        progress.found();
        self.progressed(from, out);
    }

    /// A follower does not have the frame before those that it was sent.
    pub(crate) fn mismatch(
        &mut self,
        from: ReplicaId,
        sequence: u64,
        next: LogIndex,
        out: &mut Vec<Effect>,
    ) {
        let Some(progress) = self.heard(from) else {
            return;
        };
        // Of an earlier message: what was sent since may be answered otherwise.
        if sequence != progress.sequence || next == LogIndex::ZERO {
            return;
        }
        if next <= progress.durable {
            // Its disk lost what it had durable: that does not count for any commit any more, and is sent again.
            progress.lost(next);
        }
        progress.probe_from(next.min(progress.next));
        self.replicate(from, out);
    }

    /// A follower may have more than before.
    pub(crate) fn progressed(&mut self, from: ReplicaId, out: &mut Vec<Effect>) {
        self.advance_commit(out);
        self.advance_visible(out);
        self.replicate(from, out);
        self.hand_over_when_ready(out);
    }
}
