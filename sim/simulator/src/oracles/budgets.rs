//! Memory is given back: once the clients are gone, no core's budget has anything reserved, and none ever had more
//! than its limit.

use runtime::Runtime;

use super::Violation;

/// Checks the budgets of one core after all clients went.
pub fn check(runtime: &Runtime) -> Result<(), Violation> {
    for budget in runtime.budgets() {
        if budget.used() > 0 || budget.used_peak() > budget.limit() {
            return Err(Violation {
                oracle: "BUDGETS_KEPT",
                promise: "memory for clients stays within its budget, and all of it comes back when they go",
                witness: format!(
                    "core {}: {budget:?}, {} at most; nobody is connected any more who did anything for long",
                    runtime.core(),
                    budget.used_peak()
                ),
            });
        }
    }
    Ok(())
}
