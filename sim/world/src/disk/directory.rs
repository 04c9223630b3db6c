//! What operations do to names.

use runtime::{Entry, EntryKind, IoErrorKind, OpenOptions, Status};

use super::change::{NameChange, NameChangeKind};
use super::inode::{Directory, Inode, InodeId};
use super::{Disk, DiskFault, Outcome};

impl Disk {
    /// Opens a file, which counts as open until [`Disk::release`].
    pub(crate) fn open(&mut self, path: &str, options: OpenOptions) -> Outcome<InodeId> {
        let (directory, name) = self.parent(path)?;
        let inode = match self.directory(directory)?.cache.get(name).copied() {
            Some(_) if options.create && options.create_new => {
                return Err(IoErrorKind::AlreadyExists);
            }
            Some(inode) => inode,
            None if options.create => {
                let inode = self.inodes.add(Inode::new_file());
                self.link(directory, name, inode);
                inode
            }
            None => return Err(IoErrorKind::NotFound),
        };
        self.file(inode)?;
        self.hold(inode);
        Ok(inode)
    }

    /// What is known of a path.
    pub(crate) fn status(&self, path: &str) -> Outcome<Status> {
        let inode = self.find(path)?;
        Ok(self.inodes.get(inode).status())
    }

    pub(crate) fn create_directory(&mut self, path: &str) -> Outcome<()> {
        let Ok((directory, name)) = self.parent(path) else {
            // The root exists already; anything else has no parent.
            return Err(self
                .find(path)
                .map_or_else(|kind| kind, |_| IoErrorKind::AlreadyExists));
        };
        if self.directory(directory)?.cache.contains_key(name) {
            return Err(IoErrorKind::AlreadyExists);
        }
        let inode = self.inodes.add(Inode::Directory(Directory::default()));
        self.link(directory, name, inode);
        Ok(())
    }

    pub(crate) fn remove_directory(&mut self, path: &str) -> Outcome<()> {
        let (directory, name) = self.parent(path)?;
        let inode = self.named(directory, name)?;
        if !self.directory(inode)?.cache.is_empty() {
            return Err(IoErrorKind::DirectoryNotEmpty);
        }
        self.unname(directory, name, inode);
        Ok(())
    }

    pub(crate) fn unlink(&mut self, path: &str) -> Outcome<()> {
        let (directory, name) = self.parent(path)?;
        let inode = self.named(directory, name)?;
        self.file(inode)?;
        self.unname(directory, name, inode);
        Ok(())
    }

    pub(crate) fn rename(&mut self, source: &str, target: &str) -> Outcome<()> {
        let (from, old) = self.parent(source)?;
        let inode = self.named(from, old)?;
        let (to, new) = self.parent(target)?;
        let replaced = self.directory(to)?.cache.get(new).copied();
        if replaced == Some(inode) {
            return Ok(());
        }
        let directory = self.inodes.get(inode).kind() == EntryKind::Directory;
        if directory && self.contains(inode, to) {
            return Err(IoErrorKind::InvalidInput);
        }
        if let Some(replaced) = replaced {
            self.may_replace(directory, replaced)?;
        }
        self.directory_mut(from).cache.remove(old);
        self.directory_mut(to).cache.insert(new.to_owned(), inode);
        let sequence = self.next_sequence();
        self.name_changes.push(NameChange {
            sequence,
            kind: NameChangeKind::Rename {
                source: (from, old.to_owned()),
                target: (to, new.to_owned()),
                inode,
                directory,
            },
        });
        if let Some(replaced) = replaced {
            self.lost_name(replaced);
        }
        Ok(())
    }

    /// Makes the names of a directory durable that changed before `mark`, and what they depend on.
    pub(crate) fn sync_directory(&mut self, path: &str, mark: u64) -> Outcome<()> {
        let directory = self.find(path)?;
        self.directory(directory)?;
        if self.strikes(DiskFault::DirectorySyncError) {
            self.count(DiskFault::DirectorySyncError);
            return Err(IoErrorKind::Device);
        }
        let mut kept = vec![false; self.name_changes.len()];
        for index in (0..kept.len()).rev() {
            let change = &self.name_changes[index];
            let own = change.is_in(directory) && change.sequence < mark;
            let needed = (index + 1..kept.len())
                .any(|later| kept[later] && self.name_changes[later].depends_on(change));
            kept[index] = own || needed;
        }
        let mut kept = kept.into_iter();
        let changes = core::mem::take(&mut self.name_changes);
        let (durable, pending) = changes
            .into_iter()
            .partition(|_| kept.next().unwrap_or_default());
        self.name_changes = pending;
        let durable: Vec<NameChange> = durable;
        for change in durable {
            self.make_durable(change);
        }
        self.sweep();
        Ok(())
    }

    pub(crate) fn read_directory(&self, path: &str) -> Outcome<Vec<Entry>> {
        let directory = self.directory(self.find(path)?)?;
        let entry = |(name, inode): (&String, &InodeId)| Entry {
            name: name.clone(),
            kind: self.inodes.get(*inode).kind(),
        };
        Ok(directory.cache.iter().map(entry).collect())
    }

    pub(crate) fn link(&mut self, directory: InodeId, name: &str, inode: InodeId) {
        self.directory_mut(directory)
            .cache
            .insert(name.to_owned(), inode);
        if let Inode::File(file) = self.inodes.get_mut(inode) {
            file.names += 1;
        }
        let sequence = self.next_sequence();
        let place = (directory, name.to_owned());
        self.name_changes.push(NameChange {
            sequence,
            kind: NameChangeKind::Link { place, inode },
        });
    }

    /// Carries a change of names out in the durable view.
    pub(crate) fn make_durable(&mut self, change: NameChange) {
        match change.kind {
            NameChangeKind::Link {
                place: (directory, name),
                inode,
            } => {
                self.directory_mut(directory).durable.insert(name, inode);
            }
            NameChangeKind::Unlink {
                place: (directory, name),
                ..
            } => {
                self.directory_mut(directory).durable.remove(&name);
            }
            NameChangeKind::Rename {
                source,
                target,
                inode,
                ..
            } => {
                self.directory_mut(source.0).durable.remove(&source.1);
                self.directory_mut(target.0).durable.insert(target.1, inode);
            }
        }
    }

    fn named(&self, directory: InodeId, name: &str) -> Outcome<InodeId> {
        let names = &self.directory(directory)?.cache;
        names.get(name).copied().ok_or(IoErrorKind::NotFound)
    }

    fn unname(&mut self, directory: InodeId, name: &str, inode: InodeId) {
        self.directory_mut(directory).cache.remove(name);
        let sequence = self.next_sequence();
        self.name_changes.push(NameChange {
            sequence,
            kind: NameChangeKind::Unlink {
                place: (directory, name.to_owned()),
                inode,
                directory: self.inodes.get(inode).kind() == EntryKind::Directory,
            },
        });
        self.lost_name(inode);
    }

    fn lost_name(&mut self, inode: InodeId) {
        if let Inode::File(file) = self.inodes.get_mut(inode) {
            file.names -= 1;
        }
        self.free_if_unused(inode);
    }

    /// A file replaces files, a directory replaces empty directories.
    fn may_replace(&self, directory: bool, replaced: InodeId) -> Outcome<()> {
        match (directory, self.inodes.get(replaced)) {
            (false, Inode::File(_)) => Ok(()),
            (true, Inode::Directory(names)) if names.cache.is_empty() => Ok(()),
            (true, Inode::Directory(_)) => Err(IoErrorKind::DirectoryNotEmpty),
            _ => Err(IoErrorKind::WrongKind),
        }
    }

    /// Whether `inode` is, or is somewhere under, the directory `outer`.
    fn contains(&self, outer: InodeId, inode: InodeId) -> bool {
        outer == inode
            || self.directory(outer).is_ok_and(|directory| {
                directory
                    .cache
                    .values()
                    .any(|&child| self.directory(child).is_ok() && self.contains(child, inode))
            })
    }
}
