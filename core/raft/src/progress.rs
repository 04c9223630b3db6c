//! What a leader knows of one follower, and what it has on its way to it.

use std::collections::VecDeque;

use model::LogIndex;
use stdx::{Duration, Instant};

use crate::quiet::Told;
use crate::settings::Settings;

/// How a follower is sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Where its log ends is not known: one message at a time, without frames, until it is.
    Probe,
    /// Frames go one after the other, without waiting for answers.
    Replicate,
    /// It was told where the log begins.
    Install,
}

/// A follower.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    pub(crate) stage: Stage,
    /// The first frame that was not sent.
    pub(crate) next: LogIndex,
    /// The last frame up to which its log is known to be ours.
    pub(crate) matched: LogIndex,
    /// How much of that is durable there.
    pub(crate) durable: LogIndex,
    /// When it last said anything in this reign.
    pub(crate) heard_at: Option<Instant>,
    /// The last beat that it answered.
    pub(crate) beat: u64,
    /// What it was told by beats.
    pub(crate) told: Told,
    /// Messages sent so far.
    pub(crate) sequence: u64,
    /// A probe, or a read of frames, is on its way.
    pub(crate) waiting: bool,
    in_flight: VecDeque<(LogIndex, u64)>,
    in_flight_bytes: u64,
    /// Since when beats are answered without anything new, while something is on its way; [`Instant::MAX`] when not.
    idle_since: Instant,
    /// It is sent nothing more before this: it learns, at its rate.
    pub(crate) paced_until: Instant,
}

/// How long beats are answered without news until frames that are on their way count as lost.
const IDLE_MAX: Duration = Duration::from_millis(450);

impl Progress {
    /// One of whom nothing is known; our log ends before `next`.
    pub(crate) fn new(next: LogIndex) -> Self {
        Self {
            stage: Stage::Probe,
            next,
            matched: LogIndex::ZERO,
            durable: LogIndex::ZERO,
            heard_at: None,
            beat: 0,
            told: Told::default(),
            sequence: 0,
            waiting: false,
            in_flight: VecDeque::new(),
            in_flight_bytes: 0,
            idle_since: Instant::MAX,
            paced_until: Instant::ZERO,
        }
    }

    /// Gives the memory back that nothing needs now.
    pub(crate) fn give_back(&mut self) {
        if self.in_flight.is_empty() {
            self.in_flight = VecDeque::new();
        }
    }

    /// Whether nothing is on its way to it.
    pub(crate) fn is_idle(&self) -> bool {
        !self.waiting && self.in_flight.is_empty()
    }

    /// Whether another message may be sent now.
    pub(crate) fn is_open(&self, settings: &Settings) -> bool {
        !self.waiting
            && self.in_flight.len() < settings.in_flight_messages_max
            && self.in_flight_bytes < settings.in_flight_bytes_max
    }

    /// Counts bytes for one that learns: the next go when these would be through at `rate`.
    pub(crate) fn pace(&mut self, now: Instant, bytes: u64, rate: u64) {
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(rate.max(1));
        let time = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        self.paced_until = self.paced_until.max(now) + time;
    }

    /// Counts frames up to `last` as sent.
    pub(crate) fn sent(&mut self, last: LogIndex, bytes: u64) {
        self.next = last.next();
        self.in_flight.push_back((last, bytes));
        self.in_flight_bytes += bytes;
    }

    /// It has our frames up to `verified`, durable up to `flushed`. Whether that is news.
    pub(crate) fn has(&mut self, verified: LogIndex, flushed: LogIndex) -> bool {
        let news = verified > self.matched || flushed > self.durable;
        self.matched = self.matched.max(verified);
        self.durable = self.durable.max(flushed.min(verified));
        while let Some(&(last, bytes)) = self.in_flight.front() {
            if last > self.matched {
                break;
            }
            self.in_flight.pop_front();
            self.in_flight_bytes -= bytes;
        }
        self.next = self.next.max(self.matched.next());
        news
    }

    /// It answered, and the frames that it was told of are there: they may go one after the other.
    pub(crate) fn found(&mut self) {
        if self.stage != Stage::Replicate {
            self.stage = Stage::Replicate;
            self.waiting = false;
            self.next = self.matched.next();
        }
    }

    /// What was durable there from `next` on is not any more.
    pub(crate) fn lost(&mut self, next: LogIndex) {
        self.durable = self.durable.min(LogIndex(next.0.saturating_sub(1)));
    }

    /// Nothing of ours is there from `next` on, but for what is durable: what was there and was not may be gone with its
    /// process.
    pub(crate) fn probe_from(&mut self, next: LogIndex) {
        self.stage = Stage::Probe;
        self.waiting = false;
        self.next = next.max(self.durable.next());
        self.matched = self.matched.min(LogIndex(self.next.0 - 1));
        self.in_flight.clear();
        self.in_flight_bytes = 0;
        self.idle_since = Instant::MAX;
    }

    /// It answered a beat, and holds all that was shown to be there, or not any more. Frames that are on their way, or were
    /// there and not durable, and about which nothing is heard for a while though it answers, are lost; those that it holds
    /// are only slow.
    pub(crate) fn answered_beat(&mut self, news: bool, holds: bool, now: Instant) {
        let waits = !self.is_idle() || (self.durable < self.matched && !holds);
        if !waits || news {
            self.idle_since = Instant::MAX;
            return;
        }
        self.idle_since = self.idle_since.min(now);
        let since = self.idle_since;
        if now.since(since) >= IDLE_MAX {
            let there = if holds { self.matched } else { self.durable };
            // A question that was lost is asked again; what was found out before it is still so.
            let next = match self.stage {
                Stage::Probe => self.next,
                Stage::Replicate | Stage::Install => there.next(),
            };
            self.probe_from(next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_that_nothing_is_heard_of_are_sent_again() {
        let mut progress = Progress::new(LogIndex(5));
        progress.has(LogIndex(5), LogIndex(4));
        progress.found();
        progress.sent(LogIndex(7), 30);
        assert_eq!(progress.next, LogIndex(8));
        let silent = |progress: &mut Progress, holds| {
            for beat in 0..=3 {
                let now = Instant::ZERO + Duration::from_millis(150 * beat);
                progress.answered_beat(false, holds, now);
            }
            (progress.stage, progress.next)
        };
        // It holds 5, and may have lost it.
        let mut other = progress.clone();
        assert_eq!(silent(&mut other, true), (Stage::Probe, LogIndex(6)));
        let probed = silent(&mut progress, false);
        assert_eq!(probed, (Stage::Probe, LogIndex(5)));
        assert_eq!(progress.in_flight_bytes, 0);
    }

    #[test]
    fn a_learner_is_paced_by_what_it_was_sent() {
        let mut progress = Progress::new(LogIndex(1));
        let at = |millis| Instant::ZERO + Duration::from_millis(millis);
        progress.pace(at(10), 500, 1_000);
        assert_eq!(progress.paced_until, at(510));
        progress.pace(at(300), 250, 1_000);
        assert_eq!(progress.paced_until, at(760));
        // What it did not use it does not keep.
        progress.pace(at(5_000), 1_000, 1_000);
        assert_eq!(progress.paced_until, at(6_000));
    }

    #[test]
    fn limits_close_and_answers_open() {
        let settings = Settings {
            in_flight_messages_max: 2,
            in_flight_bytes_max: 100,
            ..Settings::default()
        };
        let mut progress = Progress::new(LogIndex(1));
        progress.found();
        progress.sent(LogIndex(1), 10);
        assert!(progress.is_open(&settings));
        progress.sent(LogIndex(2), 10);
        assert!(!progress.is_open(&settings), "messages");
        progress.has(LogIndex(1), LogIndex(0));
        assert!(progress.is_open(&settings));
        assert_eq!(progress.durable, LogIndex(0));
        progress.sent(LogIndex(3), 95);
        progress.has(LogIndex(2), LogIndex(2));
        assert!(progress.is_open(&settings));
        progress.sent(LogIndex(4), 10);
        assert!(!progress.is_open(&settings), "bytes");
    }
}
