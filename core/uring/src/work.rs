//! What the kernel is asked to do for one operation, in one or more steps, and the memory that it is lent for it.
//!
//! All memory here is on the heap and stays in its place when the work moves: the kernel holds addresses of it
//! until the final completion of the step.

use std::ffi::CString;

use io_uring::squeue::Entry;
use runtime::operation::Remains;
use runtime::{Buf, IoError, IoErrorKind, Output, Runtime};

use crate::files::{SyncDirectory, Write};
use crate::os;
use crate::provided::Provided;
use crate::ring::{Completed, Submission};
use crate::sockets::{Accept, Connect, Receive, Send};

/// The work of one operation.
#[derive(Debug)]
pub(crate) enum Work {
    /// One call without memory, which is done or fails.
    Plain,
    /// One call with one or two paths, which is done or fails.
    Paths {
        /// The first.
        _source: CString,
        /// The second.
        _target: Option<CString>,
    },
    /// Opens a file.
    Open {
        /// Its path.
        _path: CString,
    },
    /// Reads or receives behind what a buffer holds.
    Read(Buf),
    /// Writes, and syncs where that is linked.
    Write(Box<Write>),
    /// Opens a directory, then syncs it.
    SyncDirectory(SyncDirectory),
    /// Waits for a connection.
    Accept(Accept),
    /// Connects.
    Connect(Connect),
    /// Waits for bytes.
    Receive(Receive),
    /// Sends.
    Send(Box<Send>),
    /// Closes a descriptor, once nothing else is in flight there.
    Close,
    /// A helper has it.
    Helper,
}

/// Work that starts in the ring.
#[derive(Debug)]
pub(crate) struct Start {
    /// The work.
    pub(crate) work: Work,
    /// Its first step.
    pub(crate) submission: Submission,
}

impl Start {
    /// Work whose first step is one entry.
    pub(crate) fn new(work: Work, entry: Entry) -> Self {
        Self {
            work,
            submission: Submission::one(entry),
        }
    }
}

/// Which of the entries of a step completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The only one, or the first of two.
    Main,
    /// The sync linked to a write.
    LinkedSync,
}

/// What a completed entry leads to.
#[derive(Debug)]
pub(crate) enum Step {
    /// The operation is over, and its memory is in the output or was none of the pool's.
    Over(Result<Output, IoError>),
    /// The operation failed, and the turn that hears of it drops its memory.
    Failed(IoError, Remains),
    /// Another entry is still to come.
    Wait(Work),
    /// The next step.
    Next(Start),
}

/// What a step may need besides its own memory.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    /// For buffers.
    pub(crate) runtime: &'a Runtime,
    /// The buffers of the ring, where it has them.
    pub(crate) provided: &'a mut Option<Provided>,
    /// Bytes of a buffer taken for one receive.
    pub(crate) receive_buffer_bytes: u32,
    /// The token of a further step.
    pub(crate) token: u64,
    /// No further step is wanted.
    pub(crate) cancelling: bool,
}

impl Work {
    /// Takes the completion of one entry.
    pub(crate) fn advance(
        self,
        part: Part,
        completed: Completed,
        mut context: Context<'_>,
    ) -> Step {
        let result = completed.result;
        match self {
            Self::Plain | Self::Paths { .. } | Self::Close => {
                Step::Over(count(result).map(|_| Output::Done))
            }
            Self::Open { .. } => {
                Step::Over(count(result).map(|_| Output::Opened(os::descriptor_of_raw(result))))
            }
            Self::Read(buffer) => read(result, buffer),
            Self::Write(write) => write.advance(part, result),
            Self::SyncDirectory(directory) => directory.advance(result, &context),
            Self::Accept(accept) => Step::Over(accept.finish(result)),
            Self::Connect(connect) => Step::Over(connect.finish(result)),
            Self::Receive(receive) => receive.advance(completed, &mut context),
            Self::Send(send) => send.finish(result),
            Self::Helper => unreachable!("a helper's work has no entry in the ring"),
        }
    }
}

/// A result as the number of bytes, or whatever else a call counts.
pub(crate) fn count(result: i32) -> Result<usize, IoError> {
    usize::try_from(result).map_err(|_negative| match result.wrapping_neg() {
        // A blocked call that was cancelled ends as if by a signal, of which there are none.
        libc::EINTR => IoErrorKind::Cancelled.into(),
        _ => os::error_of_result(result),
    })
}

/// The end of a read into `buffer`.
fn read(result: i32, mut buffer: Buf) -> Step {
    match count(result) {
        Ok(bytes) => {
            buffer.set_len(buffer.len() + bytes);
            Step::Over(Ok(Output::Read { bytes, buffer }))
        }
        Err(error) => Step::Failed(error, Remains::Buffer(buffer)),
    }
}
