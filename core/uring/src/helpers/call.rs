//! What a helper carries out: system calls that block and are not in every ring, and jobs for a processor.

use core::any::Any;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use runtime::{Descriptor, Entry, EntryKind, IoError, IoErrorKind, Job, Output, Status};
use rustix::fs::{FlockOperation, flock, ftruncate};

use crate::os;

/// One call.
#[derive(Debug)]
pub(crate) enum Call {
    /// Takes a file's lock or fails.
    Lock(Descriptor),
    /// Cuts or extends a file.
    Truncate(Descriptor, u64),
    /// Lists a directory.
    ReadDirectory(String),
    /// Looks a path up.
    Status(String),
    /// Runs a job.
    Job(Job),
}

impl Call {
    /// Carries it out.
    pub(crate) fn carry_out(self) -> Result<Output, IoError> {
        match self {
            Self::Lock(descriptor) => {
                // SAFETY: a close of the descriptor waits for this operation.
                let file = unsafe { os::borrow(descriptor) };
                flock(file, FlockOperation::NonBlockingLockExclusive).map_err(os::error)?;
                Ok(Output::Done)
            }
            Self::Truncate(descriptor, length) => {
                // SAFETY: a close of the descriptor waits for this operation.
                let file = unsafe { os::borrow(descriptor) };
                ftruncate(file, length).map_err(os::error)?;
                Ok(Output::Done)
            }
            Self::ReadDirectory(path) => Ok(Output::Entries(list(&path)?)),
            Self::Status(path) => {
                let metadata = fs::metadata(path)?;
                let kind = kind_of(metadata.file_type());
                let length = match kind {
                    EntryKind::File => metadata.len(),
                    EntryKind::Directory => 0,
                };
                Ok(Output::Status(Status { kind, length }))
            }
            Self::Job(job) => run(job).map(Output::Finished),
        }
    }
}

/// Runs a job. Its panic, which the hook has reported, ends the job and not the helper.
fn run(job: Job) -> Result<Box<dyn Any + Send>, IoError> {
    catch_unwind(AssertUnwindSafe(job.0)).or(Err(IoErrorKind::Other.into()))
}

/// The names in a directory, sorted.
fn list(path: &str) -> Result<Vec<Entry>, IoError> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let mut file_type = entry.file_type()?;
        if file_type.is_symlink() {
            // What it leads to counts; a link to nowhere is as good as absent.
            match fs::metadata(Path::new(path).join(&name)) {
                Ok(metadata) => file_type = metadata.file_type(),
                Err(_) => continue,
            }
        }
        let kind = kind_of(file_type);
        entries.push(Entry { name, kind });
    }
    entries.sort();
    Ok(entries)
}

fn kind_of(file_type: fs::FileType) -> EntryKind {
    if file_type.is_dir() {
        EntryKind::Directory
    } else {
        EntryKind::File
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_panics_is_an_error() {
        let job = Job(Box::new(|| panic!("a job's panic, on purpose")));
        let error = Call::Job(job).carry_out().unwrap_err();
        assert_eq!(error.kind(), IoErrorKind::Other);
    }
}
