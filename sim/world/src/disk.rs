//! The simulated disk of one node.
//!
//! ```text
//!               file                                   directory
//!   reads  ->  cache    what a process sees           cache    names that a process sees
//!              pending  changes not yet synced        pending  changes of names, of the whole disk
//!   power  ->  durable  what a power cut leaves       durable  names that a power cut leaves
//!              overlay  damage to what is read
//! ```
//!
//! What is promised:
//! - a file's sync makes the changes of that file durable that completed before the sync was submitted: data,
//!   length and allocation, *not* its name;
//! - a directory's sync makes its names durable, with whatever earlier changes those depend on;
//! - everything else survives a power cut by luck ([`power_cut`]), and a process crash always.
//!
//! What is not modelled: a cache that is evicted (after a failed sync, reads go on showing what is lost), stale
//! blocks of other files (what was never written reads as zeroes), links, permissions, times.

use std::rc::Rc;

use runtime::IoErrorKind;
use stdx::{Instant, Prng};

pub(crate) mod change;
pub mod config;
pub(crate) mod directory;
pub(crate) mod file;
pub(crate) mod inode;
pub(crate) mod layer;
pub(crate) mod operations;
pub(crate) mod overlay;
pub(crate) mod path;
pub mod power_cut;
pub mod truth;

pub use config::{DiskConfig, DiskFault, DiskFaults};

use crate::Fault;
use crate::coverage::Coverage;
use change::NameChange;
use inode::Inodes;

/// Bytes of a sector: what a disk writes whole or not at all.
pub const SECTOR_BYTES: usize = 512;

/// Bytes that a file may have. More is refused as no space.
pub const FILE_BYTES_MAX: u64 = 16 << 30;

/// A stream of draws per kind of fault, so that switching one off moves no other.
#[derive(Clone, Debug)]
struct Draws {
    latency: Prng,
    slow: Prng,
    power: Prng,
    faults: [Prng; DiskFault::ALL.len()],
}

impl Draws {
    fn new(seed: u64, node: u16) -> Self {
        let stream = |name: &str| Prng::labelled(seed, &format!("disk/{node}/{name}"));
        Self {
            latency: stream("latency"),
            slow: stream("slow"),
            power: stream("power"),
            faults: DiskFault::ALL.map(|fault| stream(fault.counted_as().name())),
        }
    }
}

/// The disk of one node: it outlives the node's processes.
#[derive(Clone, Debug)]
pub struct Disk {
    config: DiskConfig,
    inodes: Inodes,
    /// Changes of names that no sync made durable yet, in the order in which they happened.
    name_changes: Vec<NameChange>,
    /// Numbers changes in the order in which they took effect.
    sequence: u64,
    used_pages: u64,
    stalled_until: Instant,
    armed: [u32; DiskFault::ALL.len()],
    draws: Draws,
    coverage: Rc<Coverage>,
}

impl Disk {
    /// An empty disk: the root directory and nothing else.
    pub(crate) fn new(seed: u64, node: u16, config: DiskConfig, coverage: Rc<Coverage>) -> Self {
        Self {
            config,
            inodes: Inodes::with_root(),
            name_changes: Vec::new(),
            sequence: 0,
            used_pages: 0,
            stalled_until: Instant::ZERO,
            armed: Default::default(),
            draws: Draws::new(seed, node),
            coverage,
        }
    }

    pub(crate) fn config_mut(&mut self) -> &mut DiskConfig {
        &mut self.config
    }

    /// The number of the next change: a sync covers what has a lower one when it is submitted.
    pub(crate) fn mark(&self) -> u64 {
        self.sequence
    }

    fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence - 1
    }

    /// Nanoseconds that an operation takes which usually takes `span`.
    pub(crate) fn latency(&mut self, class: Latency) -> u64 {
        let span = match class {
            Latency::Read => self.config.read,
            Latency::Write => self.config.write,
            Latency::Sync => self.config.sync,
            Latency::Names => self.config.names,
        };
        let usual = span.draw(&mut self.draws.latency);
        let faults = &self.config.faults;
        if !faults.slow.hits(&mut self.draws.slow) {
            return usual;
        }
        self.coverage.hit(Fault::DiskSlow);
        usual.saturating_add(faults.slow_time.draw(&mut self.draws.slow))
    }

    pub(crate) fn stall(&mut self, until: Instant) {
        self.stalled_until = self.stalled_until.max(until);
    }

    /// When an operation that is due at `now` may go on, if the disk does nothing at present.
    pub(crate) fn stalled(&self, now: Instant) -> Option<Instant> {
        let stalled = self.stalled_until > now;
        if stalled {
            self.coverage.hit(Fault::DiskStall);
        }
        stalled.then_some(self.stalled_until)
    }

    pub(crate) fn arm(&mut self, fault: DiskFault) {
        self.armed[fault as usize] += 1;
    }

    /// Whether `fault` happens now, because it was armed or by its rate.
    fn strikes(&mut self, fault: DiskFault) -> bool {
        let index = fault as usize;
        if self.armed[index] > 0 {
            self.armed[index] -= 1;
            return true;
        }
        let faults = &self.config.faults;
        let rate = match fault {
            DiskFault::ShortWrite => faults.short_write,
            DiskFault::ShortRead => faults.short_read,
            DiskFault::WriteError => faults.write_error,
            DiskFault::ReadError => faults.read_error,
            DiskFault::SyncError => faults.sync_error,
            DiskFault::DirectorySyncError => faults.directory_sync_error,
            DiskFault::MisdirectedWrite => faults.misdirected_write,
        };
        rate.hits(&mut self.draws.faults[index])
    }

    fn count(&self, fault: DiskFault) {
        self.coverage.hit(fault.counted_as());
    }

    fn fault_draws(&mut self, fault: DiskFault) -> &mut Prng {
        &mut self.draws.faults[fault as usize]
    }
}

/// What kind of work an operation is, to a disk.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Latency {
    Read,
    Write,
    Sync,
    Names,
}

/// What operations of a disk come to.
type Outcome<T> = Result<T, IoErrorKind>;
