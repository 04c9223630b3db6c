//! Leading: beats, and stepping down when nobody listens or nothing becomes durable.

use std::sync::Arc;

use model::LogIndex;
use stdx::mutant;

use crate::effect::Effect;
use crate::flush::Ack;
use crate::frame::FrameKind;
use crate::group::Group;
use crate::hard_state::HardState;
use crate::message::Body;
use crate::progress::{Progress, Stage};
use crate::quiet::QUIET_MAX;
use crate::replica::ReplicaId;
use crate::role::Role;
use crate::trace::Point;

impl Group {
    /// Does what is due in a reign.
    pub(crate) fn reign_on(&mut self, out: &mut Vec<Effect>) {
        let (now, settings) = (self.now, Arc::clone(&self.settings));
        let alone = self.config().is_alone(self.me);
        let Role::Leader(reign) = &mut self.role else {
            return;
        };
        // A leader that makes nothing durable is none, though it still talks [cockroach 77035]. Where nobody else could
        // lead, a slow leader is better than none.
        let stalled = !alone
            && reign
                .unflushed_since
                .is_some_and(|since| now.since(since) >= settings.election_max);
        if stalled {
            self.resign(out);
            return;
        }
        if now >= reign.quorum_check_at {
            reign.quorum_check_at = now + settings.election_min;
            if !self.is_heard() && !mutant!(R10) {
                self.resign(out);
                return;
            }
            self.ask_for_repair();
        }
        if self.end_handover(out) {
            return;
        }
        if let Role::Leader(reign) = &mut self.role
            && now >= reign.beat_at
        {
            self.beat_all();
        }
    }

    /// Whether a quorum said anything within the time for which it is loyal [raft thesis §6.2].
    fn is_heard(&self) -> bool {
        let Role::Leader(reign) = &self.role else {
            return false;
        };
        self.config().is_quorum(|voter| {
            let progress = reign.progress.get(voter);
            let heard_at = progress.and_then(|progress| progress.heard_at);
            voter == self.me
                || heard_at.is_some_and(|at| self.now.since(at) < self.settings.election_min)
        })
    }

    /// Leads no more, and says nothing: beats to a few would keep the others from electing somebody [openraft 2080].
    pub(crate) fn resign(&mut self, out: &mut Vec<Effect>) {
        self.contact = None;
        self.follow(None, out);
    }

    /// Beats to everyone.
    pub(crate) fn beat_all(&mut self) {
        let (now, commit) = (self.now, self.commit);
        // Between two of them the host beats, where it does.
        let beats = if self.settings.pulsed { QUIET_MAX } else { 1 };
        let Role::Leader(reign) = &mut self.role else {
            return;
        };
        reign.beats += 1;
        reign.beat_at = now + self.settings.heartbeat * beats;
        let sequence = reign.beats;
        for (_, progress) in reign.progress.iter_mut() {
            progress.told.tell(sequence, commit);
        }
        let mut last = None;
        while let Some(other) = self.other_after(last) {
            self.say(other, Body::Beat { sequence, commit });
            last = Some(other);
        }
    }

    /// What this leader knows of a replica that just spoke; none when it leads no more, or the replica is not its own.
    pub(crate) fn heard(&mut self, from: ReplicaId) -> Option<&mut Progress> {
        let Role::Leader(reign) = &mut self.role else {
            return None;
        };
        let progress = reign.progress.get_mut(from)?;
        progress.heard_at = Some(self.now);
        Some(progress)
    }

    /// A follower answered a beat.
    pub(crate) fn beat_answered(
        &mut self,
        from: ReplicaId,
        sequence: u64,
        verified: LogIndex,
        flushed: LogIndex,
        out: &mut Vec<Effect>,
    ) {
        let (now, start) = (self.now, self.log.start().index);
        let Some(progress) = self.heard(from) else {
            return;
        };
        progress.beat = progress.beat.max(sequence);
        progress.told.answered(sequence, verified);
        let news = progress.has(verified, flushed);
        if progress.stage == Stage::Install && progress.matched >= start {
            // It has begun there, though its disk may take long over it.
            progress.found();
        }
        let holds = verified >= progress.matched;
        progress.answered_beat(news, holds, now);
        let forgot = verified < progress.matched && progress.is_idle();
        self.progressed(from, out);
        if forgot {
            // It was started anew, or took its leader for lost: what it has it has to be shown, to commit by it.
            self.show_again(from);
        }
        self.confirm_reads(out);
    }

    /// The log rests: the last frame that was committed is followed by one that says so, once; and what is durable is claimed.
    pub(crate) fn mark_rest(&mut self, out: &mut Vec<Effect>) {
        let (commit, dirty) = (self.commit, self.log.dirty());
        if let Role::Leader(reign) = &mut self.role
            && commit == dirty
            && reign.marked != dirty
            && reign.handover.is_none()
        {
            // It is claimed when that is durable.
            reign.marked = dirty.next();
            self.append_own([(FrameKind::Mark, 0)], Ack::Durable, out);
            return;
        }
        self.give_back();
        self.claim_whole();
    }

    /// All of a log that rests is claimed: should its files go, or its end, that is known.
    fn claim_whole(&mut self) {
        let (claimed, hard) = (self.claim(), *self.hard.get());
        if self.log.flushed() == self.log.dirty() && claimed != hard.claimed {
            self.hard.set(HardState { claimed, ..hard });
            self.tell(|| Point::Raise(claimed));
        }
    }

    /// Something is durable here that was not.
    pub(crate) fn own_flush_moved(&mut self, out: &mut Vec<Effect>) {
        let (now, whole) = (self.now, self.log.synced() == self.log.dirty());
        if let Role::Leader(reign) = &mut self.role {
            reign.unflushed_since = if whole { None } else { Some(now) };
            let rests = reign.marked == self.log.dirty();
            self.advance_commit(out);
            self.advance_visible(out);
            if rests {
                self.claim_whole();
            }
        }
    }
}
