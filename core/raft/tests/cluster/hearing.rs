//! Whom leaders hear: one that no quorum answers must not go on for long.

use std::collections::BTreeMap;

use raft::{Body, Group, Message, ReplicaId};
use stdx::{Duration, Instant};

/// When each leader heard of each other replica, and since when that is too few.
#[derive(Default)]
pub(crate) struct Hearing {
    heard: BTreeMap<(ReplicaId, ReplicaId), Instant>,
    alone_since: BTreeMap<ReplicaId, Instant>,
}

impl Hearing {
    /// A message arrived: does it show a leader of its term that it is followed?
    pub(crate) fn message(&mut self, now: Instant, message: &Message) {
        let answers = matches!(
            message.body,
            Body::Appended { .. } | Body::Mismatch { .. } | Body::BeatReply { .. }
        );
        if answers {
            self.heard.insert((message.to, message.from), now);
        }
    }

    /// The same of an answer to a pulse: `to` hears from the node of `from`.
    pub(crate) fn answer(&mut self, now: Instant, (from, to): (ReplicaId, ReplicaId)) {
        self.heard.insert((to, from), now);
    }

    /// Checks a replica after a step: if it leads, a quorum was heard within `limit`, or that is missing for less than the
    /// same again: it looks that often.
    pub(crate) fn check(
        &mut self,
        now: Instant,
        group: &Group,
        limit: Duration,
    ) -> Result<(), String> {
        let me = group.me();
        let hears = |other: ReplicaId| {
            let heard = self.heard.get(&(me, other));
            other == me || heard.is_some_and(|at| now.since(*at) < limit)
        };
        if !group.leads() || group.config().is_quorum(hears) {
            self.alone_since.remove(&me);
            return Ok(());
        }
        let since = *self.alone_since.entry(me).or_insert(now);
        if now.since(since) < limit {
            return Ok(());
        }
        Err(format!("L11: {group} leads on, and no quorum answers"))
    }
}
