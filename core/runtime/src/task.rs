//! Tasks: what runs, how urgent it is, and the handle that waits for its result.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use crate::sync::oneshot;

/// How urgent a task is. Under load a class gets its share of polls; below it, the most urgent goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// What others wait for to agree: elections, replication, the controller.
    Consensus,
    /// Writing what clients send.
    Produce,
    /// Reading what clients ask for.
    Fetch,
    /// What can wait: retention, scrubbing, statistics.
    Background,
}

impl Class {
    /// All classes, the most urgent first.
    pub const ALL: [Self; 4] = [
        Self::Consensus,
        Self::Produce,
        Self::Fetch,
        Self::Background,
    ];

    /// Polls that the class gets in a round in which all have something to run.
    pub(crate) const fn share(self) -> u32 {
        match self {
            Self::Consensus => 16,
            Self::Produce | Self::Fetch => 8,
            Self::Background => 1,
        }
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

/// The task ended before it had a result: its scope was cancelled, or it panicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancelled;

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cancelled")
    }
}

impl core::error::Error for Cancelled {}

/// Waits for a task's result. Dropping it leaves the task to its scope.
#[derive(Debug)]
pub struct Task<T>(pub(crate) oneshot::Receiver<T>);

impl<T> Future for Task<T> {
    type Output = Result<T, Cancelled>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}
