//! Seeds, drawn into scenarios, run on whole brokers in a world, judged by oracles.
//!
//! It is not the world: `sim/world` knows heap, disk and network, and nothing of brokers. It is the only crate that
//! links madsim, which answers from the seed whatever third-party code asks of time and entropy.
//!
//! ```text
//!   seed --draw--> scenario (a file) --run--> world { broker node, clients node } --> outcome
//!                      ^                        |  faults, in time                    |
//!                      +---- replay             +--> ledger: sent, told, seen --> oracles
//! ```
//!
//! | module | noun |
//! |---|---|
//! | `scenario` | everything that shapes a run, and how a seed draws it |
//! | `run` | one run: the broker's lives, faults and their ends |
//! | `workload` | the clients |
//! | `ledger` | what the clients know |
//! | `oracles` | what was promised, one file each |
//! | `batch`, `report`, `coverage` | many runs, and what is told of them |
//! | `command` | the command line |
//!
//! Invariants: a run is a function of its scenario; each runs on a fresh thread; what it tells carries simulated
//! times only.
#![forbid(unsafe_code)]

#[cfg(not(madsim))]
compile_error!(
    "an exported RUSTFLAGS replaced `--cfg madsim` of .cargo/config.toml: unset it, or append --cfg madsim"
);

pub mod batch;
pub mod command;
pub mod coverage;
pub mod cpu_time;
pub mod ledger;
pub mod madsim_check;
pub mod oracles;
pub mod outcome;
pub mod report;
pub mod run;
pub mod scenario;
pub mod workload;
