//! What a footer says in rows: reigns, and the frames that are read at each start.

use model::{LogIndex, Offset, Term};

use super::{FooterError, is_term};
use crate::epochs::EpochStart;
use crate::fields::{i64_at, u32_at, u64_at};

/// Bytes in front of a section: its kind, and how many follow.
const SECTION_HEADER_BYTES: usize = 8;

/// Bytes of what a section says of one thing.
const ITEM_BYTES: usize = 24;

const REIGNS: u16 = 1;
const CONFIGS: u16 = 2;

/// What the frames of a segment say besides their records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sections {
    /// The first frame of each reign, and the segment's own first.
    pub reigns: Vec<EpochStart>,
    /// The frames that say who votes, and where they begin: they are read at each start.
    pub configs: Vec<(LogIndex, u64)>,
}

impl Sections {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        section(&mut bytes, REIGNS, self.reigns.len());
        for reign in &self.reigns {
            bytes.extend(reign.term.0.to_le_bytes());
            bytes.extend([0; 4]);
            bytes.extend(reign.index.0.to_le_bytes());
            bytes.extend(reign.offset.0.to_le_bytes());
        }
        section(&mut bytes, CONFIGS, self.configs.len());
        for (index, position) in &self.configs {
            bytes.extend(index.0.to_le_bytes());
            bytes.extend(position.to_le_bytes());
            bytes.extend([0; 8]);
        }
        bytes
    }

    pub(super) fn decode(mut bytes: &[u8]) -> Result<Self, FooterError> {
        let short = FooterError::Field("section");
        let mut sections = Self::default();
        while let Some((header, rest)) = bytes.split_first_chunk::<SECTION_HEADER_BYTES>() {
            let kind = u16::from_le_bytes([header[0], header[1]]);
            let length = u32_at(header, 4..8) as usize;
            let (items, rest) = rest.split_at_checked(length).ok_or(short)?;
            if matches!(kind, REIGNS | CONFIGS) && !length.is_multiple_of(ITEM_BYTES) {
                return Err(short);
            }
            let items = items.chunks_exact(ITEM_BYTES);
            match kind {
                REIGNS => sections.reigns = items.map(reign).collect(),
                CONFIGS => sections.configs = items.map(config).collect(),
                // Of a later version: nothing that this one needs.
                _ => {}
            }
            bytes = rest;
        }
        if bytes.is_empty() {
            sections.check().map(|()| sections)
        } else {
            Err(short)
        }
    }

    /// Both are in the order of the log, none twice.
    fn check(&self) -> Result<(), FooterError> {
        let reigns = self.reigns.windows(2).all(|pair| {
            pair[0].index < pair[1].index
                && pair[0].term < pair[1].term
                && pair[0].offset <= pair[1].offset
        });
        let terms = self.reigns.iter().all(|reign| is_term(reign.term));
        let configs = self.configs.windows(2);
        let mut configs = configs.map(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1);
        if reigns && terms && configs.all(|follows| follows) {
            Ok(())
        } else {
            Err(FooterError::Field("order"))
        }
    }
}

fn section(bytes: &mut Vec<u8>, kind: u16, items: usize) {
    bytes.extend(kind.to_le_bytes());
    bytes.extend([0; 2]);
    let length = u32::try_from(items * ITEM_BYTES).expect("a segment has fewer frames");
    bytes.extend(length.to_le_bytes());
}

fn reign(item: &[u8]) -> EpochStart {
    EpochStart {
        term: Term(u32_at(item, 0..4)),
        index: LogIndex(u64_at(item, 8..16)),
        offset: Offset(i64_at(item, 16..24)),
    }
}

fn config(item: &[u8]) -> (LogIndex, u64) {
    (LogIndex(u64_at(item, 0..8)), u64_at(item, 8..16))
}
