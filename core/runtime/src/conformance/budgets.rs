//! Memory budgets.

use core::cell::RefCell;
use std::rc::Rc;

use stdx::Duration;

use super::mail::all_done;
use super::{Ground, on_cores, on_one_core};
use crate::budget::Lease;
use crate::core_id::CoreId;
use crate::port::Port;
use crate::task::Class;

/// Who came first is served first, whatever its size; who gives up makes room for the next.
pub fn reservations_wait_in_line(ground: &dyn Ground) {
    on_one_core(ground, |runtime| {
        Box::pin(async move {
            let budget = runtime.budget("test", 100);
            let all = budget.reserve(100).await;
            let order = Rc::new(RefCell::new(Vec::new()));
            let scope = runtime.scope("waiters");
            for bytes in [90, 20, 10] {
                let budget = budget.clone();
                let order = Rc::clone(&order);
                let sleeper = runtime.clone();
                let waiter = scope.spawn(Class::Produce, "waiter", async move {
                    let lease = budget.reserve(bytes).await;
                    order.borrow_mut().push(bytes);
                    sleeper.sleep(Duration::from_millis(1)).await;
                    drop(lease);
                });
                drop(waiter);
                // Each stands in line before the next comes.
                runtime.sleep(Duration::from_millis(1)).await;
            }
            assert_eq!(budget.waits(), 3);
            assert!(budget.try_reserve(1).is_none(), "nobody overtakes the line");
            let gave_up = runtime
                .timeout(Duration::from_millis(1), budget.reserve(100))
                .await;
            assert!(gave_up.is_none());
            drop(all);
            scope.join().await.expect("no panic");
            // 90 goes first; 20 does not fit beside it and holds 10 back, though that would fit.
            assert_eq!(order.borrow()[0], 90);
            assert_eq!(order.borrow().len(), 3);
            assert_eq!((budget.used(), budget.used_peak()), (0, 100));
        })
    });
}

/// A lease that another core drops wakes who waits here, though this core has nothing else to do.
pub fn a_lease_dropped_elsewhere_wakes_who_waits(ground: &dyn Ground) {
    const LEASES: Port<Lease> = Port::new(9201, "leases", 4);
    on_cores(ground, 2, |runtime| {
        Box::pin(async move {
            if runtime.core() == CoreId::ZERO {
                let budget = runtime.budget("test", 10);
                let mut lease = budget.reserve(10).await;
                lease.shrink_to(6);
                assert_eq!(budget.used(), 6);
                runtime.send(CoreId::new(1), LEASES, lease).await;
                drop(budget.reserve(10).await);
            } else {
                let (_, lease) = runtime.inbox(LEASES).recv().await;
                runtime.sleep(Duration::from_millis(3)).await;
                drop(lease);
            }
            all_done(&runtime).await;
        })
    });
}
