//! Benches: `benches/micro.rs` for what every record passes, `consensus.rs` for deciding about it, `recovery.rs` for what a
//! start costs, `disk.rs` for how this disk takes durable appends. The load driver comes with its own folder.
//!
//! Absolute numbers of a shared machine mean nothing; every group carries a control of the same run, and a result is
//! a ratio to it.
#![forbid(unsafe_code)]
