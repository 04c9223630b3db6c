//! Time.

use core::cell::RefCell;
use std::rc::Rc;

use stdx::Duration;

use super::{Ground, on_one_core};
use crate::sync::oneshot;
use crate::task::Class;

/// Equal deadlines fire in the order of their making, others by deadline.
pub fn timers_fire_in_their_order(ground: &dyn Ground) {
    on_one_core(ground, |runtime| {
        Box::pin(async move {
            let fired = Rc::new(RefCell::new(Vec::new()));
            let start = runtime.now();
            let scope = runtime.scope("timers");
            for (name, millis) in [(0, 5), (1, 1), (2, 5), (3, 0), (4, 3)] {
                let fired = Rc::clone(&fired);
                let sleep = runtime.sleep_until(start + Duration::from_millis(millis));
                drop(scope.spawn(Class::Produce, "timer", async move {
                    sleep.await;
                    fired.borrow_mut().push(name);
                }));
            }
            scope.join().await.expect("timers do not panic");
            assert!(runtime.now().since(start) >= Duration::from_millis(5));
            let mut order = fired.borrow().clone();
            // Two timers that are due in one turn may run in either order in the simulator; not so the others.
            let equal: Vec<_> = order
                .iter()
                .copied()
                .filter(|name| name % 2 == 0 && *name < 4)
                .collect();
            assert_eq!(equal.len(), 2);
            order.retain(|name| ![0, 2].contains(name));
            assert_eq!(order.len(), 3);
            assert_eq!(order[0], 3);
        })
    });
}

/// What a timeout gives up on is dropped at once.
pub fn a_timeout_drops_what_it_waited_for(ground: &dyn Ground) {
    on_one_core(ground, |runtime| {
        Box::pin(async move {
            let (sender, receiver) = oneshot::channel::<()>();
            let result = runtime.timeout(Duration::from_millis(2), receiver).await;
            assert_eq!(result, None);
            assert!(sender.is_unwanted());
            let quick = runtime.timeout(Duration::from_hours(1), async { 7 }).await;
            assert_eq!(quick, Some(7));
        })
    });
}

/// The monotonic clock stands still within a turn and never goes back.
pub fn the_clock_does_not_go_back(ground: &dyn Ground) {
    on_one_core(ground, |runtime| {
        Box::pin(async move {
            let mut before = runtime.now();
            for _ in 0..50 {
                assert_eq!(runtime.now(), runtime.now());
                runtime.sleep(Duration::from_micros(50)).await;
                assert!(runtime.now() >= before + Duration::from_micros(50));
                before = runtime.now();
            }
        })
    });
}
