//! Making a failing schedule short: steps are left out as long as it still fails.

use std::panic::{catch_unwind, set_hook, take_hook};

use crate::reached::Reached;
use crate::schedule::Plan;

/// Runs a schedule. One that fails is made short, and run once more with a trace.
pub(crate) fn run(plan: &Plan) -> Reached {
    let silent = catch_unwind(|| plan.run(false));
    silent.unwrap_or_else(|_| {
        let short = shrink(plan, &|plan| catch_unwind(|| plan.run(false)).is_err());
        let told = short.to_string();
        short.run(true);
        panic!("{told}: it failed once, and not again");
    })
}

/// The shortest of those that are tried: without half of the steps, a quarter, ... one.
pub(crate) fn shrink(plan: &Plan, fails: &dyn Fn(&Plan) -> bool) -> Plan {
    let hook = take_hook();
    // What fails on the way is not worth a word.
    set_hook(Box::new(|_| {}));
    let mut short = plan.clone();
    let mut chunk = short.steps.len() / 2;
    while chunk > 0 {
        let mut at = 0;
        while at < short.steps.len() {
            let mut without = short.clone();
            let end = without.steps.len().min(at + chunk);
            without.steps.drain(at..end);
            if fails(&without) {
                short = without;
            } else {
                at += chunk;
            }
        }
        chunk /= 2;
    }
    set_hook(hook);
    short
}
