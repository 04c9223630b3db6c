//! `sim check-determinism`: the same seeds in two processes whose surroundings differ.
//!
//! Another environment and working directory, and by itself another address layout: what leaks
//! into a run from any of them shows as another digest. Checkpoints say after which event the two went apart.

use std::process::{Command, Stdio};

use clap::Args;

use super::exit;
use super::run::{note, print};
use crate::madsim_check;
use crate::outcome::Verdict;
use crate::run::on_fresh_thread;
use crate::scenario::{Profile, draw};

/// Events between two checkpoints.
const CHECKPOINT_EVENTS: usize = 1024;

/// Seeds that madsim's own check looks at too: it runs each twice more.
const MADSIM_SEEDS: u64 = 5;

/// `sim check-determinism`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Seeds 0 to N-1.
    #[arg(long, value_name = "N", default_value_t = 20)]
    seeds: u64,
    /// What to draw from.
    #[arg(long, value_enum, default_value_t = Profile::Swarm)]
    profile: Profile,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
    /// The other process runs this binary: a debug build, say, beside a release build.
    #[arg(long, value_name = "PATH")]
    against: Option<std::path::PathBuf>,
}

/// `sim digests`.
#[derive(Debug, Args)]
pub struct Digests {
    #[arg(long)]
    seeds: u64,
    #[arg(long, value_enum)]
    profile: Profile,
}

impl Digests {
    /// Prints one line per seed: seed, events, digest, checkpoints.
    pub fn execute(&self) -> u8 {
        for seed in 0..self.seeds {
            let outcome = on_fresh_thread(&draw::scenario(seed, self.profile));
            let checkpoints: Vec<String> = outcome
                .checkpoints
                .iter()
                .map(|digest| format!("{digest:032x}"))
                .collect();
            if let Verdict::Violated(violation) = &outcome.verdict {
                note(&format!(
                    "sim: seed {seed} breaks a promise, which comes before determinism:\n{violation}\n"
                ));
                return exit::VIOLATED;
            }
            print(&format!(
                "{seed} {} {:032x} {}\n",
                outcome.events,
                outcome.digest,
                checkpoints.join(",")
            ));
        }
        exit::HOLDS
    }
}

impl Arguments {
    /// Compares.
    pub fn execute(&self) -> u8 {
        let pair = self.both();
        let (first, second) = match pair {
            Ok(pair) => pair,
            Err(message) => {
                note(&format!("sim: {message}\n"));
                return exit::ENVIRONMENT;
            }
        };
        let differing: Vec<String> = first
            .lines()
            .zip(second.lines())
            .filter_map(|(one, other)| difference(one, other))
            .collect();
        let compared = first.lines().count().min(second.lines().count()) as u64;
        if compared < self.seeds {
            note(&format!(
                "sim: only {compared} of {} seeds ran to their end\n",
                self.seeds
            ));
            return exit::ENVIRONMENT;
        }
        for seed in 0..self.seeds.min(MADSIM_SEEDS) {
            if let Err(message) = madsim_check::twice(&draw::scenario(seed, self.profile)) {
                note(&format!("sim: seed {seed}: {message}\n"));
                return exit::NON_DETERMINISTIC;
            }
        }
        if self.json {
            let object = serde_json::json!({"seeds": self.seeds, "differing": differing});
            print(&format!("{object}\n"));
        } else if differing.is_empty() {
            print(&format!(
                "{} seeds ran twice, every event equal\n",
                self.seeds
            ));
        }
        if differing.is_empty() {
            return exit::HOLDS;
        }
        for line in differing {
            note(&format!("{line}\n"));
        }
        exit::NON_DETERMINISTIC
    }

    fn both(&self) -> Result<(String, String), String> {
        let this =
            std::env::current_exe().map_err(|error| format!("cannot find this binary: {error}"))?;
        let other = match &self.against {
            // The other process runs elsewhere: a relative path would not find it from there.
            Some(path) => path
                .canonicalize()
                .map_err(|error| format!("cannot find {}: {error}", path.display()))?,
            None => this.clone(),
        };
        let spawn = |binary: &std::path::Path, number: usize| {
            let mut command = Command::new(binary);
            command.args([
                "digests",
                "--seeds",
                &self.seeds.to_string(),
                "--profile",
                self.profile.name(),
            ]);
            command.stdout(Stdio::piped());
            command.env("OUZEL_UNUSED", "x".repeat(number * 1_237));
            command.env("RUST_LOG", if number == 0 { "off" } else { "trace" });
            if number > 0 {
                command.current_dir("/");
            }
            command
                .spawn()
                .map_err(|error| format!("cannot start {}: {error}", binary.display()))
        };
        let (first, second) = (spawn(&this, 0)?, spawn(&other, 1)?);
        let text = |child: std::process::Child| {
            let output = child
                .wait_with_output()
                .map_err(|error| format!("a run was lost: {error}"))?;
            String::from_utf8(output.stdout)
                .map_err(|error| format!("a run printed what is no text: {error}"))
        };
        Ok((text(first)?, text(second)?))
    }
}

/// Where two lines of digests differ, in words.
fn difference(one: &str, other: &str) -> Option<String> {
    if one == other {
        return None;
    }
    let (a, b): (Vec<&str>, Vec<&str>) = (one.split(' ').collect(), other.split(' ').collect());
    let checkpoints = |fields: &[&str]| -> Vec<String> {
        fields.get(3).map_or_else(Vec::new, |list| {
            list.split(',').map(str::to_owned).collect()
        })
    };
    let common = checkpoints(&a)
        .iter()
        .zip(&checkpoints(&b))
        .take_while(|(x, y)| x == y)
        .count();
    let (from, to) = (common * CHECKPOINT_EVENTS, (common + 1) * CHECKPOINT_EVENTS);
    Some(format!(
        "seed {}: {} and {} events; the first difference lies between events {from} and {to}",
        a.first().unwrap_or(&"?"),
        a.get(1).unwrap_or(&"?"),
        b.get(1).unwrap_or(&"?"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_differing_checkpoint_is_named() {
        assert_eq!(difference("1 5000 aa x,y,z", "1 5000 aa x,y,z"), None);
        let text = difference("1 5000 aa x,y,z", "1 5001 bb x,q,r").expect("they differ");
        assert_eq!(
            text,
            "seed 1: 5000 and 5001 events; the first difference lies between events 1024 and 2048"
        );
    }
}
