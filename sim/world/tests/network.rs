//! Each fault of the network, by itself: what its victims see, and what they never see.

use core::net::SocketAddr;
use std::sync::{Arc, Mutex};

use runtime::{Frozen, IoErrorKind, Runtime, Stream};
use stdx::{Duration, Instant};
use world::{Fault, LinkConfig, NodeConfig, NodeId, Rate, Span, World, WorldConfig, program};

const PORT: u16 = 9092;

/// What servers and clients leave for the test.
type Log = Arc<Mutex<Vec<u8>>>;

/// Bytes, and when they came.
type Ticks = Arc<Mutex<Vec<(u8, Instant)>>>;

fn pieces(bytes: Vec<u8>) -> runtime::Pieces {
    [Frozen::from(bytes)].into_iter().collect()
}

fn pattern(count: usize) -> Vec<u8> {
    (0..count)
        .map(|n| u8::try_from(n % 251).expect("small"))
        .collect()
}

fn everywhere() -> SocketAddr {
    SocketAddr::from(([0, 0, 0, 0], PORT))
}

/// Two nodes: what a server on the second does with its one connection, and where it is.
fn world_with<F, R>(seed: u64, config: WorldConfig, serve: F) -> (World, NodeId, NodeId, SocketAddr)
where
    F: Fn(Runtime, Stream) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = ()> + 'static,
{
    let mut world = World::new(seed, config);
    let client = world.add_machine(NodeConfig::default());
    let server = world.add_node(
        NodeConfig::default(),
        program(move |runtime| {
            let serve = serve.clone();
            async move {
                let listener = runtime.listen(everywhere(), 4).await.expect("free");
                loop {
                    let stream = listener.accept().await.expect("healthy");
                    serve(runtime.clone(), stream).await;
                }
            }
        }),
    );
    world.run_for(Duration::from_millis(1));
    let address = world.address(server, PORT);
    (world, client, server, address)
}

async fn echo(_runtime: Runtime, stream: Stream) {
    let (mut receive, mut send) = stream.split();
    while let Ok(buffer) = receive.receive(10_000).await {
        if buffer.is_empty()
            || send
                .send([buffer.freeze()].into_iter().collect())
                .await
                .is_err()
        {
            return;
        }
    }
}

async fn hold(runtime: Runtime, stream: Stream) {
    runtime.sleep(Duration::from_hours(1)).await;
    drop(stream);
}

/// Sends `bytes` to an echo and reads them back.
async fn round_trip(runtime: Runtime, address: SocketAddr, bytes: Vec<u8>) -> Vec<u8> {
    let (mut receive, mut send) = runtime.connect(address).await.expect("healthy").split();
    let scope = runtime.scope("sender");
    let count = bytes.len();
    drop(scope.spawn(runtime::Class::Produce, "send", async move {
        send.send(pieces(bytes)).await.expect("healthy");
        core::future::pending::<()>().await;
    }));
    let all = receive
        .receive_exact(count, runtime.buffer(count))
        .await
        .expect("healthy");
    all.as_slice().to_vec()
}

#[test]
fn a_link_takes_its_time() {
    let mut config = WorldConfig::default();
    config.link.latency = Span::millis(10, 10);
    let (mut world, client, _, address) = world_with(1, config, echo);
    let taken = world.block_on(client, move |runtime| async move {
        let start = runtime.now();
        round_trip(runtime.clone(), address, vec![1]).await;
        runtime.now().since(start)
    });
    // A round trip to connect, and one for the byte.
    assert!(
        (Duration::from_millis(40)..Duration::from_millis(41)).contains(&taken),
        "{taken:?}"
    );
}

#[test]
fn bandwidth_is_shared_by_what_is_sent() {
    let mut config = WorldConfig::default();
    config.link.bandwidth = Some(1_000_000);
    let (mut world, client, _, address) = world_with(1, config, echo);
    let taken = world.block_on(client, move |runtime| async move {
        let start = runtime.now();
        round_trip(runtime.clone(), address, pattern(1_000_000)).await;
        runtime.now().since(start)
    });
    assert!(taken > Duration::from_secs(1), "{taken:?}");
    assert!(taken < Duration::from_secs(3), "{taken:?}");
}

#[test]
fn short_transfers_lose_nothing() {
    for seed in 0..20 {
        let (mut world, client, _, address) = world_with(seed, WorldConfig::choppy(), echo);
        let bytes = pattern(300_000);
        let sent = bytes.clone();
        let back = world.block_on(client, move |runtime| round_trip(runtime, address, sent));
        assert!(back == bytes, "seed {seed}");
        assert!(world.hits(Fault::ShortSend) > 0);
        assert!(world.hits(Fault::ShortReceive) > 0);
    }
}

#[test]
fn a_full_window_makes_a_send_wait() {
    let mut config = WorldConfig::default();
    config.link.window = 10_000;
    let (mut world, client, _, address) = world_with(1, config, |runtime, stream| async move {
        let (mut receive, _send) = stream.split();
        runtime.sleep(Duration::from_secs(5)).await;
        while !receive.receive(1_000).await.expect("healthy").is_empty() {}
    });
    let (early, taken) = world.block_on(client, move |runtime| async move {
        let (_receive, mut send) = runtime.connect(address).await.expect("healthy").split();
        let start = runtime.now();
        send.send(pieces(vec![1; 10_000]))
            .await
            .expect("there is room");
        let early = runtime.now().since(start);
        send.send(pieces(vec![1; 1]))
            .await
            .expect("there will be room");
        (early, runtime.now().since(start))
    });
    assert!(early < Duration::from_millis(1), "{early:?}");
    assert!(taken >= Duration::from_millis(4_900), "{taken:?}");
    assert!(world.hits(Fault::WindowFull) > 0);
}

#[test]
fn where_nobody_listens_a_connect_is_refused_and_where_nobody_is_it_times_out() {
    let (mut world, client, server, address) = world_with(1, WorldConfig::default(), hold);
    let connect = |world: &mut World, address: SocketAddr| {
        world.block_on(client, move |runtime| async move {
            let start = runtime.now();
            let result = runtime.connect(address).await;
            let kind = result.err().map(|error| error.kind());
            (kind, runtime.now().since(start) >= Duration::from_secs(5))
        })
    };
    let mut other_port = address;
    other_port.set_port(1);
    assert_eq!(
        connect(&mut world, other_port),
        (Some(IoErrorKind::ConnectionRefused), false)
    );
    let nowhere = SocketAddr::from(([10, 9, 9, 9], PORT));
    assert_eq!(
        connect(&mut world, nowhere),
        (Some(IoErrorKind::TimedOut), true)
    );
    world.cut(client, server);
    assert_eq!(
        connect(&mut world, address),
        (Some(IoErrorKind::TimedOut), true)
    );
    world.heal_all();
    assert_eq!(connect(&mut world, address), (None, false));
    world.kill(server);
    assert_eq!(
        connect(&mut world, address),
        (Some(IoErrorKind::ConnectionRefused), false)
    );
    world.power_cut(server);
    assert_eq!(
        connect(&mut world, address),
        (Some(IoErrorKind::TimedOut), true)
    );
    assert_eq!(world.hits(Fault::ConnectTimeout), 3);
}

#[test]
fn a_loopback_listener_is_for_its_own_node() {
    let mut world = World::new(1, WorldConfig::default());
    let own = world.add_machine(NodeConfig::default());
    let other = world.add_node(
        NodeConfig::default(),
        program(|runtime| async move {
            let address: SocketAddr = "[::1]:9092".parse().expect("an address");
            let listener = runtime.listen(address, 4).await.expect("free");
            let elsewhere = SocketAddr::from(([10, 0, 0, 1], PORT));
            let result = runtime.listen(elsewhere, 4).await;
            assert_eq!(
                result.expect_err("not ours").kind(),
                IoErrorKind::AddressUnavailable
            );
            let stream = runtime.connect(address).await.expect("it is our own");
            assert_eq!(stream.peer(), address);
            assert!(stream.local().ip().is_loopback());
            drop(listener.accept().await);
            core::future::pending::<()>().await;
        }),
    );
    world.run_for(Duration::from_millis(10));
    let address = world.address(other, PORT);
    let result = world.block_on(own, move |runtime| async move {
        runtime
            .connect(address)
            .await
            .err()
            .map(|error| error.kind())
    });
    assert_eq!(result, Some(IoErrorKind::ConnectionRefused));
}

/// A client that sends a byte every millisecond, and a server that logs when bytes come.
fn ticking(seed: u64, config: WorldConfig) -> (World, NodeId, NodeId, Ticks) {
    let log: Ticks = Arc::default();
    let logged = Arc::clone(&log);
    let (mut world, client, server, address) = world_with(seed, config, move |runtime, stream| {
        let logged = Arc::clone(&logged);
        async move {
            let (mut receive, _send) = stream.split();
            while let Ok(buffer) = receive.receive(100).await {
                let now = runtime.now();
                let mut log = logged.lock().expect("one thread");
                log.extend(buffer.as_slice().iter().map(|&byte| (byte, now)));
                if buffer.is_empty() {
                    return;
                }
            }
        }
    });
    world.start(
        client,
        program(move |runtime| async move {
            let (_receive, mut send) = runtime.connect(address).await.expect("healthy").split();
            for number in 0..200 {
                runtime.sleep(Duration::from_millis(1)).await;
                send.send(pieces(vec![number]))
                    .await
                    .expect("it stalls, no more");
            }
            core::future::pending::<()>().await;
        }),
    );
    (world, client, server, log)
}

/// The longest silence between two bytes, after checking that none was skipped or repeated.
fn longest_silence(log: &Mutex<Vec<(u8, Instant)>>) -> Duration {
    let log = log.lock().expect("one thread");
    assert!(log.iter().map(|(byte, _)| *byte).eq(0..200));
    let gaps = log.windows(2).map(|pair| pair[1].1.since(pair[0].1));
    gaps.max().expect("there are bytes")
}

#[test]
fn a_stalled_stream_skips_nothing() {
    let (mut world, client, server, log) = ticking(1, WorldConfig::default());
    world.run_for(Duration::from_millis(50));
    assert_eq!(
        world.stall_streams(client, server, Duration::from_secs(2)),
        1
    );
    world.run_for(Duration::from_secs(10));
    let silence = longest_silence(&log);
    assert!(
        (Duration::from_millis(1_990)..Duration::from_millis(2_010)).contains(&silence),
        "{silence:?}"
    );

    let mut config = WorldConfig::default();
    config.link.faults.stall = Rate::per_million(30_000);
    config.link.faults.stall_time = Span::millis(300, 300);
    let (mut world, _, _, log) = ticking(2, config);
    world.run_for(Duration::from_secs(10));
    assert!(longest_silence(&log) >= Duration::from_millis(250));
    assert!(world.hits(Fault::StreamStall) > 0);
}

#[test]
fn a_stalled_link_holds_everything_up() {
    let (mut world, client, server, log) = ticking(1, WorldConfig::default());
    world.run_for(Duration::from_millis(50));
    world.stall_link(client, server, Duration::from_secs(3));
    world.run_for(Duration::from_secs(10));
    assert!(longest_silence(&log) >= Duration::from_millis(2_990));
    assert!(world.hits(Fault::LinkStall) > 0);
}

#[test]
fn a_cut_holds_bytes_until_it_heals() {
    let (mut world, client, server, log) = ticking(1, WorldConfig::default());
    world.run_for(Duration::from_millis(50));
    world.cut(client, server);
    world.run_for(Duration::from_mins(1));
    let before = log.lock().expect("one thread").len();
    assert!((40..60).contains(&before), "{before}");
    world.heal(client, server);
    world.run_for(Duration::from_secs(1));
    assert!(longest_silence(&log) >= Duration::from_secs(59));
    assert!(world.hits(Fault::LinkCut) > 0);
}

#[test]
fn a_cut_of_one_way_leaves_the_other() {
    let heard: Log = Arc::default();
    let log = Arc::clone(&heard);
    let (mut world, client, server, address) =
        world_with(1, WorldConfig::default(), move |_, stream| {
            let log = Arc::clone(&log);
            async move {
                let (mut receive, mut send) = stream.split();
                let buffer = receive.receive(100).await.expect("healthy");
                log.lock()
                    .expect("one thread")
                    .extend_from_slice(buffer.as_slice());
                send.send(pieces(vec![7]))
                    .await
                    .expect("the window has room");
                core::future::pending::<()>().await;
            }
        });
    let answered: Log = Arc::default();
    let log = Arc::clone(&answered);
    world.start(
        client,
        program(move |runtime| {
            let log = Arc::clone(&log);
            async move {
                let (mut receive, mut send) =
                    runtime.connect(address).await.expect("healthy").split();
                runtime.sleep(Duration::from_secs(1)).await;
                send.send(pieces(vec![6])).await.expect("healthy");
                let buffer = receive.receive(100).await.expect("healed");
                log.lock()
                    .expect("one thread")
                    .extend_from_slice(buffer.as_slice());
            }
        }),
    );
    world.run_for(Duration::from_millis(500));
    world.cut(server, client);
    world.run_for(Duration::from_secs(100));
    assert_eq!(*heard.lock().expect("one thread"), [6]);
    assert_eq!(*answered.lock().expect("one thread"), []);
    world.heal(server, client);
    world.run_for(Duration::from_secs(1));
    assert_eq!(*answered.lock().expect("one thread"), [7]);
}

/// A server that logs what it gets until something ends it, and how that looked.
fn logging(
    log: &Log,
    end: &Arc<Mutex<Option<IoErrorKind>>>,
) -> impl Fn(Runtime, Stream) -> runtime::LocalFuture<()> + Clone + use<> {
    let (log, end) = (Arc::clone(log), Arc::clone(end));
    move |_, stream| {
        let (log, end) = (Arc::clone(&log), Arc::clone(&end));
        Box::pin(async move {
            let (mut receive, _send) = stream.split();
            loop {
                match receive.receive(500).await {
                    Ok(buffer) if buffer.is_empty() => return,
                    Ok(buffer) => log
                        .lock()
                        .expect("one thread")
                        .extend_from_slice(buffer.as_slice()),
                    Err(error) => {
                        *end.lock().expect("one thread") = Some(error.kind());
                        return;
                    }
                }
            }
        })
    }
}

#[test]
fn a_reset_strikes_in_the_middle_and_both_ends_see_it() {
    let mut partial = 0;
    for seed in 0..40 {
        let (log, end): (Log, Arc<Mutex<Option<IoErrorKind>>>) = Default::default();
        let serve = logging(&log, &end);
        let (mut world, client, server, address) = world_with(seed, WorldConfig::default(), serve);
        let seen = Arc::new(Mutex::new(None));
        let kind = Arc::clone(&seen);
        world.start(
            client,
            program(move |runtime| {
                let kind = Arc::clone(&kind);
                async move {
                    let (mut receive, mut send) =
                        runtime.connect(address).await.expect("healthy").split();
                    send.send(pieces(pattern(10_000)))
                        .await
                        .expect("there is room");
                    let error = receive.receive(1).await.expect_err("it was reset");
                    *kind.lock().expect("one thread") = Some(error.kind());
                    let error = send.send(pieces(vec![1])).await.expect_err("it was reset");
                    assert_eq!(error.kind(), IoErrorKind::ConnectionReset);
                }
            }),
        );
        // The bytes are sent, and most of them are under way.
        while world.reset_streams(client, server) == 0 || world.hits(Fault::StreamReset) == 0 {
            world.run_for(Duration::from_micros(900));
        }
        world.run_for(Duration::from_secs(1));
        let log = log.lock().expect("one thread");
        assert!(
            pattern(10_000).starts_with(&log),
            "what came is what was sent"
        );
        partial += u32::from(!log.is_empty() && log.len() < 10_000);
        assert!(world.hits(Fault::StreamReset) > 0);
        drop(log);
        if seen.lock().expect("one thread").is_some() {
            assert_eq!(
                *seen.lock().expect("one thread"),
                Some(IoErrorKind::ConnectionReset)
            );
            assert_eq!(
                *end.lock().expect("one thread"),
                Some(IoErrorKind::ConnectionReset)
            );
        }
    }
    assert!(partial > 0, "some frames were cut in the middle");
}

#[test]
fn drawn_resets_leave_a_prefix() {
    let (mut resets, mut prefixes) = (0, 0);
    for seed in 0..40 {
        let (log, end): (Log, Arc<Mutex<Option<IoErrorKind>>>) = Default::default();
        let mut config = WorldConfig::default();
        config.link.segment_max = 1_000;
        config.link.faults.reset = Rate::per_million(50_000);
        let (mut world, client, _, address) = world_with(seed, config, logging(&log, &end));
        let sent_all = world.block_on(client, move |runtime| async move {
            let (mut receive, mut send) = runtime.connect(address).await.expect("healthy").split();
            let sent = send.send(pieces(pattern(20_000))).await.is_ok();
            let waited = runtime
                .timeout(Duration::from_secs(5), receive.receive(1))
                .await;
            sent && waited.is_none()
        });
        let log = log.lock().expect("one thread");
        assert!(pattern(20_000).starts_with(&log));
        assert_eq!(log.len() == 20_000, sent_all);
        resets += world.hits(Fault::StreamReset);
        prefixes += u32::from(log.len() % 1_000 != 0);
    }
    assert!(resets > 5, "{resets}");
    assert!(prefixes > 5, "{prefixes}");
}

#[test]
fn a_killed_process_ends_its_streams_and_delivers_what_it_sent() {
    for (reads, expected) in [(true, None), (false, Some(IoErrorKind::ConnectionReset))] {
        let (mut world, client, server, address) = world_with(
            1,
            WorldConfig::default(),
            move |runtime, stream| async move {
                let (mut receive, mut send) = stream.split();
                if reads {
                    receive.receive(1).await.expect("healthy");
                }
                send.send(pieces(pattern(1_000)))
                    .await
                    .expect("there is room");
                runtime.sleep(Duration::from_hours(1)).await;
            },
        );
        let (got, seen): (Log, Arc<Mutex<Option<Option<IoErrorKind>>>>) = Default::default();
        let (log, end) = (Arc::clone(&got), Arc::clone(&seen));
        world.start(
            client,
            program(move |runtime| {
                let (log, end) = (Arc::clone(&log), Arc::clone(&end));
                async move {
                    let (mut receive, mut send) =
                        runtime.connect(address).await.expect("healthy").split();
                    send.send(pieces(vec![1])).await.expect("healthy");
                    let all = receive
                        .receive_exact(1_000, runtime.buffer(1_000))
                        .await
                        .expect("sent before");
                    log.lock()
                        .expect("one thread")
                        .extend_from_slice(all.as_slice());
                    let rest = receive.receive(1).await;
                    *end.lock().expect("one thread") = Some(rest.err().map(|error| error.kind()));
                }
            }),
        );
        world.run_for(Duration::from_secs(1));
        world.kill(server);
        world.run_for(Duration::from_secs(1));
        assert_eq!(*got.lock().expect("one thread"), pattern(1_000));
        // A process that leaves bytes unread takes the stream down with a reset, as kernels do.
        assert_eq!(*seen.lock().expect("one thread"), Some(expected));
    }
}

#[test]
fn a_machine_without_power_says_nothing_until_it_is_asked() {
    let (mut world, client, server, address) = world_with(1, WorldConfig::default(), echo);
    let events: Arc<Mutex<Vec<(&'static str, Instant)>>> = Arc::default();
    let log = Arc::clone(&events);
    world.start(
        client,
        program(move |runtime| {
            let log = Arc::clone(&log);
            async move {
                let note = |what| log.lock().expect("one thread").push((what, runtime.now()));
                let (mut receive, mut send) =
                    runtime.connect(address).await.expect("healthy").split();
                note("connected");
                runtime.sleep(Duration::from_secs(10)).await;
                send.send(pieces(vec![1; 1_000]))
                    .await
                    .expect("the window has room");
                note("sent");
                let error = receive
                    .receive(1)
                    .await
                    .expect_err("the other end forgot us");
                assert_eq!(error.kind(), IoErrorKind::ConnectionReset);
                note("reset");
            }
        }),
    );
    world.run_for(Duration::from_secs(5));
    world.power_cut(server);
    world.run_for(Duration::from_secs(100));
    let names = || {
        events
            .lock()
            .expect("one thread")
            .iter()
            .map(|(name, _)| *name)
            .collect::<Vec<_>>()
    };
    assert_eq!(names(), ["connected", "sent"], "no word from the dead");
    world.restart(server);
    world.run_for(Duration::from_secs(1));
    assert_eq!(names(), ["connected", "sent", "reset"]);
    assert!(world.hits(Fault::HalfOpen) > 0);
}

#[test]
fn who_only_waits_for_a_dead_machine_waits_for_ever() {
    let (mut world, client, server, address) = world_with(1, WorldConfig::default(), echo);
    world.start(
        client,
        program(move |runtime| async move {
            let (mut receive, _send) = runtime.connect(address).await.expect("healthy").split();
            drop(receive.receive(1).await);
        }),
    );
    world.run_for(Duration::from_secs(1));
    world.power_cut(server);
    world.restart(server);
    world.run_for(Duration::from_secs(10_000));
    assert!(!world.is_completed(client));
    world.kill(client);
}

#[test]
fn a_full_backlog_makes_connects_wait() {
    let mut world = World::new(1, WorldConfig::default());
    let client = world.add_machine(NodeConfig::default());
    let server = world.add_node(
        NodeConfig::default(),
        program(|runtime| async move {
            let listener = runtime.listen(everywhere(), 2).await.expect("free");
            runtime.sleep(Duration::from_millis(2_500)).await;
            loop {
                drop(listener.accept().await);
            }
        }),
    );
    world.run_for(Duration::from_millis(1));
    let address = world.address(server, PORT);
    let times = world.block_on(client, move |runtime| async move {
        let mut times = Vec::new();
        for _ in 0..3 {
            drop(runtime.connect(address).await.expect("sooner or later"));
            times.push(runtime.now());
        }
        times
    });
    assert!(times[1] < Instant::from_nanos(1_000_000_000));
    assert!(times[2] > Instant::from_nanos(2_500_000_000));
    assert!(world.hits(Fault::BacklogFull) > 0);
}

#[test]
fn a_link_may_be_set_for_one_way() {
    let (mut world, client, server, address) = world_with(1, WorldConfig::default(), echo);
    let slow = LinkConfig {
        latency: Span::millis(300, 300),
        ..LinkConfig::default()
    };
    world.set_link(server, client, slow);
    let taken = world.block_on(client, move |runtime| async move {
        let start = runtime.now();
        drop(runtime.connect(address).await.expect("healthy"));
        runtime.now().since(start)
    });
    assert!(
        (Duration::from_millis(300)..Duration::from_millis(302)).contains(&taken),
        "{taken:?}"
    );
}
