//! What a ground reports when an operation fails: a kind that rooms decide by, and the system's own number for
//! the log.

use core::fmt;
use std::io;

/// Why an operation failed, as far as anyone above the ground needs to tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum IoErrorKind {
    /// No such file or directory.
    NotFound = 1,
    /// The file or directory exists already.
    AlreadyExists,
    /// The operating system refused.
    PermissionDenied,
    /// Another process, or another listener of this one, has the address.
    AddressInUse,
    /// No interface of this machine has the address.
    AddressUnavailable,
    /// Nobody listens there.
    ConnectionRefused,
    /// The peer reset the connection, or it broke.
    ConnectionReset,
    /// The other side does not read any more.
    BrokenPipe,
    /// It took too long.
    TimedOut,
    /// No room on the device or in the quota: a state, not a broken disk.
    NoSpace,
    /// The operation was cancelled before it took effect.
    Cancelled,
    /// The limit of open files is reached.
    TooManyOpenFiles,
    /// Someone else holds the lock.
    Locked,
    /// An argument that the ground cannot accept.
    InvalidInput,
    /// The data ended before what was asked for.
    UnexpectedEnd,
    /// The device failed to read or write.
    Device,
    /// The directory still has entries.
    DirectoryNotEmpty,
    /// A file where a directory was expected, or the other way round.
    WrongKind,
    /// This ground or this file system cannot do it.
    Unsupported,
    /// Anything else: see the code.
    Other,
}

impl IoErrorKind {
    /// The kind whose number `byte` is; [`IoErrorKind::Other`] for a number that none has.
    pub const fn from_byte(byte: u8) -> Self {
        const ALL: [IoErrorKind; 20] = [
            IoErrorKind::NotFound,
            IoErrorKind::AlreadyExists,
            IoErrorKind::PermissionDenied,
            IoErrorKind::AddressInUse,
            IoErrorKind::AddressUnavailable,
            IoErrorKind::ConnectionRefused,
            IoErrorKind::ConnectionReset,
            IoErrorKind::BrokenPipe,
            IoErrorKind::TimedOut,
            IoErrorKind::NoSpace,
            IoErrorKind::Cancelled,
            IoErrorKind::TooManyOpenFiles,
            IoErrorKind::Locked,
            IoErrorKind::InvalidInput,
            IoErrorKind::UnexpectedEnd,
            IoErrorKind::Device,
            IoErrorKind::DirectoryNotEmpty,
            IoErrorKind::WrongKind,
            IoErrorKind::Unsupported,
            IoErrorKind::Other,
        ];
        if byte == 0 || byte as usize > ALL.len() {
            return Self::Other;
        }
        ALL[byte as usize - 1]
    }
}

/// A failed operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IoError {
    kind: IoErrorKind,
    /// The system's number of the error, zero where there is none.
    code: i32,
}

impl IoError {
    /// An error of `kind` without a system's number.
    pub const fn new(kind: IoErrorKind) -> Self {
        Self { kind, code: 0 }
    }

    /// An error of `kind` that the system calls `code`.
    pub const fn with_code(kind: IoErrorKind, code: i32) -> Self {
        Self { kind, code }
    }

    /// What rooms decide by.
    pub const fn kind(&self) -> IoErrorKind {
        self.kind
    }

    /// The system's number, zero where there is none.
    pub const fn code(&self) -> i32 {
        self.code
    }
}

impl fmt::Display for IoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.kind {
            IoErrorKind::NotFound => "no such file or directory",
            IoErrorKind::AlreadyExists => "exists already",
            IoErrorKind::PermissionDenied => "permission denied",
            IoErrorKind::AddressInUse => "address in use",
            IoErrorKind::AddressUnavailable => "no interface here has this address",
            IoErrorKind::ConnectionRefused => "connection refused",
            IoErrorKind::ConnectionReset => "connection reset",
            IoErrorKind::BrokenPipe => "the other side stopped reading",
            IoErrorKind::TimedOut => "timed out",
            IoErrorKind::NoSpace => "no space left",
            IoErrorKind::Cancelled => "cancelled",
            IoErrorKind::TooManyOpenFiles => "too many open files",
            IoErrorKind::Locked => "locked by another",
            IoErrorKind::InvalidInput => "invalid argument",
            IoErrorKind::UnexpectedEnd => "the data ended early",
            IoErrorKind::Device => "the device failed",
            IoErrorKind::DirectoryNotEmpty => "directory not empty",
            IoErrorKind::WrongKind => {
                "a file where a directory was expected, or the other way round"
            }
            IoErrorKind::Unsupported => "not supported here",
            IoErrorKind::Other => "failed",
        };
        if self.code == 0 {
            f.write_str(text)
        } else {
            write!(f, "{text} (system error {})", self.code)
        }
    }
}

impl core::error::Error for IoError {}

impl From<IoErrorKind> for IoError {
    fn from(kind: IoErrorKind) -> Self {
        Self::new(kind)
    }
}

impl From<io::Error> for IoError {
    fn from(error: io::Error) -> Self {
        // Three that the standard library has no kind for, by their number on Unix.
        let kind = match (error.raw_os_error(), error.kind()) {
            (Some(5), _) => IoErrorKind::Device,
            (Some(23 | 24), _) => IoErrorKind::TooManyOpenFiles,
            (Some(125), _) => IoErrorKind::Cancelled,
            (_, kind) => Self::known_kind(kind),
        };
        Self {
            kind,
            code: error.raw_os_error().unwrap_or(0),
        }
    }
}

impl IoError {
    fn known_kind(kind: io::ErrorKind) -> IoErrorKind {
        match kind {
            io::ErrorKind::NotFound => IoErrorKind::NotFound,
            io::ErrorKind::AlreadyExists => IoErrorKind::AlreadyExists,
            io::ErrorKind::PermissionDenied => IoErrorKind::PermissionDenied,
            io::ErrorKind::AddrInUse => IoErrorKind::AddressInUse,
            io::ErrorKind::AddrNotAvailable => IoErrorKind::AddressUnavailable,
            io::ErrorKind::ConnectionRefused => IoErrorKind::ConnectionRefused,
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::NotConnected => IoErrorKind::ConnectionReset,
            io::ErrorKind::BrokenPipe => IoErrorKind::BrokenPipe,
            io::ErrorKind::TimedOut => IoErrorKind::TimedOut,
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => IoErrorKind::NoSpace,
            io::ErrorKind::WouldBlock => IoErrorKind::Locked,
            io::ErrorKind::InvalidInput => IoErrorKind::InvalidInput,
            io::ErrorKind::UnexpectedEof => IoErrorKind::UnexpectedEnd,
            io::ErrorKind::DirectoryNotEmpty => IoErrorKind::DirectoryNotEmpty,
            io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => IoErrorKind::WrongKind,
            io::ErrorKind::Unsupported => IoErrorKind::Unsupported,
            _ => IoErrorKind::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_survives_its_byte() {
        for byte in 1..=20 {
            assert_eq!(IoErrorKind::from_byte(byte) as u8, byte);
        }
        assert_eq!(IoErrorKind::from_byte(0), IoErrorKind::Other);
        assert_eq!(IoErrorKind::from_byte(99), IoErrorKind::Other);
    }
}
