//! The deterministic ground: whole nodes, their clocks, disks and network, in one thread, under one seed.
//!
//! It is what `core/uring` and `core/portable` are for real machines: it calls the turns of passive cores and
//! carries out what they ask for. It is not a scheduler of tasks (the cores are), not a workload and not a judge:
//! `sim/simulator` brings scenarios and oracles. Nothing third-party lives in it, so tests of any room may use it.
//!
//! ```text
//!                        +--------------------- World ----------------------+
//!   test, scenario  -->  |  start kill power_cut pause cut heal stall ...   |
//!                        |                                                  |
//!                        |   EventHeap: (time, sequence) -> Event           |
//!                        |      |                                           |
//!                        |      v                                           |
//!                        |   Node: Seat 0 .. 7 (Core, inputs, operations)   |
//!                        |      |    ^                                      |
//!                        |  Outbox   completions, messages, returns         |
//!                        |      v    |                                      |
//!                        |   kernel: Disk   Network   descriptors   Clock   |
//!                        +------------------------|-------------------------+
//!                                                 v
//!                             Observer: digest, checkpoints, watcher; Coverage
//! ```
//!
//! A test that needs no more than a ground says `world::block_on(seed, |runtime| async move { .. })`. One that
//! wants faults makes a [`World`], adds nodes, lets time pass and does things to them in between.
//!
//! **Randomness.** Every kind of draw has a stream of its own, named after what it is for (`net/0-1/latency`,
//! `disk/0/power`, `schedule/0/1/2` for the second life of core 1 of node 0): a fault that is switched off leaves
//! the others' draws as they were. A rate of zero draws nothing.
//!
//! **Time.** The heap's clock is the only one. A turn takes a drawn time, so time always moves: a core that has
//! tasks ready without ever learning anything new is slowed down and finally ends the run as a livelock; so do
//! too many events at one instant.
//!
//! **What an operation finds.** It takes effect at the instant at which it is due, in any order with others in
//! flight. An operation that waits for others can be cancelled, one at the disk cannot. Closing a stream or a
//! listener cancels what waits on it; a file stays open for what is in flight on it.
//!
//! **What is refused, and how.** An operation on a descriptor that is not open or of another kind:
//! `InvalidInput`. A direct transfer that is not whole aligned pages: `InvalidInput`. A file above 16 GiB, or
//! above the quota: `NoSpace`. An address that is not the node's: `AddressUnavailable`. A path with `..`:
//! `InvalidInput`. A core that uses another core's descriptor is a bug, and ends the run.
//!
//! **Deaths.** [`World::kill`] ends the process: the page cache stays, the kernel ends its streams. With
//! [`World::power_cut`] what was not synced survives by luck ([`disk::power_cut`]) and nobody is told.
//! [`runtime::Environment::crash`] is a kill by one's own hand. [`World::crash_at_event`] chooses the moment by
//! counting, so that a sweep visits every one of them, also in recovery. Writes in flight may or may not have
//! happened. What a dead node's destructors still ask for, nobody hears.
//!
//! Invariants:
//! - same seed, same configuration, same calls: same events, in every process, on every machine;
//! - a core learns only what [`runtime::Inputs`] and [`runtime::Environment`] tell it, and a recorded node
//!   ([`World::record`]) replays;
//! - messages between two cores, and bytes of a stream, arrive in the order in which they were sent;
//! - what was synced before a power cut is there after it; damage lies over the bytes and can be taken back;
//! - a fault is counted where it takes effect ([`World::coverage`]).
//!
//! It assumes that a node's memory is dropped by its cores or by the world. What a test keeps of it and drops
//! between two steps is at home no sooner than the next thing that comes home.
#![forbid(unsafe_code)]

mod block_on;
pub mod chance;
pub mod clock;
pub mod config;
pub mod coverage;
pub mod death;
mod descriptor;
pub mod disk;
mod disk_work;
mod driver;
mod environment;
pub mod event;
mod heap;
mod in_flight;
mod kernel;
mod mail;
pub mod network;
pub mod node;
pub mod observer;
mod process;
mod seat;
mod turn;
mod world;

pub use block_on::{block_on, program};
pub use chance::{Rate, Span};
pub use clock::ClockConfig;
pub use config::{CORES_MAX, NodeConfig, Pace, WorldConfig};
pub use coverage::Fault;
pub use death::{Cause, Crash, Death};
pub use disk::{Disk, DiskConfig, DiskFault, DiskFaults};
pub use event::{EventKind, NodeId};
pub use network::{LinkConfig, LinkFaults};
pub use node::NodeState;
pub use observer::{Checkpoint, Observed, Watcher, What};
pub use world::World;
