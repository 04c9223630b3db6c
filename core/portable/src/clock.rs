//! The node's clocks, read once per turn.

use std::time::{SystemTime, UNIX_EPOCH};

use runtime::passive::Turn;
use stdx::{Duration, Instant, Timestamp};

/// The longest sleep without a look at the clock: a day, because a timer wheel has an end and an idle turn a day
/// costs nothing.
const SLEEP_MAX: Duration = Duration::from_hours(24);

/// Both clocks. The origin of the monotonic one is the start of the node, and is the same for all cores: instants
/// that travel between them compare.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: std::time::Instant,
}

impl Clock {
    /// A clock that starts now.
    pub(crate) fn start() -> Self {
        Self {
            origin: std::time::Instant::now(),
        }
    }

    /// Since the start of the node.
    pub(crate) fn now(&self) -> Instant {
        Instant::ZERO + self.origin.elapsed()
    }

    /// The wall clock, saturated at the ends of what a [`Timestamp`] can say.
    pub(crate) fn wall() -> Timestamp {
        Timestamp::from_nanos(match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
            Err(error) => {
                i64::try_from(error.duration().as_nanos()).map_or(i64::MIN, |nanos| -nanos)
            }
        })
    }

    /// How long a core may sleep that wants `turn` next. None: until the bell rings.
    pub(crate) fn sleep(&self, turn: Turn) -> Option<Duration> {
        match turn {
            Turn::Deadline(deadline) => Some(deadline.since(self.now()).min(SLEEP_MAX)),
            Turn::Ready | Turn::Idle | Turn::Finished => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_is_bounded_and_a_passed_deadline_is_no_sleep() {
        let clock = Clock::start();
        assert_eq!(
            clock.sleep(Turn::Deadline(Instant::ZERO)),
            Some(Duration::ZERO)
        );
        assert_eq!(clock.sleep(Turn::Deadline(Instant::MAX)), Some(SLEEP_MAX));
        assert_eq!(clock.sleep(Turn::Idle), None);
    }

    #[test]
    fn the_monotonic_clock_does_not_go_back() {
        let clock = Clock::start();
        let first = clock.now();
        assert!(clock.now() >= first);
    }
}
