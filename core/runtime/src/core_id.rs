//! The number of a core of a node.

use core::fmt;

/// Cores that one node may have. Bit sets of cores are sized by it.
pub const CORES_MAX: u16 = 256;

/// One core of this node, `0..cores`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CoreId(u16);

impl CoreId {
    /// The core that every node has; it owns what there is one of.
    pub const ZERO: Self = Self(0);

    /// Core `number`.
    ///
    /// # Panics
    /// When `number` is not below [`CORES_MAX`].
    pub const fn new(number: u16) -> Self {
        assert!(number < CORES_MAX);
        Self(number)
    }

    /// Its number.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Its number as an index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for CoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
