//! Becoming a candidate, and winning.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::LogIndex;
use stdx::{Duration, mutant};

use crate::effect::Effect;
use crate::flush::Ack;
use crate::frame::{Frame, FrameKind, Frames};
use crate::group::Group;
use crate::hard_state::HardState;
use crate::membership::CONFIG_BYTES;
use crate::message::{Ballot, Body};
use crate::progress::Progress;
use crate::reads::Reads;
use crate::replica::ReplicaId;
use crate::role::{Candidacy, Reign, Role};
use crate::trace::Point;

impl Group {
    /// How long it waits for a leader.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_millis(u64::from(self.patience_ms))
    }

    /// Draws anew when it would try to be elected.
    pub(crate) fn rest(&mut self) {
        let (min, max) = (self.settings.election_min, self.settings.election_max);
        let spread = max.saturating_sub(min).as_millis();
        let spread = u64::try_from(spread).unwrap_or(u64::MAX).max(1);
        let drawn = Duration::from_millis(self.prng.below(spread));
        let patience = min.saturating_add(drawn);
        self.patience_ms = u32::try_from(patience.as_millis()).unwrap_or(u32::MAX);
        self.election_at = self.now + self.patience();
    }

    /// Whether it may be elected: as a voter of the configuration in force, or of the last one that is known to be
    /// committed, since it may have the only copy of what would remove it [openraft 2091, etcd 11038]. Not where its disk
    /// lost what it once acknowledged: as leader it would have others cut that off too [protocol-aware recovery]. Nor while
    /// it cannot read who votes, or what is not committed.
    pub(crate) fn may_lead(&self) -> bool {
        let committed = self.log.config_at(self.commit);
        let votes = self.config().is_voter(self.me) || committed.is_voter(self.me) || mutant!(R12);
        let complete = self.log.last().is_up_to_date(self.hard.get().claimed);
        let holes = self.log.holes().last();
        let knows_all =
            !self.log.hides_frames() && holes.is_none_or(|hole| hole.last <= self.commit);
        votes && complete && knows_all
    }

    /// Does what is due.
    pub(crate) fn on_time(&mut self, out: &mut Vec<Effect>) {
        if self.broken {
            return;
        }
        if self.role.is_leader() {
            self.reign_on(out);
        } else if self.now >= self.election_at {
            self.ask_for_repair();
            if self.may_lead() && !self.waits_for_own_vote() {
                self.ask_in_advance(out);
            } else {
                // Nobody sends it anything: a turn to catch up is somebody else's.
                self.end_catching_up(out);
                self.rest();
            }
        }
    }

    /// Asks whether it would be elected, before it disturbs anybody with a new term [raft thesis §9.6].
    fn ask_in_advance(&mut self, out: &mut Vec<Effect>) {
        if self.leader.is_some() {
            self.leader = None;
            out.push(Effect::Role {
                term: self.term(),
                leads: false,
                leader: None,
            });
        }
        self.end_catching_up(out);
        let stood = matches!(&self.role, Role::Candidate(candidacy) if !candidacy.pre);
        self.role = Role::Candidate(Box::new(Candidacy {
            pre: true,
            granted: BTreeSet::from([self.me]),
            own_vote: 0,
        }));
        if stood {
            self.tell(|| Point::Follow);
        }
        self.rest();
        if self.has_won() || mutant!(R12) {
            self.stand(false, out);
        } else {
            self.ask_voters(Ballot::Pre);
        }
    }

    /// Stands for election in the next term.
    pub(crate) fn stand(&mut self, transfer: bool, out: &mut Vec<Effect>) {
        let again = mutant!(R16) && self.hard.get().vote == Some(self.me);
        let next = if again {
            Some(self.term())
        } else {
            self.term().next()
        };
        let Some(term) = next else {
            self.break_down("the terms are used up", out);
            return;
        };
        self.hard.set(HardState {
            term,
            vote: Some(self.me),
            claimed: self.claim(),
        });
        self.end_catching_up(out);
        self.leader = None;
        self.contact = None;
        self.deferred = None;
        self.role = Role::Candidate(Box::new(Candidacy {
            pre: false,
            granted: BTreeSet::new(),
            own_vote: self.hard.changed(),
        }));
        self.tell(|| Point::Stand);
        self.rest();
        // They leave when the vote for itself is durable.
        self.ask_voters(if transfer {
            Ballot::Transfer
        } else {
            Ballot::Real
        });
    }

    fn ask_voters(&mut self, ballot: Ballot) {
        let last = self.log.last();
        for voter in self.other_voters() {
            self.say(voter, Body::VoteRequest { ballot, last });
        }
    }

    fn other_voters(&self) -> Vec<ReplicaId> {
        let voters: BTreeSet<ReplicaId> = self.config().sets().flatten().copied().collect();
        voters
            .into_iter()
            .filter(|&voter| voter != self.me)
            .collect()
    }

    /// Whether its own vote is not durable yet. Another candidacy would begin with waiting for the same disk, and on a
    /// slow one there would be no end to that.
    fn waits_for_own_vote(&self) -> bool {
        matches!(&self.role, Role::Candidate(candidacy) if candidacy.own_vote > self.hard.durable())
    }

    /// Its own vote counts when it cannot be forgotten any more.
    pub(crate) fn own_vote_is_durable(&mut self, out: &mut Vec<Effect>) {
        let (me, durable) = (self.me, self.hard.durable());
        let Role::Candidate(candidacy) = &mut self.role else {
            return;
        };
        if candidacy.pre || candidacy.own_vote > durable {
            return;
        }
        candidacy.granted.insert(me);
        if self.has_won() {
            self.begin_reign(out);
        }
    }

    /// Somebody answered.
    pub(crate) fn voted(
        &mut self,
        from: ReplicaId,
        pre: bool,
        granted: bool,
        out: &mut Vec<Effect>,
    ) {
        let Role::Candidate(candidacy) = &mut self.role else {
            return;
        };
        if candidacy.pre != pre || !granted {
            return;
        }
        candidacy.granted.insert(from);
        if !self.has_won() {
            return;
        }
        if pre {
            self.stand(false, out);
        } else {
            self.begin_reign(out);
        }
    }

    /// Whether a majority of every set granted. Its own vote counts only in sets that it is in.
    fn has_won(&self) -> bool {
        let Role::Candidate(candidacy) = &self.role else {
            return false;
        };
        if mutant!(R06) {
            let voters = &self.config().voters;
            let granted = voters.intersection(&candidacy.granted).count();
            return granted >= voters.len().div_ceil(2);
        }
        self.config()
            .is_quorum(|voter| candidacy.granted.contains(&voter))
    }

    /// Leads: with a first frame of its own, that everything before it can be committed by [raft §8]. A log that is empty
    /// begins with who votes, so that it never depends on anything but itself again.
    fn begin_reign(&mut self, out: &mut Vec<Effect>) {
        let next = self.log.dirty().next();
        let members = self.config().members();
        let others = members.into_iter().filter(|&member| member != self.me);
        let progress = others.map(|other| (other, Progress::new(next))).collect();
        self.role = Role::Leader(Box::new(Reign {
            first: next,
            strict_upto: next,
            progress,
            beat_at: self.now,
            beats: 0,
            quorum_check_at: self.now + self.settings.election_min,
            unflushed_since: None,
            marked: LogIndex::ZERO,
            reads: Reads::default(),
            handover: None,
            change: None,
        }));
        self.leader = Some(self.me);
        self.tell(|| Point::Lead);
        out.push(Effect::Role {
            term: self.term(),
            leads: true,
            leader: self.leader,
        });
        let config = (self.log.dirty() == LogIndex::ZERO).then(|| {
            let kind = FrameKind::Config(Arc::clone(self.log.config().1));
            (kind, CONFIG_BYTES)
        });
        let frames = config.into_iter().chain([(FrameKind::Noop, 0)]);
        self.append_own(frames, Ack::Durable, out);
    }

    /// Appends frames of this reign, and sends them on their way.
    pub(crate) fn append_own(
        &mut self,
        frames: impl IntoIterator<Item = (FrameKind, u32)>,
        ack: Ack,
        out: &mut Vec<Effect>,
    ) -> LogIndex {
        let (term, now) = (self.term(), self.now);
        let first = self.log.dirty().next();
        let frames: Frames = frames
            .into_iter()
            .map(|(kind, bytes)| Frame { term, kind, bytes })
            .collect();
        let config = frames
            .iter()
            .rev()
            .find_map(|frame| frame.config().cloned());
        let flush = ack == Ack::Durable;
        self.write_frames(first, frames, flush, out);
        self.tell(|| Point::appended(out));
        let dirty = self.log.dirty();
        if let Role::Leader(reign) = &mut self.role {
            if flush {
                reign.strict_upto = dirty;
            }
            reign.unflushed_since.get_or_insert(now);
        }
        if let Some(config) = config {
            self.reconfigured(&config, out);
        }
        self.replicate_all(out);
        self.log.dirty()
    }

    /// Another configuration is in force: whoever is new in it is told everything. Who is gone is told until that is
    /// committed, or would never learn that it is.
    fn reconfigured(&mut self, config: &Arc<crate::config::Config>, out: &mut Vec<Effect>) {
        out.push(Effect::Reconfigured(Arc::clone(config)));
        let (me, next) = (self.me, self.log.dirty().next());
        if let Role::Leader(reign) = &mut self.role {
            let members = config.members().into_iter();
            for member in members.filter(|&member| member != me) {
                reign.progress.add(member, Progress::new(next));
            }
        }
    }
}
