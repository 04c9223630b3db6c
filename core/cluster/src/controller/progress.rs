//! How far a start has come that opens many replicas, told while it takes long.

use core::cell::Cell;
use core::time::Duration;

use runtime::Runtime;
use stdx::Instant;

use crate::event::{Event, Log};

/// How often it is told.
const TOLD_EVERY: Duration = Duration::from_secs(5);

/// Replicas that are being opened.
pub(super) struct Progress {
    runtime: Runtime,
    log: Log,
    begun: Instant,
    opened: Cell<usize>,
    of: usize,
}

impl Progress {
    /// None of so many is opened yet.
    pub(super) fn new(runtime: Runtime, log: Log, of: usize) -> Self {
        Self {
            begun: runtime.now(),
            runtime,
            log,
            opened: Cell::new(0),
            of,
        }
    }

    /// One more is.
    pub(super) fn one_more(&self) {
        self.opened.set(self.opened.get() + 1);
    }

    /// Tells of it for as long as it is polled.
    pub(super) async fn tell(&self) -> ! {
        loop {
            self.runtime.sleep(TOLD_EVERY).await;
            let (opened, of) = (self.opened.get(), self.of);
            let left = left(self.runtime.now().since(self.begun), opened, of);
            (self.log)(Event::Opening { opened, of, left });
        }
    }
}

/// How long the rest takes, should it take as long as those that are done; none while nothing is.
fn left(elapsed: Duration, done: usize, of: usize) -> Option<Duration> {
    let done = u32::try_from(done).ok().filter(|&done| done > 0)?;
    let rest = u32::try_from(of).ok()?.saturating_sub(done);
    Some((elapsed / done).saturating_mul(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_takes_as_long_as_what_is_done() {
        let seconds = Duration::from_secs;
        assert_eq!(left(seconds(5), 0, 10), None);
        assert_eq!(left(seconds(10), 1_000, 10_000), Some(seconds(90)));
        assert_eq!(left(seconds(10), 10, 10), Some(Duration::ZERO));
        assert_eq!(left(seconds(10), 11, 10), Some(Duration::ZERO));
    }
}
