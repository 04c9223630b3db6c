//! Which partition, in which incarnation, a frame belongs to.

use core::fmt;

use model::PartitionKey;
use runtime::Digest;

/// The identity of a partition's incarnation as every frame and segment carries it: a frame that strayed from
/// another partition is recognised by it.
///
/// It is XXH3-64 of the topic's identity and the partition's number, little endian. Topics have random
/// identities that are never used again, so the topic that is made again under a name has other groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group(pub u64);

impl Group {
    /// The group of a partition.
    pub fn of(key: PartitionKey) -> Self {
        let mut bytes = [0; 20];
        bytes[..16].copy_from_slice(&key.topic.0);
        bytes[16..].copy_from_slice(&key.partition.0.to_le_bytes());
        Self(Digest::of(&bytes))
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{PartitionIndex, TopicId};

    /// The value stands on disks: it must never change.
    #[test]
    fn the_group_of_a_key_is_fixed() {
        let key = |partition| PartitionKey {
            topic: TopicId([7; 16]),
            partition: PartitionIndex(partition),
        };
        assert_eq!(Group::of(key(0)).to_string(), "b109dc0e09ad979f");
        assert_ne!(Group::of(key(0)), Group::of(key(1)));
    }
}
