//! Why a node could not start, or ended before its cores did.

use core::fmt;
use std::any::Any;
use std::io;

use runtime::{CoreId, Crash};

/// A node's failure: the first one, when there are several.
#[derive(Debug)]
pub enum PortableError {
    /// The configuration cannot be: says which setting, and what it must be.
    Config(&'static str),
    /// The system refused a reactor: too many open files, most likely.
    Reactor {
        /// For this core.
        core: CoreId,
        /// What it said.
        error: io::Error,
    },
    /// The system refused a thread.
    Thread {
        /// The thread's name.
        name: String,
        /// What it said.
        error: io::Error,
    },
    /// A core crashed, or panicked outside any scope.
    Core {
        /// Which.
        core: CoreId,
        /// Its last words.
        message: String,
    },
    /// A file thread or a job thread panicked.
    Worker {
        /// The thread's name.
        name: String,
        /// Its last words.
        message: String,
    },
}

impl fmt::Display for PortableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(what) => f.write_str(what),
            Self::Reactor { core, error } => write!(f, "no reactor for core {core}: {error}"),
            Self::Thread { name, error } => write!(f, "cannot start thread {name}: {error}"),
            Self::Core { core, message } => write!(f, "core {core} ended early: {message}"),
            Self::Worker { name, message } => write!(f, "thread {name} panicked: {message}"),
        }
    }
}

impl core::error::Error for PortableError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Reactor { error, .. } | Self::Thread { error, .. } => Some(error),
            Self::Config(_) | Self::Core { .. } | Self::Worker { .. } => None,
        }
    }
}

/// The last words in a panic's payload.
pub(crate) fn last_words(payload: &(dyn Any + Send)) -> String {
    if let Some(Crash(why)) = payload.downcast_ref() {
        return why.clone();
    }
    if let Some(text) = payload.downcast_ref::<&str>() {
        return (*text).to_owned();
    }
    payload
        .downcast_ref::<String>()
        .cloned()
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
