//! Names: directories, renames, removals. A change of names is durable once the directory is synced.

use crate::error::IoError;
use crate::handle::Runtime;
use crate::operation::{Entry, Operation, Output, Status};

impl Runtime {
    /// Gives a file another name, replacing what has it.
    pub async fn rename(&self, source: &str, target: &str) -> Result<(), IoError> {
        let operation = Operation::Rename {
            source: source.to_owned(),
            target: target.to_owned(),
        };
        self.operate_done(operation).await
    }

    /// Removes a file's name. Who has it open keeps it.
    pub async fn unlink(&self, path: &str) -> Result<(), IoError> {
        self.operate_done(Operation::Unlink {
            path: path.to_owned(),
        })
        .await
    }

    /// Makes a directory in one that exists.
    pub async fn create_directory(&self, path: &str) -> Result<(), IoError> {
        self.operate_done(Operation::CreateDirectory {
            path: path.to_owned(),
        })
        .await
    }

    /// Removes an empty directory.
    pub async fn remove_directory(&self, path: &str) -> Result<(), IoError> {
        self.operate_done(Operation::RemoveDirectory {
            path: path.to_owned(),
        })
        .await
    }

    /// Makes the names in a directory durable.
    pub async fn sync_directory(&self, path: &str) -> Result<(), IoError> {
        self.operate_done(Operation::SyncDirectory {
            path: path.to_owned(),
        })
        .await
    }

    /// The names in a directory, sorted.
    pub async fn read_directory(&self, path: &str) -> Result<Vec<Entry>, IoError> {
        match self
            .operate(Operation::ReadDirectory {
                path: path.to_owned(),
            })
            .await?
        {
            Output::Entries(entries) => Ok(entries),
            _ => unreachable!("a listing completes with names"),
        }
    }

    /// What is known of a path.
    pub async fn status(&self, path: &str) -> Result<Status, IoError> {
        match self
            .operate(Operation::Status {
                path: path.to_owned(),
            })
            .await?
        {
            Output::Status(status) => Ok(status),
            _ => unreachable!("a look-up completes with a status"),
        }
    }
}
