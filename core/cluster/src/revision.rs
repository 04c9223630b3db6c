//! How far the controller's log is applied.

use core::fmt;

use model::Offset;

/// Commands applied so far: the offset after the last of them. Grows for ever; every core's copy at one revision
/// is the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

impl Revision {
    /// Before the first command.
    pub const ZERO: Self = Self(0);

    /// The revision once the command at `offset` is applied.
    pub fn after(offset: Offset) -> Self {
        let before = u64::try_from(offset.0).expect("an offset is not negative");
        Self(before + 1)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
