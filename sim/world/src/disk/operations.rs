//! What operations do to files. Each happens at one instant, the one at which it completes.

use runtime::{IoErrorKind, Pieces};

use super::change::{Change, Pending};
use super::inode::{Inode, InodeId};
use super::layer::PAGE;
use super::overlay::Damage;
use super::{Disk, DiskFault, FILE_BYTES_MAX, Outcome};
use crate::Fault;

impl Disk {
    /// Reads into `out` and says how many bytes it got.
    pub(crate) fn read(&mut self, inode: InodeId, offset: u64, out: &mut [u8]) -> Outcome<usize> {
        if self.strikes(DiskFault::ReadError) {
            self.count(DiskFault::ReadError);
            return Err(IoErrorKind::Device);
        }
        let mut wanted = out.len();
        if wanted > 1 && self.strikes(DiskFault::ShortRead) {
            self.count(DiskFault::ShortRead);
            wanted = 1 + self.fault_draws(DiskFault::ShortRead).index(wanted - 1);
        }
        let file = self.file(inode)?;
        let count = file.cache.read(offset, &mut out[..wanted]);
        match file.overlay.damage(offset, &mut out[..count]) {
            Damage::None => {}
            Damage::Rot => self.coverage.hit(Fault::DiskBitRot),
            Damage::Unreadable => {
                self.count(DiskFault::ReadError);
                return Err(IoErrorKind::Device);
            }
        }
        Ok(count)
    }

    /// Writes, and says how many bytes it took. `unit` is what a direct file's transfers are a multiple of.
    pub(crate) fn write(
        &mut self,
        inode: InodeId,
        offset: u64,
        pieces: &Pieces,
        unit: usize,
    ) -> Outcome<usize> {
        if self.strikes(DiskFault::WriteError) {
            self.count(DiskFault::WriteError);
            return Err(IoErrorKind::Device);
        }
        let given = runtime::operation::pieces_len(pieces);
        let mut bytes = self.fitting(inode, offset, given, unit)?;
        if bytes > unit && self.strikes(DiskFault::ShortWrite) {
            self.count(DiskFault::ShortWrite);
            let units = (bytes - 1) / unit;
            bytes = unit * (1 + self.fault_draws(DiskFault::ShortWrite).index(units));
        }
        let mut taken = Vec::with_capacity(bytes);
        for piece in pieces {
            let part = piece.len().min(bytes - taken.len());
            taken.extend_from_slice(&piece[..part]);
        }
        let offset = self.place_of_write(inode, offset, bytes)?;
        self.write_bytes(inode, offset, taken)?;
        Ok(bytes)
    }

    /// How many of the bytes given fit on the disk.
    fn fitting(&self, inode: InodeId, offset: u64, given: usize, unit: usize) -> Outcome<usize> {
        let free = (self.config.quota / PAGE as u64).saturating_sub(self.used_pages);
        let end = offset.saturating_add(given as u64);
        let room = self.file(inode)?.cache.room(offset, end, free);
        let bytes = usize::try_from(room).expect("not more than was given") / unit * unit;
        if bytes < given {
            self.coverage.hit(Fault::DiskNoSpace);
        }
        if bytes == 0 && given > 0 {
            return Err(IoErrorKind::NoSpace);
        }
        Ok(bytes)
    }

    /// Where a write lands: where it should, unless it is misdirected to another page of the file or just behind it.
    fn place_of_write(&mut self, inode: InodeId, offset: u64, bytes: usize) -> Outcome<u64> {
        let page = PAGE as u64;
        let pages = self.file(inode)?.cache.length().max(offset) / page + 2;
        if bytes == 0 {
            return Ok(offset);
        }
        let chosen = core::mem::take(&mut self.file_mut(inode)?.misdirect);
        if !chosen && !self.strikes(DiskFault::MisdirectedWrite) {
            return Ok(offset);
        }
        self.count(DiskFault::MisdirectedWrite);
        let away = 1 + self
            .fault_draws(DiskFault::MisdirectedWrite)
            .below(pages - 1);
        let other = (offset / page + away) % pages;
        Ok(other * page + offset % page)
    }

    fn write_bytes(&mut self, inode: InodeId, offset: u64, bytes: Vec<u8>) -> Outcome<()> {
        let sequence = self.next_sequence();
        let file = self.file_mut(inode)?;
        let newly = file.cache.write(offset, &bytes);
        file.overlay.heal(offset, bytes.len() as u64);
        if !bytes.is_empty() {
            let change = Change::Write { offset, bytes };
            file.pending.push(Pending { sequence, change });
        }
        self.used_pages += newly;
        Ok(())
    }

    /// Makes the changes of a file durable that took effect before `mark`.
    pub(crate) fn sync(&mut self, inode: InodeId, mark: u64) -> Outcome<()> {
        let failed = self.strikes(DiskFault::SyncError);
        let file = self.file_mut(inode)?;
        let covered = file
            .pending
            .partition_point(|pending| pending.sequence < mark);
        let covered = file.pending.drain(..covered);
        if failed {
            // Their pages count as clean now: the cache goes on showing them, and no later sync writes them.
            drop(covered);
            self.count(DiskFault::SyncError);
            return Err(IoErrorKind::Device);
        }
        for pending in covered {
            file.durable.apply(&pending.change);
        }
        Ok(())
    }

    pub(crate) fn allocate(
        &mut self,
        inode: InodeId,
        offset: u64,
        length: u64,
        keep_length: bool,
    ) -> Outcome<()> {
        let free = (self.config.quota / PAGE as u64).saturating_sub(self.used_pages);
        let end = offset
            .checked_add(length)
            .ok_or(IoErrorKind::InvalidInput)?;
        if length == 0 {
            return Err(IoErrorKind::InvalidInput);
        }
        if self.file(inode)?.cache.room(offset, end, free) < length {
            self.coverage.hit(Fault::DiskNoSpace);
            return Err(IoErrorKind::NoSpace);
        }
        let sequence = self.next_sequence();
        let file = self.file_mut(inode)?;
        let newly = file.cache.allocate(offset, length, keep_length);
        let change = Change::Allocate {
            offset,
            length,
            keep_length,
        };
        file.pending.push(Pending { sequence, change });
        self.used_pages += newly;
        Ok(())
    }

    pub(crate) fn truncate(&mut self, inode: InodeId, length: u64) -> Outcome<()> {
        if length > FILE_BYTES_MAX {
            return Err(IoErrorKind::NoSpace);
        }
        let sequence = self.next_sequence();
        let file = self.file_mut(inode)?;
        let freed = file.cache.truncate(length);
        file.overlay.heal(length, FILE_BYTES_MAX);
        let change = Change::Truncate { length };
        file.pending.push(Pending { sequence, change });
        self.used_pages -= freed;
        Ok(())
    }

    /// Takes the lock for `descriptor`.
    pub(crate) fn lock(&mut self, inode: InodeId, descriptor: u32) -> Outcome<()> {
        let file = self.file_mut(inode)?;
        if file.locked_by.is_some_and(|holder| holder != descriptor) {
            return Err(IoErrorKind::Locked);
        }
        file.locked_by = Some(descriptor);
        Ok(())
    }

    /// A descriptor is given up: its lock is free, and so may be the file.
    pub(crate) fn close(&mut self, inode: InodeId, descriptor: u32) {
        if let Inode::File(file) = self.inodes.get_mut(inode)
            && file.locked_by == Some(descriptor)
        {
            file.locked_by = None;
        }
        self.release(inode);
    }
}
