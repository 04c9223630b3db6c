//! What a journal's file says. Pure: bytes in, records out.
//!
//! | what is found | what it is |
//! |---|---|
//! | no header, or not all the records with which it began | a file whose beginning was never durable: nothing in it was acknowledged |
//! | whole records, then anything but a record of a later write | the last write was torn: it was never acknowledged |
//! | a bad record, and behind it one of a write after the next | damage: what was acknowledged cannot be read |
//! | the header of the next file, behind the records | that one is begun, and has everything: this one does not count |

use std::collections::BTreeMap;

use super::record::{HardRecord, Header, Placed, RECORD_BYTES};
use crate::group::Group;

/// A file whose beginning is whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scanned {
    pub(crate) generation: u32,
    /// The latest record of each group.
    pub(crate) records: BTreeMap<Group, Placed>,
    /// Something that was acknowledged cannot be read.
    pub(crate) damaged: bool,
    /// The next file is begun.
    pub(crate) superseded: bool,
    /// Where the records end, in bytes.
    pub(crate) end: u64,
}

/// Reads a file. None where its beginning was never durable.
pub(crate) fn scan(bytes: &[u8]) -> Option<Scanned> {
    let header = Header::decode(bytes)?;
    let generation = header.generation;
    let of_this_file =
        |place: &[u8]| Placed::decode(place).filter(|placed| placed.generation == generation);
    let mut places = bytes[RECORD_BYTES..].chunks_exact(RECORD_BYTES);
    let mut scanned = Scanned {
        generation,
        ..Scanned::default()
    };
    scanned.end = RECORD_BYTES as u64;
    for _ in 0..header.records {
        let first = of_this_file(places.next()?).filter(|placed| placed.write == 0)?;
        scanned.add(first);
    }
    let (mut last_write, mut whole) = (0, true);
    while let Some(place) = places.next() {
        match of_this_file(place).filter(|placed| placed.write >= last_write) {
            Some(placed) => {
                last_write = placed.write;
                whole = placed.is_last();
                scanned.add(placed);
            }
            None if Header::decode(place).is_some_and(|next| next.generation == generation + 1) => {
                scanned.superseded = true;
                break;
            }
            None => {
                // Writes go one after the other: behind a torn one there is none that began later.
                let torn = if whole { last_write + 1 } else { last_write };
                scanned.damaged = places
                    .filter_map(of_this_file)
                    .any(|placed| placed.write > torn);
                break;
            }
        }
    }
    Some(scanned)
}

/// The latest record of each group in a journal's file; none where its beginning was never durable. For those who look at
/// files from outside.
pub fn records_in(bytes: &[u8]) -> Vec<HardRecord> {
    let scanned = scan(bytes).unwrap_or_default();
    let records = scanned.records.into_values();
    records.map(|placed| placed.record).collect()
}

impl Scanned {
    fn add(&mut self, placed: Placed) {
        self.end += RECORD_BYTES as u64;
        let known = self.records.entry(placed.record.group).or_insert(placed);
        if placed.revision >= known.revision {
            *known = placed;
        }
    }
}

#[cfg(test)]
mod tests {
    use model::{LogIndex, Term};

    use super::*;

    fn placed(group: u64, revision: u64, write: u32, generation: u32) -> Placed {
        Placed {
            record: HardRecord {
                group: Group(group),
                incarnation: 0,
                term: Term(u32::try_from(revision).expect("small")),
                vote: None,
                claimed: (LogIndex(0), Term(0)),
            },
            revision,
            write,
            generation,
            place: (0, 1),
        }
    }

    fn nth(place: (u16, u16), placed: Placed) -> Placed {
        Placed { place, ..placed }
    }

    fn file(records: u32, placed: &[Placed]) -> Vec<u8> {
        let header = Header {
            generation: 3,
            records,
        };
        let mut bytes = header.encode().to_vec();
        for placed in placed {
            bytes.extend_from_slice(&placed.encode());
        }
        bytes
    }

    fn terms(bytes: &[u8]) -> Option<Vec<(u64, u32)>> {
        let scanned = scan(bytes)?;
        assert!(!scanned.damaged);
        let term = |(group, placed): (&Group, &Placed)| (group.0, placed.record.term.0);
        Some(scanned.records.iter().map(term).collect())
    }

    #[test]
    fn the_latest_record_of_each_group_counts() {
        let whole = file(
            2,
            &[
                placed(1, 5, 0, 3),
                placed(2, 5, 0, 3),
                placed(1, 6, 1, 3),
                placed(1, 7, 2, 3),
            ],
        );
        assert_eq!(terms(&whole), Some(vec![(1, 7), (2, 5)]));
    }

    #[test]
    fn a_beginning_that_is_not_whole_is_none() {
        assert_eq!(terms(b""), None);
        let mut bytes = file(2, &[placed(1, 5, 0, 3), placed(2, 5, 0, 3)]);
        bytes[RECORD_BYTES + 70] ^= 1;
        assert_eq!(terms(&bytes), None);
        assert_eq!(terms(&file(2, &[placed(1, 5, 0, 3)])), None);
        assert_eq!(terms(&file(0, &[])), Some(vec![]));
    }

    #[test]
    fn a_torn_last_write_is_cut_and_what_an_earlier_file_left_is_nothing() {
        let mut torn = file(
            0,
            &[placed(1, 1, 1, 3), placed(2, 2, 2, 3), placed(3, 3, 2, 3)],
        );
        torn[2 * RECORD_BYTES + 9] ^= 1;
        assert_eq!(
            terms(&torn),
            Some(vec![(1, 1)]),
            "its other record may be whole"
        );
        let left_over = file(0, &[placed(1, 1, 1, 3), placed(1, 9, 7, 2)]);
        assert_eq!(terms(&left_over), Some(vec![(1, 1)]));
    }

    #[test]
    fn a_file_says_that_the_next_one_is_begun() {
        let mut bytes = file(1, &[placed(1, 1, 0, 3), placed(1, 2, 1, 3)]);
        let end = bytes.len() as u64;
        assert!(scan(&bytes).is_some_and(|scanned| !scanned.superseded && scanned.end == end));
        let next = Header {
            generation: 4,
            records: 0,
        };
        bytes.extend_from_slice(&next.encode());
        let scanned = scan(&bytes).expect("it begins well");
        assert!(scanned.superseded && !scanned.damaged);
        assert_eq!(scanned.end, end);
    }

    #[test]
    fn a_bad_record_before_a_later_write_is_damage() {
        let mut bytes = file(
            0,
            &[placed(1, 1, 1, 3), placed(1, 2, 2, 3), placed(1, 3, 3, 3)],
        );
        bytes[2 * RECORD_BYTES + 9] ^= 1;
        assert!(scan(&bytes).is_some_and(|scanned| scanned.damaged));
        // Also the second of a write, where the next write is there.
        let (first, second) = (placed(1, 1, 1, 3), placed(2, 2, 1, 3));
        let mut bytes = file(
            0,
            &[nth((0, 2), first), nth((1, 2), second), placed(1, 3, 2, 3)],
        );
        bytes[2 * RECORD_BYTES + 9] ^= 1;
        assert!(scan(&bytes).is_some_and(|scanned| scanned.damaged));
    }
}
