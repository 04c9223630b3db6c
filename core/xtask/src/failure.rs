//! Why a command did not succeed, and the exit code that says so to a script.

use std::fmt;

/// One failed command. The three kinds call for three different hands: the author's, the caller's, the machine's.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What was asked does not hold.
    Check(String),
    /// The command was called in a way that it does not know.
    Usage(String),
    /// Something that the command needs is missing or does not work.
    Environment(String),
}

impl Failure {
    /// The code of the process, by the table that every binary of this workspace keeps.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Check(_) => 1,
            Self::Usage(_) => 4,
            Self::Environment(_) => 5,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Check(text) | Self::Usage(text) | Self::Environment(text)) = self;
        formatter.write_str(text)
    }
}

impl std::error::Error for Failure {}
