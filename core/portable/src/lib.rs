//! The fallback ground, where `io_uring` is refused: in most containers, on old kernels, on macOS. One thread per
//! core with a tokio current-thread runtime as its reactor, and a few threads beside them for files.
//!
//! It is not a second way to write the rooms above: they see the same [`runtime::Runtime`], and the suite that
//! `core/uring` passes holds here too. It is not tuned either: where the two differ in speed, `uring` is meant.
//!
//! ```text
//!   thread core-0                     thread core-1                  node-wide
//!   +-------------------------+      +-------------------------+
//!   | turns   runtime::Core   | mail | turns   runtime::Core   |     alarm         first failure
//!   |   |  ^                  | <==> |   |  ^                  |     descriptors   numbers, streams between cores
//!   |   v  | completions      |      |   v  |                  |     file threads  open, read, write, sync, ...
//!   | driver  sockets, files  |      | driver  sockets, files  |     job threads   offloaded work
//!   |   |  ^                  |      |   |  ^                  |
//!   |   v  | readiness        |      |   v  |                  |
//!   | tokio reactor, timer    |      | tokio reactor, timer    |
//!   +-----^-------------------+      +-----^-------------------+
//!         |  arrivals: completions, bell   |
//!         +--------------------------------+--- file threads, job threads, other cores
//! ```
//!
//! Sockets are not tasks of tokio: each has its queues of receives and sends, and a waker that puts it on the
//! core's list of sockets to look at. So a cancelled operation is over at once, and its memory never sits in a
//! future that somebody else drops.
//!
//! Invariants:
//! - a core's bell rings *after* what it announces is in place, and a core looks *after* the bell woke it: a ring
//!   between the look and the wait is kept by the bell, so no wake-up is lost;
//! - every operation lands exactly once, and its memory is dropped on the core's own thread, never on a file
//!   thread: what a failed operation leaves behind comes home with its failure;
//! - a file closes when the last operation on it ended, and only then its closing lands;
//! - a stream is registered with at most one reactor: the one of the core that used it last;
//! - a core that ends early raises the alarm, and the other cores end too.
//!
//! Assumptions: timers may be late by a little more than a millisecond, tokio's granularity; the monotonic clock
//! is the standard library's, which on Linux does not count the time that the machine slept.
#![forbid(unsafe_code)]

mod alarm;
mod arrivals;
mod clock;
mod config;
mod connection;
mod descriptors;
mod driver;
mod environment;
mod error;
mod file_work;
mod in_flight;
mod landing;
mod listener;
mod node;
mod open_file;
mod paths;
mod readiness;
mod sockets;
mod turns;
mod workers;

pub use config::Config;
pub use error::PortableError;
pub use node::run;
