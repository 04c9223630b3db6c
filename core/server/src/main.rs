//! `ouzel`, the one binary: it reads flags, prepares the process, picks the ground, and runs a broker on it.
//!
//! It is the only room that prints, reads the environment, or handles a signal; everything else is told what it needs
//! as values.
//!
//! ```text
//!   Args --> Plan (addresses, folder, cores, memory, all checked)
//!              |
//!   logging, limits, signals --> Ground: uring, or portable where the kernel refuses --> broker::main
//!              |                                                                            |
//!   stdout: the lines that scripts wait for      stderr: the log  <---- events -------------'
//! ```
//!
//! | file | noun |
//! |---|---|
//! | `args` | [`args::Args`], the flags and their help |
//! | `plan` | [`plan::Plan`], what the flags come to on this machine |
//! | `addresses` | names into addresses |
//! | `machine` | processors, memory, open files |
//! | `ground` | [`ground::Ground`], on which the broker runs |
//! | `log` | events into lines |
//! | `logs` | `ouzel log`: files of a broker that is stopped |
//! | `port_owner` | who has a port that is in use |
//! | `signals` | SIGTERM and SIGINT |
//! | `advice` | what to do about an error |
//!
//! Invariants:
//! - standard output carries only the few lines that scripts and test tools wait for, so that they can be piped and
//!   stay stable; the log goes to standard error. Container tools read both;
//! - every error names what was tried and what to do, and the exit code tells usage (4) from environment (5).
#![forbid(unsafe_code)]

mod addresses;
mod advice;
mod args;
mod ground;
mod log;
mod logs;
mod machine;
mod plan;
mod port_owner;
mod signals;

use std::process::ExitCode as ProcessExit;
use std::sync::Arc;
use std::time::Instant;

use broker::Handle;
use clap::Parser;
use cli::ExitCode;

use args::{Args, Command};
use ground::Ground;
use plan::Plan;

fn main() -> ProcessExit {
    let started = Instant::now();
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and version are answers, not errors; clap writes each to where it belongs.
            let code = if error.use_stderr() {
                ExitCode::Usage
            } else {
                ExitCode::Done
            };
            drop(error.print());
            return code.number().into();
        }
    };
    if let Some(Command::Log(asked)) = args.command {
        return logs::run(asked).number().into();
    }
    log::start(args.log, args.log_level);
    let ended = Plan::new(&args).and_then(|plan| run(plan, started));
    let code = match ended {
        Ok(()) => ExitCode::Done,
        Err(error) => {
            log::fail(&error);
            error.code
        }
    };
    code.number().into()
}

/// Runs the broker to its end.
fn run(plan: Plan, started: Instant) -> Result<(), advice::Failure> {
    let Plan {
        config,
        cores,
        driver,
        notes,
        warnings,
    } = plan;
    for note in &notes {
        log::inform(note);
    }
    for warning in &warnings {
        log::warn(warning);
    }
    let ground = Ground::choose(driver)?;
    let handle = Handle::new();
    let stopping = signals::watch(handle.clone())?;
    let facts = log::Facts::new(&config, ground, cores, started);
    let config = broker::Config {
        log: Arc::new(move |event| log::event(&event, &facts)),
        ..config
    };
    let memory = config.memory;
    ground.run(cores, memory, broker::main(config, handle.clone()))?;
    match handle.outcome() {
        Some(Ok(())) => {
            log::stopped(stopping.since_first_signal());
            Ok(())
        }
        Some(Err(error)) => Err(advice::of(&error)),
        None => Err(advice::Failure::internal(
            "the broker's cores ended without saying why",
        )),
    }
}
