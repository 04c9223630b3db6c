//! Whose a data folder is: 64 bytes, of which the first sixteen never change their meaning, so that any version
//! can refuse any other by name.
//!
//! ```text
//!   0         8          12      16          32            48        64
//!   +---------+----------+-------+-----------+-------------+---------+
//!   | "ouzel" | version  |  crc  | node uuid |cluster uuid |  zero   |
//!   +---------+----------+-------+-----------+-------------+---------+
//! ```

use core::fmt;
use core::ops::Range;

use model::TopicId;
use stdx::{crc32c, crc32c_append};

use crate::fields::{array, u32_at};

/// The version of the whole data folder: of this file, the segments and the frames.
pub const DATA_VERSION: u32 = 0;

/// Bytes of the file.
pub(crate) const IDENTITY_BYTES: usize = 64;

const MAGIC: &[u8; 8] = b"ouzel\0\0\0";
const VERSION: Range<usize> = 8..12;
const CRC: Range<usize> = 12..16;
const NODE: Range<usize> = 16..32;
const CLUSTER: Range<usize> = 32..48;

/// 128 bits that name something for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(pub [u8; 16]);

impl Uuid {
    /// A random one.
    pub fn from_random(high: u64, low: u64) -> Self {
        Self(TopicId::from_random(high, low).0)
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        TopicId(self.0).fmt(f)
    }
}

/// Who a data folder belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The node, drawn when the folder was made.
    pub node: Uuid,
    /// Its cluster, when it is known.
    pub cluster: Option<Uuid>,
}

/// Why a file is no identity of ours, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityError {
    /// Not a file of Ouzel's.
    Foreign,
    /// Written by a newer version.
    Newer(u32),
    /// Damaged.
    Damaged,
}

impl fmt::Display for IdentityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => f.write_str(
                "this is no identity of an Ouzel node: choose another folder with --data",
            ),
            Self::Newer(version) => write!(
                f,
                "the data has format version {version}, and this program knows versions up to {DATA_VERSION}: start \
                 it with the version of Ouzel that wrote it, or a later one"
            ),
            Self::Damaged => {
                f.write_str("it does not fit its checksum: put back a good copy of it")
            }
        }
    }
}

impl core::error::Error for IdentityError {}

impl Identity {
    /// The file's bytes.
    pub fn encode(&self) -> [u8; IDENTITY_BYTES] {
        let mut bytes = [0; IDENTITY_BYTES];
        bytes[..MAGIC.len()].copy_from_slice(MAGIC);
        bytes[VERSION].copy_from_slice(&DATA_VERSION.to_le_bytes());
        bytes[NODE].copy_from_slice(&self.node.0);
        bytes[CLUSTER].copy_from_slice(&self.cluster.map_or([0; 16], |cluster| cluster.0));
        let crc = checksum(&bytes);
        bytes[CRC].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads the file's bytes, whatever they are.
    pub fn decode(bytes: &[u8]) -> Result<Self, IdentityError> {
        let head: &[u8; 16] = bytes.first_chunk().ok_or(IdentityError::Damaged)?;
        if head[..MAGIC.len()] != *MAGIC {
            return Err(IdentityError::Foreign);
        }
        let version = u32_at(head, VERSION);
        if version > DATA_VERSION {
            return Err(IdentityError::Newer(version));
        }
        let bytes: &[u8; IDENTITY_BYTES] =
            bytes.try_into().map_err(|_length| IdentityError::Damaged)?;
        if u32_at(bytes, CRC) != checksum(bytes) {
            return Err(IdentityError::Damaged);
        }
        let cluster: [u8; 16] = array(bytes, CLUSTER);
        Ok(Self {
            node: Uuid(array(bytes, NODE)),
            cluster: (cluster != [0; 16]).then_some(Uuid(cluster)),
        })
    }
}

/// Of everything but itself.
fn checksum(bytes: &[u8; IDENTITY_BYTES]) -> u32 {
    crc32c_append(crc32c(&bytes[..CRC.start]), &bytes[CRC.end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE_UUID: Uuid = Uuid([3; 16]);

    #[test]
    fn an_identity_survives_with_and_without_a_cluster() {
        for cluster in [None, Some(Uuid([9; 16]))] {
            let identity = Identity {
                node: NODE_UUID,
                cluster,
            };
            assert_eq!(Identity::decode(&identity.encode()), Ok(identity));
        }
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let bytes = Identity {
            node: NODE_UUID,
            cluster: None,
        }
        .encode();
        for bit in 0..512 {
            let mut broken = bytes;
            broken[bit / 8] ^= 1 << (bit % 8);
            assert!(Identity::decode(&broken).is_err(), "{bit}");
        }
        assert_eq!(Identity::decode(&bytes[..63]), Err(IdentityError::Damaged));
        assert_eq!(Identity::decode(b""), Err(IdentityError::Damaged));
    }

    #[test]
    fn a_newer_folder_is_refused_with_what_to_do() {
        let mut bytes = Identity {
            node: NODE_UUID,
            cluster: None,
        }
        .encode();
        bytes[8] = 7;
        let error = Identity::decode(&bytes).unwrap_err();
        assert_eq!(error, IdentityError::Newer(7));
        assert!(error.to_string().contains("start it with the version"));
    }
}
