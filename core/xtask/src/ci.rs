//! `cargo xtask ci`: what the continuous integration runs, no more and no less.
//!
//! ```text
//!   table    the lanes, as data
//!   lane     what a lane is
//!   step     one command of a lane, and how it is run
//!   report   times, budgets, the table at the end
//! ```
//!
//! Every lane runs, whatever became of the one before: one round shows all that is wrong.

mod lane;
mod report;
mod step;
mod table;

use crate::failure::Failure;
pub(crate) use step::FLAGS;

use lane::Lane;
use report::{Outcome, Report, Verdict};
use std::time::Instant;
use table::LANES;

/// Runs the named lanes, or all, in the order of the table.
pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    let asked = Asked::parse(words)?;
    if asked.list {
        println!("{}", list());
        return Ok(());
    }
    step::announce_dropped_flags();
    let mut report = Report::new(is_ci());
    for lane in asked.lanes {
        println!(
            "\n==== {}: {} (budget {} min)",
            lane.name, lane.about, lane.minutes
        );
        let start = Instant::now();
        let verdict = run_lane(lane, asked.full);
        let outcome = Outcome {
            name: lane.name,
            minutes: lane.minutes,
            took: start.elapsed(),
            verdict,
        };
        println!("==== {}", report.line(&outcome));
        report.outcomes.push(outcome);
    }
    println!("\n{report}");
    report.result()
}

fn run_lane(lane: &Lane, full: bool) -> Verdict {
    if let Some(missing) = lane
        .needs
        .iter()
        .find(|program| !step::is_installed(program))
    {
        return Verdict::Skipped(format!("{missing} is not installed"));
    }
    for step in if full { lane.full } else { lane.short } {
        if let Err(failure) = step.run() {
            // All of it here, where the lane's output is; the table at the end has room for one line.
            println!("{failure}");
            return match failure {
                Failure::Environment(why) => Verdict::Broken(why),
                Failure::Check(why) | Failure::Usage(why) => Verdict::Failed(why),
            };
        }
    }
    Verdict::Passed
}

/// What the command line asks for.
struct Asked {
    lanes: Vec<&'static Lane>,
    list: bool,
    full: bool,
}

impl Asked {
    fn parse(words: &[&str]) -> Result<Self, Failure> {
        let (flags, names): (Vec<&str>, Vec<&str>) =
            words.iter().partition(|word| word.starts_with('-'));
        let known: Vec<&str> = LANES.iter().map(|lane| lane.name).collect();
        if let Some(flag) = flags
            .iter()
            .find(|flag| !["--list", "--full"].contains(flag))
        {
            return Err(Failure::Usage(format!(
                "ci does not know the flag `{flag}`; it knows --list and --full"
            )));
        }
        if let Some(name) = names.iter().find(|name| !known.contains(name)) {
            return Err(Failure::Usage(format!(
                "there is no lane `{name}`; there are {}",
                known.join(", ")
            )));
        }
        Ok(Self {
            lanes: LANES
                .iter()
                .filter(|lane| names.is_empty() || names.contains(&lane.name))
                .collect(),
            list: flags.contains(&"--list"),
            full: flags.contains(&"--full"),
        })
    }
}

/// Whether a machine is asking: then nothing may be left out.
fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| !["", "0", "false"].contains(&value.as_str()))
}

/// The lanes and what they run, for people.
fn list() -> String {
    let mut lines = Vec::new();
    for lane in LANES {
        lines.push(format!(
            "{:<10}{:>3} min  {}",
            lane.name, lane.minutes, lane.about
        ));
        lines.extend(lane.short.iter().map(|step| format!("{:18}{step}", "")));
        if lane.has_full_form() {
            lines.extend(
                lane.full
                    .iter()
                    .map(|step| format!("{:9}--full:  {step}", "")),
            );
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_names_are_all_lanes_and_names_keep_the_order_of_the_table() {
        let all = Asked::parse(&[]).expect("no words");
        assert_eq!(all.lanes.len(), LANES.len());
        let two = Asked::parse(&["tidy", "--full", "fmt"]).expect("two lanes");
        let names: Vec<_> = two.lanes.iter().map(|lane| lane.name).collect();
        assert_eq!(
            (names, two.full, two.list),
            (vec!["fmt", "tidy"], true, false)
        );
    }

    #[test]
    fn unknown_lanes_and_flags_are_usage_errors() {
        for words in [["tests"], ["--fast"]] {
            let failure = Asked::parse(&words).map(|_| ()).expect_err("no such thing");
            assert_eq!(failure.exit_code(), 4);
        }
    }

    #[test]
    fn the_list_names_every_lane_and_its_commands() {
        let text = list();
        for lane in LANES {
            assert!(text.contains(lane.name));
        }
        assert!(
            text.contains("cargo clippy --workspace --all-targets -- -D warnings"),
            "{text}"
        );
    }
}
