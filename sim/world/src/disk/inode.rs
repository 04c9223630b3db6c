//! Inodes: files and directories by number, whatever names they have in which of the two views.

use std::collections::{BTreeMap, BTreeSet};

use runtime::{EntryKind, IoErrorKind, Status};

use super::change::NameChange;
use super::file::File;
use super::{Disk, Outcome};

/// The number of a file or directory of one disk.
pub(crate) type InodeId = u32;

/// The directory in which all paths start.
pub(crate) const ROOT: InodeId = 0;

/// A directory in both views.
#[derive(Clone, Debug, Default)]
pub(crate) struct Directory {
    /// Names that a process sees.
    pub(crate) cache: BTreeMap<String, InodeId>,
    /// Names that a power cut leaves.
    pub(crate) durable: BTreeMap<String, InodeId>,
}

/// A file or a directory.
#[derive(Clone, Debug)]
pub(crate) enum Inode {
    File(Box<File>),
    Directory(Directory),
}

impl Inode {
    pub(crate) fn new_file() -> Self {
        Self::File(Box::default())
    }

    pub(crate) fn kind(&self) -> EntryKind {
        match self {
            Self::File(_) => EntryKind::File,
            Self::Directory(_) => EntryKind::Directory,
        }
    }

    pub(crate) fn status(&self) -> Status {
        Status {
            kind: self.kind(),
            length: match self {
                Self::File(file) => file.cache.length(),
                Self::Directory(_) => 0,
            },
        }
    }
}

/// All of them.
#[derive(Clone, Debug)]
pub(crate) struct Inodes {
    table: Vec<Option<Inode>>,
    free: Vec<InodeId>,
}

impl Inodes {
    pub(crate) fn with_root() -> Self {
        Self {
            table: vec![Some(Inode::Directory(Directory::default()))],
            free: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, inode: Inode) -> InodeId {
        if let Some(id) = self.free.pop() {
            self.table[id as usize] = Some(inode);
            return id;
        }
        self.table.push(Some(inode));
        InodeId::try_from(self.table.len() - 1).expect("a simulated disk has few files")
    }

    pub(crate) fn get(&self, id: InodeId) -> &Inode {
        self.table[id as usize].as_ref().expect("a number in use")
    }

    pub(crate) fn get_mut(&mut self, id: InodeId) -> &mut Inode {
        self.table[id as usize].as_mut().expect("a number in use")
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = InodeId> + use<'_> {
        (0..)
            .zip(&self.table)
            .filter_map(|(id, inode)| inode.as_ref().map(|_| id))
    }
}

impl Disk {
    pub(crate) fn directory(&self, inode: InodeId) -> Outcome<&Directory> {
        match self.inodes.get(inode) {
            Inode::Directory(directory) => Ok(directory),
            Inode::File(_) => Err(IoErrorKind::WrongKind),
        }
    }

    pub(crate) fn file(&self, inode: InodeId) -> Outcome<&File> {
        match self.inodes.get(inode) {
            Inode::File(file) => Ok(file),
            Inode::Directory(_) => Err(IoErrorKind::WrongKind),
        }
    }

    pub(crate) fn file_mut(&mut self, inode: InodeId) -> Outcome<&mut File> {
        match self.inodes.get_mut(inode) {
            Inode::File(file) => Ok(file),
            Inode::Directory(_) => Err(IoErrorKind::WrongKind),
        }
    }

    pub(crate) fn directory_mut(&mut self, inode: InodeId) -> &mut Directory {
        match self.inodes.get_mut(inode) {
            Inode::Directory(directory) => directory,
            Inode::File(_) => unreachable!("its kind was looked up before"),
        }
    }

    /// A descriptor or an operation in flight keeps the file.
    pub(crate) fn hold(&mut self, inode: InodeId) {
        if let Inode::File(file) = self.inodes.get_mut(inode) {
            file.holders += 1;
        }
    }

    /// Gives a hold up. A file without holder and name gives its space back.
    pub(crate) fn release(&mut self, inode: InodeId) {
        if let Inode::File(file) = self.inodes.get_mut(inode) {
            file.holders -= 1;
        }
        self.free_if_unused(inode);
    }

    /// Frees the blocks of a file that no process can reach any more. Its durable half stays until no durable
    /// name leads to it either.
    pub(crate) fn free_if_unused(&mut self, inode: InodeId) {
        if let Inode::File(file) = self.inodes.get_mut(inode)
            && file.holders == 0
            && file.names == 0
        {
            self.used_pages -= file.cache.take_all();
        }
    }

    /// Forgets what nobody can reach any more: no name in either view, no pending change, nobody who has it open.
    pub(crate) fn sweep(&mut self) {
        let mut reached: BTreeSet<InodeId> = BTreeSet::new();
        let mut ahead: Vec<InodeId> = vec![ROOT];
        ahead.extend(self.name_changes.iter().flat_map(NameChange::inodes));
        while let Some(id) = ahead.pop() {
            if !reached.insert(id) {
                continue;
            }
            if let Inode::Directory(directory) = self.inodes.get(id) {
                ahead.extend(directory.cache.values().chain(directory.durable.values()));
            }
        }
        let held = |inode: &Inode| matches!(inode, Inode::File(file) if file.holders > 0);
        let gone: Vec<InodeId> = self
            .inodes
            .ids()
            .filter(|id| !reached.contains(id) && !held(self.inodes.get(*id)))
            .collect();
        for id in gone {
            self.inodes.table[id as usize] = None;
            self.inodes.free.push(id);
        }
    }
}
