//! What can go wrong here, as values.

use core::fmt;

use runtime::IoError;

/// An operation on a file or directory failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathError {
    /// What was tried, as in "cannot open".
    pub verb: &'static str,
    /// On what.
    pub path: String,
    /// Why it failed.
    pub error: IoError,
}

impl PathError {
    /// The error of `verb` on `path`.
    pub fn new(verb: &'static str, path: &str, error: IoError) -> Self {
        Self {
            verb,
            path: path.to_owned(),
            error,
        }
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} {}: {}", self.verb, self.path, self.error)
    }
}

impl core::error::Error for PathError {}

/// Names what an operation was for, where it fails.
pub(crate) trait OnPath<T> {
    fn on(self, verb: &'static str, path: &str) -> Result<T, PathError>;
}

impl<T> OnPath<T> for Result<T, IoError> {
    fn on(self, verb: &'static str, path: &str) -> Result<T, PathError> {
        self.map_err(|error| PathError::new(verb, path, error))
    }
}

/// Why a journal cannot be begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JournalError {
    /// An operation failed.
    Path(PathError),
    /// This file had something that was acknowledged, and cannot be read.
    Damaged(String),
}

impl From<PathError> for JournalError {
    fn from(error: PathError) -> Self {
        Self::Path(error)
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(error) => error.fmt(f),
            Self::Damaged(path) => write!(
                f,
                "{path} is damaged: it has votes and terms that this node must not forget, so nothing is started over it; \
                 put back a good copy of it"
            ),
        }
    }
}

impl core::error::Error for JournalError {}

/// Why an append was refused. Nothing of it was appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendError {
    /// The bytes are not whole batches with sane offsets, for this reason.
    NotBatches(String),
    /// Too much waits for the disk already.
    Overloaded,
    /// The device is full; it resumes by itself.
    NoSpace,
    /// The log is fenced, for this reason.
    Fenced(String),
    /// The log is being closed.
    Closed,
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBatches(why) => write!(f, "not whole record batches: {why}"),
            Self::Overloaded => f.write_str("too much waits for the disk"),
            Self::NoSpace => f.write_str("no space left on the device"),
            Self::Fenced(why) => write!(f, "the log is fenced: {why}"),
            Self::Closed => f.write_str("the log is closed"),
        }
    }
}

impl core::error::Error for AppendError {}

/// Why a read brought nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// The range is damaged or unreadable, for this reason, and is not served.
    Fenced(String),
    /// It failed for now; the bytes may be well.
    Failed(PathError),
    /// A single batch is larger than all the memory for reads.
    TooLarge {
        /// Bytes that it needs.
        bytes: usize,
        /// Bytes that there are.
        bytes_max: usize,
    },
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fenced(why) => f.write_str(why),
            Self::Failed(error) => error.fmt(f),
            Self::TooLarge { bytes, bytes_max } => {
                write!(
                    f,
                    "a batch needs {bytes} bytes, and reads have {bytes_max} in all"
                )
            }
        }
    }
}

impl core::error::Error for ReadError {}
