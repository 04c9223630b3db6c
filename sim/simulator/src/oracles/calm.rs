//! A broker that has no reason to fail does not: it starts, it does not end itself, it does not panic, it comes back
//! after faults, and without faults nothing is refused.

use stdx::Duration;

use super::Violation;
use crate::ledger::Ledger;
use crate::scenario::Scenario;

/// In a run in which nothing breaks, every request succeeds.
pub fn check(scenario: &Scenario, ledger: &Ledger) -> Result<(), Violation> {
    let calm = scenario.faults.is_empty() && scenario.disk.slow_ppm == 0;
    match ledger.failed.iter().next().filter(|_| calm) {
        Some(((kind, reason), count)) => Err(Violation {
            oracle: "CALM_IS_PERFECT",
            promise: "without faults, no request fails",
            witness: format!("{count} x {kind}: {reason}"),
        }),
        None => Ok(()),
    }
}

/// The clients still waited for `what` after `bound`.
pub fn stuck(what: &str, bound: Duration) -> Violation {
    Violation {
        oracle: "PROGRESS_AFTER_HEALING",
        promise: "once all faults are over, everything can be written and read within a bound",
        witness: format!("after {} s they still wait for {what}", bound.as_secs()),
    }
}

/// Something of ours panicked.
pub fn panicked(message: String) -> Violation {
    Violation {
        oracle: "NO_PANIC",
        promise: "nothing panics, whatever the ground does",
        witness: message,
    }
}

/// The broker ended its own process without cause.
pub fn ended_itself(reason: &str) -> Violation {
    Violation {
        oracle: "NO_END_WITHOUT_CAUSE",
        promise: "a broker ends its process only after a failed write or sync",
        witness: reason.to_owned(),
    }
}

/// The broker refused to start.
pub fn refused_to_start(reason: &str) -> Violation {
    Violation {
        oracle: "STARTS_AGAIN",
        promise: "a broker starts again on what any crash left of its folder",
        witness: reason.to_owned(),
    }
}
