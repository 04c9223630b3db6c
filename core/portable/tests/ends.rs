//! How a node ends: well, with work left over, or because one core or thread of it failed.

use core::future::pending;
use core::net::{Ipv4Addr, SocketAddr};
use core::num::NonZeroU16;
use std::panic::panic_any;
use std::sync::Arc;

use portable::{Config, PortableError, run};
use runtime::{Class, CoreId, Crash, LocalFuture, Runtime};
use stdx::Duration;

fn node(
    cores: u16,
    main: impl Fn(Runtime) -> LocalFuture<()> + Send + Sync + 'static,
) -> Result<(), PortableError> {
    let mut config = Config::new(NonZeroU16::new(cores).expect("a node has cores"));
    config.crash = |why| panic_any(Crash(why.to_owned()));
    run(config, Arc::new(main))
}

#[test]
fn a_crash_of_one_core_ends_all() {
    let failed = node(3, |runtime| {
        Box::pin(async move {
            if runtime.core() == CoreId::new(1) {
                runtime.crash("planted: the disk is gone");
            }
            pending::<()>().await;
        })
    });
    let Err(PortableError::Core { core, message }) = failed else {
        panic!("{failed:?}");
    };
    assert_eq!(
        (core, message.as_str()),
        (CoreId::new(1), "planted: the disk is gone")
    );
}

#[test]
fn a_panic_in_the_root_scope_is_a_crash() {
    let failed = node(2, |runtime| {
        Box::pin(async move {
            assert_ne!(runtime.core(), CoreId::ZERO, "planted: core zero is wrong");
            pending::<()>().await;
        })
    });
    let message = failed.unwrap_err().to_string();
    assert!(message.contains("planted: core zero is wrong"), "{message}");
}

#[test]
fn a_node_has_no_more_cores_than_sets_of_them_hold() {
    let failed = node(257, |_| Box::pin(async {}));
    assert!(
        matches!(failed, Err(PortableError::Config(_))),
        "{failed:?}"
    );
}

#[test]
fn a_core_ends_with_operations_in_flight() {
    let ended = node(1, |runtime| {
        Box::pin(async move {
            let listener = runtime.listen(loopback(), 8).await.unwrap();
            let client = runtime.connect(listener.address()).await.unwrap();
            let (mut receiver, _sender) = client.split();
            drop(runtime.root().spawn(Class::Fetch, "receives", async move {
                receiver.receive(100).await.unwrap();
            }));
            drop(runtime.root().spawn(Class::Fetch, "accepts", async move {
                loop {
                    listener.accept().await.unwrap();
                }
            }));
            runtime.sleep(Duration::from_millis(1)).await;
        })
    });
    assert!(ended.is_ok(), "{ended:?}");
}

#[test]
fn a_job_that_panics_cancels_its_caller_only() {
    let ended = node(1, |runtime| {
        Box::pin(async move {
            let cost = Duration::from_millis(1);
            let failed = runtime
                .offload(cost, || assert_eq!(1, 2, "planted: a job panics"))
                .await;
            assert!(failed.is_err());
            assert_eq!(runtime.offload(cost, || 3).await, Ok(3));
        })
    });
    assert!(ended.is_ok(), "{ended:?}");
}

#[test]
fn waiting_jobs_do_not_hold_files_up() {
    let ended = node(1, |runtime| {
        Box::pin(async move {
            let gate = Arc::new((std::sync::Mutex::new(false), std::sync::Condvar::new()));
            // More than there are job threads, and all of them wait for what comes after a file operation.
            let jobs: Vec<_> = (0..8)
                .map(|_| {
                    let gate = Arc::clone(&gate);
                    let runtime = runtime.clone();
                    runtime
                        .clone()
                        .root()
                        .spawn(Class::Background, "job", async move {
                            let cost = Duration::from_millis(1);
                            let waits = move || {
                                drop(gate.1.wait_while(gate.0.lock().unwrap(), |open| !*open));
                            };
                            runtime.offload(cost, waits).await.unwrap();
                        })
                })
                .collect();
            runtime.yield_now().await;
            runtime.status(env!("CARGO_TARGET_TMPDIR")).await.unwrap();
            *gate.0.lock().unwrap() = true;
            gate.1.notify_all();
            for job in jobs {
                job.await.unwrap();
            }
        })
    });
    assert!(ended.is_ok(), "{ended:?}");
}

fn loopback() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}
