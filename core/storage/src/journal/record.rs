//! One record of a journal, and the header of its file: 64 bytes each, so that eight lie in a sector and none in two.
//!
//! `papers/format/journal.md` is the written truth.

use model::{LogIndex, NodeId, Term};
use stdx::crc32c;

use crate::group::Group;

/// Bytes of a record, and of a header.
pub const RECORD_BYTES: usize = 64;

/// The version of the file.
pub const JOURNAL_VERSION: u16 = 0;

const RECORD_MAGIC: u16 = u16::from_le_bytes(*b"jr");
const HEADER_MAGIC: u16 = u16::from_le_bytes(*b"jh");
const VOTED: u8 = 1;

/// What a replica must never forget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HardRecord {
    /// Whose it is.
    pub group: Group,
    /// Which of the copies that this node has had.
    pub incarnation: u32,
    /// The latest term that it has heard of.
    pub term: Term,
    /// To whom it gave its vote in that term: node and incarnation.
    pub vote: Option<(NodeId, u32)>,
    /// The tail of its log when it last promised something by it.
    pub claimed: (LogIndex, Term),
}

/// A record in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) record: HardRecord,
    /// Grows with each record of a group, whichever journal it is in.
    pub(crate) revision: u64,
    /// The write that brought it: zero for those with which the file began.
    pub(crate) write: u32,
    /// The file's, so that what an earlier life of the file left behind is told from it.
    pub(crate) generation: u32,
    /// Which of the records of its write it is, from zero, and how many those are.
    pub(crate) place: (u16, u16),
}

/// The head of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Grows with each file of a core.
    pub(crate) generation: u32,
    /// Records with which it began: all that there were then.
    pub(crate) records: u32,
}

fn seal(mut bytes: [u8; RECORD_BYTES]) -> [u8; RECORD_BYTES] {
    let crc = crc32c(&bytes[4..]);
    bytes[..4].copy_from_slice(&crc.to_le_bytes());
    bytes
}

fn is_sealed(bytes: &[u8], magic: u16) -> bool {
    bytes.len() >= RECORD_BYTES
        && bytes[..4] == crc32c(&bytes[4..RECORD_BYTES]).to_le_bytes()
        && bytes[4..6] == magic.to_le_bytes()
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().expect("two bytes"))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

impl Placed {
    pub(crate) fn encode(&self) -> [u8; RECORD_BYTES] {
        let HardRecord {
            group,
            incarnation,
            term,
            vote,
            claimed: (claimed_index, claimed_term),
        } = self.record;
        let (node, vote_incarnation) = vote.unwrap_or((NodeId(0), 0));
        let mut bytes = [0; RECORD_BYTES];
        bytes[4..6].copy_from_slice(&RECORD_MAGIC.to_le_bytes());
        bytes[6] = if vote.is_some() { VOTED } else { 0 };
        bytes[8..16].copy_from_slice(&group.0.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.revision.to_le_bytes());
        bytes[24..28].copy_from_slice(&term.0.to_le_bytes());
        bytes[28..32].copy_from_slice(&node.0.to_le_bytes());
        bytes[32..36].copy_from_slice(&vote_incarnation.to_le_bytes());
        bytes[36..40].copy_from_slice(&claimed_term.0.to_le_bytes());
        bytes[40..48].copy_from_slice(&claimed_index.0.to_le_bytes());
        bytes[48..52].copy_from_slice(&incarnation.to_le_bytes());
        bytes[52..56].copy_from_slice(&self.write.to_le_bytes());
        bytes[56..60].copy_from_slice(&self.generation.to_le_bytes());
        bytes[60..62].copy_from_slice(&self.place.0.to_le_bytes());
        bytes[62..64].copy_from_slice(&self.place.1.to_le_bytes());
        seal(bytes)
    }

    /// The record at the start of `bytes`, if that is one.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        if !is_sealed(bytes, RECORD_MAGIC) {
            return None;
        }
        let node = NodeId(u32_at(bytes, 28).cast_signed());
        let vote = (node, u32_at(bytes, 32));
        Some(Self {
            record: HardRecord {
                group: Group(u64_at(bytes, 8)),
                incarnation: u32_at(bytes, 48),
                term: Term(u32_at(bytes, 24)),
                vote: (bytes[6] & VOTED != 0).then_some(vote),
                claimed: (LogIndex(u64_at(bytes, 40)), Term(u32_at(bytes, 36))),
            },
            revision: u64_at(bytes, 16),
            write: u32_at(bytes, 52),
            generation: u32_at(bytes, 56),
            place: (u16_at(bytes, 60), u16_at(bytes, 62)),
        })
    }

    /// Whether it is the last of its write.
    pub(crate) fn is_last(&self) -> bool {
        let (place, count) = self.place;
        place.saturating_add(1) >= count
    }
}

impl Header {
    pub(crate) fn encode(self) -> [u8; RECORD_BYTES] {
        let mut bytes = [0; RECORD_BYTES];
        bytes[4..6].copy_from_slice(&HEADER_MAGIC.to_le_bytes());
        bytes[6..8].copy_from_slice(&JOURNAL_VERSION.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.generation.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.records.to_le_bytes());
        seal(bytes)
    }

    /// The header at the start of `bytes`, if that is one of this version.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let known = is_sealed(bytes, HEADER_MAGIC) && bytes[6..8] == JOURNAL_VERSION.to_le_bytes();
        known.then(|| Self {
            generation: u32_at(bytes, 8),
            records: u32_at(bytes, 12),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_record_survives_and_no_flipped_bit_does(
            group: u64, revision: u64, term: u32, vote: Option<(i32, u32)>, claimed: (u64, u32), incarnation: u32,
            write: u32, generation: u32, place: (u16, u16), bit in 0_usize..RECORD_BYTES * 8,
        ) {
            let placed = Placed {
                record: HardRecord {
                    group: Group(group),
                    incarnation,
                    term: Term(term),
                    vote: vote.map(|(node, incarnation)| (NodeId(node), incarnation)),
                    claimed: (LogIndex(claimed.0), Term(claimed.1)),
                },
                revision,
                write,
                generation,
                place,
            };
            let mut bytes = placed.encode();
            prop_assert_eq!(Placed::decode(&bytes), Some(placed));
            prop_assert_eq!(Header::decode(&bytes), None);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(Placed::decode(&bytes), None);
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..130)) {
            let _placed = Placed::decode(&bytes);
            let _header = Header::decode(&bytes);
        }
    }
}
