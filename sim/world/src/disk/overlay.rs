//! Damage to what is read, kept apart from the pristine bytes so that it can be told from them and taken back.

use std::collections::{BTreeMap, BTreeSet};

use super::SECTOR_BYTES;

/// Flipped bits and unreadable sectors of one file. A write over them heals them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overlay {
    /// Bits to flip, by offset.
    rot: BTreeMap<u64, u8>,
    /// Unreadable sectors, by number.
    unreadable: BTreeSet<u64>,
}

/// What a read of damaged bytes ran into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    None,
    Rot,
    Unreadable,
}

fn sectors(offset: u64, count: u64) -> core::ops::Range<u64> {
    let sector = SECTOR_BYTES as u64;
    offset / sector..(offset + count).div_ceil(sector)
}

impl Overlay {
    pub(crate) fn flip(&mut self, offset: u64, bits: u8) {
        let flipped = self.rot.entry(offset).or_default();
        *flipped ^= bits;
        if *flipped == 0 {
            self.rot.remove(&offset);
        }
    }

    pub(crate) fn make_unreadable(&mut self, offset: u64, count: u64) {
        self.unreadable.extend(sectors(offset, count));
    }

    /// Damages `bytes` as they are read from `offset`.
    pub(crate) fn damage(&self, offset: u64, bytes: &mut [u8]) -> Damage {
        if self.unreadable.is_empty() && self.rot.is_empty() {
            return Damage::None;
        }
        let count = bytes.len() as u64;
        if count > 0
            && self
                .unreadable
                .range(sectors(offset, count))
                .next()
                .is_some()
        {
            return Damage::Unreadable;
        }
        let mut damage = Damage::None;
        for (at, bits) in self.rot.range(offset..offset + count) {
            let index = usize::try_from(at - offset).expect("within the bytes");
            bytes[index] ^= bits;
            damage = Damage::Rot;
        }
        damage
    }

    /// A write heals the bytes under it, and the sectors that it covers whole.
    pub(crate) fn heal(&mut self, offset: u64, count: u64) {
        if self.unreadable.is_empty() && self.rot.is_empty() {
            return;
        }
        let end = offset + count;
        self.rot.retain(|at, _| *at < offset || *at >= end);
        let sector = SECTOR_BYTES as u64;
        self.unreadable
            .retain(|number| number * sector < offset || (number + 1) * sector > end);
    }
}
