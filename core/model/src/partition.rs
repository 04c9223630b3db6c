//! Partitions.

use core::fmt;

use crate::topic::TopicId;

/// The number of a partition in its topic. Zero or above.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionIndex(pub i32);

impl fmt::Display for PartitionIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One partition of one topic, for ever: a topic that is made again under the same name has other keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionKey {
    /// Its topic.
    pub topic: TopicId,
    /// Its number there.
    pub partition: PartitionIndex,
}

impl PartitionKey {
    /// The partition in which the cluster keeps its own decisions.
    pub const CONTROLLER: Self = Self {
        topic: TopicId([0, 0, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, 1]),
        partition: PartitionIndex(0),
    };
}

impl fmt::Display for PartitionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.topic, self.partition)
    }
}
