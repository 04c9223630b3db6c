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
