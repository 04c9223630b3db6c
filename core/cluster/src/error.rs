//! Why the cluster could not do what it was asked to.

use core::fmt;

use crate::cluster_id::ClusterId;
use crate::refusal::Refusal;

/// Why a change was not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterError {
    /// It is not allowed. Nothing was changed.
    Refused(Refusal),
    /// The device is full. Nothing was changed; it resumes by itself when there is room.
    NoSpace,
    /// Too much waits for the disk already. Nothing was changed; ask again.
    Overloaded,
    /// The node is on its way out. The change may have been made.
    Stopping,
    /// The change may have been made or not: look before asking again.
    Unknown,
}

impl fmt::Display for ClusterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::NoSpace => f.write_str("no space is left for the controller's log"),
            Self::Overloaded => f.write_str("the controller's disk is behind"),
            Self::Stopping => f.write_str("the broker is stopping"),
            Self::Unknown => f.write_str("the outcome is unknown"),
        }
    }
}

impl core::error::Error for ClusterError {}

impl From<Refusal> for ClusterError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Why the controller did not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartError {
    /// Its partition could not be opened, for this reason.
    Open(String),
    /// Its records could not be read, for this reason.
    Read(String),
    /// A record cannot be understood, or contradicts the ones before it.
    Damaged {
        /// Where it lies.
        offset: i64,
        /// What is wrong with it.
        reason: String,
    },
    /// The node belongs to another cluster than its controller's log.
    OtherCluster {
        /// To which the node belongs.
        expected: ClusterId,
        /// What the log says; None: it is of no cluster, or gone.
        found: Option<ClusterId>,
    },
    /// The cluster could not be named.
    Name(ClusterError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(reason) => write!(f, "cannot open the controller's log: {reason}"),
            Self::Read(reason) => write!(f, "cannot read the controller's log: {reason}"),
            Self::Damaged { offset, reason } => {
                write!(
                    f,
                    "the controller's log is damaged at offset {offset}: {reason}"
                )
            }
            Self::OtherCluster {
                expected,
                found: None,
            } => write!(
                f,
                "this node belongs to cluster {expected}, and its controller's log is empty: put the log's folder back"
            ),
            Self::OtherCluster {
                expected,
                found: Some(found),
            } => write!(
                f,
                "this node belongs to cluster {expected}, and its controller's log to {found}"
            ),
            Self::Name(error) => write!(
                f,
                "cannot write the cluster's id to the controller's log: {error}"
            ),
        }
    }
}

impl core::error::Error for StartError {}
