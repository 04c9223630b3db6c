//! Keeps a repeated complaint from filling the log.

use stdx::{Duration, Instant};

/// The time over which the lines of one complaint are counted.
const INTERVAL: Duration = Duration::from_secs(5);

/// Lines of one complaint in an interval.
const LINES_MAX: u32 = 10;

/// One complaint: it passes at most [`LINES_MAX`] times per [`INTERVAL`], and says how often it was held back.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    began: Option<Instant>,
    passed: u32,
    held_back: u64,
}

impl Throttle {
    /// Whether the complaint passes at `now`: with how many were held back since the last that did.
    pub(crate) fn pass(&mut self, now: Instant) -> Option<u64> {
        if self.began.is_none_or(|began| now.since(began) >= INTERVAL) {
            self.began = Some(now);
            self.passed = 0;
        }
        if self.passed == LINES_MAX {
            self.held_back += 1;
            return None;
        }
        self.passed += 1;
        Some(core::mem::take(&mut self.held_back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_is_cut_and_counted() {
        let mut throttle = Throttle::default();
        let at = |seconds| Instant::ZERO + Duration::from_secs(seconds);
        for _ in 0..LINES_MAX {
            assert_eq!(throttle.pass(at(1)), Some(0));
        }
        assert_eq!(throttle.pass(at(2)), None);
        assert_eq!(throttle.pass(at(5)), None);
        assert_eq!(throttle.pass(at(6)), Some(2));
        assert_eq!(throttle.pass(at(60)), Some(0));
    }
}
