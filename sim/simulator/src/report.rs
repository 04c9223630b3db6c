//! Reports: text for people, JSON for programs.

use core::fmt::Write;
use std::path::Path;

use serde_json::json;

use crate::batch::Batch;
use crate::coverage;
use crate::outcome::{Outcome, Verdict};
use crate::scenario::{FaultKind, Scenario};

/// What a batch cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Processor seconds.
    pub cpu_seconds: f64,
    /// Seconds on the clock.
    pub wall_seconds: f64,
}

#[expect(clippy::cast_precision_loss, reason = "counts for people")]
fn per(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 {
        count as f64 / seconds
    } else {
        0.0
    }
}

/// A batch for people: what was run, what was broken, what was reached and what never.
pub fn batch_text(batch: &Batch, cost: &Cost) -> String {
    let mut text = String::new();
    for (scenario, outcome) in &batch.violated {
        text.push_str(&outcome_text(scenario, outcome));
    }
    let simulated = batch.simulated_micros / 1_000_000;
    let _infallible = writeln!(
        text,
        "{} seeds: {} violated, {} inconclusive; {} events, {} operations, {simulated} s simulated in {:.1} CPU s ({:.0} events/CPU s, {:.0} simulated s/CPU s)",
        batch.runs,
        batch.violated.len(),
        batch.inconclusive.len(),
        batch.events,
        batch.operations,
        cost.cpu_seconds,
        per(batch.events, cost.cpu_seconds),
        per(simulated, cost.cpu_seconds),
    );
    for (seed, reason) in batch.inconclusive.iter().take(5) {
        let _infallible = writeln!(text, "  seed {seed} says nothing: {reason}");
    }
    if batch.runs > 1 {
        text.push_str(&fault_table(batch));
        text.push_str(&mark_table());
    }
    text
}

fn fault_table(batch: &Batch) -> String {
    let mut text = String::from("\nfaults                             times    in seeds\n");
    let mut line = |name: &str, times: u64, seeds: u64| {
        let never = if times == 0 { "   never happened" } else { "" };
        let _infallible = writeln!(text, "  {name:<30} {times:>8} {seeds:>8}{never}");
    };
    for name in FaultKind::NAMES {
        let (times, seeds) = batch.faults.get(name).copied().unwrap_or_default();
        line(name, times, seeds);
    }
    for (name, (times, seeds)) in &batch.faults {
        if !FaultKind::NAMES.contains(&name.as_str()) {
            line(name, *times, *seeds);
        }
    }
    text
}

fn mark_table() -> String {
    let mut text =
        String::from("\nsometimes                                                  times\n");
    for (room, name, hits) in coverage::marks() {
        let never = if hits == 0 { "   never happened" } else { "" };
        let _infallible = writeln!(text, "  {room:<10} {name:<42} {hits:>8}{never}");
    }
    text
}

/// A batch for programs.
pub fn batch_json(batch: &Batch, cost: &Cost) -> String {
    let violated: Vec<_> = batch
        .violated
        .iter()
        .map(|(scenario, outcome)| json!({"seed": scenario.seed, "outcome": outcome}))
        .collect();
    let marks: Vec<_> = coverage::marks()
        .into_iter()
        .map(|(room, name, hits)| json!({"room": room, "mark": name, "hits": hits}))
        .collect();
    let faults: serde_json::Map<_, _> = batch
        .faults
        .iter()
        .map(|(name, (times, seeds))| (name.clone(), json!({"times": times, "seeds": seeds})))
        .collect();
    let object = json!({
        "seeds": batch.runs,
        "violated": violated,
        "inconclusive": batch.inconclusive.len(),
        "events": batch.events,
        "operations": batch.operations,
        "simulated_seconds": batch.simulated_micros / 1_000_000,
        "cpu_seconds": cost.cpu_seconds,
        "wall_seconds": cost.wall_seconds,
        "events_per_cpu_second": per(batch.events, cost.cpu_seconds),
        "faults": faults,
        "marks": marks,
    });
    format!("{object}\n")
}

/// One run for people.
pub fn outcome_text(scenario: &Scenario, outcome: &Outcome) -> String {
    let mut text = String::new();
    let seconds = outcome.simulated_micros / 1_000_000;
    let micros = outcome.simulated_micros % 1_000_000;
    let word = match &outcome.verdict {
        Verdict::Holds => "HOLDS",
        Verdict::Violated(_) => "FAIL",
        Verdict::Inconclusive { .. } => "SAYS NOTHING",
    };
    let _infallible = writeln!(
        text,
        "{word}  seed {}  profile {}  t={seconds}.{micros:06}s (simulated)  events={} hash={:032x}",
        scenario.seed,
        scenario.profile.name(),
        outcome.events,
        outcome.digest,
    );
    match &outcome.verdict {
        Verdict::Holds => {}
        Verdict::Violated(violation) => {
            let _infallible = writeln!(text, "{violation}");
        }
        Verdict::Inconclusive { reason } => {
            let _infallible = writeln!(text, "reason     {reason}");
        }
    }
    for line in &outcome.story {
        let _infallible = writeln!(text, "  {line}");
    }
    text
}

/// One run for programs.
pub fn outcome_json(outcome: &Outcome) -> String {
    let text = serde_json::to_string(outcome).expect("an outcome is plain data");
    format!("{text}\n")
}

/// The one line that has the failure again.
pub fn reproduce(scenario: &Scenario, path: &Path, mutant: Option<&str>) -> String {
    let (feature, planted) = match mutant {
        Some(id) => (" --features simulator/mutants", format!(" --mutant {id}")),
        None => ("", String::new()),
    };
    let sim = format!("cargo run --quiet --release --package simulator{feature} --bin sim --");
    let (seed, profile) = (scenario.seed, scenario.profile.name());
    let again = format!("{sim} run --seed {seed} --profile {profile}{planted}");
    if path.exists() {
        format!("{sim} replay '{}'{planted}  # or: {again}", path.display())
    } else {
        again
    }
}
