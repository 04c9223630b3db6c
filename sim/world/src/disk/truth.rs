//! The truth about a disk, for oracles, and the hands that damage it.

use std::rc::Rc;

use stdx::Prng;

use super::Disk;
use super::inode::{Inode, InodeId, ROOT};
use super::layer::PAGE;
use super::overlay::Overlay;
use super::path::parts;
use crate::coverage::Coverage;

impl Disk {
    /// What a process reads of the file at `path`, were nothing damaged.
    pub fn cache_bytes(&self, path: &str) -> Option<Vec<u8>> {
        let inode = self.find(path).ok()?;
        Some(self.file(inode).ok()?.cache.to_vec())
    }

    /// What a power cut certainly leaves of the file that durably has the name `path`.
    pub fn durable_bytes(&self, path: &str) -> Option<Vec<u8>> {
        match self.inodes.get(self.find_durable(path)?) {
            Inode::File(file) => Some(file.durable.to_vec()),
            Inode::Directory(_) => None,
        }
    }

    /// What a process sees in the directory at `path`.
    pub fn cache_names(&self, path: &str) -> Option<Vec<String>> {
        let inode = self.find(path).ok()?;
        Some(self.directory(inode).ok()?.cache.keys().cloned().collect())
    }

    /// What is durable of the directory that durably has the name `path`.
    pub fn durable_names(&self, path: &str) -> Option<Vec<String>> {
        match self.inodes.get(self.find_durable(path)?) {
            Inode::Directory(directory) => Some(directory.durable.keys().cloned().collect()),
            Inode::File(_) => None,
        }
    }

    /// Changes of the file at `path` that no sync covered yet.
    pub fn pending_changes(&self, path: &str) -> Option<usize> {
        let inode = self.find(path).ok()?;
        Some(self.file(inode).ok()?.pending.len())
    }

    /// Changes of names that no sync covered yet.
    pub fn pending_names(&self) -> usize {
        self.name_changes.len()
    }

    /// Bytes that files take.
    pub fn used(&self) -> u64 {
        self.used_pages * PAGE as u64
    }

    /// One of the disks that a power cut may leave: `seed` draws which. This disk stays as it is.
    #[must_use]
    pub fn after_power_cut(&self, seed: u64) -> Self {
        let mut copy = self.clone();
        copy.draws.power = Prng::labelled(seed, "disk/what-if");
        copy.coverage = Rc::new(Coverage::default());
        copy.power_cut();
        copy
    }

    /// Flips `bits` of one byte of the file at `path`, for reads, until it is written again. False without such
    /// a file.
    pub fn rot(&mut self, path: &str, offset: u64, bits: u8) -> bool {
        self.damage(path, |file| file.overlay.flip(offset, bits))
    }

    /// Makes the sectors of a range unreadable until they are written again. False without such a file.
    pub fn make_unreadable(&mut self, path: &str, offset: u64, bytes: u64) -> bool {
        self.damage(path, |file| file.overlay.make_unreadable(offset, bytes))
    }

    /// Lets the next write to the file at `path` land on another of its pages, or just behind it, or takes that
    /// back. False without such a file.
    pub fn misdirect_next(&mut self, path: &str, misdirect: bool) -> bool {
        self.damage(path, |file| file.misdirect = misdirect)
    }

    /// Whether the next write to the file at `path` will land elsewhere. None without such a file.
    pub fn misdirects_next(&self, path: &str) -> Option<bool> {
        let inode = self.find(path).ok()?;
        self.file(inode).ok().map(|file| file.misdirect)
    }

    /// Takes all damage back from the file at `path`. False without such a file.
    pub fn repair(&mut self, path: &str) -> bool {
        self.damage(path, |file| file.overlay = Overlay::default())
    }

    fn damage(&mut self, path: &str, how: impl FnOnce(&mut super::file::File)) -> bool {
        let found = self.find(path);
        match found.and_then(|inode| self.file_mut(inode)) {
            Ok(file) => {
                how(file);
                true
            }
            Err(_) => false,
        }
    }

    fn find_durable(&self, path: &str) -> Option<InodeId> {
        let mut inode = ROOT;
        for part in parts(path) {
            let Inode::Directory(directory) = self.inodes.get(inode) else {
                return None;
            };
            inode = *directory.durable.get(part)?;
        }
        Some(inode)
    }
}
