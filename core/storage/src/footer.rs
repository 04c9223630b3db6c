//! What ends a segment that is not written any more: what is in it, so that no start has to read it.
//!
//! ```text
//!   64                  data bytes                                        file's end - 96
//!   +-------+- ... -----+---------------+---------------------------------+---------+
//!   | frame | frame ... | index entries | reigns, frames read at a start  | trailer |
//!   +-------+- ... -----+---------------+---------------------------------+---------+
//! ```
//!
//! Pure; `papers/format/footer.md` is the written truth. A footer is written when every frame before it is durable, so
//! it is also a claim. It is never needed: what it says is in the frames. It is believed only as a whole: where its
//! checksums fit, it is the header's, and the file ends with it. Records are somebody else's bytes: only who knows the
//! segment's nonce can make a footer of it.

mod sections;

use core::fmt;
use core::ops::Range;

use model::{LogIndex, Offset, Term};
use stdx::{crc32c, mutant};

use crate::fields::{i64_at, u32_at, u64_at};
use crate::index::{INDEX_STRIDE_BYTES, IndexEntry, SparseIndex};
use crate::segment::{SEGMENT_HEADER_BYTES, SegmentHeader};
pub use sections::Sections;

/// The version of this layout; the second byte of the trailer's magic.
pub const FOOTER_VERSION: u8 = 0;

/// Bytes of the trailer, the last of the file.
pub const TRAILER_BYTES: usize = 96;

/// Bytes of sections at most: a segment that has more to say gets no footer, and is read at each start.
pub const SECTIONS_BYTES_MAX: usize = 1 << 20;

/// Bytes of an entry of the index.
const ENTRY_BYTES: usize = 32;

const MAGIC: u8 = b'f';
const CRC: Range<usize> = 0..4;
const MAGIC_AT: usize = 4;
const VERSION_AT: usize = 5;
const FLAGS: Range<usize> = 6..8;
const GROUP: Range<usize> = 8..16;
const BASE_INDEX: Range<usize> = 16..24;
const LAST_INDEX: Range<usize> = 24..32;
const END_OFFSET: Range<usize> = 32..40;
const DATA_BYTES: Range<usize> = 40..48;
const MAX_TIMESTAMP: Range<usize> = 48..56;
const COMMIT_SEEN: Range<usize> = 56..64;
const LAST_ORIGIN: Range<usize> = 64..68;
const LAST_TERM: Range<usize> = 68..72;
const ENTRIES: Range<usize> = 72..76;
const INDEX_CRC: Range<usize> = 76..80;
const SECTIONS_BYTES: Range<usize> = 80..84;
const SECTIONS_CRC: Range<usize> = 84..88;
const NONCE: Range<usize> = 88..96;

const _: () = assert!(NONCE.end == TRAILER_BYTES);

/// The last bytes of a segment that is not written any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trailer {
    /// The last frame.
    pub last: LogIndex,
    /// The offset after the last record.
    pub end_offset: Offset,
    /// Where the frames end.
    pub data_bytes: u64,
    /// The largest timestamp; `i64::MIN` where there is no record.
    pub max_timestamp: i64,
    /// The largest commit that a frame up to the last names.
    pub commit_seen: LogIndex,
    /// The identity of the last frame.
    pub origin: u32,
    /// The reign of the last frame.
    pub term: Term,
    /// Where the index is.
    pub index: IndexPlace,
    sections_bytes: u32,
    sections_crc: u32,
}

/// Where a footer has its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexPlace {
    /// Where the frames end, and it begins.
    pub position: u64,
    entries: u32,
    crc: u32,
}

/// Why a file's end is no footer that can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FooterError {
    /// Nothing there looks like one.
    Missing,
    /// A version that this program does not know.
    Version(u8),
    /// Something there does not fit its checksum.
    Damaged(&'static str),
    /// The checksums fit, and it is not this segment's, or impossible.
    Field(&'static str),
    /// The device does not give it.
    Unreadable,
}

impl fmt::Display for FooterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("it has no footer"),
            Self::Version(version) => write!(f, "its footer has the unknown version {version}"),
            Self::Damaged(what) => write!(f, "its footer's {what} does not fit its checksum"),
            Self::Field(what) => write!(f, "its footer has an impossible {what}"),
            Self::Unreadable => f.write_str("the device does not give its footer"),
        }
    }
}

impl core::error::Error for FooterError {}

impl Trailer {
    /// Reads the trailer of the segment with this header from the last bytes of its file, whatever they are.
    pub fn decode(
        bytes: &[u8],
        header: &SegmentHeader,
        file_bytes: u64,
    ) -> Result<Self, FooterError> {
        let start = bytes.len().checked_sub(TRAILER_BYTES);
        let bytes = &bytes[start.ok_or(FooterError::Missing)?..];
        if bytes[MAGIC_AT] != MAGIC {
            return Err(FooterError::Missing);
        }
        if u32_at(bytes, CRC) != crc32c(&bytes[CRC.end..]) && !mutant!(S06) {
            return Err(FooterError::Damaged("trailer"));
        }
        if bytes[VERSION_AT] != FOOTER_VERSION {
            return Err(FooterError::Version(bytes[VERSION_AT]));
        }
        let trailer = Self {
            last: LogIndex(u64_at(bytes, LAST_INDEX)),
            end_offset: Offset(i64_at(bytes, END_OFFSET)),
            data_bytes: u64_at(bytes, DATA_BYTES),
            max_timestamp: i64_at(bytes, MAX_TIMESTAMP),
            commit_seen: LogIndex(u64_at(bytes, COMMIT_SEEN)),
            origin: u32_at(bytes, LAST_ORIGIN),
            term: Term(u32_at(bytes, LAST_TERM)),
            index: IndexPlace {
                position: u64_at(bytes, DATA_BYTES),
                entries: u32_at(bytes, ENTRIES),
                crc: u32_at(bytes, INDEX_CRC),
            },
            sections_bytes: u32_at(bytes, SECTIONS_BYTES),
            sections_crc: u32_at(bytes, SECTIONS_CRC),
        };
        let of_header = u64_at(bytes, GROUP) == header.group.0
            && u64_at(bytes, BASE_INDEX) == header.base_index.0
            && u64_at(bytes, NONCE) == header.nonce;
        if !of_header {
            return Err(FooterError::Field("owner"));
        }
        if bytes[FLAGS] != [0; 2] {
            return Err(FooterError::Field("flag"));
        }
        trailer.check(header, file_bytes).map(|()| trailer)
    }

    fn check(&self, header: &SegmentHeader, file_bytes: u64) -> Result<(), FooterError> {
        if self.last < header.base_index || self.last.0 == u64::MAX {
            return Err(FooterError::Field("last frame"));
        }
        if self.commit_seen > self.last || !is_term(self.term) {
            return Err(FooterError::Field("commit or term"));
        }
        if self.end_offset < header.base_offset {
            return Err(FooterError::Field("offset"));
        }
        if self.data_bytes <= SEGMENT_HEADER_BYTES as u64
            || self.footer_position().checked_add(TRAILER_BYTES as u64) != Some(file_bytes)
        {
            return Err(FooterError::Field("length"));
        }
        // Each frame has an entry at most, and two of them in a row stand for more than a stride.
        let frames = self.last.0 - header.base_index.0 + 1;
        let strides = 2 * (self.data_bytes / INDEX_STRIDE_BYTES) + 1;
        let entries = u64::from(self.index.entries);
        if entries == 0 || entries > frames.min(strides) {
            return Err(FooterError::Field("number of index entries"));
        }
        if self.sections_bytes as usize > SECTIONS_BYTES_MAX {
            return Err(FooterError::Field("length"));
        }
        Ok(())
    }

    /// Where the trailer itself begins, by what it says; the largest number where that is none.
    fn footer_position(&self) -> u64 {
        let behind = self.index.bytes() + u64::from(self.sections_bytes);
        self.data_bytes.saturating_add(behind)
    }

    /// Where the sections begin, and how many bytes they are.
    pub fn sections_place(&self) -> (u64, usize) {
        let position = self.data_bytes + self.index.bytes();
        (position, self.sections_bytes as usize)
    }

    /// Reads the sections from their bytes, whatever those are.
    pub fn sections(&self, bytes: &[u8]) -> Result<Sections, FooterError> {
        let whole = bytes.len() == self.sections_bytes as usize;
        if !whole || crc32c(bytes) != self.sections_crc {
            return Err(FooterError::Damaged("list of reigns"));
        }
        Sections::decode(bytes)
    }
}

impl IndexPlace {
    /// Bytes of the entries.
    pub const fn bytes(&self) -> u64 {
        self.entries as u64 * ENTRY_BYTES as u64
    }

    /// Reads the index of the segment with this header from its bytes, whatever those are.
    pub fn decode(&self, bytes: &[u8], header: &SegmentHeader) -> Result<SparseIndex, FooterError> {
        if bytes.len() as u64 != self.bytes() || crc32c(bytes) != self.crc {
            return Err(FooterError::Damaged("index"));
        }
        let entries = bytes.chunks_exact(ENTRY_BYTES).map(|entry| IndexEntry {
            index: LogIndex(u64_at(entry, 0..8)),
            offset: Offset(i64_at(entry, 8..16)),
            position: u64_at(entry, 16..24),
            max_timestamp: i64_at(entry, 24..32),
        });
        let entries: Vec<IndexEntry> = entries.collect();
        let begins = entries.first().is_some_and(|first| {
            first.index == header.base_index
                && first.offset == header.base_offset
                && first.position == SEGMENT_HEADER_BYTES as u64
        });
        SparseIndex::from_entries(entries, self.position)
            .filter(|_| begins)
            .ok_or(FooterError::Field("index"))
    }
}

/// What is known of the frames of a segment, besides its index and sections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The last frame.
    pub last: LogIndex,
    /// The offset after the last record.
    pub end_offset: Offset,
    /// The largest commit that a frame up to the last names.
    pub commit_seen: LogIndex,
    /// The identity of the last frame.
    pub origin: u32,
    /// The reign of the last frame.
    pub term: Term,
}

/// The footer of a segment, to be written where its frames end, and its trailer; none where it has too much to say.
pub fn encode(
    header: &SegmentHeader,
    index: &SparseIndex,
    ends: &Ends,
    sections: &Sections,
) -> Option<(Vec<u8>, Trailer)> {
    let sections = sections.encode();
    if sections.len() > SECTIONS_BYTES_MAX {
        return None;
    }
    let mut bytes = Vec::with_capacity(index.len() * ENTRY_BYTES + sections.len() + TRAILER_BYTES);
    for entry in index.entries() {
        bytes.extend(entry.index.0.to_le_bytes());
        bytes.extend(entry.offset.0.to_le_bytes());
        bytes.extend(entry.position.to_le_bytes());
        bytes.extend(entry.max_timestamp.to_le_bytes());
    }
    let trailer = Trailer {
        last: ends.last,
        end_offset: ends.end_offset,
        data_bytes: index.end(),
        max_timestamp: index.max_timestamp(),
        commit_seen: ends.commit_seen.min(ends.last),
        origin: ends.origin,
        term: ends.term,
        index: IndexPlace {
            position: index.end(),
            entries: u32::try_from(index.len()).ok()?,
            crc: crc32c(&bytes),
        },
        sections_bytes: u32::try_from(sections.len()).ok()?,
        sections_crc: crc32c(&sections),
    };
    bytes.extend(sections);
    bytes.extend(trailer.encode(header));
    Some((bytes, trailer))
}

impl Trailer {
    fn encode(&self, header: &SegmentHeader) -> [u8; TRAILER_BYTES] {
        let mut bytes = [0; TRAILER_BYTES];
        bytes[MAGIC_AT] = MAGIC;
        bytes[VERSION_AT] = FOOTER_VERSION;
        bytes[GROUP].copy_from_slice(&header.group.0.to_le_bytes());
        bytes[BASE_INDEX].copy_from_slice(&header.base_index.0.to_le_bytes());
        bytes[LAST_INDEX].copy_from_slice(&self.last.0.to_le_bytes());
        bytes[END_OFFSET].copy_from_slice(&self.end_offset.0.to_le_bytes());
        bytes[DATA_BYTES].copy_from_slice(&self.data_bytes.to_le_bytes());
        bytes[MAX_TIMESTAMP].copy_from_slice(&self.max_timestamp.to_le_bytes());
        bytes[COMMIT_SEEN].copy_from_slice(&self.commit_seen.0.to_le_bytes());
        bytes[LAST_ORIGIN].copy_from_slice(&self.origin.to_le_bytes());
        bytes[LAST_TERM].copy_from_slice(&self.term.0.to_le_bytes());
        bytes[ENTRIES].copy_from_slice(&self.index.entries.to_le_bytes());
        bytes[INDEX_CRC].copy_from_slice(&self.index.crc.to_le_bytes());
        bytes[SECTIONS_BYTES].copy_from_slice(&self.sections_bytes.to_le_bytes());
        bytes[SECTIONS_CRC].copy_from_slice(&self.sections_crc.to_le_bytes());
        bytes[NONCE].copy_from_slice(&header.nonce.to_le_bytes());
        let crc = crc32c(&bytes[CRC.end..]);
        bytes[CRC].copy_from_slice(&crc.to_le_bytes());
        bytes
    }
}

/// Whether a frame can be of this term.
fn is_term(term: Term) -> bool {
    i32::try_from(term.0).is_ok_and(|term| term > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::epochs::EpochStart;
    use crate::group::Group;
    use proptest::prelude::*;

    const HEADER: SegmentHeader = SegmentHeader {
        group: Group(7),
        base_index: LogIndex(10),
        base_offset: Offset(100),
        prev_origin: 1,
        nonce: 99,
    };

    fn made(frames: &[u64], configs: usize) -> (Vec<u8>, Trailer, SparseIndex, Sections) {
        let (mut index, mut position) = (SparseIndex::default(), SEGMENT_HEADER_BYTES as u64);
        for (number, &bytes) in (0..).zip(frames) {
            let entry = IndexEntry {
                index: LogIndex(10 + number),
                offset: Offset(100 + number.cast_signed()),
                position,
                max_timestamp: i64::try_from(bytes).unwrap(),
            };
            index.push(entry, bytes);
            position += bytes;
        }
        let sections = Sections {
            reigns: (1..4)
                .map(|number| EpochStart {
                    term: Term(number),
                    index: LogIndex(9 + u64::from(number)),
                    offset: Offset(99 + i64::from(number)),
                })
                .collect(),
            configs: (0..configs as u64)
                .map(|number| (LogIndex(10 + number), 64 + number))
                .collect(),
        };
        let count = frames.len() as u64;
        let ends = Ends {
            last: LogIndex(9 + count),
            end_offset: Offset(100 + count.cast_signed()),
            commit_seen: LogIndex(8 + count),
            origin: 77,
            term: Term(3),
        };
        let (bytes, trailer) = encode(&HEADER, &index, &ends, &sections).unwrap();
        (bytes, trailer, index, sections)
    }

    /// All that a file with this footer says; the bytes are those behind the frames.
    fn read(
        bytes: &[u8],
        data_bytes: u64,
    ) -> Result<(Trailer, SparseIndex, Sections), FooterError> {
        let file_bytes = data_bytes + bytes.len() as u64;
        let trailer = Trailer::decode(bytes, &HEADER, file_bytes)?;
        let cut = |position: u64, length: usize| {
            let start = usize::try_from(position - data_bytes).unwrap();
            &bytes[start..start + length]
        };
        let (position, length) = trailer.sections_place();
        let sections = trailer.sections(cut(position, length))?;
        let length = usize::try_from(trailer.index.bytes()).unwrap();
        let index = trailer.index.decode(cut(data_bytes, length), &HEADER)?;
        Ok((trailer, index, sections))
    }

    #[test]
    fn what_has_too_much_to_say_gets_none() {
        let (_, _, index, mut sections) = made(&[64], 0);
        let ends = Ends {
            last: LogIndex(10),
            end_offset: Offset(101),
            commit_seen: LogIndex(9),
            origin: 77,
            term: Term(3),
        };
        sections.configs = vec![(LogIndex(10), 64); SECTIONS_BYTES_MAX / 24];
        assert_eq!(encode(&HEADER, &index, &ends, &sections), None);
    }

    proptest! {
        #[test]
        fn a_footer_survives_and_no_flipped_bit_does(
            frames in proptest::collection::vec((8_u64..8_000).prop_map(|words| words * 8), 1..40),
            configs in 0_usize..3, bit: prop::sample::Index,
        ) {
            let (mut bytes, trailer, index, sections) = made(&frames, configs);
            let read_back = read(&bytes, trailer.data_bytes);
            prop_assert_eq!(read_back, Ok((trailer, index, sections)));
            let bit = bit.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(read(&bytes, trailer.data_bytes).is_err());
        }

        #[test]
        fn another_segments_footer_is_none(which in 0_usize..4, other in 1_u64..1_000) {
            let (bytes, trailer, ..) = made(&[64, 128], 1);
            let file_bytes = trailer.data_bytes + bytes.len() as u64;
            let mut header = HEADER;
            match which {
                0 => header.group.0 ^= other,
                1 => header.base_index.0 ^= other,
                // Whoever sends records knows everything but this.
                2 => header.nonce ^= other,
                _ => {
                    prop_assert!(Trailer::decode(&bytes, &HEADER, file_bytes + other).is_err());
                    return Ok(());
                }
            }
            prop_assert_eq!(Trailer::decode(&bytes, &header, file_bytes), Err(FooterError::Field("owner")));
        }

        /// Its checksums fit, and it says anything: what is made of that is bounded by the file, and in order.
        #[test]
        fn a_footer_that_says_anything_is_refused_or_sound(
            at in 24_usize..88, value: u64, wide: bool, section: prop::sample::Index, byte: u8,
        ) {
            let (mut bytes, trailer, ..) = made(&[64, 40_000, 128], 2);
            let start = bytes.len() - TRAILER_BYTES;
            let index_bytes = usize::try_from(trailer.index.bytes()).unwrap();
            // Something in the rows, and something in the trailer.
            bytes[section.index(start)] = byte;
            let width = if wide { 8 } else { 1 };
            let field = at.min(88 - width)..at.min(88 - width) + width;
            bytes[start..][field].copy_from_slice(&value.to_le_bytes()[..width]);
            let [index_crc, sections_crc] = [crc32c(&bytes[..index_bytes]), crc32c(&bytes[index_bytes..start])];
            bytes[start..][INDEX_CRC].copy_from_slice(&index_crc.to_le_bytes());
            bytes[start..][SECTIONS_CRC].copy_from_slice(&sections_crc.to_le_bytes());
            let crc = crc32c(&bytes[start + CRC.end..]);
            bytes[start..][CRC].copy_from_slice(&crc.to_le_bytes());
            let file_bytes = trailer.data_bytes + bytes.len() as u64;
            let Ok(found) = Trailer::decode(&bytes, &HEADER, file_bytes) else {
                return Ok(());
            };
            let (position, length) = found.sections_place();
            prop_assert!(position + length as u64 + TRAILER_BYTES as u64 == file_bytes && length <= SECTIONS_BYTES_MAX);
            prop_assert!(found.last >= HEADER.base_index && is_term(found.term));
            if let Ok(index) = found.index.decode(&bytes[..index_bytes], &HEADER) {
                prop_assert!(index.by_index(HEADER.base_index).is_some() && index.end() == found.data_bytes);
            }
            if let Ok(sections) = found.sections(&bytes[index_bytes..start]) {
                prop_assert!(sections.reigns.iter().all(|reign| is_term(reign.term)));
            }
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(Trailer::decode(&bytes, &HEADER, bytes.len() as u64).is_err());
            let _any = Sections::decode(&bytes);
        }
    }
}
