//! All that a broker tells, as values.

use core::fmt;
use core::net::SocketAddr;
use std::sync::Arc;

use kafka::{Closed, Ended};
use model::PartitionKey;
use runtime::{CoreId, IoError};

/// Takes the events of all cores, on the core where each happened. It must not block.
pub type Log = Arc<dyn Fn(Event) + Send + Sync>;

/// How much an event matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Of use when one looks for something.
    Debug,
    /// Good to know.
    Info,
    /// Someone should look at it.
    Warn,
    /// Something of ours is wrong.
    Error,
}

/// Something worth a line in the log.
#[derive(Clone, Debug)]
pub enum Event {
    /// The data folder is ours.
    FolderOpened {
        /// The full path.
        path: String,
        /// Whether it was made just now.
        created: bool,
    },
    /// Clients can connect, and will be served once the broker is ready.
    Listening {
        /// Where.
        address: SocketAddr,
    },
    /// This machine does not have one of the addresses that were asked for.
    ListenSkipped {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        error: IoError,
    },
    /// Of the controller.
    Cluster(cluster::Event),
    /// Clients are served.
    Ready {
        /// Where.
        addresses: Vec<SocketAddr>,
    },
    /// A connection could not be taken; the next one is tried.
    AcceptFailed {
        /// At this listener.
        address: SocketAddr,
        /// What the system said.
        error: IoError,
        /// As often since the last such line.
        held_back: u64,
    },
    /// A connection was closed because there are enough.
    ConnectionRefused {
        /// From here.
        peer: SocketAddr,
        /// How many there may be.
        connections_max: usize,
        /// As often since the last such line.
        held_back: u64,
    },
    /// A connection ended.
    ConnectionEnded {
        /// Which, and how.
        ended: Ended,
        /// As remarkable ones since the last such line.
        held_back: u64,
    },
    /// A replica panicked. It serves nothing any more and keeps its files; everything else goes on.
    ReplicaFenced {
        /// The partition.
        key: PartitionKey,
        /// What it said.
        why: String,
    },
    /// A log is damaged: what is damaged is not served, the rest is.
    DamageFound {
        /// The partition.
        key: PartitionKey,
        /// Where, and what it means.
        what: String,
    },
    /// It was asked to stop.
    Stopping,
    /// All connections are over.
    Drained {
        /// How many had to be cut.
        connections_cut: usize,
    },
    /// A core did not carry out an order in time.
    CoreLate {
        /// Which.
        core: CoreId,
        /// What it was told to do.
        order: &'static str,
    },
    /// Everything is flushed and closed.
    Closed,
}

impl Event {
    /// How much it matters.
    pub fn level(&self) -> Level {
        match self {
            Self::Cluster(event) if event.is_warning() => Level::Warn,
            Self::Cluster(event) if event.is_everyday() => Level::Debug,
            Self::ListenSkipped { .. }
            | Self::AcceptFailed { .. }
            | Self::ConnectionRefused { .. }
            | Self::CoreLate { .. } => Level::Warn,
            Self::ReplicaFenced { .. } | Self::DamageFound { .. } => Level::Error,
            Self::ConnectionEnded { ended, .. } => level_of(ended),
            Self::FolderOpened { .. }
            | Self::Listening { .. }
            | Self::Cluster(_)
            | Self::Ready { .. }
            | Self::Stopping
            | Self::Drained { .. }
            | Self::Closed => Level::Info,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FolderOpened {
                path,
                created: true,
            } => write!(f, "made data folder {path}"),
            Self::FolderOpened {
                path,
                created: false,
            } => write!(f, "opened data folder {path}"),
            Self::Listening { address } => write!(f, "listening at {address}"),
            Self::ListenSkipped { address, error } => {
                write!(f, "not listening at {address}: {error}")
            }
            Self::Cluster(event) => event.fmt(f),
            Self::Ready { addresses } => {
                f.write_str("serving clients at")?;
                addresses
                    .iter()
                    .try_for_each(|address| write!(f, " {address}"))
            }
            Self::AcceptFailed {
                address,
                error,
                held_back,
            } => write!(
                f,
                "cannot take a connection at {address}: {error} (and {held_back} before)"
            ),
            Self::ConnectionRefused {
                peer,
                connections_max,
                held_back,
            } => write!(
                f,
                "closed a connection from {peer}: {connections_max} are open, the most there may be (and {held_back} \
                 before)"
            ),
            Self::ConnectionEnded {
                ended,
                held_back: 0,
            } => ended.fmt(f),
            Self::ConnectionEnded { ended, held_back } => {
                write!(f, "{ended} (and {held_back} before)")
            }
            Self::ReplicaFenced { key, why } => write!(f, "fenced partition {key}: {why}"),
            Self::DamageFound { key, what } => {
                write!(
                    f,
                    "damage in partition {key}: {what}; put back a good copy of the file"
                )
            }
            Self::Stopping => f.write_str("stopping"),
            Self::Drained { connections_cut: 0 } => f.write_str("all connections ended"),
            Self::Drained { connections_cut } => {
                write!(f, "cut {connections_cut} connections that did not end")
            }
            Self::CoreLate { core, order } => write!(f, "core {core} did not {order} in time"),
            Self::Closed => f.write_str("all partitions are flushed and closed"),
        }
    }
}

/// Clients come and go, and die; what none of them should send is worth a look, and what none should be able to cause
/// is ours.
fn level_of(ended: &Ended) -> Level {
    match &ended.closed {
        Ok(closed) if closed.is_ordinary() => Level::Debug,
        Ok(Closed::CutOff | Closed::Network(_)) => Level::Info,
        Ok(Closed::Unencodable { .. }) | Err(_) => Level::Error,
        Ok(_) => Level::Warn,
    }
}
