//! What a power cut leaves of what was not synced, and what a dying process leaves of what was under way.
//!
//! **Files.** For each file one of five ways is drawn: nothing of the pending changes survives; all of them do;
//! a prefix does, the last write of it torn; each survives or not on its own; each *sector* of a write survives
//! or not on its own. A write's sectors are those of the disk, 512 bytes, aligned. A growth of the length is
//! drawn apart from the bytes: a file may come back long with zeroes where its bytes were lost, or short
//! although they were written. Once a truncation is lost, later writes cannot bring bytes at or beyond its
//! length: those went to blocks that no surviving metadata names.
//!
//! **Names.** One of three ways is drawn for the whole disk: none of the pending changes survive; a prefix does,
//! as on a journalled file system; each survives or not on its own, but never without the earlier ones that it
//! depends on. Dependencies: two changes of the same name keep their order, a rename is atomic over its two
//! names, a directory goes only after what was in it went. A file that is synced but whose name did not survive
//! is gone; so is everything under a directory whose name did not survive.

use runtime::Pieces;
use stdx::Prng;

use super::change::{Change, NameChange, Pending};
use super::file::File;
use super::inode::{Inode, InodeId, ROOT};
use super::{Disk, SECTOR_BYTES};
use crate::Fault;
use crate::coverage::Coverage;

/// How a file's pending changes survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Survival {
    Nothing,
    Everything,
    /// So many changes, the last of them torn.
    Prefix(usize),
    Whole,
    Sectors,
}

impl Survival {
    fn draw(prng: &mut Prng, changes: usize) -> Self {
        match prng.below(8) {
            0 => Self::Nothing,
            1 => Self::Everything,
            2 | 3 => Self::Prefix(prng.index(changes + 1)),
            4 | 5 => Self::Whole,
            _ => Self::Sectors,
        }
    }
}

impl Disk {
    /// The power goes: what is not durable survives by luck.
    pub(crate) fn power_cut(&mut self) {
        self.settle_names();
        let ids: Vec<InodeId> = self.inodes.ids().collect();
        for id in ids {
            if let Inode::File(file) = self.inodes.get_mut(id) {
                settle_file(file, &mut self.draws.power, &self.coverage);
            }
        }
        self.reload();
    }

    /// The process is over: locks and descriptors go, the cache stays.
    pub(crate) fn process_ended(&mut self) {
        let ids: Vec<InodeId> = self.inodes.ids().collect();
        for id in ids {
            if let Inode::File(file) = self.inodes.get_mut(id) {
                file.holders = 0;
                file.locked_by = None;
            }
            self.free_if_unused(id);
        }
        self.sweep();
    }

    /// A write was under way when its process or machine died: whole, in part or not at all it reached the
    /// cache, from where a power cut takes it further.
    pub(crate) fn interrupt_write(&mut self, inode: InodeId, offset: u64, pieces: &Pieces) {
        let given = runtime::operation::pieces_len(pieces);
        let sectors = given.div_ceil(SECTOR_BYTES);
        let bytes = match self.draws.power.below(3) {
            0 => 0,
            1 => given,
            _ => (self.draws.power.index(sectors + 1) * SECTOR_BYTES).min(given),
        };
        let mut view = pieces.clone();
        let mut left = bytes;
        view.retain(|piece| {
            let part = piece.len().min(left);
            *piece = piece.slice(0..part);
            left -= part;
            part > 0
        });
        let armed = core::mem::take(&mut self.armed);
        let faults = core::mem::take(&mut self.config.faults);
        // No room: then none of it was written.
        let _written = self.write(inode, offset, &view, 1);
        self.config.faults = faults;
        self.armed = armed;
    }

    fn settle_names(&mut self) {
        let changes = core::mem::take(&mut self.name_changes);
        let kept = surviving_names(&changes, &mut self.draws.power, &self.coverage);
        for (change, kept) in changes.into_iter().zip(kept) {
            if kept {
                self.make_durable(change);
            }
        }
    }

    /// What is durable is all there is.
    fn reload(&mut self) {
        let ids: Vec<InodeId> = self.inodes.ids().collect();
        for &id in &ids {
            match self.inodes.get_mut(id) {
                Inode::Directory(directory) => directory.cache = directory.durable.clone(),
                Inode::File(file) => {
                    file.cache = file.durable.clone();
                    file.holders = 0;
                    file.names = 0;
                    file.locked_by = None;
                }
            }
        }
        self.sweep();
        self.used_pages = 0;
        self.count_names(ROOT);
    }

    /// Counts names and used space again, from the directory `id` down.
    fn count_names(&mut self, id: InodeId) {
        let Inode::Directory(directory) = self.inodes.get(id) else {
            return;
        };
        let children: Vec<InodeId> = directory.cache.values().copied().collect();
        for child in children {
            if let Inode::File(file) = self.inodes.get_mut(child) {
                file.names += 1;
                self.used_pages += file.cache.taken();
            }
            self.count_names(child);
        }
    }
}

/// Which changes of names survive.
fn surviving_names(changes: &[NameChange], prng: &mut Prng, coverage: &Coverage) -> Vec<bool> {
    let count = changes.len();
    let mut kept = match prng.below(4) {
        0 => vec![false; count],
        1 => {
            let prefix = prng.index(count + 1);
            (0..count).map(|index| index < prefix).collect()
        }
        _ => (0..count).map(|_| prng.chance(1, 2)).collect::<Vec<bool>>(),
    };
    for later in 0..count {
        let orphaned = (0..later)
            .any(|earlier| !kept[earlier] && changes[later].depends_on(&changes[earlier]));
        kept[later] &= !orphaned;
    }
    for index in 0..count {
        if !kept[index] {
            coverage.hit(Fault::LostName);
            if kept[index..].contains(&true) {
                coverage.hit(Fault::ReorderedName);
            }
        }
    }
    kept
}

/// Decides what of a file's pending changes survives.
fn settle_file(file: &mut File, prng: &mut Prng, coverage: &Coverage) {
    if file.pending.is_empty() {
        return;
    }
    let pending = core::mem::take(&mut file.pending);
    let survival = Survival::draw(prng, pending.len());
    let mut cut = Cut {
        file,
        prng,
        coverage,
        ceiling: u64::MAX,
        lost_a_write: false,
    };
    for (index, Pending { change, .. }) in pending.iter().enumerate() {
        let chance = match survival {
            Survival::Everything => Chance::Kept,
            Survival::Prefix(count) if index + 1 < count => Chance::Kept,
            Survival::Prefix(count) if index + 1 == count => Chance::Torn,
            Survival::Prefix(_) | Survival::Nothing => Chance::Lost,
            Survival::Whole if cut.prng.chance(1, 2) => Chance::Kept,
            Survival::Whole => Chance::Hollow,
            Survival::Sectors => Chance::Torn,
        };
        cut.settle(change, chance);
    }
    cut.file.durable.trim();
}

/// What becomes of one change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chance {
    Lost,
    /// The bytes are lost, the length may survive.
    Hollow,
    Kept,
    /// Each sector on its own.
    Torn,
}

/// A file whose pending changes are being decided on.
struct Cut<'a> {
    file: &'a mut File,
    prng: &'a mut Prng,
    coverage: &'a Coverage,
    /// The least length of the truncations lost so far: no later byte from there on can survive.
    ceiling: u64,
    lost_a_write: bool,
}

impl Cut<'_> {
    fn settle(&mut self, change: &Change, chance: Chance) {
        match change {
            Change::Write { offset, bytes } => self.write(*offset, bytes, chance),
            Change::Truncate { length } => {
                // After a lost one none survives: lengths go through one journal, in order.
                if self.survives(chance) && self.ceiling == u64::MAX {
                    // Bytes whose length was lost are not to come back with this one.
                    self.file.durable.trim();
                    self.file.durable.truncate(*length);
                } else {
                    self.coverage.hit(Fault::LostLength);
                    self.ceiling = self.ceiling.min(*length);
                }
            }
            Change::Allocate { .. } => {
                if self.survives(chance) && self.ceiling == u64::MAX {
                    self.file.durable.apply(change);
                } else {
                    self.coverage.hit(Fault::LostLength);
                }
            }
        }
    }

    fn write(&mut self, offset: u64, bytes: &[u8], chance: Chance) {
        let (mut kept, mut lost) = (false, false);
        let mut start = offset;
        let end = offset + bytes.len() as u64;
        while start < end {
            let sector = SECTOR_BYTES as u64;
            let stop = ((start / sector + 1) * sector).min(end);
            let survives = start < self.ceiling && self.survives(chance);
            if survives {
                let at =
                    |position: u64| usize::try_from(position - offset).expect("within the bytes");
                let stop = stop.min(self.ceiling);
                self.file
                    .durable
                    .write_sector(start, &bytes[at(start)..at(stop)]);
            }
            kept |= survives;
            lost |= !survives;
            start = stop;
        }
        self.grow(end.min(self.ceiling), chance);
        if kept && lost {
            self.coverage.hit(Fault::TornWrite);
        }
        if lost && !kept {
            self.coverage.hit(Fault::LostWrite);
        }
        if kept && self.lost_a_write {
            self.coverage.hit(Fault::ReorderedWrite);
        }
        self.lost_a_write |= lost;
    }

    /// The length that a write brought with it survives as a change of its own.
    fn grow(&mut self, end: u64, chance: Chance) {
        let length = self.file.durable.length();
        if end <= length {
            return;
        }
        let grown = match chance {
            Chance::Lost => false,
            Chance::Kept => true,
            Chance::Hollow | Chance::Torn => self.prng.chance(1, 2),
        };
        if grown {
            self.file.durable.reach(end);
        } else {
            self.coverage.hit(Fault::LostLength);
        }
    }

    fn survives(&mut self, chance: Chance) -> bool {
        match chance {
            Chance::Lost | Chance::Hollow => false,
            Chance::Kept => true,
            Chance::Torn => self.prng.chance(1, 2),
        }
    }
}
