//! All that a broker is told, already checked: flags and files are read by whoever starts it.

use core::fmt;
use core::net::SocketAddr;

use model::NodeId;
use runtime::Runtime;
use stdx::Duration;

use crate::event::Log;

/// When a connection without requests ends, unless somebody says otherwise: Kafka's `connections.max.idle.ms`.
pub const IDLE_TIMEOUT: Duration = Duration::from_mins(10);

/// An address to listen at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenAt {
    /// The address. Port 0 lets the system choose.
    pub address: SocketAddr,
    /// A machine without this interface starts all the same, as long as one address is left: `::1` of `localhost`.
    pub optional: bool,
}

/// How a broker runs.
#[derive(Clone)]
pub struct Config {
    /// Its number in the cluster.
    pub node: NodeId,
    /// The data folder, a full path.
    pub data: String,
    /// Where clients reach it.
    pub listen: Vec<ListenAt>,
    /// What clients are told to connect to. None: the address on which each came.
    pub advertise: Option<(String, u16)>,
    /// Bytes of memory that all cores may use together.
    pub memory: usize,
    /// Whether a topic is created when a client first names it.
    pub auto_create_topics: bool,
    /// Partitions of a topic for which nobody says how many.
    pub default_partitions: i32,
    /// Bytes at which a segment is full, where a topic does not say otherwise.
    pub segment_bytes: u64,
    /// Bytes of logs that all cores together look at in a second, in the background. Zero: none are.
    pub scrub_bytes_per_second: u64,
    /// Connections at the same time, on all cores together.
    pub connections_max: usize,
    /// A connection without requests ends after this long.
    pub idle_timeout: Duration,
    /// Takes what there is to tell.
    pub log: Log,
}

impl Config {
    /// `per_cent` of the memory of one core.
    pub(crate) fn share(&self, per_cent: usize, runtime: &Runtime) -> usize {
        self.memory / usize::from(runtime.cores()) / 100 * per_cent
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            node, data, listen, ..
        } = self;
        write!(f, "Config(node {node}, data {data}, listen {listen:?})")
    }
}
