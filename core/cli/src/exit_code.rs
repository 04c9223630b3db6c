//! What a binary ends with. One table for all of ours, so that scripts need to learn it once.

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Done, or: it holds.
    Done = 0,
    /// What was asked does not hold: a violation, damage, invalid, refused.
    DoesNotHold = 1,
    /// It cannot be told: inconclusive, unknown.
    CannotTell = 2,
    /// Two runs that must be equal are not.
    NotDeterministic = 3,
    /// Usage or configuration.
    Usage = 4,
    /// The environment failed (unreadable, in use, unreachable), or an error of our own.
    Environment = 5,
}

impl ExitCode {
    /// Its number.
    pub const fn number(self) -> u8 {
        self as u8
    }
}
