//! What a disk is like, what goes wrong on it, and the hands that make it go wrong.

use stdx::Duration;

use super::Disk;
use crate::chance::{Rate, Span};
use crate::{Fault, NodeId, World};

/// What a node's disk is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskConfig {
    /// Bytes that files may take together.
    pub quota: u64,
    /// How long a read takes.
    pub read: Span,
    /// How long a write or an allocation takes.
    pub write: Span,
    /// How long a sync takes, of a file or a directory.
    pub sync: Span,
    /// How long it takes to open, rename, remove, list.
    pub names: Span,
    /// What goes wrong.
    pub faults: DiskFaults,
}

impl Default for DiskConfig {
    fn default() -> Self {
        Self {
            quota: 64 << 30,
            read: Span::micros(20, 100),
            write: Span::micros(10, 60),
            sync: Span::micros(60, 250),
            names: Span::micros(5, 50),
            faults: DiskFaults::default(),
        }
    }
}

/// How often what goes wrong on a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskFaults {
    /// A write takes fewer bytes than given.
    pub short_write: Rate,
    /// A read gives fewer bytes than asked for.
    pub short_read: Rate,
    /// A write fails and changes nothing.
    pub write_error: Rate,
    /// A read fails.
    pub read_error: Rate,
    /// A sync fails: what it covered is marked clean and never becomes durable, though reads go on showing it,
    /// and the next sync succeeds \[fsyncgate\].
    pub sync_error: Rate,
    /// A sync of a directory fails; the names stay as they are, and a later sync may still save them.
    pub directory_sync_error: Rate,
    /// A write lands at another place of the same file. Beyond what a replica alone can survive.
    pub misdirected_write: Rate,
    /// An operation takes `slow_time` longer.
    pub slow: Rate,
    /// How much longer.
    pub slow_time: Span,
}

impl Default for DiskFaults {
    fn default() -> Self {
        Self {
            short_write: Rate::NEVER,
            short_read: Rate::NEVER,
            write_error: Rate::NEVER,
            read_error: Rate::NEVER,
            sync_error: Rate::NEVER,
            directory_sync_error: Rate::NEVER,
            misdirected_write: Rate::NEVER,
            slow: Rate::NEVER,
            slow_time: Span::millis(1, 50),
        }
    }
}

/// A fault that [`crate::World::fail_next`] arms for the next operation that it fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFault {
    /// See [`DiskFaults::short_write`].
    ShortWrite,
    /// See [`DiskFaults::short_read`].
    ShortRead,
    /// See [`DiskFaults::write_error`].
    WriteError,
    /// See [`DiskFaults::read_error`].
    ReadError,
    /// See [`DiskFaults::sync_error`].
    SyncError,
    /// See [`DiskFaults::directory_sync_error`].
    DirectorySyncError,
    /// See [`DiskFaults::misdirected_write`].
    MisdirectedWrite,
}

impl DiskFault {
    pub(crate) const ALL: [Self; 7] = [
        Self::ShortWrite,
        Self::ShortRead,
        Self::WriteError,
        Self::ReadError,
        Self::SyncError,
        Self::DirectorySyncError,
        Self::MisdirectedWrite,
    ];

    pub(crate) const fn counted_as(self) -> Fault {
        match self {
            Self::ShortWrite => Fault::DiskShortWrite,
            Self::ShortRead => Fault::DiskShortRead,
            Self::WriteError => Fault::DiskWriteError,
            Self::ReadError => Fault::DiskReadError,
            Self::SyncError => Fault::DiskSyncError,
            Self::DirectorySyncError => Fault::DiskDirectorySyncError,
            Self::MisdirectedWrite => Fault::DiskMisdirectedWrite,
        }
    }
}

impl World {
    /// Lets `fault` happen to the next operation of the node's disk that it fits, and to one more for each call.
    pub fn fail_next(&mut self, node: NodeId, fault: DiskFault) {
        self.node_mut(node).disk.arm(fault);
    }

    /// Lets the node's disk do nothing for `time`: what is due in it waits.
    pub fn stall_disk(&mut self, node: NodeId, time: Duration) {
        let until = self.now() + time;
        self.node_mut(node).disk.stall(until);
    }

    /// Sets how often what goes wrong on the node's disk from now on.
    pub fn set_disk_faults(&mut self, node: NodeId, faults: DiskFaults) {
        self.node_mut(node).disk.config_mut().faults = faults;
    }

    /// Sets how many bytes the node's files may take together.
    pub fn set_quota(&mut self, node: NodeId, bytes: u64) {
        self.node_mut(node).disk.config_mut().quota = bytes;
    }

    /// The truth about a node's disk.
    pub fn disk(&self, node: NodeId) -> &Disk {
        &self.node(node).disk
    }

    /// A node's disk, to damage what is on it.
    pub fn disk_mut(&mut self, node: NodeId) -> &mut Disk {
        &mut self.node_mut(node).disk
    }
}
