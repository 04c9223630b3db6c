//! Positions: of a record in a partition, and of a frame in its log.

use core::fmt;

/// The position of a record in its partition, as clients count. Never negative: Kafka's special values are
/// requests, not positions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(pub i64);

impl Offset {
    /// The first.
    pub const ZERO: Self = Self(0);

    /// The offset `records` after this one.
    ///
    /// # Panics
    /// When it would pass the largest offset: no partition gets there.
    #[must_use]
    pub fn advance(self, records: u32) -> Self {
        let end = self.0.checked_add(i64::from(records));
        Self(end.expect("an offset below 2^63"))
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The position of a frame in a log, as consensus counts: dense, the first is 1, zero is "before the first".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogIndex(pub u64);

impl LogIndex {
    /// Before the first frame.
    pub const ZERO: Self = Self(0);

    /// The one after it.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for LogIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
