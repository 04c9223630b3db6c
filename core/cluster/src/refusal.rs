//! What a topic table does not accept, and why.

use core::fmt;

use model::{TopicId, TopicName};

use crate::command::COMMAND_BYTES_MAX;

/// How much a cluster may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Topics in all, those being removed included.
    pub topics_max: usize,
    /// Partitions of one topic.
    pub topic_partitions_max: i32,
    /// Partitions in all, those being removed included.
    pub partitions_max: u64,
    /// Brokers on which a partition may have replicas.
    pub brokers: i16,
}

impl Default for Limits {
    /// What one node of the smallest kind holds without falling over.
    fn default() -> Self {
        Self {
            topics_max: 20_000,
            topic_partitions_max: 4_096,
            partitions_max: 40_000,
            brokers: 1,
        }
    }
}

/// Why a command is not accepted. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The cluster has a name already.
    ClusterIsNamed,
    /// There is a topic of this name.
    TopicExists,
    /// There is a topic whose name differs only in `.` and `_`, which metrics cannot tell apart.
    TopicNameCollides(TopicName),
    /// The identity was used before.
    TopicIdExists(TopicId),
    /// There is no such topic.
    UnknownTopic(TopicId),
    /// The topic is not being removed.
    TopicIsLive(TopicId),
    /// Not a number of partitions that a topic may have.
    Partitions {
        /// The number asked for.
        asked: i32,
        /// The most.
        max: i32,
    },
    /// Not a number of replicas that can be had.
    ReplicationFactor {
        /// The number asked for.
        asked: i16,
        /// Brokers that could hold one.
        brokers: i16,
    },
    /// The cluster has all the topics that it may have.
    TooManyTopics {
        /// The most.
        max: usize,
    },
    /// The cluster would have more partitions than it may.
    TooManyPartitions {
        /// The most.
        max: u64,
    },
    /// A setting is named twice.
    DuplicateConfig(String),
    /// Names and settings are too long together.
    TooLarge {
        /// Bytes of the command.
        bytes: usize,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClusterIsNamed => f.write_str("the cluster has an id already"),
            Self::TopicExists => f.write_str("a topic of this name exists already"),
            Self::TopicNameCollides(other) => write!(
                f,
                "the name collides with topic '{other}': names that differ only in '.' and '_' cannot be told apart \
                 in metrics"
            ),
            Self::TopicIdExists(id) => write!(f, "topic id {id} was used before"),
            Self::UnknownTopic(id) => write!(f, "there is no topic with id {id}"),
            Self::TopicIsLive(id) => write!(f, "the topic with id {id} was not deleted"),
            Self::Partitions { asked, max } => {
                write!(
                    f,
                    "a topic has 1 to {max} partitions, {asked} were asked for"
                )
            }
            Self::ReplicationFactor { asked, brokers: 1 } => {
                write!(
                    f,
                    "replication factor {asked} needs {asked} brokers; 1 is up"
                )
            }
            Self::ReplicationFactor { asked, brokers } => {
                write!(
                    f,
                    "replication factor {asked} needs {asked} brokers; {brokers} are up"
                )
            }
            Self::TooManyTopics { max } => {
                write!(f, "the cluster has {max} topics, the most it may have")
            }
            Self::TooManyPartitions { max } => {
                write!(
                    f,
                    "the cluster would have more than {max} partitions, the most it may have"
                )
            }
            Self::DuplicateConfig(name) => write!(f, "'{name}' is set twice"),
            Self::TooLarge { bytes } => write!(
                f,
                "the topic's name and settings take {bytes} bytes, {COMMAND_BYTES_MAX} are allowed"
            ),
        }
    }
}

impl core::error::Error for Refusal {}
