//! Runs inside madsim: third-party code reads time and entropy from the seed, and nobody starts a thread.
//!
//! madsim's own check of determinism compares draws from its generator, mixed with its time; our events draw
//! nothing from it, so by itself it sees none of them. A run therefore ends by advancing madsim's clock by the
//! bytes of our digest, with one draw after each: two runs that differ in any event then differ in madsim's eyes
//! too.

use core::time::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use madsim::runtime::Runtime;

use crate::outcome::Outcome;
use crate::run;
use crate::scenario::Scenario;

/// What madsim's check runs: it takes a plain function, so the scenario reaches it from here.
static CHECKED: Mutex<Option<Scenario>> = Mutex::new(None);

/// Runs `scenario` inside a fresh madsim runtime on this thread. It is one task that never waits.
pub fn once(scenario: &Scenario) -> Outcome {
    let runtime = Runtime::with_seed_and_config(scenario.seed, madsim::Config::default());
    runtime.block_on(async { run::scenario(scenario) })
}

/// Runs `scenario` twice under madsim's check.
pub fn twice(scenario: &Scenario) -> Result<(), String> {
    *CHECKED
        .lock()
        .map_err(|_poisoned| "an earlier check panicked".to_owned())? = Some(scenario.clone());
    let checked = catch_unwind(AssertUnwindSafe(|| {
        Runtime::check_determinism(scenario.seed, madsim::Config::default(), checked_run);
    }));
    checked.map_err(|payload| {
        let text = payload.downcast_ref::<String>().cloned();
        let text = text.or_else(|| {
            payload
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
        });
        format!(
            "madsim's check stopped: {}",
            text.unwrap_or_else(|| "two different runs".to_owned())
        )
    })
}

async fn checked_run() {
    let scenario = CHECKED.lock().map(|checked| checked.clone());
    let scenario = scenario.ok().flatten().expect("set by the caller");
    let outcome = run::scenario(&scenario);
    for byte in outcome.digest.to_le_bytes() {
        madsim::time::advance(Duration::from_nanos(u64::from(byte) + 1));
        let _draw: u64 = madsim::rand::random();
    }
}
