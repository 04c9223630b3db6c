//! The same seed is the same run, event for event; another seed is another run; and a fault that is taken out
//! leaves the draws of the others as they were.

use std::sync::{Arc, Mutex};

use runtime::{CoreId, Frozen, OpenOptions, Port, Runtime};
use stdx::Duration;
use world::{
    Cause, Checkpoint, Crash, Fault, NodeConfig, NodeId, Observed, Rate, Span, World, WorldConfig,
    program,
};

const PORT: u16 = 9092;
const WORK: Port<Frozen> = Port::new(1, "work", 8);

/// A node of two cores: the first serves connections and gives what it reads to the second, which appends it to
/// a file.
async fn node_main(runtime: Runtime) {
    if runtime.core() == CoreId::ZERO {
        let address = (core::net::Ipv4Addr::UNSPECIFIED, PORT).into();
        let listener = runtime.listen(address, 8).await.expect("free");
        let scope = runtime.scope("connections");
        while let Ok(stream) = listener.accept().await {
            let runtime = runtime.clone();
            drop(
                scope.spawn(runtime::Class::Produce, "connection", async move {
                    let (mut receive, mut send) = stream.split();
                    while let Ok(buffer) = receive.receive(4_096).await
                        && !buffer.is_empty()
                    {
                        let bytes = buffer.freeze();
                        runtime.send(CoreId::new(1), WORK, bytes.clone()).await;
                        if send.send([bytes].into_iter().collect()).await.is_err() {
                            return;
                        }
                    }
                }),
            );
        }
        return;
    }
    let options = OpenOptions {
        write: true,
        create: true,
        ..OpenOptions::default()
    };
    let file = runtime.open("/log", options).await.expect("made");
    let mut end = runtime.status("/log").await.expect("there").length;
    let inbox = runtime.inbox(WORK);
    loop {
        let (_, bytes) = inbox.recv().await;
        let count = bytes.len() as u64;
        match file.write_at_sync(end, [bytes].into_iter().collect()).await {
            Ok(()) => end += count,
            Err(error) => runtime.crash(&error.to_string()),
        }
    }
}

/// Talks to its server, whatever happens to the connection, for longer than any run here.
async fn client_main(runtime: Runtime, server: core::net::SocketAddr) {
    for _ in 0..1_000_000 {
        let Ok(stream) = runtime.connect(server).await else {
            runtime.sleep(Duration::from_millis(20)).await;
            continue;
        };
        let (mut receive, mut send) = stream.split();
        loop {
            let count = 1 + usize::try_from(runtime.random() % 3_000).expect("small");
            let bytes = Frozen::from(vec![1; count]);
            if send.send([bytes].into_iter().collect()).await.is_err() {
                break;
            }
            let answer = receive.receive_exact(count, runtime.buffer(count));
            match runtime.timeout(Duration::from_millis(500), answer).await {
                Some(Ok(_)) => {}
                _ => break,
            }
            runtime
                .sleep(Duration::from_micros(runtime.random() % 2_000))
                .await;
        }
    }
}

fn configs() -> (WorldConfig, NodeConfig) {
    let mut world = WorldConfig::choppy();
    world.link.faults.reset = Rate::per_million(500);
    world.link.faults.stall_time = Span::millis(1, 100);
    let mut node = NodeConfig::with_cores(2);
    let faults = &mut node.disk.faults;
    faults.short_write = Rate::per_million(20_000);
    faults.sync_error = Rate::per_million(500);
    faults.slow = Rate::per_million(10_000);
    node.pace.stall = Rate::per_million(500);
    (world, node)
}

struct Run {
    digest: u128,
    checkpoints: Vec<Checkpoint>,
    events: u64,
    coverage: Vec<(Fault, u64)>,
    causes: Vec<Cause>,
}

fn run(seed: u64) -> Run {
    run_watched(seed, None)
}

fn run_watched(seed: u64, watcher: Option<world::Watcher>) -> Run {
    let (config, node_config) = configs();
    let mut world = World::new(seed, config);
    world.watch(watcher);
    let servers: Vec<NodeId> = (0..2)
        .map(|_| world.add_node(node_config.clone(), program(node_main)))
        .collect();
    let mut clients = Vec::new();
    for &server in &servers {
        let address = world.address(server, PORT);
        let main = program(move |runtime| client_main(runtime, address));
        clients.push(world.add_node(NodeConfig::default(), main));
    }
    world.run_for(Duration::from_millis(300));
    world.cut_both(servers[0], clients[0]);
    world.step_clock_back(servers[1], Duration::from_secs(10));
    world.crash_after_events(servers[1], 500, Crash::PowerCut);
    world.run_for(Duration::from_millis(400));
    world.heal_all();
    world.kill(servers[0]);
    for &server in &servers {
        if world.state(server) != world::NodeState::Running {
            world.restart(server);
        }
    }
    world.pause(servers[1]);
    world.run_for(Duration::from_millis(100));
    world.resume(servers[1]);
    // A death by event comes while a node works; one by time may find its client in the middle of a request.
    for _ in 0..4 {
        world.run_for(Duration::from_micros(100_300));
        world.power_cut(servers[1]);
        world.run_for(Duration::from_millis(50));
        world.restart(servers[1]);
    }
    world.run_for(Duration::from_millis(500));
    Run {
        digest: world.digest(),
        checkpoints: world.checkpoints(),
        events: world.events(),
        coverage: world.coverage().collect(),
        causes: world
            .deaths()
            .iter()
            .map(|death| death.cause.clone())
            .collect(),
    }
}

#[test]
fn a_seed_is_one_run() {
    let mut hit = vec![0; Fault::ALL.len()];
    for seed in 0..8 {
        let (one, other) = (run(seed), run(seed));
        assert_eq!(one.checkpoints, other.checkpoints, "seed {seed}");
        assert_eq!(
            (one.digest, one.events),
            (other.digest, other.events),
            "seed {seed}"
        );
        assert_eq!(one.coverage, other.coverage);
        assert_eq!(one.causes, other.causes);
        assert!(one.events > 5_000, "{} events", one.events);
        assert!(one.checkpoints.len() > 4);
        for (total, (_, hits)) in hit.iter_mut().zip(&one.coverage) {
            *total += hits;
        }
    }
    let needed = [
        Fault::Kill,
        Fault::PowerCut,
        Fault::CrashPoint,
        Fault::Pause,
        Fault::CoreStall,
        Fault::LinkCut,
        Fault::StreamReset,
        Fault::StreamStall,
        Fault::ShortSend,
        Fault::ShortReceive,
        Fault::HalfOpen,
        Fault::DiskShortWrite,
        Fault::DiskSlow,
        Fault::ClockStepBack,
        Fault::LostWrite,
    ];
    for fault in needed {
        assert!(hit[fault as usize] > 0, "{} never happened", fault.name());
    }
}

#[test]
fn another_seed_is_another_run() {
    let digests: std::collections::BTreeSet<u128> = (0..8).map(|seed| run(seed).digest).collect();
    assert_eq!(digests.len(), 8);
}

#[test]
fn who_watches_changes_nothing_and_sees_the_same() {
    let watched = |seed| {
        let lines: Arc<Mutex<Vec<Observed>>> = Arc::default();
        let log = Arc::clone(&lines);
        let watcher =
            Box::new(move |observed: &Observed| log.lock().expect("one thread").push(*observed));
        let run = run_watched(seed, Some(watcher));
        let lines = lines.lock().expect("one thread").clone();
        (run.digest, lines)
    };
    let (digest, lines) = watched(3);
    assert_eq!(digest, run(3).digest);
    assert_eq!(watched(3).1, lines);
    assert!(lines.len() > 10_000);
    let text = lines[0].to_string();
    assert!(text.ends_with("0.1/0 Process 1"), "{text}");
}

#[test]
fn a_fault_taken_out_leaves_the_other_draws() {
    // The disk's latencies are those of its own stream, whatever else is switched on.
    let times = |faults: bool| {
        let mut config = NodeConfig::default();
        if faults {
            config.disk.faults.short_read = Rate::ALWAYS;
            config.disk.faults.read_error = Rate::per_million(1);
            config.pace.stall = Rate::per_million(1);
        }
        let mut world = World::new(5, WorldConfig::default());
        let node = world.add_machine(config);
        world.block_on(node, |runtime| async move {
            let mut times = Vec::new();
            for _ in 0..50 {
                drop(runtime.read_directory("/").await);
                times.push(runtime.now());
            }
            times
        })
    };
    assert_eq!(times(false), times(true));
}

#[test]
fn a_bit_that_differs_is_found_by_its_checkpoint() {
    let run = |bit: u8| {
        let mut world = World::new(9, WorldConfig::default());
        let node = world.add_machine(NodeConfig::default());
        world.block_on(node, move |runtime| async move {
            let options = OpenOptions {
                write: true,
                create: true,
                ..OpenOptions::default()
            };
            let file = runtime.open("/f", options).await.expect("made");
            for round in 0..4_000_u64 {
                let byte = if round == 3_000 { bit } else { 0 };
                let bytes = Frozen::from(vec![byte]);
                file.write_at(round, [bytes].into_iter().collect())
                    .await
                    .expect("written");
            }
        });
        world.checkpoints()
    };
    let (one, other) = (run(0), run(1));
    let first = one
        .iter()
        .zip(&other)
        .position(|(left, right)| left.digest != right.digest);
    let same = first.expect("they differ");
    assert!(same > 1 && same < one.len());
    assert!(
        one.iter()
            .zip(&other)
            .all(|(left, right)| left.time == right.time)
    );
}
