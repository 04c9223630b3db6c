//! `sim replay`: one scenario file.

use std::path::PathBuf;

use clap::Args;

use super::exit;
use super::run::{note, plant, print};
use crate::outcome::Verdict;
use crate::report;
use crate::run::on_fresh_thread;
use crate::scenario::Scenario;

/// `sim replay`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The file.
    file: PathBuf,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
    /// Plant this bug first (only in a build with the feature `mutants`).
    #[arg(long, value_name = "ID")]
    mutant: Option<String>,
}

impl Arguments {
    /// Runs the file's scenario.
    pub fn execute(&self) -> u8 {
        let text = match std::fs::read_to_string(&self.file) {
            Ok(text) => text,
            Err(error) => {
                note(&format!(
                    "sim: cannot read {}: {error}\n",
                    self.file.display()
                ));
                return exit::ENVIRONMENT;
            }
        };
        let scenario = match Scenario::parse(&text) {
            Ok(scenario) => scenario,
            Err(error) => {
                note(&format!("sim: {}: {error}\n", self.file.display()));
                return exit::USAGE;
            }
        };
        if let Err(message) = plant(self.mutant.as_deref()) {
            note(&format!("sim: {message}\n"));
            return exit::USAGE;
        }
        let outcome = on_fresh_thread(&scenario);
        if self.json {
            print(&report::outcome_json(&outcome));
        } else {
            print(&report::outcome_text(&scenario, &outcome));
        }
        match outcome.verdict {
            Verdict::Holds => exit::HOLDS,
            Verdict::Inconclusive { .. } => exit::INCONCLUSIVE,
            Verdict::Violated(_) => {
                note(&format!(
                    "{}\n",
                    report::reproduce(&scenario, &self.file, self.mutant.as_deref())
                ));
                exit::VIOLATED
            }
        }
    }
}
