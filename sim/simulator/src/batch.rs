//! Many seeds: each on a fresh thread, as many threads at once as asked for, results in the order of the seeds.
//!
//! A fresh thread per seed, because whatever third-party code keeps per thread (the keys of its hash maps above
//! all) must not depend on the seeds that ran before.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crate::outcome::{Outcome, Verdict};
use crate::run;
use crate::scenario::Scenario;

/// What a batch found, in seed order.
#[derive(Debug, Default)]
pub struct Batch {
    /// Runs finished.
    pub runs: u64,
    /// Runs that broke a promise, with their scenarios.
    pub violated: Vec<(Scenario, Outcome)>,
    /// Runs that say nothing.
    pub inconclusive: Vec<(u64, String)>,
    /// Deliveries in all runs.
    pub events: u64,
    /// Simulated microseconds of all runs.
    pub simulated_micros: u64,
    /// Operations answered in all runs.
    pub operations: u64,
    /// Faults fired, by name: how often, and in how many runs.
    pub faults: BTreeMap<String, (u64, u64)>,
}

impl Batch {
    fn add(&mut self, scenario: Scenario, outcome: Outcome) {
        self.runs += 1;
        self.events += outcome.events;
        self.simulated_micros += outcome.simulated_micros;
        self.operations += outcome.operations;
        for (name, count) in &outcome.faults {
            let entry = self.faults.entry(name.clone()).or_default();
            entry.0 += count;
            entry.1 += u64::from(*count > 0);
        }
        match &outcome.verdict {
            Verdict::Holds => {}
            Verdict::Violated(_) => self.violated.push((scenario, outcome)),
            Verdict::Inconclusive { reason } => {
                self.inconclusive.push((scenario.seed, reason.clone()));
            }
        }
    }

    /// Whether more runs said nothing than a batch may excuse: two in a hundred.
    pub fn is_inconclusive(&self) -> bool {
        self.inconclusive.len() as u64 * 50 > self.runs
    }
}

/// Runs all `scenarios` on `jobs` threads. `go_on` hears of each as it finishes; once it says no, no further one is
/// started.
pub fn run_all(
    scenarios: &[Scenario],
    jobs: NonZeroUsize,
    go_on: &(dyn Fn(&Scenario, &Outcome) -> bool + Sync),
) -> Batch {
    let next = AtomicUsize::new(0);
    let stopped = AtomicBool::new(false);
    let results = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..jobs.get() {
            scope.spawn(|| {
                while !stopped.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(scenario) = scenarios.get(index) else {
                        return;
                    };
                    let outcome = run::on_fresh_thread(scenario);
                    if !go_on(scenario, &outcome) {
                        stopped.store(true, Ordering::Relaxed);
                    }
                    let mut results = results
                        .lock()
                        .expect("no thread panics while it holds the results");
                    results.insert(index, outcome);
                }
            });
        }
    });
    let mut batch = Batch::default();
    let results = results.into_inner().expect("all threads ended well");
    for (index, outcome) in results {
        batch.add(scenarios[index].clone(), outcome);
    }
    batch
}
