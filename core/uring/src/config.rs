//! What a node on io_uring is started with.

use core::num::NonZeroU16;

use runtime::record::Tape;

use crate::environment::end_process;
use crate::facilities::Facilities;

/// Helper threads of a node, unless its configuration says otherwise.
const HELPERS_DEFAULT: NonZeroU16 = NonZeroU16::new(2).expect("two is not zero");

/// The settings of one node. [`Config::new`] has defaults for all but the number of cores.
#[derive(Clone, Debug)]
pub struct Config {
    /// Cores, each with its thread and its ring.
    pub cores: NonZeroU16,
    /// Bind each core's thread to one processor, in the order of those that this process may use.
    pub pin: bool,
    /// Threads that carry out what a core must not wait for: locks, listings, offloaded jobs.
    pub helpers: NonZeroU16,
    /// Bytes of free blocks that each core keeps for its next buffer.
    pub pool_bytes: usize,
    /// Buffers that wait in each ring for bytes to arrive: a power of two, at most 32,768.
    pub receive_buffers: u16,
    /// Bytes of each of them, and so the most that one receive brings.
    pub receive_buffer_bytes: u32,
    /// What of the kernel may be used; what it does not have is not used anyway.
    pub facilities: Facilities,
    /// Ends the process when an invariant is broken or a sync failed.
    pub crash: fn(&str) -> !,
    /// Where to record the run, for [`runtime::replay`].
    pub tape: Option<Tape>,
}

impl Config {
    /// A node of `cores` cores with defaults for the rest.
    pub fn new(cores: NonZeroU16) -> Self {
        Self {
            cores,
            pin: false,
            helpers: HELPERS_DEFAULT,
            pool_bytes: runtime::passive::POOL_BYTES_DEFAULT,
            receive_buffers: 128,
            receive_buffer_bytes: 16 << 10,
            facilities: Facilities::ALL,
            crash: end_process,
            tape: None,
        }
    }
}
