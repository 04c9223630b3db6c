//! What file threads do: operations on files and names, one call of the system each.

use std::fs;

use runtime::{IoErrorKind, Operation, Output};

use crate::landing::{Brought, Failure, Outcome, Remains, done};
use crate::open_file::OpenFile;
use crate::paths;

/// Carries `operation` out. `file` is the file that it names, for those that name one.
pub(crate) fn perform(file: Option<&OpenFile>, operation: Operation) -> Outcome {
    match file {
        Some(file) => on_file(file, operation),
        None => on_name(operation),
    }
}

fn on_file(file: &OpenFile, operation: Operation) -> Outcome {
    match operation {
        Operation::Lock { .. } => done(file.lock()),
        Operation::Read {
            offset,
            bytes,
            buffer,
            ..
        } => file.read(offset, bytes, buffer),
        Operation::Write {
            offset,
            pieces,
            sync,
            ..
        } => file.write(offset, pieces, sync),
        Operation::Sync { .. } => done(file.sync()),
        Operation::Allocate {
            offset,
            length,
            keep_length,
            ..
        } => done(file.allocate(offset, length, keep_length)),
        Operation::Truncate { length, .. } => done(file.truncate(length)),
        other => unknown(other),
    }
}

fn on_name(operation: Operation) -> Outcome {
    match operation {
        Operation::Open { path, options } => Ok(Brought::File(OpenFile::open(&path, options)?)),
        Operation::Rename { source, target } => done(fs::rename(source, target)),
        Operation::Unlink { path } => done(fs::remove_file(path)),
        Operation::CreateDirectory { path } => done(fs::create_dir(path)),
        Operation::RemoveDirectory { path } => done(fs::remove_dir(path)),
        Operation::SyncDirectory { path } => done(paths::sync_directory(&path)),
        Operation::ReadDirectory { path } => Ok(Brought::Output(Output::Entries(
            paths::read_directory(&path)?,
        ))),
        Operation::Status { path } => Ok(Brought::Output(Output::Status(paths::status(&path)?))),
        other => unknown(other),
    }
}

/// An operation on a descriptor that is not there, or is something else.
pub(crate) fn unknown(operation: Operation) -> Outcome {
    Err(Failure::leaving(
        IoErrorKind::InvalidInput,
        Remains::from(operation),
    ))
}
