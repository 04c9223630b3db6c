//! What may be asked of a partition, from any core of its node.

use std::sync::Arc;

use model::{LeaderEpoch, Offset, PartitionKey, Term};
use runtime::{CallPort, Frozen};
use stdx::{Instant, Timestamp};
use storage::JournalError;
use storage::journal::Found;

/// Appends batches. Answered by the exact outcome.
pub const PROPOSE: CallPort<Propose, Result<Committed, ProposeError>> =
    CallPort::new(10, "partition propose", 1024);

/// Reads what is visible now.
pub const READ: CallPort<Read, Result<ReadAnswer, ReadError>> =
    CallPort::new(11, "partition read", 1024);

/// Waits until more is visible.
pub const WATCH: CallPort<Watch, Result<Watermarks, ReadError>> =
    CallPort::new(12, "partition watch", 16_384);

/// Looks an offset up.
pub const SEEK: CallPort<Seek, Result<Sought, ReadError>> =
    CallPort::new(13, "partition seek", 1024);

/// Makes the replica of a partition ready on its core, creating its folder where there is none.
pub const OPEN: CallPort<Open, Result<Opened, String>> = CallPort::new(14, "partition open", 256);

/// Ends a partition and removes its folder. Restartable: what is gone already is no error.
pub const REMOVE: CallPort<PartitionKey, Result<(), String>> =
    CallPort::new(15, "partition remove", 256);

/// Tells a core what the journals of all cores held; it begins its own by it. Once, before any partition is opened.
pub const BEGIN: CallPort<Arc<Found>, Result<(), JournalError>> =
    CallPort::new(16, "partition begin", 1);

/// When a proposer wants to hear of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ack {
    /// When it was handed to the log (`acks=0`): nothing is promised.
    None,
    /// When it was appended on the leader (`acks=1`): not durable yet.
    Leader,
    /// When it is committed (`acks=all`): durable, and it will not be taken back.
    Quorum,
}

/// Batches to append, in order and together.
#[derive(Debug)]
pub struct Propose {
    /// To which partition.
    pub key: PartitionKey,
    /// Refuse unless this term reigns. None: whichever reigns when the proposal arrives.
    pub expected_term: Option<Term>,
    /// Whole record batches, validated, one after the other. Base offsets and leader epochs in them are
    /// overwritten on the way into the log.
    pub batches: Frozen,
    /// When to answer.
    pub ack: Ack,
    /// Stamp the batches with the append time instead of the producer's (`message.timestamp.type`).
    pub stamp_append_time: bool,
}

/// Where a proposal ended up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Offset of its first record.
    pub base_offset: Offset,
    /// The term in which it was appended.
    pub term: Term,
    /// The partition's first offset.
    pub log_start: Offset,
    /// The time stamped on the batches, if that was asked for.
    pub append_time: Option<Timestamp>,
}

/// Why a proposal was not committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProposeError {
    /// No such partition on this node. Nothing was appended.
    UnknownPartition,
    /// Nobody leads here, or does not know yet what is committed. Nothing was appended.
    NotLeader,
    /// Another term reigns. Nothing was appended.
    WrongTerm {
        /// The one that does.
        current: Term,
    },
    /// The device is full. Nothing was appended; it resumes by itself when there is room.
    NoSpace,
    /// Too much waits for the disk already. Nothing was appended.
    Overloaded,
    /// The replica is fenced, for this reason. Nothing was appended.
    Fenced(String),
    /// The node is on its way out. Nothing was appended.
    Stopping,
    /// It was appended and is known never to be served.
    Lost,
    /// It was appended and may or may not be served later.
    Unknown,
}

/// Reads from an offset.
#[derive(Debug)]
pub struct Read {
    /// From which partition.
    pub key: PartitionKey,
    /// The first offset wanted; it may lie within a batch, which is then returned whole.
    pub offset: Offset,
    /// At most this many bytes, but for `at_least_one`. With zero only the marks are answered, without a look at
    /// memory or disk.
    pub bytes_max: usize,
    /// Return the first batch even when it alone is above `bytes_max`.
    pub at_least_one: bool,
    /// Wait for memory. Otherwise the marks alone come where there is none at once.
    pub patient: bool,
    /// The leader epoch that the reader knows, if it gave one [KIP-320].
    pub current_epoch: Option<LeaderEpoch>,
}

/// What a read found.
#[derive(Clone, Debug)]
pub struct ReadAnswer {
    /// Whole batches in order, as clients get them. Empty at the high watermark.
    pub batches: Vec<Frozen>,
    /// The marks when it was read.
    pub watermarks: Watermarks,
}

/// The marks of a partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watermarks {
    /// The first offset that can be read.
    pub log_start: Offset,
    /// The offset after the last that can be read.
    pub high_watermark: Offset,
    /// The offset after the last that was appended.
    pub log_end: Offset,
    /// The term that reigns.
    pub term: Term,
}

/// Why nothing could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// No such partition on this node.
    UnknownPartition,
    /// Nobody leads here, or does not know yet what is committed.
    NotReady,
    /// Below the log start or above the high watermark.
    OutOfRange(Watermarks),
    /// The reader knows an epoch that is over.
    FencedEpoch,
    /// The reader knows an epoch that has not begun here.
    UnknownEpoch,
    /// The range is damaged or the replica fenced, for this reason.
    Fenced(String),
    /// The node is on its way out.
    Stopping,
}

/// Waits until the high watermark is above `offset`, or the deadline.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    /// Of which partition.
    pub key: PartitionKey,
    /// The high watermark that the asker has seen.
    pub offset: Offset,
    /// Answer at this time at the latest.
    pub deadline: Instant,
}

/// Looks an offset up.
#[derive(Clone, Copy, Debug)]
pub struct Seek {
    /// In which partition.
    pub key: PartitionKey,
    /// What for.
    pub target: SeekTarget,
    /// The leader epoch that the asker knows, if it gave one.
    pub current_epoch: Option<LeaderEpoch>,
}

/// What offset is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeekTarget {
    /// The first that can be read.
    Earliest,
    /// The one after the last that can be read.
    Latest,
    /// The first record that is not older than this, in milliseconds since 1970.
    Timestamp(i64),
    /// The record with the largest timestamp.
    MaxTimestamp,
    /// The one after the last of this epoch, or of the latest before it [KIP-279]; of the epoch that reigns, the one after
    /// the last that can be read. None for an epoch that has not begun.
    EpochEnd(LeaderEpoch),
}

/// An offset that was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sought {
    /// The offset and the record's timestamp in milliseconds (minus one for a mark that is no record). None:
    /// there is no such record.
    pub position: Option<(Offset, i64)>,
    /// The epoch of what was found.
    pub epoch: LeaderEpoch,
    /// The marks when it was looked for.
    pub watermarks: Watermarks,
}

/// Makes a replica ready.
#[derive(Clone, Debug)]
pub struct Open {
    /// Of which partition.
    pub key: PartitionKey,
    /// Bytes at which a segment is full.
    pub segment_bytes: u64,
}

/// A replica that is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Its marks.
    pub watermarks: Watermarks,
    /// The offset after the last record that its recovery found.
    pub recovered: Offset,
    /// Whether its recovery fenced a range.
    pub fenced: bool,
    /// What recovery found, in words; empty when there was nothing to say.
    pub report: Vec<String>,
}
