//! A replica with its disk.

use raft::Group;

use crate::disk::Disk;

/// One replica: its process, if it runs, and its disk.
#[derive(Clone, Debug)]
pub(crate) struct Replica {
    pub(crate) group: Option<Group>,
    pub(crate) disk: Disk,
    pub(crate) starts: u64,
}
