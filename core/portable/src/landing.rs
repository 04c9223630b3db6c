//! How an operation ends: with a result, and with memory that must come home.

use std::io;

use runtime::operation::Pieces;
use runtime::{Buf, IoError, IoErrorKind, Job, Operation, OperationId, Output};

use crate::open_file::OpenFile;

/// The end of one operation, on its way to its core.
#[derive(Debug)]
pub(crate) struct Landing {
    pub(crate) id: OperationId,
    pub(crate) outcome: Outcome,
}

/// What an operation brought, or why it failed.
pub(crate) type Outcome = Result<Brought, Failure>;

/// What a successful operation brings.
#[derive(Debug)]
pub(crate) enum Brought {
    /// What the core is told.
    Output(Output),
    /// A file, which gets its number from the driver of its core.
    File(OpenFile),
}

/// A failed operation.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: IoError,
    pub(crate) remains: Remains,
}

/// What a failed operation leaves behind: nobody reads it, but pool memory may only be dropped on the thread of
/// its core, at a moment that a recording knows of.
#[derive(Debug)]
#[expect(dead_code, reason = "held until it is dropped")]
pub(crate) enum Remains {
    Nothing,
    Buffer(Buf),
    Pieces(Pieces),
    Job(Job),
}

impl Landing {
    pub(crate) fn new(id: OperationId, outcome: Outcome) -> Self {
        Self { id, outcome }
    }

    /// An operation that did what it was asked to.
    pub(crate) fn output(id: OperationId, output: Output) -> Self {
        Self::new(id, Ok(Brought::Output(output)))
    }

    /// An operation that failed with `error` and leaves `remains`.
    pub(crate) fn failed(id: OperationId, error: impl Into<IoError>, remains: Remains) -> Self {
        let error = error.into();
        Self::new(id, Err(Failure { error, remains }))
    }

    /// An operation that was cancelled before it took effect.
    pub(crate) fn cancelled(id: OperationId, remains: Remains) -> Self {
        Self::failed(id, IoErrorKind::Cancelled, remains)
    }

    /// An operation with nothing to tell but whether it worked.
    pub(crate) fn done(id: OperationId, result: Result<(), impl Into<IoError>>) -> Self {
        Self::new(id, done(result))
    }
}

impl Failure {
    /// A failure that leaves `remains`.
    pub(crate) fn leaving(error: impl Into<IoError>, remains: Remains) -> Self {
        Self {
            error: error.into(),
            remains,
        }
    }
}

impl From<IoError> for Failure {
    fn from(error: IoError) -> Self {
        Self::leaving(error, Remains::Nothing)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::leaving(error, Remains::Nothing)
    }
}

impl From<Operation> for Remains {
    fn from(operation: Operation) -> Self {
        match operation {
            Operation::Read { buffer, .. } | Operation::ReceiveInto { buffer, .. } => {
                Self::Buffer(buffer)
            }
            Operation::Write { pieces, .. } | Operation::Send { pieces, .. } => {
                Self::Pieces(pieces)
            }
            Operation::Offload { job, .. } => Self::Job(job),
            _ => Self::Nothing,
        }
    }
}

/// The outcome of an operation with nothing to tell but whether it worked.
pub(crate) fn done(result: Result<(), impl Into<IoError>>) -> Outcome {
    match result {
        Ok(()) => Ok(Brought::Output(Output::Done)),
        Err(error) => Err(Failure::leaving(error, Remains::Nothing)),
    }
}
