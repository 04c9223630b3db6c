//! Tasks that end together, panics that stay within, and what a task leaves behind.

use core::cell::Cell;
use std::rc::Rc;

use stdx::Duration;

use super::files::{CREATE, pieces, read};
use super::{Ground, on_one_core};
use crate::task::{Cancelled, Class};

/// Counts its drops.
struct Guard(Rc<Cell<u32>>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

/// A panic ends its siblings and the scopes within; its owner hears of it, the others go on.
pub fn a_panic_ends_its_scope_and_nothing_else(ground: &dyn Ground) {
    on_one_core(ground, |runtime| {
        Box::pin(async move {
            let drops = Rc::new(Cell::new(0));
            let healthy = runtime.scope("healthy");
            let alive = healthy.spawn(Class::Produce, "alive", {
                let runtime = runtime.clone();
                async move {
                    runtime.sleep(Duration::from_millis(5)).await;
                    7
                }
            });
            let scope = runtime.scope("doomed");
            let inner = scope.child("inner");
            for spawner in [scope.spawner(), inner.spawner()] {
                let guard = Guard(Rc::clone(&drops));
                drop(spawner.spawn(Class::Produce, "sibling", async move {
                    core::future::pending::<()>().await;
                    drop(guard);
                }));
            }
            let panics = scope.spawn(Class::Produce, "panics", async {
                assert_eq!(1 + 1, 3, "planted by the conformance suite");
            });
            let fault = scope.join().await.expect_err("it panicked");
            assert_eq!((fault.scope, fault.task), ("doomed", "panics"));
            assert!(fault.message.contains("planted by the conformance suite"));
            assert_eq!(drops.get(), 2);
            assert_eq!(panics.await, Err(Cancelled));
            assert_eq!(
                scope.spawn(Class::Produce, "late", async {}).await,
                Err(Cancelled)
            );
            assert_eq!(alive.await, Ok(7));
        })
    });
}

/// Dropping a scope drops the futures of its tasks, of a task that cancels its own scope too.
pub fn cancelling_drops_the_tasks_within(ground: &dyn Ground) {
    on_one_core(ground, |runtime| {
        Box::pin(async move {
            let drops = Rc::new(Cell::new(0));
            let scope = Rc::new(runtime.scope("suicidal"));
            let guard = Guard(Rc::clone(&drops));
            let itself = Rc::downgrade(&scope);
            let task = scope.spawn(Class::Produce, "itself", async move {
                itself.upgrade().expect("the owner holds it").cancel();
                core::future::pending::<()>().await;
                drop(guard);
            });
            assert_eq!(task.await, Err(Cancelled));
            assert_eq!(drops.get(), 1);
            let other = runtime.scope("dropped");
            let guard = Guard(Rc::clone(&drops));
            let task = other.spawn(Class::Background, "waits", async move {
                core::future::pending::<()>().await;
                drop(guard);
            });
            runtime.yield_now().await;
            drop(other);
            assert_eq!(drops.get(), 2);
            assert_eq!(task.await, Err(Cancelled));
        })
    });
}

/// A task that goes while its writes and reads are in flight takes no memory from under them.
pub fn operations_outlive_the_tasks_that_wanted_them(ground: &dyn Ground) {
    let directory = ground.scratch();
    on_one_core(ground, move |runtime| {
        let directory = directory.clone();
        Box::pin(async move {
            let file = runtime
                .open(&format!("{directory}/a"), CREATE)
                .await
                .expect("made");
            file.write_at_sync(0, pieces(&[&[1; 8192]]))
                .await
                .expect("written");
            for round in 0..50_u64 {
                let scope = runtime.scope("short-lived");
                for place in 0..4 {
                    let (file, runtime) = (file.clone(), runtime.clone());
                    drop(scope.spawn(Class::Produce, "writer", async move {
                        let bytes = [1; 2048];
                        let _written = file.write_at_sync(place * 2048, pieces(&[&bytes])).await;
                    }));
                    let file = scope_file(&runtime, &directory).await;
                    drop(scope.spawn(Class::Produce, "reader", async move {
                        let _read = file.read_at(0, 4096, runtime.buffer(4096)).await;
                    }));
                }
                runtime.sleep(Duration::from_micros(round * 5)).await;
                drop(scope);
                // The pool hands the same blocks out again if they came back too early.
                let mut buffers: Vec<_> = (0..8).map(|_| runtime.buffer(4096)).collect();
                for buffer in &mut buffers {
                    buffer.set_len(4096);
                    buffer.as_mut_slice().fill(0xee);
                }
            }
            runtime.sleep(Duration::from_millis(50)).await;
            assert!(
                read(&runtime, &file, 0, 8192)
                    .await
                    .iter()
                    .all(|&byte| byte == 1)
            );
        })
    });
}

async fn scope_file(runtime: &crate::Runtime, directory: &str) -> crate::File {
    runtime
        .open(&format!("{directory}/a"), CREATE)
        .await
        .expect("it is there")
}

/// A job's result comes back; a job nobody waits for hurts nobody.
pub fn a_job_runs_off_the_core(ground: &dyn Ground) {
    on_one_core(ground, |runtime| {
        Box::pin(async move {
            let cost = Duration::from_micros(100);
            let sum = runtime.offload(cost, || (1..=1000_u64).sum::<u64>()).await;
            assert_eq!(sum, Ok(500_500));
            let given_up = runtime
                .timeout(Duration::ZERO, runtime.offload(cost, || vec![0; 1 << 20]))
                .await;
            drop(given_up);
            let text = runtime.offload(cost, || "done".to_owned()).await;
            assert_eq!(text.as_deref(), Ok("done"));
        })
    });
}

/// However busy the urgent ones are, every class gets its share.
pub fn urgent_tasks_do_not_starve_the_others(ground: &dyn Ground) {
    on_one_core(ground, |runtime| {
        Box::pin(async move {
            let scope = runtime.scope("busy");
            for _ in 0..4 {
                let runtime = runtime.clone();
                drop(scope.spawn(Class::Consensus, "busy", async move {
                    loop {
                        runtime.yield_now().await;
                    }
                }));
            }
            let modest = scope.spawn(Class::Background, "modest", {
                let runtime = runtime.clone();
                async move {
                    for _ in 0..100 {
                        runtime.yield_now().await;
                    }
                }
            });
            assert_eq!(modest.await, Ok(()));
        })
    });
}
