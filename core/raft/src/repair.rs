//! Frames that cannot be read any more, and getting them back from others.
//!
//! ```text
//!    1 2 3 . 5 6 . 8 . .        holes: the log has frames behind them
//!          ^ commit    ^ claimed
//!                    |-|        a tail that was claimed: it is not in the log any more, and votes all the same
//! ```
//! A lost frame is known by what it was: by its index and term, by the next frame that is known, by the checksum that this
//! one is chained to, or by being committed, where both who lacks and who has it know that. So nobody has to lead for a repair, and a replica is as it was before it asks for votes.
//! "I cannot read mine" is never taken for "I never had it" [protocol-aware recovery].

use std::sync::Arc;

use model::{LogIndex, Term};
use stdx::mutant;

use crate::effect::{Effect, Purpose};
use crate::frame::{Frame, Frames};
use crate::group::Group;
use crate::hard_state::HardState;
use crate::holes::Hole;
use crate::message::{Body, Message};
use crate::position::Position;
use crate::prefix::Prefix;
use crate::replica::ReplicaId;
use crate::role::Role;

/// Frames that a replica lacks. What is there is what it lacks where any of these holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lack {
    /// The first.
    pub first: LogIndex,
    /// The last.
    pub last: LogIndex,
    /// The term of all of them, if it is known. Whoever has one of this term has that one.
    pub term: Option<Term>,
    /// A frame at or behind the last, or the zero position where none is known. Whoever has it has them.
    pub anchor: Position,
    /// The checksum of the last. Whoever has that there has them.
    pub chain: Option<u32>,
    /// Whoever lacks them knows that they were committed: then any that are committed are they.
    pub committed: bool,
}

impl Group {
    /// What it lacks first: a hole, or the tail that it once claimed.
    pub(crate) fn lack(&self) -> Option<Lack> {
        if let Some(hole) = self.log.holes().first() {
            return Some(self.lack_of(hole));
        }
        let (last, claimed) = (self.log.last(), self.hard.get().claimed);
        (!last.is_up_to_date(claimed)).then(|| Lack {
            first: last.index.next(),
            last: claimed.index,
            term: (last.term == claimed.term).then_some(last.term),
            anchor: claimed,
            chain: None,
            committed: false,
        })
    }

    /// Frames that were durable cannot be read. They stay in the log as holes, and are claimed.
    pub(crate) fn storage_fault(
        &mut self,
        (first, last): (LogIndex, LogIndex),
        epoch: u64,
        out: &mut Vec<Effect>,
    ) {
        let first = first.max(self.log.start().index.next());
        let last = last.min(self.log.dirty());
        if first > last || epoch != self.log.epoch() {
            return;
        }
        let claimed = self.claim();
        let hard = *self.hard.get();
        self.hard.set(HardState { claimed, ..hard });
        self.log.lose(first, last);
        let follows = matches!(self.role, Role::Follower(_)) || mutant!(R25);
        if last > self.commit && !follows {
            // It leads, or asks for votes, by more than it has.
            self.resign(out);
        }
    }

    /// What it lacks of a hole, as far as that is of one reign or nothing is known of it.
    fn lack_of(&self, hole: Hole) -> Lack {
        let first = hole.first;
        let last = self.log.reign_ends(first, hole.last);
        let behind = self.log.position(last.next());
        Lack {
            first,
            last,
            term: self.log.term_at(first),
            anchor: self.log.position(last).or(behind).unwrap_or_default(),
            chain: hole.chain.filter(|_| last == hole.last),
            committed: last <= self.commit,
        }
    }

    /// What it lacks around `index`, if it cannot tell what was there.
    pub(crate) fn lack_at(&self, index: LogIndex) -> Option<Lack> {
        let hole = self.log.holes().at(index)?;
        let unknown = self.log.term_at(index).is_none();
        unknown.then(|| self.lack_of(hole))
    }

    /// Whether it lacks anything.
    pub(crate) fn is_lacking(&self) -> bool {
        let complete = self.log.last().is_up_to_date(self.hard.get().claimed);
        !complete || self.log.holes().first().is_some()
    }

    /// Asks every member for what it lacks.
    pub(crate) fn ask_for_repair(&mut self) {
        let Some(lack) = self.lack() else {
            return;
        };
        for member in self.config().members() {
            if member != self.me {
                self.say(member, Body::Repair(Box::new(lack)));
            }
        }
    }

    /// Asks a candidate that it knows nothing of: among what it lacks may be the configuration that it is a member by, and
    /// nobody else may have the frames.
    pub(crate) fn ask_stranger_for_repair(&mut self, candidate: ReplicaId) {
        if self.config().is_member(candidate) {
            return;
        }
        if let Some(lack) = self.lack() {
            self.say(candidate, Body::Repair(Box::new(lack)));
        }
    }

    /// Somebody lacks frames. They are read for it if they are what it had.
    pub(crate) fn asked_for_repair(
        &mut self,
        to: ReplicaId,
        lack: Box<Lack>,
        out: &mut Vec<Effect>,
    ) {
        let Lack {
            first,
            last,
            anchor,
            chain,
            ..
        } = *lack;
        let start = self.log.start().index;
        if first <= start {
            // Nobody needs that any more. With the anchor it is the same log up to there.
            let proved = self.log.holds(anchor);
            if !proved && self.role.is_leader() {
                self.send_prefix(to, Some(lack));
            } else {
                let prefix = self.log.prefix();
                let lack = proved.then_some(lack);
                self.say(to, Body::Begins { prefix, lack });
            }
            return;
        }
        // From the first one that is not lacking here. What was taken out of the log by a fence may be the only copy.
        let mut from = first;
        while let Some(hole) = self.log.holes().at(from) {
            from = hole.last.next();
        }
        let kept = self.log.dirty().max(self.hard.get().claimed.index);
        if from > last.min(kept) {
            return;
        }
        let fenced = last > self.log.dirty();
        let proved = self.has_what_lacks(&lack, from) || (fenced && lack.term.is_some());
        let provable = chain.is_some() || (fenced && anchor != Position::ZERO);
        if proved || provable || mutant!(R23) {
            let check = !proved && !mutant!(R23);
            out.push(Effect::Fetch {
                to,
                first: from,
                bytes_max: self.settings.message_bytes_max,
                purpose: Purpose::Repair { lack, check },
            });
        }
    }

    /// Whether the frame at `from` is surely one that somebody lacks. That it is committed here says so only where it is known
    /// there too: what lies behind a hole may be of an earlier reign, and never have been committed.
    fn has_what_lacks(&self, lack: &Lack, from: LogIndex) -> bool {
        let Lack {
            last,
            term,
            anchor,
            committed,
            ..
        } = *lack;
        let has_one = term.is_some() && self.log.term_at(from) == term;
        let both_committed = committed && last <= self.commit;
        self.log.holds(anchor) || has_one || both_committed
    }

    /// Frames for somebody's repair were read.
    pub(crate) fn fetched_for_repair(
        &mut self,
        to: ReplicaId,
        first: LogIndex,
        (lack, checked): (Box<Lack>, bool),
        frames: Frames,
    ) {
        // Whatever became of the log while they were read: there is one frame of a term at an index.
        let sure = checked || lack.term.is_some();
        if !sure && !self.has_what_lacks(&lack, first) && !mutant!(R23) {
            return;
        }
        let here = |(index, frame): &(u64, Frame)| {
            let same = sure || self.log.term_at(LogIndex(*index)) == Some(frame.term);
            same && *index <= lack.last.0 && lack.term.is_none_or(|term| term == frame.term)
        };
        let frames: Frames = (first.0..)
            .zip(frames)
            .take_while(here)
            .map(|(_, frame)| frame)
            .collect();
        let prev = LogIndex(first.0.saturating_sub(1));
        let prev = self.log.position(prev).unwrap_or_default();
        if !frames.is_empty() {
            self.say(
                to,
                Body::Repaired {
                    lack,
                    first,
                    prev,
                    frames,
                },
            );
        }
    }

    /// Somebody had what this one lacks, if it still does.
    pub(crate) fn repaired_by(&mut self, message: &Message, out: &mut Vec<Effect>) {
        let Body::Repaired {
            lack,
            first,
            prev,
            frames,
        } = &message.body
        else {
            return;
        };
        let asked = self.lack() == Some(**lack) && (lack.first..=lack.last).contains(first);
        if !asked || frames.is_empty() {
            return;
        }
        let room = lack.last.0 - first.0;
        if frames.len() as u64 - 1 > room {
            return;
        }
        if self.log.holes().at(*first).is_some() {
            self.fill_hole(*first, frames.clone(), out);
        } else if *first == self.log.dirty().next() && *prev == self.log.last() {
            let before = self.log.config().0;
            self.append_from_leader((*first, frames.clone()), true, before, out);
        }
    }

    /// The log of somebody begins here: of what this one lacks, nothing before that is needed, if it is the same log.
    pub(crate) fn begins(
        &mut self,
        prefix: &Prefix,
        lack: Option<&Lack>,
        out: &mut Vec<Effect>,
    ) -> bool {
        let last = prefix.last;
        let proved = lack.is_some() && self.lack_at(last.index).as_ref() == lack;
        let same = self.log.term_at(last.index) == Some(last.term) || proved;
        let other = self
            .log
            .term_at(last.index)
            .is_some_and(|term| term != last.term);
        if other && last.index <= self.commit {
            self.break_down("a prefix contradicts what is committed here", out);
            return true;
        }
        let has = same || last.index <= self.same_upto();
        if has && self.log.whole() < last.index {
            let before = Arc::clone(self.config());
            self.log.lose_prefix(prefix);
            out.push(Effect::Begin(prefix.clone()));
            if *self.config() != before {
                out.push(Effect::Reconfigured(Arc::clone(self.config())));
            }
            self.commit_to(last.index, out);
        }
        has
    }

    /// Has frames of a hole written from `first` on.
    pub(crate) fn fill_hole(&mut self, first: LogIndex, frames: Frames, out: &mut Vec<Effect>) {
        let Some(hole) = self.log.holes().at(first) else {
            return;
        };
        let fits = usize::try_from(hole.last.0 - first.0 + 1).unwrap_or(usize::MAX);
        let frames: Frames = frames.into_iter().take(fits).collect();
        if !frames.is_empty() {
            out.push(Effect::Repair { first, frames });
        }
    }

    /// Fills all holes that these frames are in, as far as they are what was there. Whether there was one: another repair
    /// may have brought some of them, and the log may have been cut and have grown again meanwhile.
    fn fill_holes(&mut self, first: LogIndex, frames: &[Frame], chain: u32) -> bool {
        let Some(more) = frames.len().checked_sub(1) else {
            return false;
        };
        let end = LogIndex(first.0 + more as u64);
        let (mut from, mut filled) = (first, false);
        while let Some(hole) = self.log.holes().from(from).filter(|hole| hole.first <= end) {
            let (begin, last) = (hole.first.max(first), hole.last.min(end));
            let at = |index: LogIndex| usize::try_from(index.0 - first.0).unwrap_or(usize::MAX);
            let there = &frames[at(begin)..=at(last)];
            let same = |(index, frame): (u64, &Frame)| {
                let known = self.log.term_at(LogIndex(index));
                known.is_none_or(|term| term == frame.term)
            };
            if (begin.0..).zip(there).all(same) {
                self.log.fill(begin, there, chain);
                filled = true;
            }
            from = hole.last.next();
        }
        filled
    }

    /// Frames of a hole are there again, durably.
    pub(crate) fn repaired(
        &mut self,
        first: LogIndex,
        frames: &[Frame],
        chain: u32,
        out: &mut Vec<Effect>,
    ) {
        let before = self.log.config().0;
        if !self.fill_holes(first, frames, chain) {
            // It was cut off, or somebody else was faster.
            return;
        }
        self.tell_config(before, out);
        self.own_flush_moved(out);
        self.begin_later(out);
        let helped = self.leader.is_some_and(|leader| leader != self.me);
        if !helped {
            self.ask_for_repair();
        }
    }
}
