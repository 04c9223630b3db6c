//! How often and how long: the two shapes in which a configuration speaks of luck.

use stdx::{Duration, Prng};

/// How often something happens, in a million tries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(u32);

impl Rate {
    /// Never. Nothing is drawn for it.
    pub const NEVER: Self = Self(0);
    /// Every time.
    pub const ALWAYS: Self = Self(1_000_000);

    /// `count` times in a million.
    ///
    /// # Panics
    /// When that is more often than always.
    pub const fn per_million(count: u32) -> Self {
        assert!(count <= Self::ALWAYS.0);
        Self(count)
    }

    /// Whether it happens this time. A rate of zero draws nothing, so that switching a fault off
    /// leaves its stream where it was.
    pub(crate) fn hits(self, prng: &mut Prng) -> bool {
        self.0 > 0 && prng.chance(u64::from(self.0), u64::from(Self::ALWAYS.0))
    }
}

/// A range of durations from which each is as likely as the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    least: u64,
    most: u64,
}

impl Span {
    /// From `least` to `most`, both included.
    ///
    /// # Panics
    /// When `most` is the shorter one.
    pub fn new(least: Duration, most: Duration) -> Self {
        assert!(least <= most);
        Self {
            least: nanos(least),
            most: nanos(most),
        }
    }

    /// From `least` to `most` microseconds.
    pub const fn micros(least: u64, most: u64) -> Self {
        assert!(least <= most);
        Self {
            least: least * 1_000,
            most: most * 1_000,
        }
    }

    /// From `least` to `most` milliseconds.
    pub const fn millis(least: u64, most: u64) -> Self {
        Self::micros(least * 1_000, most * 1_000)
    }

    /// The longest.
    pub fn most(self) -> Duration {
        Duration::from_nanos(self.most)
    }

    /// One of them, in nanoseconds.
    pub(crate) fn draw(self, prng: &mut Prng) -> u64 {
        prng.between(self.least, self.most)
    }
}

/// Nanoseconds of `duration`, saturated: five hundred years fit.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
