//! Why a node did not start, or ended before its time.

use core::fmt;

use runtime::{CoreId, IoError};

/// What went wrong with a node as a whole. What fails within it is an operation's error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UringError {
    /// The configuration cannot be: says which setting, and what it must be.
    Config(&'static str),
    /// The system refused a thread or an event descriptor.
    Start(IoError),
    /// A core got no ring, or none of its buffers.
    Setup {
        /// The core.
        core: CoreId,
        /// What the kernel said.
        error: IoError,
    },
    /// A core's thread could not be bound to a processor.
    Pin {
        /// The core.
        core: CoreId,
        /// What the kernel said.
        error: IoError,
    },
    /// A ring that had worked failed as a whole.
    Ring {
        /// The core.
        core: CoreId,
        /// What the kernel said.
        error: IoError,
    },
    /// A panic went through a core's loop: a bug in this crate or in `runtime`, or a crash that unwinds.
    Panicked {
        /// The core.
        core: CoreId,
        /// What it said.
        message: String,
    },
}

impl fmt::Display for UringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(what) => f.write_str(what),
            Self::Start(error) => write!(f, "cannot start a core's thread: {error}"),
            Self::Setup { core, error } => {
                write!(f, "cannot set up io_uring of core {core}: {error}")
            }
            Self::Pin { core, error } => {
                write!(f, "cannot bind core {core} to a processor: {error}")
            }
            Self::Ring { core, error } => write!(f, "io_uring of core {core} failed: {error}"),
            Self::Panicked { core, message } => write!(f, "core {core} panicked: {message}"),
        }
    }
}

impl core::error::Error for UringError {}
