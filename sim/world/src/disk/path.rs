//! Paths: from text to the directory and the name that it means.

use runtime::IoErrorKind;

use super::inode::{InodeId, ROOT};
use super::{Disk, Outcome};

/// The names in a path. Relative ones start at the root: a simulated process has no other place to be.
pub(crate) fn parts(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/')
        .filter(|part| !part.is_empty() && *part != ".")
}

impl Disk {
    /// What has the name `path` now.
    pub(crate) fn find(&self, path: &str) -> Outcome<InodeId> {
        self.walk(parts(path))
    }

    /// The directory in which `path` is a name, and that name.
    pub(crate) fn parent<'a>(&self, path: &'a str) -> Outcome<(InodeId, &'a str)> {
        let mut parts = parts(path);
        let name = parts.next_back().ok_or(IoErrorKind::WrongKind)?;
        if name == ".." {
            return Err(IoErrorKind::InvalidInput);
        }
        let directory = self.walk(parts)?;
        self.directory(directory)?;
        Ok((directory, name))
    }

    fn walk<'a>(&self, parts: impl Iterator<Item = &'a str>) -> Outcome<InodeId> {
        let mut inode = ROOT;
        for part in parts {
            if part == ".." {
                return Err(IoErrorKind::InvalidInput);
            }
            let names = &self.directory(inode)?.cache;
            inode = *names.get(part).ok_or(IoErrorKind::NotFound)?;
        }
        Ok(inode)
    }
}
