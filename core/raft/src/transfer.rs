//! Handing leadership over [raft thesis §3.10].

use stdx::Instant;

use crate::effect::Effect;
use crate::group::Group;
use crate::message::Body;
use crate::replica::ReplicaId;
use crate::role::Role;

/// Handing over, to whom and until when.
#[derive(Clone, Debug)]
pub(crate) struct Handover {
    to: ReplicaId,
    pub(crate) until: Instant,
    /// It was told to lead.
    told: bool,
}

impl Group {
    /// Somebody wants `to` to lead. Nothing is proposed until it does or the time for it is over. A change of voters goes
    /// first [redpanda 2937].
    pub(crate) fn transfer(&mut self, to: ReplicaId, out: &mut Vec<Effect>) {
        let (since, config) = self.log.config();
        let settled = since <= self.commit && !config.is_joint();
        let (votes, until) = (config.is_voter(to), self.now + self.settings.election_min);
        let Role::Leader(reign) = &mut self.role else {
            return;
        };
        if to == self.me || !votes || !settled || reign.handover.is_some() {
            return;
        }
        let told = false;
        reign.handover = Some(Handover { to, until, told });
        self.replicate(to, out);
        self.hand_over_when_ready(out);
    }

    /// Tells the one who is to lead, when it has everything.
    pub(crate) fn hand_over_when_ready(&mut self, _out: &mut Vec<Effect>) {
        let dirty = self.log.dirty();
        let Role::Leader(reign) = &mut self.role else {
            return;
        };
        let Some(handover) = &mut reign.handover else {
            return;
        };
        let to = handover.to;
        let has_all = reign
            .progress
            .get(to)
            .is_some_and(|progress| progress.durable == dirty);
        if has_all && !handover.told {
            handover.told = true;
            self.say(to, Body::TimeoutNow);
        }
    }

    /// Gives up when the time is over. Once the other was told, it may lead at any moment: nothing more is proposed in
    /// this reign.
    pub(crate) fn end_handover(&mut self, out: &mut Vec<Effect>) -> bool {
        let now = self.now;
        let Role::Leader(reign) = &mut self.role else {
            return false;
        };
        let Some(told) = reign
            .handover
            .as_ref()
            .filter(|handover| now >= handover.until)
            .map(|handover| handover.told)
        else {
            return false;
        };
        reign.handover = None;
        if told {
            self.resign(out);
        }
        told
    }

    /// The leader wants this one to lead.
    pub(crate) fn asked_to_lead(&mut self, from: ReplicaId, out: &mut Vec<Effect>) {
        let from_leader = self.leader.is_none_or(|leader| leader == from);
        if !self.role.is_leader() && from_leader && self.may_lead() {
            self.stand(true, out);
        }
    }
}
