//! What a person types at `ouzel`, as values: sizes, addresses, and the exit codes that answer.
//!
//! It is not the server's own flags, which are the server's business, and it does not touch the operating system: a
//! name is resolved, a folder opened, by whoever was given it.
//!
//! | file | noun |
//! |---|---|
//! | `exit_code` | [`ExitCode`], what every binary of ours ends with |
//! | `host_port` | [`HostPort`], an address as people write it |
//! | `size` | [`Size`], bytes as people write them |
//!
//! Invariants: every error says what was typed and what would have been right.
#![forbid(unsafe_code)]

pub mod exit_code;
pub mod host_port;
pub mod size;

pub use exit_code::ExitCode;
pub use host_port::{HostPort, HostPortError};
pub use size::{Size, SizeError};
