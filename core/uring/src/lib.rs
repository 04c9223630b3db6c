//! The production ground: one thread per core, and on each of them one io_uring and one passive core.
//!
//! It is not a runtime of its own: tasks, timers, budgets and mail live in `runtime`. What is here takes that
//! crate's operations to the kernel, brings the completions back, and decides when a core sleeps.
//!
//! ```text
//!   thread of core 0                                            thread of core 1
//!   +-- core loop -----------------------------------+          +-- core loop ----+
//!   |  reap -> sample -> turn -> ring bells -> enter |          |                 |
//!   |   |                 |                     |    |          |                 |
//!   |   |  Completion     | Operation           |    |          |                 |
//!   |   |                 v                     |    | MSG_RING |                 |
//!   |   +---- in-flight table, descriptors      |    |--------->|  Doorbell 1     |
//!   |         provided receive buffers          |    |          |                 |
//!   +-------------|-----------------------------|----+          +-----------------+
//!            completion queue            submission queue             ^
//!   - - - - - - - | - - - - - - - - - - - - - - | - - - - kernel      | eventfd
//!                                                                     |
//!   helper threads of the node: flock, stat, listings, offloaded jobs-+
//! ```
//!
//! Invariants:
//! - whatever the kernel may touch (buffers, gather lists, paths, addresses) is owned by the in-flight table from
//!   submission until the last completion queue entry of that operation was reaped, whoever dropped what above;
//! - an operation has exactly one final completion, also when it took the kernel several entries;
//! - a descriptor is closed only after everything in flight on it ended, so nothing ever acts on its number's
//!   next bearer;
//! - nothing about a descriptor outlives its last operation here, so another core may take it over any time;
//! - a core sleeps only in `io_uring_enter`, and only after it said so and looked at its mail once more; everything
//!   that is queued goes to the kernel in that same call.
//!
//! Assumptions about the kernel: Linux 5.15 or later ([`is_available`] checks what is really needed), better 6.1
//! for deferred task work and provided buffers. What a kernel lacks is done without, step by step: [`Facilities`].
//! The kernel touches what an entry points to only until it posted the entry's final completion; descriptors in
//! use are blocking ones, for which io_uring polls by itself.
//!
//! Unsafe code is confined to this crate, among those of Ouzel: the kernel's side of these contracts is not Rust.
#![cfg(target_os = "linux")]
#![allow(
    unsafe_code,
    reason = "the kernel reads and writes memory that entries point to; each block says who keeps it alive"
)]

mod address;
mod clock;
pub mod config;
mod core_loop;
mod descriptors;
mod doorbell;
mod driver;
mod environment;
pub mod error;
mod facilities;
mod files;
mod gate;
mod helpers;
mod in_flight;
pub mod node;
mod os;
mod provided;
mod ring;
mod sockets;
mod token;
mod work;

pub use config::Config;
pub use error::UringError;
pub use facilities::{Facilities, is_available};
pub use node::{Node, run};
