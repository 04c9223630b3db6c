//! The words of the seam: what a core asks of its ground, and what comes back.

use core::any::Any;
use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;

use smallvec::SmallVec;

use crate::buffer::{Buf, Frozen};
use crate::error::IoError;

/// Pieces that one write or send may gather: the limit of the kernel's list.
pub const PIECES_MAX: usize = 1024;

/// Immutable memory to write, in order.
pub type Pieces = SmallVec<[Frozen; 4]>;

/// An open file, listener or connection of one core, as its ground numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Descriptor(pub u32);

/// Names one operation of one core for ever: a slot and how often it was used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationId {
    /// Slot of the operation table.
    pub slot: u32,
    /// Uses of the slot before this one.
    pub generation: u32,
}

impl OperationId {
    /// Both in one number, for grounds whose kernel carries 64 bits along.
    pub const fn to_bits(self) -> u64 {
        (self.generation as u64) << 32 | self.slot as u64
    }

    /// The operation that [`OperationId::to_bits`] packed.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the two halves are taken apart"
    )]
    pub const fn from_bits(bits: u64) -> Self {
        Self {
            slot: bits as u32,
            generation: (bits >> 32) as u32,
        }
    }
}

/// How a file is opened. Reading is always allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four independent flags of one call"
)]
pub struct OpenOptions {
    /// Allow writing.
    pub write: bool,
    /// Create it if it does not exist.
    pub create: bool,
    /// Refuse if it exists. Only together with `create`.
    pub create_new: bool,
    /// Around the page cache: offsets, lengths and memory must be multiples of [`crate::PAGE_BYTES`].
    pub direct: bool,
}

/// What a directory entry or a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// A file.
    File,
    /// A directory.
    Directory,
}

/// One name in a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The last part of its path. A name that is not UTF-8 is not reported: nothing of ours has one.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
}

/// What is known of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// What it is.
    pub kind: EntryKind,
    /// Bytes of a file; zero for a directory.
    pub length: u64,
}

/// Which half of a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShutdownSide {
    /// We send no more: the peer reads the end.
    Send,
    /// Both directions.
    Both,
}

/// Work for a processor, off the core: pure, its result is a function of what it captured. It must not hold
/// pool memory, whose way home would then depend on a thread's timing.
pub struct Job(pub Box<dyn FnOnce() -> Box<dyn Any + Send> + Send>);

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Job")
    }
}

/// One request to the ground. It owns its memory until its completion brings it back.
#[derive(Debug)]
pub enum Operation {
    /// Opens a file. Completes with [`Output::Opened`].
    Open {
        /// Where.
        path: String,
        /// How.
        options: OpenOptions,
    },
    /// Takes the lock of an open file, without waiting. [`Output::Done`], or `Locked`.
    Lock {
        /// The file.
        descriptor: Descriptor,
    },
    /// Reads into the spare part of `buffer`, at most `bytes`. [`Output::Read`]; zero bytes at the end.
    Read {
        /// The file.
        descriptor: Descriptor,
        /// From this position of the file.
        offset: u64,
        /// At most this many bytes; not above the buffer's spare.
        bytes: usize,
        /// Filled behind what it holds.
        buffer: Buf,
    },
    /// Writes the pieces one after the other. [`Output::Written`]; it may write fewer bytes than given.
    Write {
        /// The file.
        descriptor: Descriptor,
        /// To this position of the file.
        offset: u64,
        /// At most [`PIECES_MAX`].
        pieces: Pieces,
        /// Linked to it, a data sync: skipped when the write fails or is short.
        sync: bool,
    },
    /// Makes the file's data, and what is needed to read it, durable. [`Output::Done`].
    Sync {
        /// The file.
        descriptor: Descriptor,
    },
    /// Reserves blocks for a range without changing what is read or, with `keep_length`, the length.
    Allocate {
        /// The file.
        descriptor: Descriptor,
        /// Start of the range.
        offset: u64,
        /// Bytes of the range.
        length: u64,
        /// Leave the file's length as it is.
        keep_length: bool,
    },
    /// Cuts or extends (with zeroes) the file. [`Output::Done`].
    Truncate {
        /// The file.
        descriptor: Descriptor,
        /// Its new length.
        length: u64,
    },
    /// Gives a file another name, replacing what has it. [`Output::Done`].
    Rename {
        /// The name now.
        source: String,
        /// The name then.
        target: String,
    },
    /// Removes a file's name; who has it open keeps it. [`Output::Done`].
    Unlink {
        /// The name.
        path: String,
    },
    /// Makes a directory. [`Output::Done`].
    CreateDirectory {
        /// Its path; the parent exists.
        path: String,
    },
    /// Removes an empty directory. [`Output::Done`].
    RemoveDirectory {
        /// Its path.
        path: String,
    },
    /// Makes the names in a directory durable. [`Output::Done`].
    SyncDirectory {
        /// Its path.
        path: String,
    },
    /// Lists a directory. [`Output::Entries`], sorted by name.
    ReadDirectory {
        /// Its path.
        path: String,
    },
    /// Looks a path up. [`Output::Status`].
    Status {
        /// The path.
        path: String,
    },
    /// Starts to listen. [`Output::Listening`] with the port that was given for port 0.
    Listen {
        /// Where.
        address: SocketAddr,
        /// Connections that may wait to be accepted.
        backlog: u32,
    },
    /// Takes the next connection. [`Output::Connected`].
    Accept {
        /// The listener.
        descriptor: Descriptor,
    },
    /// Connects. [`Output::Connected`].
    Connect {
        /// To where.
        address: SocketAddr,
    },
    /// Waits for bytes and returns them in a buffer taken when they are there. [`Output::Received`]; empty at
    /// the end of the stream.
    Receive {
        /// The connection.
        descriptor: Descriptor,
        /// At most this many.
        bytes_max: usize,
    },
    /// Receives into the spare part of `buffer`. [`Output::Read`]; zero bytes at the end of the stream.
    ReceiveInto {
        /// The connection.
        descriptor: Descriptor,
        /// At most this many bytes; not above the buffer's spare.
        bytes: usize,
        /// Filled behind what it holds.
        buffer: Buf,
    },
    /// Sends the pieces one after the other. [`Output::Written`]; it may send fewer bytes than given.
    Send {
        /// The connection.
        descriptor: Descriptor,
        /// At most [`PIECES_MAX`].
        pieces: Pieces,
    },
    /// Ends one direction or both. [`Output::Done`].
    Shutdown {
        /// The connection.
        descriptor: Descriptor,
        /// Which.
        side: ShutdownSide,
    },
    /// Gives a descriptor up. [`Output::Done`]; operations in flight on it end as cancelled or reset.
    Close {
        /// The descriptor.
        descriptor: Descriptor,
    },
    /// Runs a job off the core. [`Output::Finished`].
    Offload {
        /// The work.
        job: Job,
        /// What it is expected to take, which the simulator lets pass.
        cost: Duration,
    },
}

/// What a completed operation brings back.
#[derive(Debug)]
pub enum Output {
    /// Nothing but that it is done.
    Done,
    /// An open file.
    Opened(Descriptor),
    /// A listener.
    Listening {
        /// The listener.
        descriptor: Descriptor,
        /// Where it listens.
        address: SocketAddr,
    },
    /// A connection.
    Connected {
        /// The connection.
        descriptor: Descriptor,
        /// Our end.
        local: SocketAddr,
        /// The other end.
        peer: SocketAddr,
    },
    /// The buffer of a read, `bytes` of which are new at its end.
    Read {
        /// Bytes read.
        bytes: usize,
        /// The operation's buffer, its length moved on.
        buffer: Buf,
    },
    /// Bytes that arrived.
    Received(Buf),
    /// What a write or send took.
    Written {
        /// Bytes written, from the first piece on.
        bytes: usize,
        /// Whether the linked sync was done. Its failure is the operation's failure.
        synced: bool,
        /// The operation's pieces.
        pieces: Pieces,
    },
    /// A directory's names.
    Entries(Vec<Entry>),
    /// What is known of a path.
    Status(Status),
    /// A job's result.
    Finished(Box<dyn Any + Send>),
}

/// The memory of an operation that failed.
#[derive(Debug)]
pub enum Remains {
    /// It owned none.
    Nothing,
    /// A read's.
    Buffer(Buf),
    /// A write's.
    Pieces(Pieces),
}

/// The end of an operation, or a part of one.
#[derive(Debug)]
pub struct Completion {
    /// Which operation.
    pub id: OperationId,
    /// What it brought.
    pub result: Result<Output, IoError>,
    /// What a failed operation owned: dropped within the turn, so that its way home is an event of that turn.
    pub remains: Remains,
    /// More completions of this operation follow. Of the operations here none uses it yet.
    pub more: bool,
}

impl Completion {
    /// The final completion of `id`.
    pub fn last(id: OperationId, result: Result<Output, IoError>) -> Self {
        Self {
            id,
            result,
            remains: Remains::Nothing,
            more: false,
        }
    }

    /// The final completion of an operation that failed, with the memory that it owned.
    pub fn failed(id: OperationId, error: IoError, remains: Remains) -> Self {
        Self {
            id,
            result: Err(error),
            remains,
            more: false,
        }
    }
}

/// Bytes of all pieces.
pub fn pieces_len(pieces: &[Frozen]) -> usize {
    pieces.iter().map(|piece| piece.len()).sum()
}

/// Drops the first `count` bytes of the pieces from view.
pub fn advance_pieces(pieces: &mut Pieces, mut count: usize) {
    let mut whole = 0;
    for piece in pieces.iter_mut() {
        if count < piece.len() {
            piece.advance(count);
            break;
        }
        count -= piece.len();
        whole += 1;
    }
    pieces.drain(..whole);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_advance_over_their_borders() {
        let mut pieces: Pieces = [&b"abc"[..], b"", b"defg"]
            .into_iter()
            .map(Frozen::from_static)
            .collect();
        assert_eq!(pieces_len(&pieces), 7);
        advance_pieces(&mut pieces, 4);
        assert_eq!(pieces.len(), 1);
        assert_eq!(pieces[0].as_slice(), b"efg");
        advance_pieces(&mut pieces, 3);
        assert!(pieces.is_empty());
    }

    #[test]
    fn an_identity_survives_its_bits() {
        let id = OperationId {
            slot: 7,
            generation: u32::MAX,
        };
        assert_eq!(OperationId::from_bits(id.to_bits()), id);
    }
}
