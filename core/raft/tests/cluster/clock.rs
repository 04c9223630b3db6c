//! The clocks of replicas: none shows what another shows, and none runs as fast.

use raft::ReplicaId;
use stdx::{Duration, Instant, Prng};

/// How much faster or slower than the cluster's a clock runs at most, in thousandths. Real ones are off by far less.
const DRIFT_MAX: u64 = 50;

/// What a clock may show when the cluster begins.
const AHEAD_MAX: u64 = 3_600_000;

/// A replica's clock. It runs on while its process does not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    ahead: Duration,
    /// What it counts while a thousand go by for the cluster.
    rate: u64,
}

impl Clock {
    /// The clock of `id` in the cluster of `seed`.
    pub(crate) fn of(seed: u64, id: ReplicaId) -> Self {
        let mut prng = Prng::labelled(seed, &format!("clock/{id}"));
        Self {
            ahead: Duration::from_millis(prng.below(AHEAD_MAX)),
            rate: 1_000 + prng.below(2 * DRIFT_MAX + 1) - DRIFT_MAX,
        }
    }

    /// What it shows at `now`.
    pub(crate) fn shows(self, now: Instant) -> Instant {
        let nanos = u128::from(now.as_nanos()) * u128::from(self.rate) / 1_000;
        let nanos = u64::try_from(nanos).expect("schedules are short");
        Instant::from_nanos(nanos) + self.ahead
    }

    /// When it shows `shown`, or more.
    pub(crate) fn when(self, shown: Instant) -> Instant {
        if shown == Instant::MAX {
            return shown;
        }
        let since = shown.since(Instant::ZERO + self.ahead);
        let nanos = since.as_nanos() * 1_000;
        let nanos = nanos.div_ceil(u128::from(self.rate));
        Instant::from_nanos(u64::try_from(nanos).expect("schedules are short"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_shows_what_it_is_waited_for() {
        for seed in 0..100 {
            let clock = Clock::of(seed, ReplicaId::first(1));
            let shown = clock.shows(Instant::from_nanos(7_654_321_987));
            let when = clock.when(shown);
            assert!(clock.shows(when) >= shown);
            let earlier = Instant::from_nanos(when.as_nanos() - 2);
            assert!(clock.shows(earlier) < shown);
        }
        let clock = Clock::of(1, ReplicaId::first(1));
        assert_eq!(clock.when(Instant::ZERO), Instant::ZERO, "long ago");
        assert_eq!(clock.when(Instant::MAX), Instant::MAX);
    }
}
