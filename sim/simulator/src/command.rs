//! The command line of `sim`.

use clap::{Parser, Subcommand};

pub mod check_determinism;
pub mod replay;
pub mod run;

/// Exit codes of every binary of this project.
pub mod exit {
    /// Every promise was kept.
    pub const HOLDS: u8 = 0;
    /// A promise was broken.
    pub const VIOLATED: u8 = 1;
    /// It cannot be told.
    pub const INCONCLUSIVE: u8 = 2;
    /// The same scenario ran in two ways.
    pub const NON_DETERMINISTIC: u8 = 3;
    /// The command line or a file cannot be used.
    pub const USAGE: u8 = 4;
    /// The environment failed.
    pub const ENVIRONMENT: u8 = 5;
}

/// Runs whole brokers under seeds, with faults, and judges what clients saw.
#[derive(Debug, Parser)]
#[command(
    name = "sim",
    after_help = "Examples:
  cargo sim run --seeds 1000          seeds 0 to 999 on all cores
  cargo sim run --seed 4711           one seed, with its story
  cargo sim run --fresh 100           seeds that nobody has run
  cargo sim replay sim-failures/swarm-4711.json
  cargo sim check-determinism --seeds 100
  cargo sim draw --seed 4711          the scenario as a file

Exit codes: 0 holds, 1 violated, 2 inconclusive, 3 non-determinism, 4 usage, 5 environment."
)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What `sim` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs seeds.
    Run(run::Arguments),
    /// Runs one scenario file.
    Replay(replay::Arguments),
    /// Runs each seed in two processes with different surroundings and compares every event.
    CheckDeterminism(check_determinism::Arguments),
    /// Prints the scenario that a seed draws.
    Draw(run::Draw),
    /// Prints the digests of seeds; what check-determinism compares.
    #[command(hide = true)]
    Digests(check_determinism::Digests),
}

impl Arguments {
    /// Does it, and says with which code to exit.
    pub fn execute(&self) -> u8 {
        match &self.command {
            Command::Run(arguments) => arguments.execute(),
            Command::Replay(arguments) => arguments.execute(),
            Command::CheckDeterminism(arguments) => arguments.execute(),
            Command::Draw(arguments) => arguments.execute(),
            Command::Digests(arguments) => arguments.execute(),
        }
    }
}
