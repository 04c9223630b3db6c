//! What a node on io_uring does beyond what every ground does.

#[path = "node/common.rs"]
mod common;

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use common::{CRASH_IN_CHILD, configs, main_of, run_on};
use runtime::{CallPort, Class, CoreId, Frozen, IoErrorKind, Port, Runtime};
use stdx::Duration;
use uring::{Config, UringError};

const ECHOES: CallPort<u64, u64> = CallPort::new(1, "echoes", 4);
const BEATS: Port<u64> = Port::new(2, "beats", 64);

/// A lost wake-up would leave both cores asleep for ever: neither has a timer.
#[test]
fn two_cores_wake_each_other_every_time() {
    const ROUNDS: u64 = 20_000;
    run_on(2, |runtime| {
        Box::pin(async move {
            if runtime.core() == CoreId::ZERO {
                for round in 0..ROUNDS {
                    let answer = runtime.call(CoreId::new(1), ECHOES, round).await;
                    assert_eq!(answer, Ok(round + 1));
                }
            } else {
                let calls = runtime.calls(ECHOES);
                for _ in 0..ROUNDS {
                    let (_, request, reply) = calls.recv().await;
                    reply.send(request + 1);
                }
            }
        })
    });
}

/// Every pair of four cores at once, each core now busy and now asleep.
#[test]
fn a_crowd_of_cores_loses_no_message() {
    const MESSAGES: u64 = 3_000;
    run_on(4, |runtime| {
        Box::pin(async move {
            let others = || {
                (0..4)
                    .map(CoreId::new)
                    .filter(|&core| core != runtime.core())
            };
            let senders: Vec<_> = others()
                .map(|target| {
                    let runtime = runtime.clone();
                    runtime.root().spawn(Class::Produce, "sender", async move {
                        for number in 0..MESSAGES {
                            runtime.send(target, BEATS, number).await;
                            if number % 64 == 0 {
                                runtime.yield_now().await;
                            }
                        }
                    })
                })
                .collect();
            let inbox = runtime.inbox(BEATS);
            let mut sum = 0;
            for _ in 0..MESSAGES * 3 {
                sum += inbox.recv().await.1;
            }
            assert_eq!(sum, 3 * MESSAGES * (MESSAGES - 1) / 2);
            for sender in senders {
                assert_eq!(sender.await, Ok(()));
            }
        })
    });
}

/// Eighty connections have bytes at once, and the ring has four buffers.
#[test]
fn more_connections_than_receive_buffers() {
    const CONNECTIONS: u8 = 80;
    for config in configs(1) {
        let config = Config {
            receive_buffers: 4,
            receive_buffer_bytes: 4096,
            ..config
        };
        let main = main_of(|runtime| {
            Box::pin(async move {
                let listener = runtime.listen(loopback(), 128).await.unwrap();
                let mut receivers = Vec::new();
                let mut senders = Vec::new();
                for _ in 0..CONNECTIONS {
                    let ours = runtime.connect(listener.address()).await.unwrap();
                    let (mut receiver, sender) = listener.accept().await.unwrap().split();
                    senders.push(ours.split().1);
                    receivers.push(runtime.root().spawn(Class::Fetch, "receiver", async move {
                        let mut received = Vec::new();
                        while received.len() < 5_000 {
                            let buffer = receiver.receive(3_000).await.unwrap();
                            assert!((1..=3_000).contains(&buffer.len()));
                            received.extend_from_slice(buffer.as_slice());
                        }
                        drop(sender);
                        received
                    }));
                }
                // All receives are in flight before the first byte is.
                runtime.sleep(Duration::from_millis(1)).await;
                let tasks: Vec<_> = (0..)
                    .zip(senders)
                    .map(|(byte, mut sender)| {
                        runtime.root().spawn(Class::Produce, "sender", async move {
                            let piece = Frozen::from(vec![byte; 5_000]);
                            sender.send([piece].into_iter().collect()).await.unwrap();
                        })
                    })
                    .collect();
                for (byte, receiver) in (0..).zip(receivers) {
                    assert_eq!(receiver.await.unwrap(), [byte; 5_000]);
                }
                for task in tasks {
                    task.await.unwrap();
                }
            })
        });
        uring::run(&config, &main).unwrap();
    }
}

#[test]
fn one_port_on_both_loopbacks() {
    run_on(1, |runtime| {
        Box::pin(async move {
            let v4 = runtime.listen(loopback(), 8).await.unwrap();
            let port = v4.address().port();
            let address = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
            let v6 = match runtime.listen(address, 8).await {
                Ok(listener) => listener,
                Err(error) if error.kind() == IoErrorKind::AddressUnavailable => {
                    eprintln!("SKIPPED: no IPv6 here");
                    return;
                }
                Err(error) => panic!("{error}"),
            };
            for listener in [&v4, &v6] {
                let ours = runtime.connect(listener.address()).await.unwrap();
                let theirs = listener.accept().await.unwrap();
                assert_eq!(theirs.local(), listener.address());
                assert_eq!(ours.peer(), listener.address());
                assert_eq!(ours.local(), theirs.peer());
            }
        })
    });
}

/// Big sends both ways over one connection whose ends are on two cores, while its reader is slow to start.
#[test]
fn an_echo_across_two_cores() {
    const HANDOVERS: Port<runtime::Handover> = Port::new(3, "handovers", 4);
    const BYTES: usize = 3 << 20;
    run_on(2, |runtime| {
        Box::pin(async move {
            if runtime.core() != CoreId::ZERO {
                let (_, handover) = runtime.inbox(HANDOVERS).recv().await;
                return echo(&runtime, handover, BYTES).await;
            }
            let listener = runtime.listen(loopback(), 8).await.unwrap();
            let (mut receiver, mut sender) =
                runtime.connect(listener.address()).await.unwrap().split();
            let theirs = listener.accept().await.unwrap();
            runtime
                .send(CoreId::new(1), HANDOVERS, theirs.hand_over())
                .await;
            let bytes: Vec<u8> = (0..=250).cycle().take(BYTES).collect();
            let sent = bytes.clone();
            let sending = runtime.root().spawn(Class::Produce, "sender", async move {
                let parts = sent.chunks(100_000).map(|part| Frozen::from(part.to_vec()));
                sender.send(parts.collect()).await.unwrap();
            });
            let buffer = runtime.buffer(BYTES);
            let buffer = receiver.receive_exact(BYTES, buffer).await.unwrap();
            assert!(buffer.as_slice() == bytes);
            sending.await.unwrap();
        })
    });
}

async fn echo(runtime: &Runtime, handover: runtime::Handover, bytes: usize) {
    let (mut receiver, mut sender) = runtime.adopt(handover).split();
    let mut echoed = 0;
    while echoed < bytes {
        let buffer = receiver.receive(1 << 20).await.expect("they send");
        echoed += buffer.len();
        sender
            .send([buffer.freeze()].into_iter().collect())
            .await
            .expect("they receive");
    }
}

/// Core 1 sleeps without a deadline; the crash of core 0 ends it all the same, and its tasks' destructors run.
#[test]
fn a_crash_of_one_core_ends_the_node() {
    struct Guard(Arc<AtomicU64>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    for config in configs(2) {
        let drops = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&drops);
        let main = main_of(move |runtime| {
            let guard = Rc::new(Guard(Arc::clone(&counted)));
            Box::pin(async move {
                if runtime.core() == CoreId::ZERO {
                    runtime.sleep(Duration::from_millis(1)).await;
                    runtime.crash("planted by this test");
                }
                let listener = runtime.listen(loopback(), 8).await.unwrap();
                drop(listener.accept().await);
                drop(guard);
            })
        });
        let error = uring::run(&config, &main).unwrap_err();
        let message = "planted by this test".to_owned();
        let core = CoreId::ZERO;
        assert_eq!(error, UringError::Panicked { core, message });
        assert_eq!(drops.load(Ordering::Relaxed), 2);
    }
}

#[test]
fn a_crash_ends_the_process_with_its_exit_code() {
    if uring::is_available().is_err() {
        eprintln!("SKIPPED: no io_uring here");
        return;
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_child_that_crashes", "--nocapture"])
        .env(CRASH_IN_CHILD, "1")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(5));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("fatal: the disk is gone"), "{said}");
}

/// Not a test by itself: the process that the test above starts.
#[test]
fn the_child_that_crashes() {
    if std::env::var_os(CRASH_IN_CHILD).is_none() {
        return;
    }
    let config = Config::new(core::num::NonZeroU16::MIN);
    let main = main_of(|runtime| Box::pin(async move { runtime.crash("the disk is gone") }));
    uring::run(&config, &main).unwrap();
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let good = Config::new(core::num::NonZeroU16::MIN);
    let bad = [
        Config {
            receive_buffers: 3,
            ..good.clone()
        },
        Config {
            receive_buffers: 0,
            ..good.clone()
        },
        Config {
            receive_buffer_bytes: 0,
            ..good.clone()
        },
        Config {
            cores: core::num::NonZeroU16::new(257).unwrap(),
            ..good
        },
    ];
    for config in bad {
        let ended = uring::run(&config, &main_of(|_| Box::pin(async {})));
        assert!(matches!(ended, Err(UringError::Config(_))), "{ended:?}");
    }
}

#[test]
fn pinned_cores_and_offloaded_jobs() {
    for config in configs(2) {
        let config = Config {
            pin: true,
            ..config
        };
        let main = main_of(|runtime| {
            Box::pin(async move {
                let jobs: Vec<_> = (0..200_u64)
                    .map(|number| {
                        let runtime = runtime.clone();
                        runtime
                            .clone()
                            .root()
                            .spawn(Class::Background, "job", async move {
                                runtime
                                    .offload(Duration::ZERO, move || number * number)
                                    .await
                            })
                    })
                    .collect();
                for (number, job) in (0..).zip(jobs) {
                    assert_eq!(job.await, Ok(Ok(number * number)));
                }
            })
        });
        uring::run(&config, &main).unwrap();
    }
}

fn loopback() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

/// A send of another core's memory fails; the memory goes home all the same, and that core, which sleeps until it
/// does, is woken. A recording of it replays, whichever core is how far when it happens.
#[test]
fn memory_of_a_failed_send_comes_home_to_another_core() {
    const PIECES: Port<Frozen> = Port::new(4, "pieces", 4);
    for config in configs(2) {
        let tape = runtime::record::Tape::new();
        let config = Config {
            tape: Some(tape.clone()),
            ..config
        };
        let main = main_of(|runtime| {
            Box::pin(async move {
                if runtime.core() != CoreId::ZERO {
                    let budget = runtime.budget("pieces", 100);
                    for _ in 0..50 {
                        let mut buffer = runtime.buffer(100);
                        buffer.extend_from_slice(&[7; 100]);
                        buffer.attach(budget.reserve(100).await);
                        runtime.send(CoreId::ZERO, PIECES, buffer.freeze()).await;
                    }
                    return;
                }
                let listener = runtime.listen(loopback(), 8).await.unwrap();
                let ours = runtime.connect(listener.address()).await.unwrap();
                drop(listener.accept().await.unwrap());
                let (mut receiver, mut sender) = ours.split();
                assert!(receiver.receive(10).await.unwrap().is_empty());
                let inbox = runtime.inbox(PIECES);
                let mut failures = 0;
                for _ in 0..50 {
                    let (_, piece) = inbox.recv().await;
                    // The first one may still get through to where nobody is any more.
                    let sent = sender.send([piece].into_iter().collect()).await;
                    failures += u32::from(sent.is_err());
                }
                assert!(failures >= 48, "{failures}");
            })
        });
        uring::run(&config, &main).unwrap();
        let recording = tape.recording();
        let mut recorded = recording.digests.clone();
        recorded.sort_unstable();
        assert_eq!(runtime::replay::replay(&recording, &main), recorded);
    }
}
