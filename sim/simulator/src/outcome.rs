//! What became of a run.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::oracles::Violation;

/// The judgement on one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "verdict")]
pub enum Verdict {
    /// Every promise was kept.
    Holds,
    /// One was not.
    Violated(Violation),
    /// The run says nothing: a fault that it scheduled did not fire.
    Inconclusive {
        /// Which.
        reason: String,
    },
}

/// One run, in numbers.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The judgement.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Deliveries from the heap.
    pub events: u64,
    /// Simulated time, in microseconds.
    pub simulated_micros: u64,
    /// The digest over all events.
    #[serde(serialize_with = "as_hex")]
    pub digest: u128,
    /// The digest after each 1,024 events.
    #[serde(skip)]
    pub checkpoints: Vec<u128>,
    /// Operations that clients saw answered.
    pub operations: u64,
    /// Faults that fired, by name.
    pub faults: BTreeMap<String, u64>,
    /// Where the broker was when it mattered: its own words, in order.
    #[serde(skip)]
    pub story: Vec<String>,
}

fn as_hex<S: serde::Serializer>(digest: &u128, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{digest:032x}"))
}
