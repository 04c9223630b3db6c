//! The clocks of a node: one origin for all cores, read once per turn.

use std::time::{Instant as SystemInstant, SystemTime, UNIX_EPOCH};

use stdx::{Instant, Timestamp};

/// The clocks of a node. Its cores share the origin, so their instants compare.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: SystemInstant,
}

impl Clock {
    /// A clock whose origin is now.
    pub(crate) fn new() -> Self {
        Self {
            origin: SystemInstant::now(),
        }
    }

    /// The monotonic clock: `CLOCK_MONOTONIC` since the origin.
    pub(crate) fn now(&self) -> Instant {
        // Five hundred years fit.
        let nanos = u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Instant::from_nanos(nanos)
    }

    /// The wall clock: `CLOCK_REALTIME`.
    #[expect(clippy::unused_self, reason = "who has no clock shall not read one")]
    pub(crate) fn wall(&self) -> Timestamp {
        let nanos = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_nanos()).unwrap_or(i64::MAX),
        };
        Timestamp::from_nanos(nanos)
    }
}
