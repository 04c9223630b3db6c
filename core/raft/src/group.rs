//! One replica of one group: its state, and the one way in.

use std::sync::Arc;

use model::{LogIndex, Term};
use stdx::{Instant, Prng};

use crate::config::Config;
use crate::effect::{Effect, Input, Outcome, Purpose, Refusal};
use crate::flush::Unflushed;
use crate::hard_state::{HardState, HardStateWriter};
use crate::held::HeldMessages;
use crate::log_view::LogView;
use crate::message::{Body, Message};
use crate::proposals::Proposals;
use crate::replica::ReplicaId;
use crate::role::Role;
use crate::settings::Settings;
use crate::trace::Point;

/// Committed frames whose metadata are kept for followers that are a little behind.
const RECENT_FRAMES: u64 = 1_024;

/// A replica of a group. It does nothing but in [`Group::step`].
///
/// What a quiet beat looks at is together at the front: ten thousand groups are not in any cache.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Group {
    pub(crate) me: ReplicaId,
    pub(crate) now: Instant,
    /// Who leads in this term, as far as it knows.
    pub(crate) leader: Option<ReplicaId>,
    pub(crate) broken: bool,
    /// Something happened since it rested.
    pub(crate) busy: bool,
    /// It lacks frames that were durable once.
    pub(crate) lacks: bool,
    /// The host's next round looks at it.
    pub(crate) noted: bool,
    /// Followers that are left to the host's beats.
    pub(crate) left: u32,
    /// The term whose leader's word it took from the host's beats, if that is still so.
    pub(crate) trusted: Term,
    /// When the leader of this term was last heard of.
    pub(crate) contact: Option<Instant>,
    /// When it tries to be elected, if it may.
    pub(crate) election_at: Instant,
    /// How long it waits for a leader, as it was drawn last.
    pub(crate) patience_ms: u32,
    pub(crate) commit: LogIndex,
    /// The last frame that readers were told of, beyond the commit where that was asked for.
    pub(crate) visible: LogIndex,
    pub(crate) unflushed: Unflushed,
    pub(crate) role: Role,
    pub(crate) hard: HardStateWriter,
    pub(crate) log: LogView,
    pub(crate) settings: Arc<Settings>,
    pub(crate) prng: Prng,
    pub(crate) held: HeldMessages,
    pub(crate) proposals: Proposals,
    /// An append that has to wait until less is claimed of the log.
    pub(crate) deferred: Option<Box<Message>>,
    /// What was decided, for a trace.
    #[cfg(feature = "trace")]
    pub(crate) lines: Vec<crate::trace::Line>,
}

impl Group {
    /// The replica `me` as its disk has it. `seed` draws its election times.
    pub fn new(
        me: ReplicaId,
        settings: impl Into<Arc<Settings>>,
        hard: HardState,
        log: LogView,
        now: Instant,
        seed: u64,
    ) -> Self {
        // A frame may have become durable before the term that it is of.
        let term = log.last().term;
        let hard = if term > hard.term {
            HardState {
                term,
                vote: None,
                ..hard
            }
        } else {
            hard
        };
        let mut group = Self {
            me,
            settings: settings.into(),
            prng: Prng::labelled(seed, &format!("raft/{me}")),
            now,
            hard: HardStateWriter::new(hard),
            commit: log.known_commit(),
            visible: LogIndex::ZERO,
            unflushed: Unflushed::default(),
            log,
            role: Role::follower(),
            leader: None,
            contact: None,
            election_at: now,
            patience_ms: 0,
            busy: true,
            lacks: false,
            noted: false,
            left: 0,
            trusted: Term::ZERO,
            held: HeldMessages::default(),
            proposals: Proposals::default(),
            deferred: None,
            broken: false,
            #[cfg(feature = "trace")]
            lines: Vec::new(),
        };
        group.lacks = group.is_lacking();
        // Whoever votes alone need not wait for a leader to be heard of: there is none.
        if !group.config().is_alone(me) {
            group.rest();
        }
        group.tell(|| Point::Start);
        group
    }

    /// Takes `input` at `now`, and says what is to be done.
    pub fn step(&mut self, now: Instant, input: Input, out: &mut Vec<Effect>) {
        self.now = self.now.max(now);
        self.busy |= !input.is_beat();
        if self.broken {
            return;
        }
        match input {
            Input::Tick => {}
            Input::Received(message) => self.receive(message, out),
            Input::Propose {
                token,
                expected_term,
                frames,
                ack,
            } => self.propose((token, ack), expected_term, &frames, out),
            Input::Flushed { upto, epoch } => self.flushed(upto, epoch, out),
            Input::Persisted { sequence } => self.persisted(sequence, out),
            Input::Fetched {
                to,
                first,
                purpose: Purpose::Replicate,
                frames,
            } => self.fetched(to, first, frames, out),
            Input::Fetched {
                to,
                first,
                purpose: Purpose::Repair { lack, check },
                frames,
            } => self.fetched_for_repair(to, first, (lack, check), frames),
            Input::StorageFault { first, last, epoch } => {
                self.storage_fault((first, last), epoch, out);
            }
            Input::Repaired {
                first,
                frames,
                chain,
            } => self.repaired(first, &frames, chain, out),
            Input::Read { token } => self.read(token, out),
            Input::Change {
                token,
                voters,
                learners,
            } => self.change(token, &voters, &learners, out),
            Input::Transfer { to } => self.transfer(to, out),
            Input::TruncatePrefix { token, upto } => self.truncate_prefix(token, upto, out),
            Input::CatchUp => self.catch_up(out),
            Input::Rest => self.mark_rest(out),
        }
        if self.broken {
            // Nothing leaves any more, not even what was decided before.
            return;
        }
        self.on_time(out);
        self.flush_when_due(out);
        self.release(out);
        self.lacks = self.is_lacking();
        if !self.busy {
            // It rests: another beat comes, but not soon.
            self.held.give_back();
        }
    }

    /// When it wants a [`Input::Tick`] at the latest; [`Instant::MAX`] when it wants none.
    pub fn deadline(&self) -> Instant {
        let deadline = match &self.role {
            Role::Leader(reign) => reign.deadline(),
            Role::Follower(_) | Role::Candidate(_) => self.election_at,
        };
        deadline.min(self.unflushed.deadline())
    }

    /// Who it is.
    pub fn me(&self) -> ReplicaId {
        self.me
    }

    /// The latest reign that it has heard of.
    pub fn term(&self) -> Term {
        self.hard.get().term
    }

    /// What it must not forget.
    pub fn hard_state(&self) -> &HardState {
        self.hard.get()
    }

    /// Its log.
    pub fn log(&self) -> &LogView {
        &self.log
    }

    /// The last frame that it knows to be committed.
    pub fn commit(&self) -> LogIndex {
        self.commit
    }

    /// Whether it leads.
    pub fn leads(&self) -> bool {
        matches!(self.role, Role::Leader(_))
    }

    /// Who leads, as far as it knows.
    pub fn leader(&self) -> Option<ReplicaId> {
        self.leader
    }

    /// The configuration in force.
    pub fn config(&self) -> &Arc<Config> {
        self.log.config().1
    }

    /// What a leader knows of how far `replica` has its log durable. None when it does not lead or does not know it.
    pub fn durable_at(&self, replica: ReplicaId) -> Option<LogIndex> {
        match &self.role {
            Role::Leader(reign) => reign.progress.get(replica).map(|progress| progress.durable),
            _ => None,
        }
    }

    pub(crate) fn receive(&mut self, message: Message, out: &mut Vec<Effect>) {
        if message.to != self.me {
            return;
        }
        if message.term > self.term() && !self.may_adopt(&message) {
            self.deny_vote(&message, out);
            return;
        }
        if message.term > self.term() {
            self.adopt(message.term, None, out);
        }
        if message.term < self.term() {
            self.tell_stale(&message, out);
            return;
        }
        match message.body {
            Body::VoteRequest { ballot, last } => self.asked_to_vote(&message, ballot, last, out),
            Body::VoteReply { pre, granted } => self.voted(message.from, pre, granted, out),
            Body::Append { .. } => self.append(message, out),
            Body::Appended {
                verified, flushed, ..
            } => self.appended(message.from, verified, flushed, out),
            Body::Install { .. } => self.install(message, out),
            Body::Repair(lack) => self.asked_for_repair(message.from, lack, out),
            Body::Repaired { .. } => self.repaired_by(&message, out),
            Body::Begins { prefix, lack } => {
                self.begins(&prefix, lack.as_deref(), out);
            }
            Body::Mismatch { sequence, next } => self.mismatch(message.from, sequence, next, out),
            Body::Beat { sequence, commit } => self.beat(&message, sequence, commit, out),
            Body::BeatReply {
                sequence,
                verified,
                flushed,
            } => self.beat_answered(message.from, sequence, verified, flushed, out),
            Body::TimeoutNow => self.asked_to_lead(message.from, out),
            Body::Stale => {}
        }
    }

    /// Whoever speaks in an older reign is told that it is over, if it could do harm in it.
    fn tell_stale(&mut self, message: &Message, out: &mut Vec<Effect>) {
        match message.body {
            Body::VoteRequest { .. } => self.deny_vote(message, out),
            Body::Append { .. }
            | Body::Install { .. }
            | Body::Beat { .. }
            | Body::Repair(_)
            | Body::TimeoutNow => {
                self.say(message.from, Body::Stale);
            }
            _ => {}
        }
    }

    /// Follows in `term`, which is later than ours.
    pub(crate) fn adopt(&mut self, term: Term, leader: Option<ReplicaId>, out: &mut Vec<Effect>) {
        self.hard.set(HardState {
            term,
            vote: None,
            claimed: self.claim(),
        });
        self.contact = None;
        self.follow(leader, out);
    }

    /// Follows `leader`, or nobody yet, in this term.
    pub(crate) fn follow(&mut self, leader: Option<ReplicaId>, out: &mut Vec<Effect>) {
        self.end_catching_up(out);
        let was = core::mem::replace(&mut self.role, Role::follower());
        let changed = was.is_leader() || self.leader != leader;
        self.leader = leader;
        if let Role::Leader(reign) = was {
            if let Some(token) = reign.change {
                let outcome = Outcome::Unknown;
                out.push(Effect::Resolved { token, outcome });
            }
            for token in reign.reads.into_tokens() {
                out.push(Effect::Refused {
                    token,
                    refusal: Refusal::NotLeader,
                });
            }
        }
        self.deferred = None;
        self.rest();
        self.tell(|| Point::Follow);
        if changed {
            out.push(Effect::Role {
                term: self.term(),
                leads: false,
                leader,
            });
        }
    }

    /// The tail that it has promised something by, or has now: nothing durable is ever forgotten here.
    pub(crate) fn claim(&self) -> crate::position::Position {
        let flushed = self.log.position(self.log.synced()).unwrap_or_default();
        let claimed = self.hard.get().claimed;
        if flushed.is_up_to_date(claimed) {
            flushed
        } else {
            claimed
        }
    }

    fn flushed(&mut self, upto: LogIndex, epoch: u64, out: &mut Vec<Effect>) {
        if self.log.flush(upto, epoch) {
            self.tell(|| Point::Flush);
            self.own_flush_moved(out);
            self.begin_later(out);
        }
    }

    fn persisted(&mut self, sequence: u64, out: &mut Vec<Effect>) {
        if self.hard.written(sequence) {
            self.tell(|| Point::Written);
        }
        self.own_vote_is_durable(out);
        if self.hard.durable() == self.hard.changed()
            && let Some(message) = self.deferred.take()
        {
            self.receive(*message, out);
        }
    }

    /// Says something as soon as what it reveals of the hard state is durable.
    pub(crate) fn say(&mut self, to: ReplicaId, body: Body) {
        self.say_when_flushed(to, body, LogIndex::ZERO);
    }

    /// The same, not before the log is durable up to `flushed`.
    pub(crate) fn say_when_flushed(&mut self, to: ReplicaId, body: Body, flushed: LogIndex) {
        let message = Message {
            from: self.me,
            to,
            term: self.term(),
            body,
        };
        let change = self.hard.changed();
        self.held.hold(message, change, flushed, self.log.epoch());
    }

    /// Lets out what may leave, and begins the next write of the hard state.
    pub(crate) fn release(&mut self, out: &mut Vec<Effect>) {
        if let Some((sequence, state)) = self.hard.next_write() {
            out.push(Effect::Persist { sequence, state });
            self.tell(|| Point::Write(state));
        }
        let (durable, flushed) = (self.hard.durable(), self.log.flushed());
        let before = out.len();
        self.held.release(durable, flushed, self.log.epoch(), out);
        self.tell_sent(out, before);
    }

    /// Moves the commit; what waited for it is told.
    pub(crate) fn commit_to(&mut self, upto: LogIndex, out: &mut Vec<Effect>) {
        if upto <= self.commit {
            return;
        }
        self.commit = upto;
        out.push(Effect::Commit { upto });
        self.tell(|| Point::Commit);
        let log = &self.log;
        while let Some((token, outcome)) = self.proposals.decided(upto, |index| log.term_at(index))
        {
            out.push(Effect::Resolved { token, outcome });
        }
        self.begin_later(out);
        let needed = self.needed_from();
        self.log.forget(needed);
    }

    /// The last frame whose metadata nobody needs at hand: a leader keeps, for a while, what a follower lacks. Whoever lacks
    /// more is read to.
    fn needed_from(&self) -> LogIndex {
        let followers = match &self.role {
            Role::Leader(reign) => reign
                .progress
                .iter()
                .map(|(_, progress)| progress.matched)
                .min(),
            Role::Follower(_) | Role::Candidate(_) => None,
        };
        let oldest = LogIndex(self.commit.0.saturating_sub(RECENT_FRAMES));
        followers.unwrap_or(self.commit).clamp(oldest, self.commit)
    }

    /// Something that cannot be: the replica stops, and keeps what it has as evidence.
    pub(crate) fn break_down(&mut self, what: &'static str, out: &mut Vec<Effect>) {
        self.end_catching_up(out);
        self.broken = true;
        out.push(Effect::Broken(what));
    }

    pub(crate) fn refuse(token: u64, refusal: Refusal, out: &mut Vec<Effect>) {
        out.push(Effect::Refused { token, refusal });
    }

    /// Proposals whose outcome is not known yet.
    pub fn undecided(&self) -> usize {
        self.proposals.len()
    }
}
