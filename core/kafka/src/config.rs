//! What the door is told at start, already derived and validated.

use model::NodeId;
use stdx::Duration;

/// How the door behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// This broker.
    pub node: NodeId,
    /// Whether asking for the metadata of a topic that does not exist creates it, if the client allows that too.
    pub auto_create_topics: bool,
    /// Partitions of a topic whose creator leaves the number to the broker.
    pub default_partitions: i32,
    /// Replicas of a partition of a topic whose creator leaves the number to the broker.
    pub default_replication_factor: i16,
    /// Bytes of the largest record batch that is taken, where a topic does not say otherwise.
    pub message_bytes_max: usize,
    /// Bytes of records in one fetch answer, whatever the client asks for. At least one batch is always sent.
    pub fetch_bytes_max: usize,
    /// The longest that a fetch waits for data, whatever the client asks for.
    pub fetch_wait_max: Duration,
    /// A connection that owes nothing and is owed nothing ends after this long without a request.
    pub idle_timeout: Duration,
    /// How long a frame may take from its first byte to its last, besides a second per
    /// [`crate::config::FRAME_BYTES_PER_SECOND_MIN`] bytes.
    pub frame_timeout: Duration,
    /// How long a client may take to accept [`crate::config::SEND_BYTES_MAX`] bytes of an answer.
    pub send_timeout: Duration,
}

/// Requests of one connection that are dispatched and not answered yet; beyond it nothing is read.
pub const IN_FLIGHT_MAX: usize = 64;

/// Questions in few words, those in many, and lists of topics each have this part of what writes have, besides it.
pub const QUESTIONS_SHARE: usize = 4;

/// What is kept of writes until they are answered has this part of it.
pub const WRITE_ENTRIES_SHARE: usize = 8;

/// Bytes of memory that a question in few words takes at most.
pub const SHORT_QUESTION_BYTES_MAX: usize = 64 << 10;

/// The unanswered requests of one connection may hold this part of the memory for their kind.
pub const CONNECTION_SHARE: usize = 16;

/// What is free of the memory for answers, times this part, is what one answer may take: a few slow readers of much
/// leave room for others.
pub const ANSWER_SHARE: usize = 4;

/// What a fetch may read even where memory for answers is used up, if its client asks for as much. A first batch that
/// is larger goes all the same: memory of its partition pays for it.
pub const FETCH_BYTES_LEAST: usize = 64 << 10;

/// The slowest client that is waited for, in bytes of a frame per second.
pub const FRAME_BYTES_PER_SECOND_MIN: usize = 64 << 10;

/// Bytes of an answer that are handed to the network at once: a slow reader is noticed at this grain.
pub const SEND_BYTES_MAX: usize = 256 << 10;

impl Default for Config {
    /// Kafka's defaults, where it has them.
    fn default() -> Self {
        Self {
            node: NodeId(0),
            auto_create_topics: true,
            default_partitions: 1,
            default_replication_factor: 1,
            message_bytes_max: 1_048_588,
            fetch_bytes_max: 8 << 20,
            fetch_wait_max: Duration::from_mins(5),
            idle_timeout: Duration::from_mins(10),
            frame_timeout: Duration::from_secs(30),
            send_timeout: Duration::from_secs(30),
        }
    }
}
