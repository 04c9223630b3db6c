//! Lives and deaths of nodes.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use runtime::{CoreId, Frozen, IoErrorKind, OpenOptions, Pieces, Port, Runtime};
use stdx::{Duration, Instant};
use world::{
    Cause, Crash, Fault, NodeConfig, NodeId, NodeState, Rate, Span, World, WorldConfig, block_on,
    program,
};

const CREATE: OpenOptions = OpenOptions {
    write: true,
    create: true,
    create_new: false,
    direct: false,
};

fn pieces(bytes: &[u8]) -> Pieces {
    [Frozen::from(bytes.to_vec())].into_iter().collect()
}

/// When a program ticked.
type Ticks = Arc<Mutex<Vec<Instant>>>;

/// A program that notes the time every millisecond.
fn ticker(log: &Ticks) -> runtime::Main {
    let log = Arc::clone(log);
    program(move |runtime| {
        let log = Arc::clone(&log);
        async move {
            loop {
                runtime.sleep(Duration::from_millis(1)).await;
                log.lock().expect("one thread").push(runtime.now());
            }
        }
    })
}

fn longest_gap(log: &Mutex<Vec<Instant>>) -> Duration {
    let log = log.lock().expect("one thread");
    let gaps = log.windows(2).map(|pair| pair[1].since(pair[0]));
    gaps.max().expect("it ticked")
}

#[test]
fn a_future_runs_to_its_result() {
    let slept = block_on(1, |runtime| async move {
        runtime.sleep(Duration::from_secs(5)).await;
        runtime.now()
    });
    assert!(slept >= Instant::ZERO + Duration::from_secs(5));
    assert!(slept < Instant::ZERO + Duration::from_millis(5_001));
}

#[test]
fn a_node_restarts_on_its_disk_with_other_cores() {
    let mut world = World::new(1, WorldConfig::default());
    let node = world.add_machine(NodeConfig::with_cores(3));
    world.block_on(node, |runtime| async move {
        assert_eq!(runtime.cores(), 3);
        let file = runtime.open("/f", CREATE).await.expect("made");
        file.write_at(0, pieces(b"first")).await.expect("written");
    });
    assert!(world.is_completed(node));
    assert_eq!(world.state(node), NodeState::Stopped);
    world.set_cores(node, 2);
    let seen = world.block_on(node, |runtime| async move {
        assert_eq!(runtime.cores(), 2);
        runtime
            .status("/f")
            .await
            .expect("it is still there")
            .length
    });
    assert_eq!((seen, world.incarnation(node)), (5, 2));
    assert!(world.deaths().is_empty());
}

#[test]
fn a_paused_process_does_nothing_and_its_kernel_goes_on() {
    let log = Arc::default();
    let mut world = World::new(1, WorldConfig::default());
    let node = world.add_node(NodeConfig::default(), ticker(&log));
    world.run_for(Duration::from_millis(20));
    world.pause(node);
    world.run_for(Duration::from_secs(5));
    world.resume(node);
    world.run_for(Duration::from_millis(20));
    assert!(longest_gap(&log) >= Duration::from_secs(5));
    assert_eq!(world.hits(Fault::Pause), 1);

    // Connections are made, and bytes taken in, while the process stands still.
    let mut world = World::new(1, WorldConfig::default());
    let client = world.add_machine(NodeConfig::default());
    let server = world.add_node(
        NodeConfig::default(),
        program(|runtime| async move {
            let address = (core::net::Ipv4Addr::UNSPECIFIED, 1).into();
            let listener = runtime.listen(address, 4).await.expect("free");
            let (mut receive, mut send) = listener.accept().await.expect("healthy").split();
            let buffer = receive.receive(10).await.expect("healthy");
            send.send([buffer.freeze()].into_iter().collect())
                .await
                .expect("healthy");
            core::future::pending::<()>().await;
        }),
    );
    world.run_for(Duration::from_millis(1));
    world.pause(server);
    let address = world.address(server, 1);
    let answer = Arc::new(Mutex::new(Vec::new()));
    let place = Arc::clone(&answer);
    world.start(
        client,
        program(move |runtime| {
            let place = Arc::clone(&place);
            async move {
                let (mut receive, mut send) = runtime
                    .connect(address)
                    .await
                    .expect("the kernel answers")
                    .split();
                send.send(pieces(b"hello"))
                    .await
                    .expect("the window has room");
                let buffer = receive.receive(10).await.expect("after the pause");
                place
                    .lock()
                    .expect("one thread")
                    .extend_from_slice(buffer.as_slice());
            }
        }),
    );
    world.run_for(Duration::from_secs(9));
    assert!(answer.lock().expect("one thread").is_empty());
    world.resume(server);
    world.run_for(Duration::from_secs(1));
    assert_eq!(*answer.lock().expect("one thread"), b"hello");
}

#[test]
fn a_stalled_core_holds_up_itself_alone() {
    let (stalled, healthy): (Ticks, Ticks) = Default::default();
    let mut world = World::new(1, WorldConfig::default());
    let logs = [Arc::clone(&stalled), Arc::clone(&healthy)];
    let node = world.add_node(
        NodeConfig::with_cores(2),
        program(move |runtime| {
            let log = Arc::clone(&logs[runtime.core().index()]);
            async move {
                loop {
                    runtime.sleep(Duration::from_millis(1)).await;
                    log.lock().expect("one thread").push(runtime.now());
                }
            }
        }),
    );
    world.run_for(Duration::from_millis(20));
    world.stall_core(node, CoreId::ZERO, Duration::from_secs(1));
    world.run_for(Duration::from_secs(2));
    assert!(longest_gap(&stalled) >= Duration::from_millis(990));
    assert!(longest_gap(&healthy) < Duration::from_millis(2));

    let log = Arc::default();
    let mut config = NodeConfig::default();
    config.pace.stall = Rate::per_million(10_000);
    config.pace.stall_time = Span::millis(40, 40);
    let mut world = World::new(1, WorldConfig::default());
    world.add_node(config, ticker(&log));
    world.run_for(Duration::from_secs(1));
    assert!(longest_gap(&log) >= Duration::from_millis(40));
    assert!(world.hits(Fault::CoreStall) > 0);
}

/// Writes to its file and sends to its neighbour as it dies.
struct Testament {
    runtime: Runtime,
    file: Option<runtime::File>,
    drops: Arc<AtomicU32>,
}

impl Drop for Testament {
    fn drop(&mut self) {
        self.drops.fetch_add(1, Ordering::Relaxed);
        // Destructors can start things: operations, tasks, messages. None of it may come true.
        let runtime = self.runtime.clone();
        if let Some(file) = self.file.take() {
            let mut write = Box::pin(async move { file.write_at(0, pieces(b"testament")).await });
            let mut context = core::task::Context::from_waker(core::task::Waker::noop());
            assert!(write.as_mut().poll(&mut context).is_pending());
        }
        drop(
            runtime
                .root()
                .spawn(runtime::Class::Produce, "ghost", async {}),
        );
    }
}

#[test]
fn destructors_of_a_dead_node_have_no_effect() {
    for crash in [Crash::Kill, Crash::PowerCut] {
        let drops = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&drops);
        let mut world = World::new(1, WorldConfig::default());
        let node = world.add_node(
            NodeConfig::default(),
            program(move |runtime| {
                let drops = Arc::clone(&counted);
                async move {
                    let file = runtime.open("/f", CREATE).await.expect("made");
                    file.write_at_sync(0, pieces(b"in life"))
                        .await
                        .expect("written");
                    runtime.sync_directory("/").await.expect("synced");
                    let _testament = Testament {
                        runtime,
                        file: Some(file),
                        drops,
                    };
                    core::future::pending::<()>().await;
                }
            }),
        );
        world.run_for(Duration::from_secs(1));
        match crash {
            Crash::Kill => world.kill(node),
            Crash::PowerCut => world.power_cut(node),
        }
        world.run_for(Duration::from_secs(1));
        assert_eq!(drops.load(Ordering::Relaxed), 1, "they do run");
        assert_eq!(
            world.disk(node).cache_bytes("/f"),
            Some(b"in life".to_vec())
        );
        let expected = if crash == Crash::Kill {
            NodeState::Stopped
        } else {
            NodeState::Dark
        };
        assert_eq!(world.state(node), expected);
        assert_eq!(world.deaths()[0].cause, Cause::Crash(crash));
    }
}

#[test]
fn a_node_that_ends_itself_is_a_death_with_a_reason() {
    let mut world = World::new(1, WorldConfig::default());
    let node = world.add_machine(NodeConfig::default());
    let result = world.try_block_on(node, |runtime| async move {
        runtime.sleep(Duration::from_secs(1)).await;
        if runtime.cores() == 1 {
            runtime.crash("a sync failed");
        }
    });
    assert_eq!(result, None);
    let death = &world.deaths()[0];
    assert_eq!(death.cause, Cause::Own("a sync failed".to_owned()));
    assert_eq!((death.node, death.incarnation), (node, 1));
    assert!(death.time >= Instant::ZERO + Duration::from_secs(1));
    assert_eq!(world.hits(Fault::OwnCrash), 1);
    assert!(!world.is_completed(node));
}

#[test]
fn a_panic_in_the_root_scope_ends_the_node() {
    let mut world = World::new(1, WorldConfig::default());
    let node = world.add_machine(NodeConfig::default());
    let result = world.try_block_on(node, |_| async move {
        assert_eq!(1 + 1, 3, "planted by a test");
    });
    assert_eq!(result, None);
    assert!(matches!(&world.deaths()[0].cause, Cause::Own(why) if why.contains("planted")));
}

/// Appends numbers to a log, each synced before it counts as done, after reading what is there.
fn appender(acknowledged: &Arc<AtomicU32>, recovered: &Arc<Mutex<Vec<u32>>>) -> runtime::Main {
    let (acknowledged, recovered) = (Arc::clone(acknowledged), Arc::clone(recovered));
    program(move |runtime| {
        let (acknowledged, recovered) = (Arc::clone(&acknowledged), Arc::clone(&recovered));
        async move {
            let file = runtime.open("/log", CREATE).await.expect("made");
            runtime.sync_directory("/").await.expect("synced");
            let length = runtime.status("/log").await.expect("there").length;
            let mut count = 0;
            while u64::from(count) * 4 + 4 <= length {
                let buffer = file
                    .read_exact_at(u64::from(count) * 4, 4, runtime.buffer(4))
                    .await;
                let number = buffer
                    .expect("readable")
                    .as_slice()
                    .try_into()
                    .map(u32::from_le_bytes);
                if number.ok() != Some(count + 1) {
                    break;
                }
                count += 1;
            }
            recovered.lock().expect("one thread").push(count);
            file.truncate(u64::from(count) * 4).await.expect("cut");
            file.sync().await.expect("healthy");
            for number in count + 1..=count + 3 {
                let bytes = number.to_le_bytes();
                file.write_at_sync(u64::from(number - 1) * 4, pieces(&bytes))
                    .await
                    .expect("written");
                acknowledged.store(number, Ordering::Relaxed);
            }
        }
    })
}

#[test]
fn a_node_dies_at_the_event_that_was_chosen_also_while_it_recovers() {
    let mut deaths = [0; 3];
    for crash in [Crash::Kill, Crash::PowerCut] {
        for event in 1..40 {
            let mut world = World::new(event, WorldConfig::default());
            let node = world.add_machine(NodeConfig::default());
            let (acknowledged, recovered) = Default::default();
            let main = appender(&acknowledged, &recovered);
            for life in 0..3 {
                world.crash_at_event(node, event - event % (life + 1), crash);
                world.start(node, Arc::clone(&main));
                let before = acknowledged.load(Ordering::Relaxed);
                let events_before = world.hits(Fault::CrashPoint);
                if !world.run_to_end(node) {
                    deaths[usize::try_from(life).expect("small")] += 1;
                    assert_eq!(world.hits(Fault::CrashPoint), events_before + 1);
                }
                let recovered = recovered.lock().expect("one thread").last().copied();
                assert!(
                    recovered.is_none_or(|count| count >= before),
                    "event {event}, life {life}"
                );
            }
            world.clear_crash_point(node);
            world.start(node, main);
            assert!(world.run_to_end(node));
        }
    }
    assert!(deaths.iter().all(|&count| count > 20), "{deaths:?}");
}

#[test]
fn a_crash_point_counts_from_now_too() {
    let log = Arc::default();
    let mut world = World::new(1, WorldConfig::default());
    let node = world.add_node(NodeConfig::default(), ticker(&log));
    world.run_for(Duration::from_millis(100));
    let events = world.node_events(node);
    // Besides them the world has counted the start alone.
    assert_eq!(world.events(), events + 1);
    world.crash_after_events(node, 11, Crash::Kill);
    world.run_for(Duration::from_millis(100));
    assert_eq!(world.node_events(node), events + 11);
    assert_eq!(world.deaths().len(), 1);
}

#[test]
fn messages_of_one_core_to_another_are_late_and_in_order() {
    const NUMBERS: Port<u32> = Port::new(1, "numbers", 64);
    let orders: Arc<Mutex<Vec<(u16, u32)>>> = Arc::default();
    let log = Arc::clone(&orders);
    let mut world = World::new(1, WorldConfig::default());
    let node = world.add_node(
        NodeConfig::with_cores(3),
        program(move |runtime| {
            let log = Arc::clone(&log);
            async move {
                if runtime.core() == CoreId::ZERO {
                    let inbox = runtime.inbox(NUMBERS);
                    for _ in 0..200 {
                        let (source, number) = inbox.recv().await;
                        log.lock()
                            .expect("one thread")
                            .push((source.number(), number));
                    }
                } else {
                    for number in 0..100 {
                        runtime.send(CoreId::ZERO, NUMBERS, number).await;
                    }
                    // Its credits come back to it as long as it is there.
                    runtime.sleep(Duration::from_millis(10)).await;
                }
            }
        }),
    );
    assert!(world.run_to_end(node));
    let orders = orders.lock().expect("one thread");
    for source in [1, 2] {
        let numbers = orders
            .iter()
            .filter(|(from, _)| *from == source)
            .map(|(_, number)| *number);
        assert!(numbers.eq(0..100));
    }
    assert!(!orders.is_sorted(), "the two senders interleave");
}

#[test]
fn a_message_takes_its_time() {
    const TIMES: Port<Instant> = Port::new(1, "times", 8);
    let mut config = NodeConfig::with_cores(2);
    config.pace.message = Span::millis(5, 7);
    let mut world = World::new(1, WorldConfig::default());
    let node = world.add_node(
        config,
        program(|runtime| async move {
            if runtime.core() == CoreId::ZERO {
                let inbox = runtime.inbox(TIMES);
                for _ in 0..20 {
                    let (_, sent) = inbox.recv().await;
                    let taken = runtime.now().since(sent);
                    assert!((Duration::from_millis(5)..Duration::from_millis(8)).contains(&taken));
                }
            } else {
                for _ in 0..20 {
                    runtime.send(CoreId::ZERO, TIMES, runtime.now()).await;
                    runtime.sleep(Duration::from_millis(10)).await;
                }
            }
        }),
    );
    assert!(world.run_to_end(node), "{:?}", world.deaths());
}

#[test]
#[should_panic(expected = "livelock: node 0 core 0")]
fn a_livelock_is_told_from_work() {
    let config = WorldConfig {
        idle_turns_max: 1_000,
        ..WorldConfig::default()
    };
    let mut world = World::new(1, config);
    let node = world.add_machine(NodeConfig::default());
    world.block_on(node, |runtime| async move {
        loop {
            runtime.yield_now().await;
        }
    });
}

#[test]
#[should_panic(expected = "waits for ever")]
fn who_waits_for_ever_is_told() {
    block_on(1, |_| core::future::pending::<()>());
}

#[test]
fn one_world_holds_many_nodes() {
    let mut world = World::new(1, WorldConfig::default());
    let nodes: Vec<NodeId> = (0..7)
        .map(|_| world.add_machine(NodeConfig::with_cores(8)))
        .collect();
    let last = *nodes.last().expect("there are some");
    world.start(
        last,
        program(|runtime| async move {
            let address = (core::net::Ipv4Addr::UNSPECIFIED, 1).into();
            if runtime.core() == CoreId::ZERO {
                let listener = runtime.listen(address, 16).await.expect("free");
                loop {
                    drop(listener.accept().await.expect("healthy"));
                }
            }
        }),
    );
    world.run_for(Duration::from_millis(1));
    let address = world.address(last, 1);
    for &node in &nodes[..6] {
        let result = world.block_on(node, move |runtime| async move {
            let stream = runtime.connect(address).await?;
            let (mut receive, _send) = stream.split();
            receive.receive_into(1, runtime.buffer(1)).await.map(drop)
        });
        assert_eq!(
            result.expect_err("it closes").kind(),
            IoErrorKind::UnexpectedEnd
        );
    }
}
