//! What a node is started with.

use core::num::NonZeroU16;

use runtime::record::Tape;

use crate::environment::end_process;

/// File threads that are there from the start.
const FILE_THREADS_DEFAULT: usize = 4;

/// File threads when work piles up. A file thread spends its life waiting for a disk, so they cost little; without
/// more of them a few slow syncs would hold up every read.
const FILE_THREADS_MAX_DEFAULT: usize = 32;

/// Threads for offloaded jobs. Jobs compute: more threads than spare processors only take time from the cores.
const JOB_THREADS_DEFAULT: usize = 2;

/// The settings of one node. [`Config::new`] has defaults for all but the number of cores.
#[derive(Clone, Debug)]
pub struct Config {
    /// Cores, each with its thread: at most [`runtime::CORES_MAX`].
    pub cores: NonZeroU16,
    /// Ends the process when an invariant is broken or a sync failed. A test may unwind from it with
    /// [`runtime::Crash`]: [`crate::run`] fails then.
    pub crash: fn(&str) -> !,
    /// Where to record the run, for [`runtime::replay`].
    pub tape: Option<Tape>,
    /// File threads started with the node, at least one.
    pub file_threads: usize,
    /// File threads at most; more than [`Config::file_threads`] are started when work waits.
    pub file_threads_max: usize,
    /// Threads for offloaded jobs, at least one.
    pub job_threads: usize,
    /// Bytes of free blocks that each core keeps.
    pub pool_bytes: usize,
}

impl Config {
    /// A node of `cores` cores, with defaults for the rest.
    pub fn new(cores: NonZeroU16) -> Self {
        Self {
            cores,
            crash: end_process,
            tape: None,
            file_threads: FILE_THREADS_DEFAULT,
            file_threads_max: FILE_THREADS_MAX_DEFAULT,
            job_threads: JOB_THREADS_DEFAULT,
            pool_bytes: runtime::passive::POOL_BYTES_DEFAULT,
        }
    }
}
