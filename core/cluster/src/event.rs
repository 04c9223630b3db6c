//! What the controller has to tell, as values; who renders them is not its business.

use core::fmt;
use core::time::Duration;
use std::rc::Rc;

use model::{Offset, PartitionKey, Term, TopicName};
use partition::Opened;

use crate::cluster_id::ClusterId;
use crate::revision::Revision;

/// Takes events of one core.
pub type Log = Rc<dyn Fn(Event)>;

/// Something worth a line in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A new cluster has its name.
    ClusterNamed(ClusterId),
    /// The controller's log was read to its end.
    Replayed {
        /// How far it goes.
        revision: Revision,
        /// Topics that there are.
        topics: usize,
    },
    /// A partition was opened, and its recovery is over.
    Recovered {
        /// The partition.
        key: PartitionKey,
        /// The offset after the last record that its recovery found.
        end: Offset,
        /// The term that reigns.
        term: Term,
        /// Whether its recovery fenced a range.
        fenced: bool,
        /// What else it found, in words.
        report: Vec<String>,
    },
    /// Partitions are being opened, and that takes long.
    Opening {
        /// Those that are, and those that could not be: each of these has a line of its own.
        opened: usize,
        /// Of how many.
        of: usize,
        /// How long the rest takes, as far as anybody can say.
        left: Option<Duration>,
    },
    /// A partition could not be opened; it is tried again.
    OpenFailed {
        /// The partition.
        key: PartitionKey,
        /// Why.
        reason: String,
    },
    /// A topic was created.
    TopicCreated {
        /// Its name.
        name: TopicName,
        /// Its partitions.
        partitions: i32,
    },
    /// A topic was deleted; its files go next.
    TopicDeleted {
        /// Its name.
        name: TopicName,
    },
    /// Nothing of a deleted topic is left.
    TopicForgotten {
        /// Its name.
        name: TopicName,
    },
    /// The files of a partition of a deleted topic could not be removed; it is tried again.
    RemoveFailed {
        /// The partition.
        key: PartitionKey,
        /// Why.
        reason: String,
    },
}

impl Event {
    /// That `key` was opened.
    pub(crate) fn recovered(key: PartitionKey, opened: Opened) -> Self {
        Self::Recovered {
            key,
            end: opened.recovered,
            term: opened.watermarks.term,
            fenced: opened.fenced,
            report: opened.report,
        }
    }

    /// Whether it is what happens to every partition at every start.
    pub fn is_everyday(&self) -> bool {
        matches!(self, Self::Recovered { report, .. } if report.is_empty())
    }

    /// Whether an operator should look at it.
    pub fn is_warning(&self) -> bool {
        matches!(self, Self::OpenFailed { .. } | Self::RemoveFailed { .. })
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClusterNamed(id) => write!(f, "new cluster {id}"),
            Self::Replayed { revision, topics } => {
                write!(
                    f,
                    "the controller's log has {revision} commands, {topics} topics"
                )
            }
            Self::Recovered {
                key, end, report, ..
            } if report.is_empty() => {
                write!(f, "opened partition {key}, which ends at offset {end}")
            }
            Self::Recovered { key, report, .. } => {
                write!(f, "recovered partition {key}: {}", report.join("; "))
            }
            Self::Opening { opened, of, left } => {
                write!(f, "opened {opened} of {of} partitions")?;
                match left {
                    Some(left) => write!(f, ", about {} s left", left.as_secs() + 1),
                    None => Ok(()),
                }
            }
            Self::OpenFailed { key, reason } => {
                write!(f, "cannot open partition {key}, will try again: {reason}")
            }
            Self::TopicCreated { name, partitions } => {
                write!(f, "created topic {name}, partitions: {partitions}")
            }
            Self::TopicDeleted { name } => write!(f, "deleted topic {name}"),
            Self::TopicForgotten { name } => write!(f, "removed the files of topic {name}"),
            Self::RemoveFailed { key, reason } => {
                write!(f, "cannot remove partition {key}, will try again: {reason}")
            }
        }
    }
}
