//! Who votes, as bytes: the body of a configuration frame. `papers/format/voters.md` is the written truth.
//!
//! ```text
//!   0         2         4          6          8
//!   +---------+---------+----------+----------+---------------------------------------+
//!   | version | voters  | outgoing | learners | node i32, incarnation u32 of each ... |
//!   +---------+---------+----------+----------+---------------------------------------+
//! ```

use core::fmt;
use std::collections::BTreeSet;

use model::NodeId;
use raft::{Config, ReplicaId};

/// The version of the layout.
pub(crate) const VOTERS_VERSION: u16 = 0;

/// Where a configuration is not joint.
const NO_OUTGOING: u16 = u16::MAX;

const HEADER_BYTES: usize = 8;
const REPLICA_BYTES: usize = 8;

/// Why bytes are no configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VotersError {
    /// Of a version that this program does not know.
    Version(u16),
    /// Not as long as they say, or a replica stands twice.
    Malformed,
}

impl fmt::Display for VotersError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(f, "a configuration of the unknown version {version}"),
            Self::Malformed => f.write_str("a configuration that contradicts itself"),
        }
    }
}

impl core::error::Error for VotersError {}

/// A configuration's bytes.
pub(crate) fn encode(config: &Config) -> Vec<u8> {
    let count = |set: &BTreeSet<ReplicaId>| u16::try_from(set.len()).expect("a group is small");
    let outgoing = config.outgoing.as_ref().map_or(NO_OUTGOING, count);
    let mut bytes = Vec::with_capacity(HEADER_BYTES);
    for number in [
        VOTERS_VERSION,
        count(&config.voters),
        outgoing,
        count(&config.learners),
    ] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    let outgoing = config.outgoing.iter().flatten();
    for replica in config.voters.iter().chain(outgoing).chain(&config.learners) {
        bytes.extend_from_slice(&replica.node.0.to_le_bytes());
        bytes.extend_from_slice(&replica.incarnation.to_le_bytes());
    }
    bytes
}

/// The configuration that `bytes` are, whatever they are.
pub(crate) fn decode(bytes: &[u8]) -> Result<Config, VotersError> {
    let (header, replicas) = bytes
        .split_first_chunk::<HEADER_BYTES>()
        .ok_or(VotersError::Malformed)?;
    let number = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
    if number(0) != VOTERS_VERSION {
        return Err(VotersError::Version(number(0)));
    }
    let mut replicas = replicas.chunks(REPLICA_BYTES);
    let mut set = |count: u16| -> Result<BTreeSet<ReplicaId>, VotersError> {
        let mut set = BTreeSet::new();
        for _ in 0..count {
            let chunk: [u8; REPLICA_BYTES] = replicas
                .next()
                .and_then(|chunk| chunk.try_into().ok())
                .ok_or(VotersError::Malformed)?;
            let (node, incarnation) = chunk.split_at(REPLICA_BYTES / 2);
            let half = |bytes: &[u8]| bytes.try_into().expect("half of a replica");
            let replica = ReplicaId {
                node: NodeId(i32::from_le_bytes(half(node))),
                incarnation: u32::from_le_bytes(half(incarnation)),
            };
            if !set.insert(replica) {
                return Err(VotersError::Malformed);
            }
        }
        Ok(set)
    };
    let voters = set(number(2))?;
    let outgoing = match number(4) {
        NO_OUTGOING => None,
        count => Some(set(count)?),
    };
    let learners = set(number(6))?;
    if replicas.next().is_some() {
        return Err(VotersError::Malformed);
    }
    Ok(Config {
        voters,
        outgoing,
        learners,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn replicas() -> impl Strategy<Value = BTreeSet<ReplicaId>> {
        let replica = (any::<i32>(), any::<u32>()).prop_map(|(node, incarnation)| ReplicaId {
            node: NodeId(node),
            incarnation,
        });
        proptest::collection::btree_set(replica, 0..8)
    }

    #[test]
    fn the_layout_is_the_written_one() {
        let config = Config::of([ReplicaId {
            node: NodeId(7),
            incarnation: 2,
        }]);
        let bytes = [0, 0, 1, 0, 0xff, 0xff, 0, 0, 7, 0, 0, 0, 2, 0, 0, 0];
        assert_eq!(encode(&config), bytes);
        assert_eq!(decode(&bytes), Ok(config));
        assert_eq!(decode(&[9; 8]), Err(VotersError::Version(0x0909)));
    }

    proptest! {
        #[test]
        fn a_configuration_survives_and_no_length_but_its_own_does(
            voters in replicas(), outgoing in proptest::option::of(replicas()), learners in replicas(),
            other in 0_usize..200,
        ) {
            let config = Config { voters, outgoing, learners };
            let mut bytes = encode(&config);
            prop_assert_eq!(decode(&bytes), Ok(config));
            let length = bytes.len();
            bytes.resize(other, 0);
            prop_assert!(other == length || decode(&bytes).is_err());
        }

        #[test]
        fn any_bytes_decode_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(config) = decode(&bytes) {
                prop_assert_eq!(decode(&encode(&config)), Ok(config));
            }
        }
    }
}
