//! The frame header: 64 bytes in front of one to many whole record batches, and what makes the log a chain.
//!
//! ```text
//!   0            4      6    7    8           12          16          24          32
//!   +------------+------+----+----+-----------+-----------+-----------+-----------+
//!   | header crc |magic |kind|flag| body bytes| body crc  |   index   |   group   |
//!   +------------+------+----+----+-----------+-----------+-----------+-----------+
//!   | base offset (i64)| span | term | commit delta | origin | prev origin | zero    |
//!   +------------------+------+------+--------------+--------+-------------+---------+
//!   32                 40     44     48             52       56            60       64
//! ```
//!
//! All numbers are little endian. `papers/format/frame.md` is the written truth. The header verifies without its
//! body, so a scan can read headers alone, and `commit delta` can be trusted when the body is damaged.

use core::fmt;
use core::ops::Range;

use model::{LogIndex, Offset, Term};
use stdx::crc32c;

use crate::fields::{i64_at, u32_at, u64_at};
use crate::group::Group;

/// The version of this layout; the second byte of the magic.
pub const FRAME_VERSION: u8 = 0;

/// Bytes of a header.
pub const HEADER_BYTES: usize = 64;

/// A frame begins at a multiple of this; the bytes between are zero and no part of it.
pub const FRAME_ALIGN_BYTES: usize = 8;

/// Bytes of a frame, header included, unless a single batch is larger.
pub const FRAME_BYTES_MAX: usize = 1 << 20;

/// The first byte of the magic.
const MAGIC: u8 = b'o';

const HEADER_CRC: Range<usize> = 0..4;
const MAGIC_AT: usize = 4;
const VERSION_AT: usize = 5;
const KIND_AT: usize = 6;
const FLAGS_AT: usize = 7;
const BODY_BYTES: Range<usize> = 8..12;
const BODY_CRC: Range<usize> = 12..16;
const INDEX: Range<usize> = 16..24;
const GROUP: Range<usize> = 24..32;
const BASE_OFFSET: Range<usize> = 32..40;
const SPAN: Range<usize> = 40..44;
const TERM: Range<usize> = 44..48;
const COMMIT_DELTA: Range<usize> = 48..52;
const ORIGIN: Range<usize> = 52..56;
const PREV_ORIGIN: Range<usize> = 56..60;
const RESERVED: Range<usize> = 60..64;

const _: () = assert!(RESERVED.end == HEADER_BYTES);
const _: () = assert!(HEADER_BYTES.is_multiple_of(FRAME_ALIGN_BYTES));
const _: () = assert!(FRAME_BYTES_MAX.is_multiple_of(FRAME_ALIGN_BYTES));

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum FrameKind {
    /// Record batches of clients.
    Data = 1,
    /// Record batches of the broker's own, which take offsets: transaction markers.
    KafkaControl = 2,
    /// A change of the group's members.
    Config = 3,
    /// Nothing: the first frame of a reign.
    Noop = 4,
    /// The log begins later from here on.
    PrefixTruncate = 5,
    /// Nothing but its commit: it closes the distance between the last frame and the commit.
    CommitMark = 6,
    /// A range that compaction or recovery left out.
    Gap = 7,
}

impl FrameKind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Data,
        Self::KafkaControl,
        Self::Config,
        Self::Noop,
        Self::PrefixTruncate,
        Self::CommitMark,
        Self::Gap,
    ];

    /// Whether its body is record batches, which take offsets.
    pub const fn has_batches(self) -> bool {
        matches!(self, Self::Data | Self::KafkaControl)
    }

    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::KafkaControl => "control",
            Self::Config => "config",
            Self::Noop => "noop",
            Self::PrefixTruncate => "prefix-truncate",
            Self::CommitMark => "commit-mark",
            Self::Gap => "gap",
        }
    }

    /// Whether it never has a body.
    pub const fn is_bare(self) -> bool {
        matches!(self, Self::Noop | Self::CommitMark)
    }

    fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|&kind| kind as u8 == byte)
    }
}

/// The header of one frame, in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// What the body is.
    pub kind: FrameKind,
    /// Bytes of the body, padding excluded.
    pub body_bytes: u32,
    /// CRC-32C of the body.
    pub body_crc: u32,
    /// Position in the log.
    pub index: LogIndex,
    /// Of which partition.
    pub group: Group,
    /// Offset of the first record; of the next one to come where there is none.
    pub base_offset: Offset,
    /// Offsets that it takes.
    pub span: u32,
    /// In which reign it was appended.
    pub term: Term,
    /// How far behind `index` the commit was when it was made; saturating.
    pub commit_delta: u32,
    /// Its identity for ever: the checksum that its header had with this field zero when it was first appended.
    pub origin: u32,
    /// The identity of the frame before it; zero for the first.
    pub prev_origin: u32,
}

/// Why 64 bytes are no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// All zero: space that was never written.
    Blank,
    /// No frame begins here.
    Magic,
    /// A frame of a version that this program does not know.
    Version(u8),
    /// The checksum does not fit.
    Checksum,
    /// The checksum fits and a field is impossible: a bug, ours or of another version.
    Field(&'static str),
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => f.write_str("blank space"),
            Self::Magic => f.write_str("no frame begins here"),
            Self::Version(version) => write!(f, "a frame of the unknown version {version}"),
            Self::Checksum => f.write_str("the header does not fit its checksum"),
            Self::Field(field) => write!(f, "the header has an impossible {field}"),
        }
    }
}

impl core::error::Error for FrameError {}

impl FrameHeader {
    /// Gives it the identity that a frame has from its first append on.
    #[must_use]
    pub fn identified(mut self) -> Self {
        self.origin = 0;
        let bytes = self.encode();
        self.origin = crc32c(&bytes[HEADER_CRC.end..]);
        self
    }

    /// The header as it lies on the disk.
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[MAGIC_AT] = MAGIC;
        bytes[VERSION_AT] = FRAME_VERSION;
        bytes[KIND_AT] = self.kind as u8;
        bytes[BODY_BYTES].copy_from_slice(&self.body_bytes.to_le_bytes());
        bytes[BODY_CRC].copy_from_slice(&self.body_crc.to_le_bytes());
        bytes[INDEX].copy_from_slice(&self.index.0.to_le_bytes());
        bytes[GROUP].copy_from_slice(&self.group.0.to_le_bytes());
        bytes[BASE_OFFSET].copy_from_slice(&self.base_offset.0.to_le_bytes());
        bytes[SPAN].copy_from_slice(&self.span.to_le_bytes());
        bytes[TERM].copy_from_slice(&self.term.0.to_le_bytes());
        bytes[COMMIT_DELTA].copy_from_slice(&self.commit_delta.to_le_bytes());
        bytes[ORIGIN].copy_from_slice(&self.origin.to_le_bytes());
        bytes[PREV_ORIGIN].copy_from_slice(&self.prev_origin.to_le_bytes());
        let crc = crc32c(&bytes[HEADER_CRC.end..]);
        bytes[HEADER_CRC].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads a header from the first bytes of `bytes`, whatever they are.
    ///
    /// # Panics
    /// When there are fewer than [`HEADER_BYTES`]: the caller knows what is left of a file.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let bytes = &bytes[..HEADER_BYTES];
        if bytes[MAGIC_AT] != MAGIC {
            let blank = bytes.iter().all(|&byte| byte == 0);
            return Err(if blank {
                FrameError::Blank
            } else {
                FrameError::Magic
            });
        }
        if bytes[VERSION_AT] != FRAME_VERSION {
            return Err(FrameError::Version(bytes[VERSION_AT]));
        }
        if u32_at(bytes, HEADER_CRC) != crc32c(&bytes[HEADER_CRC.end..]) {
            return Err(FrameError::Checksum);
        }
        let kind = FrameKind::from_byte(bytes[KIND_AT]).ok_or(FrameError::Field("kind"))?;
        if bytes[FLAGS_AT] != 0 || bytes[RESERVED] != [0; 4] {
            return Err(FrameError::Field("flag"));
        }
        let header = Self {
            kind,
            body_bytes: u32_at(bytes, BODY_BYTES),
            body_crc: u32_at(bytes, BODY_CRC),
            index: LogIndex(u64_at(bytes, INDEX)),
            group: Group(u64_at(bytes, GROUP)),
            base_offset: Offset(i64_at(bytes, BASE_OFFSET)),
            span: u32_at(bytes, SPAN),
            term: Term(u32_at(bytes, TERM)),
            commit_delta: u32_at(bytes, COMMIT_DELTA),
            origin: u32_at(bytes, ORIGIN),
            prev_origin: u32_at(bytes, PREV_ORIGIN),
        };
        header.check()?;
        Ok(header)
    }

    fn check(&self) -> Result<(), FrameError> {
        if self.index.0 == 0 || self.index.0 == u64::MAX {
            return Err(FrameError::Field("index"));
        }
        let end = self.base_offset.0.checked_add(i64::from(self.span));
        if self.base_offset.0 < 0 || end.is_none() {
            return Err(FrameError::Field("offset"));
        }
        if self.term.0 == 0 || i32::try_from(self.term.0).is_err() {
            return Err(FrameError::Field("term"));
        }
        if (self.span > 0) != self.kind.has_batches() {
            return Err(FrameError::Field("span"));
        }
        let bare = self.body_bytes == 0;
        if bare && self.kind.has_batches() || !bare && self.kind.is_bare() {
            return Err(FrameError::Field("length"));
        }
        Ok(())
    }

    /// The offset after its last record.
    pub fn end_offset(&self) -> Offset {
        self.base_offset.advance(self.span)
    }

    /// The commit that whoever made it knew of.
    pub fn commit(&self) -> LogIndex {
        LogIndex(self.index.0.saturating_sub(u64::from(self.commit_delta)))
    }

    /// Bytes from its start to where the next frame may begin.
    pub fn frame_bytes(&self) -> u64 {
        let bytes = HEADER_BYTES as u64 + u64::from(self.body_bytes);
        bytes.next_multiple_of(FRAME_ALIGN_BYTES as u64)
    }
}

/// How far `commit` is behind `index`, as a header says it.
pub fn commit_delta(index: LogIndex, commit: LogIndex) -> u32 {
    u32::try_from(index.0.saturating_sub(commit.0)).unwrap_or(u32::MAX)
}

/// Whether a header may begin with these bytes: the cheap question that a search asks at every step.
pub(crate) fn may_begin(bytes: &[u8]) -> bool {
    bytes[MAGIC_AT] == MAGIC && bytes[VERSION_AT] == FRAME_VERSION
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header() -> FrameHeader {
        FrameHeader {
            kind: FrameKind::Data,
            body_bytes: 100,
            body_crc: 0x0102_0304,
            index: LogIndex(5),
            group: Group(0x1122_3344_5566_7788),
            base_offset: Offset(40),
            span: 2,
            term: Term(3),
            commit_delta: 1,
            origin: 0,
            prev_origin: 9,
        }
        .identified()
    }

    #[test]
    fn the_layout_is_the_written_one() {
        let bytes = header().encode();
        assert_eq!(&bytes[4..8], b"o\x00\x01\x00");
        assert_eq!(&bytes[8..16], &[100, 0, 0, 0, 4, 3, 2, 1]);
        assert_eq!(bytes[16..24], 5_u64.to_le_bytes());
        assert_eq!(bytes[24..32], 0x1122_3344_5566_7788_u64.to_le_bytes());
        assert_eq!(bytes[32..40], 40_i64.to_le_bytes());
        assert_eq!(&bytes[40..52], &[2, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0]);
        assert_eq!(&bytes[56..64], &[9, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn a_frame_ends_at_a_multiple_of_eight() {
        assert_eq!(header().frame_bytes(), 168);
        assert_eq!(header().commit(), LogIndex(4));
        assert_eq!(commit_delta(LogIndex(5), LogIndex(4)), 1);
        assert_eq!(commit_delta(LogIndex(u64::MAX), LogIndex(0)), u32::MAX);
    }

    #[test]
    fn blank_space_is_not_a_bad_frame() {
        assert_eq!(FrameHeader::decode(&[0; 64]), Err(FrameError::Blank));
        assert_eq!(FrameHeader::decode(&[1; 64]), Err(FrameError::Magic));
    }

    #[test]
    fn another_version_is_named() {
        let mut bytes = header().encode();
        bytes[VERSION_AT] = 1;
        assert_eq!(FrameHeader::decode(&bytes), Err(FrameError::Version(1)));
    }

    #[test]
    fn impossible_fields_are_refused_although_the_sum_fits() {
        let check = |broken: FrameHeader, field| {
            assert_eq!(
                FrameHeader::decode(&broken.encode()),
                Err(FrameError::Field(field))
            );
        };
        check(
            FrameHeader {
                index: LogIndex(0),
                ..header()
            },
            "index",
        );
        check(
            FrameHeader {
                base_offset: Offset(-1),
                ..header()
            },
            "offset",
        );
        check(
            FrameHeader {
                base_offset: Offset(i64::MAX),
                ..header()
            },
            "offset",
        );
        check(
            FrameHeader {
                term: Term(0),
                ..header()
            },
            "term",
        );
        check(
            FrameHeader {
                term: Term(1 << 31),
                ..header()
            },
            "term",
        );
        check(
            FrameHeader {
                span: 0,
                ..header()
            },
            "span",
        );
        check(
            FrameHeader {
                body_bytes: 0,
                ..header()
            },
            "length",
        );
        check(
            FrameHeader {
                kind: FrameKind::Noop,
                span: 0,
                ..header()
            },
            "length",
        );
    }

    proptest! {
        #[test]
        fn any_bytes_decode_without_panic(bytes in proptest::collection::vec(any::<u8>(), 64..80)) {
            if let Ok(header) = FrameHeader::decode(&bytes) {
                prop_assert_eq!(&header.encode()[..], &bytes[..64]);
            }
        }

        #[test]
        fn a_header_survives_and_no_flipped_bit_does(
            index in 1_u64..u64::MAX, base_offset in 0..i64::MAX / 2, span in 1_u32.., term in 1_u32..1 << 31,
            body_bytes in 1_u32.., commit_delta: u32, prev_origin: u32, bit in 0_usize..512,
        ) {
            let header = FrameHeader {
                index: LogIndex(index), base_offset: Offset(base_offset), span, term: Term(term),
                body_bytes, commit_delta, prev_origin, ..header()
            }.identified();
            let mut bytes = header.encode();
            prop_assert_eq!(FrameHeader::decode(&bytes), Ok(header));
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(FrameHeader::decode(&bytes).is_err());
        }
    }
}
