//! The seam between Ouzel and everything outside it: one *passive core* per CPU core, and the [`Runtime`] handle
//! through which all asynchronous code reaches files, sockets, time, memory and the other cores.
//!
//! It is not a general-purpose runtime: it has no I/O of its own, no threads and no clock. Whoever owns the loop
//! (`core/uring`, `core/portable`, `sim/world`) gathers completions and time, calls [`Core::turn`], hands the
//! queued operations to its kernel, and parks until the deadline that the turn returned.
//!
//! ```text
//!        rooms above (storage, partition, kafka, ...)         async code, one core each, !Send
//!   ------------------------------------------------------------------------------------------
//!   Runtime     spawn . scope . sleep . file . socket . budget . call . offload     the handle
//!   Core        executor   timers   operation table   buffers   budgets   mail      passive
//!                  |                     |                                 |
//!              Environment             Driver                            Links
//!           draws, picks, trace,   operations that own           rings to and from
//!           crash                  their buffers, wake-up        the other cores
//!   ------------------------------------------------------------------------------------------
//!        uring (io_uring)      portable (tokio, file pool)      world (event heap, seeded)
//! ```
//!
//! Invariants:
//! - everything that a core learns enters through [`Inputs`] or [`Environment`]: record those, and a run replays;
//! - an operation has exactly one final completion; its buffers are the driver's until then;
//! - dropping a future never frees memory that a kernel may touch: the operation is cancelled, its late result
//!   discarded, and a descriptor in it closed;
//! - a task belongs to a scope; a panic in it ends that scope and nothing else, unless it is the root scope;
//! - messages between two cores arrive in the order they were sent, and no queue grows past its credits.
//!
//! Assumptions: a driver never completes an operation inside `submit`; a turn is short (its polls are bounded,
//! a poll is trusted), so one reading of the clocks serves all of it.
#![forbid(unsafe_code)]

pub mod budget;
pub mod buffer;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod core_id;
pub mod digest;
pub mod directory;
pub mod driver;
pub mod environment;
pub mod error;
mod executor;
pub mod file;
pub mod handle;
mod home;
pub mod mail;
pub mod metrics;
pub mod operation;
mod operation_table;
pub mod passive;
pub mod port;
pub mod race;
pub mod record;
pub mod replay;
pub mod scope;
pub mod socket;
pub mod sync;
pub mod table;
pub mod task;
pub mod timers;

pub use budget::{Budget, Lease};
pub use buffer::{Buf, Frozen, PAGE_BYTES};
pub use core_id::{CORES_MAX, CoreId};
pub use digest::Digest;
pub use driver::Driver;
pub use environment::{Crash, Environment, TraceEvent};
pub use error::{IoError, IoErrorKind};
pub use file::File;
pub use handle::{LocalFuture, Main, Runtime};
pub use home::take_touched;
pub use mail::{Links, mesh};
pub use operation::{
    Completion, Descriptor, Entry, EntryKind, Job, OpenOptions, Operation, OperationId, Output,
    Pieces, ShutdownSide, Status,
};
pub use passive::{Core, CoreConfig, Inputs, Turn};
pub use port::{CallInFlight, CallPort, Calls, Inbox, Port, Reply};
pub use race::{Either, race};
pub use scope::{Scope, ScopeFault, Spawner};
pub use socket::{Handover, Listener, ReceiveHalf, SendHalf, Stream};
pub use task::{Cancelled, Class, Task};
