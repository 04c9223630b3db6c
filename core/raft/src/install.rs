//! Helping a follower that lacks frames which are gone here: it is told where the log begins, and then sent the rest.

use std::sync::Arc;

use stdx::mutant;

use crate::effect::Effect;
use crate::group::Group;
use crate::message::{Body, Message};
use crate::progress::Stage;
use crate::repair::Lack;
use crate::replica::ReplicaId;
use crate::role::Role;
use crate::trace::Point;

impl Group {
    /// Tells a follower where the log begins.
    pub(crate) fn send_prefix(&mut self, to: ReplicaId, differs: Option<Box<Lack>>) {
        let (prefix, commit) = (self.log.prefix(), self.commit);
        let Role::Leader(reign) = &mut self.role else {
            return;
        };
        let Some(progress) = reign.progress.get_mut(to) else {
            return;
        };
        progress.stage = Stage::Install;
        progress.waiting = true;
        progress.sequence += 1;
        let sequence = progress.sequence;
        self.say(
            to,
            Body::Install {
                sequence,
                prefix,
                commit,
                differs,
            },
        );
    }

    /// The leader says where its log begins. Whoever has that frame, or knows it to be committed, keeps all that it has:
    /// what comes behind it may be what a majority counted on [raft §7]. Otherwise nothing here is of any use, not
    /// even a configuration that was appended later [openraft 1808].
    pub(crate) fn install(&mut self, message: Message, out: &mut Vec<Effect>) {
        let Body::Install {
            sequence,
            prefix,
            commit,
            differs,
        } = &message.body
        else {
            return;
        };
        if !self.hear_leader(&message, out) {
            return;
        }
        if self.waits_for_turn(&message, prefix.last.index, out) {
            return;
        }
        let (sequence, commit, last) = (*sequence, *commit, prefix.last);
        let has = self.begins(prefix, None, out) && !(mutant!(R14) && last.index > self.commit);
        let unknown = self.lack_at(last.index).filter(|_| !has).map(Box::new);
        if let Some(lack) = unknown
            && differs.as_ref() != Some(&lack)
        {
            // What comes behind may be the only copies that are left: is it the same log?
            self.say(message.from, Body::Repair(lack));
            return;
        }
        if has {
            self.tell(|| Point::Keep(last.index));
        } else {
            let claimed = self.hard.get().claimed;
            let claims_more = claimed.index > last.index && last.is_up_to_date(claimed);
            // What is claimed has to be there before and after, whenever this process ends.
            let kept = self.log.position(self.commit.min(self.log.flushed()));
            if claims_more && self.lower_claim(kept.unwrap_or_default()) {
                self.deferred = Some(Box::new(message));
                return;
            }
            let before = Arc::clone(self.config());
            let mut prefix = prefix.clone();
            if mutant!(R13) {
                prefix.config = Arc::clone(&before);
            }
            self.hide_above(self.commit, out);
            self.log.reset(&prefix);
            if let Role::Follower(following) = &mut self.role {
                following.verified = last.index;
            }
            let config = Arc::clone(&prefix.config);
            let epoch = self.log.epoch();
            out.push(Effect::Install { prefix, epoch });
            self.tell(|| Point::Install(last.index));
            if config != before {
                out.push(Effect::Reconfigured(config));
            }
        }
        self.verify(last.index, commit, out);
        let body = Body::Appended {
            sequence,
            verified: last.index,
            flushed: model::LogIndex::ZERO,
        };
        self.say_when_flushed(message.from, body, last.index);
    }
}
