//! Changing who votes: by joint configurations, one change at a time [raft §6].
//!
//! ```text
//!   learners first     (1 2 3) learners (4 5)          one frame: nobody's vote changes
//!   then voters        (1 4 5)&(1 2 3)                 both sets agree to everything
//!   when that is committed, and only then
//!                      (1 4 5)                         by the leader, whoever that is by then
//! ```

use std::collections::BTreeSet;
use std::sync::Arc;

use stdx::mutant;

use crate::config::{Config, Voters};
use crate::effect::{Effect, Refusal};
use crate::flush::Ack;
use crate::frame::FrameKind;
use crate::group::Group;
use crate::message::Body;
use crate::replica::ReplicaId;
use crate::role::Role;

/// Bytes by which a configuration counts.
pub(crate) const CONFIG_BYTES: u32 = 256;

impl Group {
    /// Somebody wants other voters or learners.
    pub(crate) fn change(
        &mut self,
        token: u64,
        voters: &[ReplicaId],
        learners: &[ReplicaId],
        out: &mut Vec<Effect>,
    ) {
        let voters: Voters = voters.iter().copied().collect();
        let learners: BTreeSet<ReplicaId> = learners
            .iter()
            .copied()
            .filter(|learner| !voters.contains(learner))
            .collect();
        if let Some(refusal) = self.refuses_change(&voters) {
            return Self::refuse(token, refusal, out);
        }
        let before = self.config().voters.clone();
        let config = Config {
            outgoing: (voters != before).then_some(before),
            voters,
            learners,
        };
        if let Role::Leader(reign) = &mut self.role {
            reign.change = Some(token);
        }
        self.append_config(config, out);
    }

    /// Why it cannot be changed now. All of these matter [raft thesis §4, Ongaro 2015, KIP-853, redpanda 17675].
    fn refuses_change(&self, voters: &Voters) -> Option<Refusal> {
        let Role::Leader(reign) = &self.role else {
            return Some(Refusal::NotLeader);
        };
        if reign.handover.is_some() {
            return Some(Refusal::Transferring);
        }
        if self.commit < reign.first {
            return Some(Refusal::NotReady);
        }
        let (since, config) = self.log.config();
        if since > self.commit || config.is_joint() {
            return Some(Refusal::Changing);
        }
        if voters.is_empty() {
            return Some(Refusal::NoVoters);
        }
        let enough = self
            .log
            .dirty()
            .0
            .saturating_sub(self.settings.catch_up_frames);
        let caught_up = |voter: &ReplicaId| {
            *voter == self.me
                || reign.progress.get(*voter).is_some_and(|progress| {
                    progress.heard_at.is_some() && progress.matched.0 >= enough
                })
        };
        let new = voters.difference(&config.voters);
        let all_there = new.into_iter().all(caught_up);
        (!all_there).then_some(Refusal::NotCaughtUp)
    }

    fn append_config(&mut self, config: Config, out: &mut Vec<Effect>) {
        let kind = FrameKind::Config(Arc::new(config));
        self.append_own([(kind, CONFIG_BYTES)], Ack::Durable, out);
        self.advance_commit(out);
    }

    /// Something was committed: if that is the configuration in force, it is time for what follows from it. Whoever leads
    /// does that, also where an earlier leader began the change [etcd 12136, camunda 60086].
    pub(crate) fn configuration_committed(&mut self, out: &mut Vec<Effect>) {
        let (since, config) = self.log.config();
        if since > self.commit && !mutant!(R11) {
            return;
        }
        if config.is_joint() {
            let settled = Config {
                outgoing: None,
                ..Config::clone(config)
            };
            self.append_config(settled, out);
            return;
        }
        let (config, term) = (Arc::clone(config), self.term());
        let Role::Leader(reign) = &mut self.role else {
            return;
        };
        if let Some(token) = reign.change.take() {
            let outcome = crate::effect::Outcome::Committed { last: since, term };
            out.push(Effect::Resolved { token, outcome });
        }
        let gone = |replica: ReplicaId| !config.is_member(replica);
        if reign.progress.iter().any(|(replica, _)| gone(replica)) {
            // A last beat tells those who are gone how far it is committed.
            self.beat_all();
            if let Role::Leader(reign) = &mut self.role {
                reign.progress.retain(|replica| !gone(replica));
            }
        }
        if !config.is_voter(self.me) {
            self.leave(out);
        }
    }

    /// It does not vote any more, and that is committed: the best of the others leads.
    fn leave(&mut self, out: &mut Vec<Effect>) {
        let best = match &self.role {
            Role::Leader(reign) => reign
                .progress
                .iter()
                .filter(|(replica, _)| self.config().is_voter(*replica))
                .max_by_key(|(_, progress)| progress.durable)
                .map(|(replica, _)| replica),
            _ => None,
        };
        // The others learn how far it is committed from this beat, or would keep asking.
        self.beat_all();
        if let Some(best) = best {
            self.say(best, Body::TimeoutNow);
        }
        self.resign(out);
    }
}
