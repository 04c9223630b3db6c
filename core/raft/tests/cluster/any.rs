//! Any steps in any order, drawn anew with each run, and made short by proptest where they fail.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{TestError, TestRunner};

use crate::schedule::{Plan, Weather};

/// Schedules that a run draws.
const CASES: u32 = 64;

fn any_plan() -> impl Strategy<Value = Plan> {
    let weather = prop_oneof![
        Just(Weather::Rough),
        Just(Weather::Changing),
        Just(Weather::Lazy),
        Just(Weather::Damaged),
        Just(Weather::Foul),
    ];
    // What a step does is drawn from its number; one may come twice.
    let steps = vec(0..10_000_u64, 0..250);
    (any::<u32>(), 2..=5_i32, weather, steps).prop_map(|(seed, count, weather, steps)| Plan {
        seed: u64::from(seed),
        count,
        weather,
        steps,
    })
}

/// The shortest that proptest finds for which `fails` is true, if it finds any.
fn shortest(cases: u32, fails: impl Fn(&Plan) -> bool) -> Option<Plan> {
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let outcome = TestRunner::new(config).run(&any_plan(), |plan| {
        prop_assert!(!fails(&plan));
        Ok(())
    });
    match outcome {
        Err(TestError::Fail(_, plan)) => Some(plan),
        _ => None,
    }
}

#[test]
fn no_schedule_breaks_a_promise() {
    crate::plant();
    let (hook, silent) = (Cell::new(None), Cell::new(false));
    let fails = |plan: &Plan| {
        let failed = catch_unwind(AssertUnwindSafe(|| plan.run(false))).is_err();
        if failed && !silent.replace(true) {
            // What fails from here on is the same, in fewer steps.
            hook.set(Some(take_hook()));
            set_hook(Box::new(|_| {}));
        }
        failed
    };
    let short = shortest(CASES, fails);
    if let Some(hook) = hook.take() {
        set_hook(hook);
    }
    if let Some(plan) = short {
        // It is told with what happened, and as a script.
        plan.run(true);
        panic!("{plan}: it failed once, and not again");
    }
}

#[test]
fn any_schedule_that_fails_becomes_short() {
    let fails = |plan: &Plan| plan.steps.iter().filter(|step| **step >= 5_000).count() >= 3;
    let plan = shortest(1_000, fails).expect("many have three of them");
    assert_eq!(plan.steps, [5_000, 5_000, 5_000]);
    assert_eq!(
        (plan.seed, plan.count, plan.weather),
        (0, 2, Weather::Rough)
    );
}
