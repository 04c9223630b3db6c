//! What a group says and hears where one beat stands for many groups.

use model::{LogIndex, Term};
use stdx::{Instant, mutant};

use crate::effect::Effect;
use crate::group::Group;
use crate::message::Body;
use crate::progress::Progress;
use crate::replica::ReplicaId;
use crate::role::Role;

/// Beats of a host between two in which a leader says everything by itself.
pub(crate) const QUIET_MAX: u32 = 10;

/// A beat that says nothing but that its sender leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quiet {
    /// The leader.
    pub from: ReplicaId,
    /// The follower.
    pub to: ReplicaId,
    /// The leader's term.
    pub term: Term,
}

/// What a follower was told, as far as its leader knows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Told {
    /// The commit that it has heard of.
    commit: LogIndex,
    /// The first beat that said what is to be said now, and what that is.
    telling: (u64, LogIndex),
    /// It is not answered: later ones say the same.
    pending: bool,
    /// It did not accept a quiet one.
    refused: bool,
    /// The host beats for it until it is told otherwise.
    left: bool,
}

impl Told {
    /// It is sent a beat that says everything.
    pub(crate) fn tell(&mut self, sequence: u64, commit: LogIndex) {
        // An answer may take longer than it is to the next beat.
        if !self.pending || self.telling.1 != commit {
            self.telling = (sequence, commit);
            self.pending = true;
        }
    }

    /// It answered a beat that said everything, and takes that for committed as far as the logs are the same: up to
    /// `verified`.
    pub(crate) fn answered(&mut self, sequence: u64, verified: LogIndex) {
        if sequence >= self.telling.0 {
            self.commit = self.telling.1.min(verified);
            self.refused = false;
            self.pending = false;
        }
    }

    /// It did not accept a quiet beat: it has to answer one that is sent from now on.
    fn refuse(&mut self) {
        self.refused = true;
        self.pending = false;
    }
}

impl Group {
    /// Beats where the host beats for all groups of its core together: who has nothing to hear is left to `quiet`, until it
    /// has.
    pub fn pulse(&mut self, now: Instant, quiet: &mut Vec<Quiet>, out: &mut Vec<Effect>) {
        self.now = self.now.max(now);
        self.left = 0;
        let (from, term, commit) = (self.me, self.term(), self.commit);
        let (dirty, broken) = (self.log.dirty(), self.broken);
        let Role::Leader(reign) = &mut self.role else {
            return;
        };
        if broken {
            return;
        }
        let mut loud = Vec::new();
        for (to, progress) in reign.progress.iter_mut() {
            progress.told.left = progress.is_quiet(dirty, commit);
            if progress.told.left {
                self.left += 1;
                quiet.push(Quiet { from, to, term });
            } else {
                progress.told.tell(reign.beats + 1, commit);
                loud.push(to);
            }
        }
        if loud.is_empty() {
            self.give_back();
            return;
        }
        reign.beats += 1;
        let sequence = reign.beats;
        for to in loud {
            self.say(to, Body::Beat { sequence, commit });
        }
        self.release(out);
    }

    /// Whether everything is left to the host that can be, and nothing else is.
    pub(crate) fn is_at_rest(&self) -> bool {
        let reign = match &self.role {
            Role::Leader(reign) if !self.broken => reign,
            _ => return self.left == 0,
        };
        let (dirty, commit) = (self.log.dirty(), self.commit);
        let mut all = 0;
        let mut progress = reign.progress.iter();
        let at_rest = progress.all(|(_, progress)| {
            all += 1;
            progress.told.left && progress.is_quiet(dirty, commit)
        });
        at_rest && all == self.left
    }

    /// Followers that are left to the host.
    pub(crate) fn left_to_host(&self) -> impl Iterator<Item = ReplicaId> {
        let reign = match &self.role {
            Role::Leader(reign) if self.left > 0 => Some(reign),
            _ => None,
        };
        let progress = reign.into_iter().flat_map(|reign| reign.progress.iter());
        progress
            .filter(|(_, progress)| progress.told.left)
            .map(|(replica, _)| replica)
    }

    /// Gives memory back that a busy time needed.
    pub(crate) fn give_back(&mut self) {
        if !core::mem::take(&mut self.busy) {
            return;
        }
        self.held.give_back();
        self.log.give_back();
        self.proposals.give_back();
        if let Role::Leader(reign) = &mut self.role {
            for (_, progress) in reign.progress.iter_mut() {
                progress.give_back();
            }
        }
    }

    /// Whether it follows a leader in `term`, and has nothing to tell it that a quiet beat cannot be answered with.
    fn takes_word(&self, term: Term) -> bool {
        let follows = matches!(self.role, Role::Follower(_)) && self.leader.is_some();
        let of_this_term = term == self.term() || mutant!(R21);
        follows && of_this_term && !self.broken && !self.lacks
    }

    /// A quiet beat came, at `at`. False when it is not this term's leader's: that one then says everything.
    pub fn hear_quiet(&mut self, at: Instant, quiet: &Quiet) -> bool {
        let ours = quiet.to == self.me && self.leader == Some(quiet.from);
        if !ours || !self.takes_word(quiet.term) {
            return false;
        }
        self.now = self.now.max(at);
        self.contact = self.contact.max(Some(at));
        self.election_at = self.election_at.max(at + self.patience());
        self.trusted = quiet.term;
        self.give_back();
        true
    }

    /// The quiet beat that may stand for all that the host has not told it.
    pub(crate) fn trusted(&self) -> Option<Quiet> {
        // A term has one leader.
        let from = self.leader.filter(|_| self.takes_word(self.trusted))?;
        let (to, term) = (self.me, self.trusted);
        Some(Quiet { from, to, term })
    }

    /// Whether it took the word of a leader from the host until now, and does not any more.
    pub(crate) fn lost_trust(&mut self) -> bool {
        if self.trusted == Term::ZERO || self.takes_word(self.trusted) {
            return false;
        }
        self.trusted = Term::ZERO;
        true
    }

    /// A quiet beat was answered, at `at`.
    pub fn quiet_answered(&mut self, at: Instant, quiet: &Quiet, accepted: bool) {
        self.now = self.now.max(at);
        if quiet.from != self.me || quiet.term != self.term() {
            return;
        }
        let Role::Leader(reign) = &mut self.role else {
            return;
        };
        if let Some(progress) = reign.progress.get_mut(quiet.to) {
            progress.heard_at = progress.heard_at.max(Some(at));
            if !accepted {
                progress.told.refuse();
            }
        }
    }
}

impl Progress {
    /// Whether a beat would tell it nothing: it has everything, durably, and knows that it is committed.
    fn is_quiet(&self, dirty: LogIndex, commit: LogIndex) -> bool {
        self.is_idle()
            && self.matched == dirty
            && self.durable == dirty
            && self.told.commit == commit
            && !self.told.refused
    }
}
