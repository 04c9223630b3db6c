//! One file of a log: a header of its own, then frames, and behind them a footer ([`crate::footer`]) in all but the one that
//! is written.
//!
//! ```text
//!   0            4      6    8           16          24          32          36   40          48      64
//!   +------------+------+----+-----------+-----------+-----------+-----------+----+-----------+- - - -+
//!   | header crc |magic | 0  |   group   |base index |base offset|prev origin|zero|   nonce   | zero  | frames ...
//!   +------------+------+----+-----------+-----------+-----------+-----------+----+-----------+- - - -+
//! ```
//!
//! Little endian; `papers/format/segment.md` is the written truth. A segment is begun only when everything in
//! the one before it is durable, so its header is also a claim: whatever is before `base index` was flushed.

use core::fmt;
use core::ops::Range;

use model::{LogIndex, Offset};
use stdx::crc32c;

use crate::fields::{i64_at, u32_at, u64_at};
use crate::group::Group;

/// The version of this layout; the second byte of the magic.
pub const SEGMENT_VERSION: u8 = 0;

/// Bytes of the header; the first frame begins here.
pub const SEGMENT_HEADER_BYTES: usize = 64;

/// Digits of a file name in front of `.log`: those of the largest index.
const NAME_DIGITS: usize = 20;

const MAGIC: u8 = b's';
const CRC: Range<usize> = 0..4;
const MAGIC_AT: usize = 4;
const VERSION_AT: usize = 5;
const FLAGS: Range<usize> = 6..8;
const GROUP: Range<usize> = 8..16;
const BASE_INDEX: Range<usize> = 16..24;
const BASE_OFFSET: Range<usize> = 24..32;
const PREV_ORIGIN: Range<usize> = 32..36;
const RESERVED: [Range<usize>; 2] = [36..40, 48..SEGMENT_HEADER_BYTES];
const NONCE: Range<usize> = 40..48;

/// The header of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Of which partition.
    pub group: Group,
    /// The position of its first frame.
    pub base_index: LogIndex,
    /// The first offset.
    pub base_offset: Offset,
    /// The identity of the last frame before it; zero for the first segment.
    pub prev_origin: u32,
    /// Drawn when it was begun: nobody who sends records knows it, and so none of them can be taken for its footer.
    pub nonce: u64,
}

/// Why the first bytes of a file are no segment header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentError {
    /// Fewer bytes than a header, or a checksum that does not fit.
    Torn,
    /// A version that this program does not know.
    Version(u8),
    /// The checksum fits and a field is impossible.
    Field(&'static str),
    /// The device does not give it.
    Unreadable,
}

impl fmt::Display for SegmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Torn => f.write_str("its header is not whole"),
            Self::Version(version) => write!(f, "it has the unknown version {version}"),
            Self::Field(field) => write!(f, "its header has an impossible {field}"),
            Self::Unreadable => f.write_str("the device does not give its header"),
        }
    }
}

impl core::error::Error for SegmentError {}

impl SegmentHeader {
    /// The header as it lies on the disk.
    pub fn encode(&self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        bytes[MAGIC_AT] = MAGIC;
        bytes[VERSION_AT] = SEGMENT_VERSION;
        bytes[GROUP].copy_from_slice(&self.group.0.to_le_bytes());
        bytes[BASE_INDEX].copy_from_slice(&self.base_index.0.to_le_bytes());
        bytes[BASE_OFFSET].copy_from_slice(&self.base_offset.0.to_le_bytes());
        bytes[PREV_ORIGIN].copy_from_slice(&self.prev_origin.to_le_bytes());
        bytes[NONCE].copy_from_slice(&self.nonce.to_le_bytes());
        let crc = crc32c(&bytes[CRC.end..]);
        bytes[CRC].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads a header from the first bytes of a file, whatever they are.
    pub fn decode(bytes: &[u8]) -> Result<Self, SegmentError> {
        let bytes = bytes
            .get(..SEGMENT_HEADER_BYTES)
            .ok_or(SegmentError::Torn)?;
        if bytes[MAGIC_AT] == MAGIC && bytes[VERSION_AT] != SEGMENT_VERSION {
            return Err(SegmentError::Version(bytes[VERSION_AT]));
        }
        let crc = u32_at(bytes, CRC);
        if bytes[MAGIC_AT] != MAGIC || crc != crc32c(&bytes[CRC.end..]) {
            return Err(SegmentError::Torn);
        }
        let header = Self {
            group: Group(u64_at(bytes, GROUP)),
            base_index: LogIndex(u64_at(bytes, BASE_INDEX)),
            base_offset: Offset(i64_at(bytes, BASE_OFFSET)),
            prev_origin: u32_at(bytes, PREV_ORIGIN),
            nonce: u64_at(bytes, NONCE),
        };
        if header.base_index.0 == 0 || header.base_index.0 == u64::MAX {
            return Err(SegmentError::Field("index"));
        }
        if header.base_offset.0 < 0 {
            return Err(SegmentError::Field("offset"));
        }
        let reserved = RESERVED.into_iter().flat_map(|range| &bytes[range]);
        if bytes[FLAGS] != [0; 2] || reserved.into_iter().any(|&byte| byte != 0) {
            return Err(SegmentError::Field("flag"));
        }
        Ok(header)
    }
}

/// The name of the segment file that begins with `base_index`.
pub fn file_name(base_index: LogIndex) -> String {
    format!("{:0NAME_DIGITS$}.log", base_index.0)
}

/// The index in a segment file's name; None for any other name.
pub fn parse_file_name(name: &str) -> Option<LogIndex> {
    let digits = name.strip_suffix(".log")?;
    let plain = digits.len() == NAME_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    let index = plain.then(|| digits.parse().ok()).flatten()?;
    (index > 0).then_some(LogIndex(index))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_sort_as_their_numbers_do() {
        assert_eq!(file_name(LogIndex(1)), "00000000000000000001.log");
        assert_eq!(
            parse_file_name("00000000000000000042.log"),
            Some(LogIndex(42))
        );
        for foreign in [
            "42.log",
            "00000000000000000042",
            "+0000000000000000042.log",
            "00000000000000000000.log",
        ] {
            assert_eq!(parse_file_name(foreign), None, "{foreign}");
        }
        assert_eq!(parse_file_name("99999999999999999999.log"), None);
    }

    proptest! {
        #[test]
        fn a_header_survives_and_no_flipped_bit_does(
            group: u64, base_index in 1..u64::MAX, base_offset in 0..i64::MAX, prev_origin: u32, nonce: u64,
            bit in 0_usize..512,
        ) {
            let header = SegmentHeader {
                group: Group(group), base_index: LogIndex(base_index), base_offset: Offset(base_offset), prev_origin, nonce,
            };
            let mut bytes = header.encode();
            prop_assert_eq!(SegmentHeader::decode(&bytes), Ok(header));
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(SegmentHeader::decode(&bytes).is_err());
        }

        #[test]
        fn any_bytes_decode_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            prop_assert!(SegmentHeader::decode(&bytes).is_err());
        }
    }
}
