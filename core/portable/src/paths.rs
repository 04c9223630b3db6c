//! Operations on names, as file threads carry them out. Everything here blocks.

use std::fs::{self, File};
use std::io;

use runtime::{Entry, EntryKind, Status};
use rustix::fs::{Mode, OFlags};
use rustix::io::retry_on_intr;

/// Makes the names in a directory durable.
pub(crate) fn sync_directory(path: &str) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = retry_on_intr(|| rustix::fs::open(path, flags, Mode::empty()))?;
    File::from(directory).sync_all()
}

/// The names in a directory, sorted: the order in which a file system lists them is nobody's business.
pub(crate) fn read_directory(path: &str) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if let Ok(name) = entry.file_name().into_string() {
            let kind = kind_of(entry.file_type()?.is_dir());
            entries.push(Entry { name, kind });
        }
    }
    entries.sort();
    Ok(entries)
}

/// What is known of a path.
pub(crate) fn status(path: &str) -> io::Result<Status> {
    let metadata = fs::metadata(path)?;
    let kind = kind_of(metadata.is_dir());
    let length = if metadata.is_dir() { 0 } else { metadata.len() };
    Ok(Status { kind, length })
}

fn kind_of(is_directory: bool) -> EntryKind {
    if is_directory {
        EntryKind::Directory
    } else {
        EntryKind::File
    }
}
