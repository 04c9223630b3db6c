//! Changes that are not durable yet.

use smallvec::SmallVec;

use super::inode::InodeId;

/// A change of a file's content, numbered by when it took effect.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) sequence: u64,
    pub(crate) change: Change,
}

/// A change of a file's content.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Write {
        offset: u64,
        bytes: Vec<u8>,
    },
    Truncate {
        length: u64,
    },
    Allocate {
        offset: u64,
        length: u64,
        keep_length: bool,
    },
}

/// A name in a directory.
pub(crate) type Place = (InodeId, String);

/// A change of names, numbered by when it took effect.
#[derive(Clone, Debug)]
pub(crate) struct NameChange {
    pub(crate) sequence: u64,
    pub(crate) kind: NameChangeKind,
}

/// A change of names.
#[derive(Clone, Debug)]
pub(crate) enum NameChangeKind {
    /// A file or directory was made at a place.
    Link { place: Place, inode: InodeId },
    /// What was there was removed; `directory` when that was a directory.
    Unlink {
        place: Place,
        inode: InodeId,
        directory: bool,
    },
    /// A name moved, with what has it, replacing what had the target.
    Rename {
        source: Place,
        target: Place,
        inode: InodeId,
        directory: bool,
    },
}

impl NameChange {
    /// The places that it changes.
    pub(crate) fn places(&self) -> SmallVec<[&Place; 2]> {
        match &self.kind {
            NameChangeKind::Link { place, .. } | NameChangeKind::Unlink { place, .. } => {
                [place].into_iter().collect()
            }
            NameChangeKind::Rename { source, target, .. } => [source, target].into_iter().collect(),
        }
    }

    /// Whether it changes names of `directory`.
    pub(crate) fn is_in(&self, directory: InodeId) -> bool {
        self.places().iter().any(|(parent, _)| *parent == directory)
    }

    /// What it is about, and where.
    pub(crate) fn inodes(&self) -> SmallVec<[InodeId; 3]> {
        let (NameChangeKind::Link { inode, .. }
        | NameChangeKind::Unlink { inode, .. }
        | NameChangeKind::Rename { inode, .. }) = &self.kind;
        let mut inodes: SmallVec<[InodeId; 3]> = [*inode].into_iter().collect();
        inodes.extend(self.places().iter().map(|(parent, _)| *parent));
        inodes
    }

    /// Whether it cannot be durable unless `earlier` is: both change one place, or it removes the directory in
    /// which `earlier` changed something. Moved directories keep their order with all renames, so that no subset
    /// can put two directories into each other.
    pub(crate) fn depends_on(&self, earlier: &Self) -> bool {
        if self
            .places()
            .iter()
            .any(|place| earlier.places().contains(place))
        {
            return true;
        }
        match &self.kind {
            NameChangeKind::Link { .. } => false,
            NameChangeKind::Unlink {
                inode, directory, ..
            } => *directory && earlier.is_in(*inode),
            NameChangeKind::Rename { directory, .. } => {
                *directory && matches!(earlier.kind, NameChangeKind::Rename { .. })
            }
        }
    }
}
