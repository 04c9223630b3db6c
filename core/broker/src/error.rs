//! Why a broker did not start.

use core::fmt;
use core::net::SocketAddr;

use runtime::IoError;

/// Why a broker did not start. Nothing was served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartError {
    /// The data folder cannot be used.
    Folder(storage::FolderError),
    /// It cannot listen at an address that was asked for.
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        error: IoError,
    },
    /// None of the addresses exists on this machine.
    NoAddress,
    /// What the replicas must not forget cannot be read, or not be written.
    Journal(storage::JournalError),
    /// The controller did not start.
    Controller(cluster::StartError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(error) => error.fmt(f),
            Self::Listen { address, error } => write!(f, "cannot listen at {address}: {error}"),
            Self::NoAddress => f.write_str("this machine has none of the addresses to listen at"),
            Self::Journal(error) => error.fmt(f),
            Self::Controller(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for StartError {}
