//! `sim run`: seeds.

use std::io::{IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use clap::Args;

use super::exit;
use crate::batch::{Batch, run_all};
use crate::cpu_time;
use crate::outcome::{Outcome, Verdict};
use crate::report;
use crate::scenario::{Profile, Scenario, draw};

/// `sim run`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Seeds 0 to N-1.
    #[arg(long, value_name = "N", group = "which", value_parser = clap::value_parser!(u64).range(1..))]
    seeds: Option<u64>,
    /// N seeds that are drawn now; each failing one is printed.
    #[arg(long, value_name = "N", group = "which", value_parser = clap::value_parser!(u64).range(1..))]
    fresh: Option<u64>,
    /// One seed, with its story.
    #[arg(long, value_name = "SEED", group = "which")]
    seed: Option<u64>,
    /// What to draw from.
    #[arg(long, value_enum, default_value_t = Profile::Swarm)]
    profile: Profile,
    /// Seeds at once; all cores by default.
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Go on after a violation.
    #[arg(long)]
    keep_going: bool,
    /// One JSON object at the end instead of tables.
    #[arg(long)]
    json: bool,
    /// Where the scenarios of failing seeds go.
    #[arg(long, value_name = "DIR", default_value = "sim-failures")]
    out: PathBuf,
    /// Plant this bug first (only in a build with the feature `mutants`).
    #[arg(long, value_name = "ID")]
    mutant: Option<String>,
    /// Start no further seed after this many processor seconds.
    #[arg(long, value_name = "S")]
    cpu_seconds: Option<f64>,
}

/// `sim draw`.
#[derive(Debug, Args)]
pub struct Draw {
    /// The seed.
    #[arg(long, value_name = "SEED")]
    seed: u64,
    /// What to draw from.
    #[arg(long, value_enum, default_value_t = Profile::Swarm)]
    profile: Profile,
}

impl Draw {
    /// Prints the scenario.
    pub fn execute(&self) -> u8 {
        print(&draw::scenario(self.seed, self.profile).to_text());
        exit::HOLDS
    }
}

/// Writes to standard output; a reader that went away is no error of ours.
pub(super) fn print(text: &str) {
    let _gone = std::io::stdout().write_all(text.as_bytes());
}

/// Writes to standard error.
pub(super) fn note(text: &str) {
    let _gone = std::io::stderr().write_all(text.as_bytes());
}

impl Arguments {
    /// Runs the seeds.
    pub fn execute(&self) -> u8 {
        if let Err(message) = plant(self.mutant.as_deref()) {
            note(&format!("sim: {message}\n"));
            return exit::USAGE;
        }
        let seeds = self.seeds_to_run();
        let scenarios: Vec<Scenario> = seeds
            .iter()
            .map(|&seed| draw::scenario(seed, self.profile))
            .collect();
        let jobs = self.jobs.unwrap_or_else(default_jobs);
        let (before, started) = (cpu_time::seconds(), std::time::Instant::now());
        let progress = Progress::new(seeds.len(), self.json);
        let limit = before + self.cpu_seconds.unwrap_or(f64::INFINITY);
        let batch = run_all(&scenarios, jobs, &|scenario, outcome| {
            progress.one_more(scenario, outcome);
            let stop = !self.keep_going && matches!(outcome.verdict, Verdict::Violated(_));
            !stop && cpu_time::seconds() < limit
        });
        progress.end();
        let cost = report::Cost {
            cpu_seconds: cpu_time::seconds() - before,
            wall_seconds: started.elapsed().as_secs_f64(),
        };
        if self.json {
            print(&report::batch_json(&batch, &cost));
        } else {
            print(&report::batch_text(&batch, &cost));
        }
        self.conclude(&batch)
    }

    fn seeds_to_run(&self) -> Vec<u64> {
        if let Some(seed) = self.seed {
            return vec![seed];
        }
        if let Some(count) = self.fresh {
            // Entropy from the standard library's per-process hash keys: enough to be nobody's seeds.
            use std::hash::{BuildHasher, RandomState};
            let base = RandomState::new().hash_one(std::process::id()) >> 16;
            return (0..count).map(|number| base + number).collect();
        }
        (0..self.seeds.unwrap_or(100)).collect()
    }

    /// Keeps the scenarios of violations and prints, last of all, the line that reproduces the first.
    fn conclude(&self, batch: &Batch) -> u8 {
        let Some((scenario, _)) = batch.violated.first() else {
            return if batch.is_inconclusive() {
                exit::INCONCLUSIVE
            } else {
                exit::HOLDS
            };
        };
        for (scenario, _) in &batch.violated {
            if let Err(message) = keep(&self.out, scenario) {
                note(&format!("sim: {message}\n"));
            }
        }
        let path = kept_at(&self.out, scenario);
        note(&format!(
            "{}\n",
            report::reproduce(scenario, &path, self.mutant.as_deref())
        ));
        exit::VIOLATED
    }
}

/// Plants the bug called `id`, where this build knows bugs.
pub(super) fn plant(id: Option<&str>) -> Result<(), String> {
    let Some(id) = id else {
        return Ok(());
    };
    #[cfg(feature = "mutants")]
    {
        stdx::mutant::choose(id);
        Ok(())
    }
    #[cfg(not(feature = "mutants"))]
    Err(format!(
        "mutant {id}: this build knows none; use `cargo xtask mutants` or build with --features mutants"
    ))
}

fn default_jobs() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Where a failing scenario is kept: the same seed draws another one from another profile.
fn kept_at(directory: &Path, scenario: &Scenario) -> PathBuf {
    directory.join(format!(
        "{}-{}.json",
        scenario.profile.name(),
        scenario.seed
    ))
}

fn keep(directory: &Path, scenario: &Scenario) -> Result<(), String> {
    let path = kept_at(directory, scenario);
    std::fs::create_dir_all(directory)
        .and_then(|()| std::fs::write(&path, scenario.to_text()))
        .map_err(|error| {
            format!(
                "cannot keep the failing scenario at {}: {error}",
                path.display()
            )
        })
}

/// A line that counts, on a terminal; nothing elsewhere but what failed.
struct Progress {
    total: usize,
    done: AtomicU64,
    violated: AtomicU64,
    live: bool,
}

impl Progress {
    fn new(total: usize, json: bool) -> Self {
        Self {
            total,
            done: AtomicU64::new(0),
            violated: AtomicU64::new(0),
            live: !json && total > 1 && std::io::stderr().is_terminal(),
        }
    }

    fn one_more(&self, _scenario: &Scenario, outcome: &Outcome) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if matches!(outcome.verdict, Verdict::Violated(_)) {
            self.violated.fetch_add(1, Ordering::Relaxed);
        }
        if self.live {
            let violated = self.violated.load(Ordering::Relaxed);
            note(&format!(
                "\r{done} of {} seeds, {violated} violated ",
                self.total
            ));
        }
    }

    fn end(&self) {
        if self.live {
            note("\n");
        }
    }
}
