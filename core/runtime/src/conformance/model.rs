//! A file system in a few lines, to compare grounds with.

use std::collections::BTreeMap;

use crate::error::IoErrorKind;

/// A file's identity in the model.
type Inode = usize;

/// Names and contents of one directory, and files that are open without a name.
#[derive(Debug, Default)]
pub(super) struct Model {
    files: Vec<Vec<u8>>,
    names: BTreeMap<String, Inode>,
}

impl Model {
    pub(super) fn open(&mut self, name: &str, create: bool) -> Result<Inode, IoErrorKind> {
        if let Some(inode) = self.names.get(name) {
            return Ok(*inode);
        }
        if !create {
            return Err(IoErrorKind::NotFound);
        }
        self.files.push(Vec::new());
        self.names.insert(name.to_owned(), self.files.len() - 1);
        Ok(self.files.len() - 1)
    }

    pub(super) fn write(&mut self, inode: Inode, offset: usize, bytes: &[u8]) {
        let file = &mut self.files[inode];
        if bytes.is_empty() {
            return;
        }
        if file.len() < offset + bytes.len() {
            file.resize(offset + bytes.len(), 0);
        }
        file[offset..][..bytes.len()].copy_from_slice(bytes);
    }

    pub(super) fn read(&self, inode: Inode, offset: usize, bytes: usize) -> &[u8] {
        let file = &self.files[inode];
        let start = offset.min(file.len());
        let end = (offset + bytes).min(file.len());
        &file[start..end.max(start)]
    }

    pub(super) fn truncate(&mut self, inode: Inode, length: usize) {
        self.files[inode].resize(length, 0);
    }

    pub(super) fn allocate(&mut self, inode: Inode, end: usize) {
        let file = &mut self.files[inode];
        if file.len() < end {
            file.resize(end, 0);
        }
    }

    pub(super) fn rename(&mut self, source: &str, target: &str) -> Result<(), IoErrorKind> {
        let inode = self.names.remove(source).ok_or(IoErrorKind::NotFound)?;
        self.names.insert(target.to_owned(), inode);
        Ok(())
    }

    pub(super) fn unlink(&mut self, name: &str) -> Result<(), IoErrorKind> {
        self.names
            .remove(name)
            .map(drop)
            .ok_or(IoErrorKind::NotFound)
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.names.keys().cloned().collect()
    }

    pub(super) fn length(&self, name: &str) -> Result<u64, IoErrorKind> {
        let inode = self.names.get(name).ok_or(IoErrorKind::NotFound)?;
        Ok(self.files[*inode].len() as u64)
    }
}
