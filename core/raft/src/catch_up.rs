//! A follower that lacks much waits for its turn: a node that comes back lacks something in thousands of groups at once.
//!
//! ```text
//!   leader: do you have 900/3?  -->  it has, and lacks 50,000 behind it
//!                                      Lagging --> the host: so many catch up already
//!                                      no answer; beats are answered
//!                                      CatchUp <-- its turn
//!   leader sends from there on  <--  yes
//!                                      CaughtUp --> the next one's turn
//! ```
//! What it lacks is counted from what its leader has committed. Nothing is held back from who lacks less than
//! [`crate::Settings::lag_max`], nor once it is on its way. A turn that brings nothing for a while ends.
//!
//! A learner may be held to a rate on the other side, by [`crate::Settings::learner_bytes_per_second`]: nobody waits for it.

use std::collections::{BTreeMap, BTreeSet};

use model::LogIndex;
use stdx::{Duration, Instant};

use crate::effect::Effect;
use crate::group::Group;
use crate::message::{Body, Message};
use crate::role::Role;

/// How long a turn goes on without frames.
const IDLE_MAX: Duration = Duration::from_secs(5);

/// A follower that lacks much.
#[derive(Clone, Debug)]
pub(crate) struct CatchUp {
    /// What it was asked last, and has not answered; none when it has its turn.
    asked: Option<Message>,
    /// When anything came in its turn.
    since: Instant,
}

impl Group {
    /// Whether `message`, which is answered with what would have it sent all that it lacks behind `verified`, has to wait.
    pub(crate) fn waits_for_turn(
        &mut self,
        message: &Message,
        verified: LogIndex,
        out: &mut Vec<Effect>,
    ) -> bool {
        let (Body::Append { commit, .. } | Body::Install { commit, .. }) = message.body else {
            return false;
        };
        let (now, lag_max) = (self.now, self.settings.lag_max);
        let Role::Follower(following) = &mut self.role else {
            return false;
        };
        let frames = commit.0.saturating_sub(verified.max(following.verified).0);
        if frames <= lag_max {
            self.end_catching_up(out);
            return false;
        }
        let asked = Some(message.clone());
        match &mut following.catching_up {
            Some(catch_up) if catch_up.asked.is_none() => false,
            Some(catch_up) => {
                catch_up.asked = asked;
                true
            }
            none @ None => {
                *none = Some(Box::new(CatchUp { asked, since: now }));
                out.push(Effect::Lagging { frames });
                true
            }
        }
    }

    /// It is its turn: what it was asked last is answered.
    pub(crate) fn catch_up(&mut self, out: &mut Vec<Effect>) {
        let now = self.now;
        let Role::Follower(following) = &mut self.role else {
            return;
        };
        if let Some(catch_up) = &mut following.catching_up
            && let Some(message) = catch_up.asked.take()
        {
            catch_up.since = now;
            // That it was asked is no news of its leader.
            let (contact, election_at) = (self.contact, self.election_at);
            self.receive(message, out);
            (self.contact, self.election_at) = (contact, election_at);
        }
    }

    /// Frames came, up to `verified`, of a leader that has committed so much.
    pub(crate) fn came_closer(
        &mut self,
        verified: LogIndex,
        commit: LogIndex,
        out: &mut Vec<Effect>,
    ) {
        let (now, lag_max) = (self.now, self.settings.lag_max);
        let Role::Follower(following) = &mut self.role else {
            return;
        };
        if let Some(catch_up) = &mut following.catching_up {
            catch_up.since = now;
            if commit.0.saturating_sub(verified.0) <= lag_max {
                self.end_catching_up(out);
            }
        }
    }

    /// The leader is there, and may have nothing to send: a turn that brings nothing is somebody else's.
    pub(crate) fn end_idle_turn(&mut self, out: &mut Vec<Effect>) {
        let now = self.now;
        let Role::Follower(following) = &self.role else {
            return;
        };
        let turn = following.catching_up.as_ref();
        let turn = turn.filter(|catch_up| catch_up.asked.is_none());
        if turn.is_some_and(|catch_up| now.since(catch_up.since) >= IDLE_MAX) {
            self.end_catching_up(out);
        }
    }

    /// It lacks little by now, or follows nobody who would send it more.
    pub(crate) fn end_catching_up(&mut self, out: &mut Vec<Effect>) {
        if let Role::Follower(following) = &mut self.role
            && following.catching_up.take().is_some()
        {
            out.push(Effect::CaughtUp);
        }
    }
}

/// How soon a group's turn comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Others depend on it: the controller's, groups', transactions'.
    Internal,
    /// Anybody's records.
    Data,
}

/// Whose turn it is to catch up, on one core: the urgent first, and otherwise who asked first.
#[derive(Clone, Debug)]
pub struct Turns {
    running_max: usize,
    running: BTreeSet<u64>,
    /// In the order in which they come, and where each of them is in it.
    waiting: BTreeMap<(Urgency, u64), u64>,
    places: BTreeMap<u64, (Urgency, u64)>,
    asked: u64,
}

impl Turns {
    /// So many groups catch up at a time.
    pub const RUNNING_MAX: usize = 64;

    /// `running_max` groups at a time; one at least.
    pub fn new(running_max: usize) -> Self {
        Self {
            running_max: running_max.max(1),
            running: BTreeSet::new(),
            waiting: BTreeMap::new(),
            places: BTreeMap::new(),
            asked: 0,
        }
    }

    /// [`Effect::Lagging`]: the group that the host calls `name` waits from now on.
    pub fn lagging(&mut self, name: u64, urgency: Urgency) {
        self.ended(name);
        self.asked += 1;
        let place = (urgency, self.asked);
        self.waiting.insert(place, name);
        self.places.insert(name, place);
    }

    /// [`Effect::CaughtUp`], also of one that broke down, or it is not hosted here any more.
    pub fn ended(&mut self, name: u64) {
        self.running.remove(&name);
        if let Some(place) = self.places.remove(&name) {
            self.waiting.remove(&place);
        }
    }

    /// The next group that is to be given [`crate::Input::CatchUp`], if one may run and one waits.
    pub fn give(&mut self) -> Option<u64> {
        if self.running.len() >= self.running_max {
            return None;
        }
        let (_, name) = self.waiting.pop_first()?;
        self.places.remove(&name);
        self.running.insert(name);
        Some(name)
    }
}

impl Default for Turns {
    fn default() -> Self {
        Self::new(Self::RUNNING_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_urgent_come_first_and_the_others_in_their_order() {
        let mut turns = Turns::new(2);
        for (name, urgency) in [
            (5, Urgency::Data),
            (3, Urgency::Data),
            (9, Urgency::Internal),
        ] {
            turns.lagging(name, urgency);
        }
        assert_eq!(
            [turns.give(), turns.give(), turns.give()],
            [Some(9), Some(5), None]
        );
        turns.ended(5);
        assert_eq!([turns.give(), turns.give()], [Some(3), None]);
        // Its turn brought nothing, and it asks again.
        turns.lagging(4, Urgency::Data);
        turns.lagging(9, Urgency::Data);
        assert_eq!([turns.give(), turns.give()], [Some(4), None]);
        turns.ended(9);
        turns.ended(3);
        assert_eq!(turns.give(), None, "nobody waits any more");
    }
}
