//! A whole broker on the simulated ground, and a client on another machine: from start to shutdown, and again.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use core::net::SocketAddr;
use std::sync::{Arc, Mutex};

use broker::{Config, Event, Handle, ListenAt, StartError};
use client::{Acks, Client, FetchOptions, Options};
use records::{BatchBuilder, NewRecord};
use runtime::{Frozen, Runtime};
use stdx::Duration;
use world::{NodeConfig, NodeId, World, WorldConfig};

const ADDRESS: &str = "10.0.0.1:9092";

/// What a broker told.
type Told = Arc<Mutex<Vec<Event>>>;

fn config(told: &Told) -> Config {
    let told = Arc::clone(told);
    Config {
        node: model::NodeId(1),
        data: "/data".to_owned(),
        listen: vec![ListenAt {
            address: ADDRESS.parse().unwrap(),
            optional: false,
        }],
        advertise: None,
        memory: 1 << 30,
        auto_create_topics: true,
        default_partitions: 1,
        segment_bytes: 1 << 20,
        scrub_bytes_per_second: 1 << 20,
        connections_max: 16,
        idle_timeout: broker::config::IDLE_TIMEOUT,
        log: Arc::new(move |event| told.lock().unwrap().push(event)),
    }
}

fn batch(value: &str) -> Frozen {
    let mut batch = BatchBuilder::new();
    batch.push(&NewRecord::value(1, value.as_bytes()));
    Frozen::from(batch.finish())
}

async fn connect(runtime: &Runtime) -> Client {
    let address: SocketAddr = ADDRESS.parse().unwrap();
    loop {
        match Client::connect(runtime, address, Options::named("test")).await {
            Ok(client) => return client,
            // It does not listen yet.
            Err(_) => runtime.sleep(Duration::from_millis(5)).await,
        }
    }
}

async fn produce(client: &Client, topic: &str, value: &str) -> i64 {
    let topic = client.topic(topic, true).await.unwrap();
    let produced = client
        .produce(&topic, 0, batch(value), Acks::All)
        .await
        .unwrap();
    produced.unwrap().base_offset
}

async fn count(client: &Client, topic: &str) -> usize {
    let topic = client.topic(topic, false).await.unwrap();
    let mut offset = 0;
    let mut count = 0;
    loop {
        let fetched = client
            .fetch(&topic, 0, offset, &FetchOptions::default())
            .await
            .unwrap();
        let Some(next) = fetched.next_offset() else {
            return count;
        };
        count += fetched.batches().count();
        offset = next;
        if offset >= fetched.high_watermark {
            return count;
        }
    }
}

/// Writes until nothing is answered any more; how many writes were.
async fn write_until_silence(runtime: Runtime) -> usize {
    // A machine without power says nothing.
    let patience = Duration::from_secs(2);
    let Some(client) = runtime.timeout(patience, connect(&runtime)).await else {
        return 0;
    };
    for acknowledged in 0..30 {
        let write = async {
            let topic = client.topic("t", true).await.ok()?;
            client.produce(&topic, 0, batch("v"), Acks::All).await.ok()
        };
        if runtime.timeout(patience, write).await.flatten().is_none() {
            return acknowledged;
        }
    }
    30
}

struct Test {
    world: World,
    broker: NodeId,
    clients: NodeId,
    told: Told,
    handle: Handle,
}

impl Test {
    fn new(seed: u64, cores: u16) -> Self {
        let mut world = World::new(seed, WorldConfig::default());
        let broker = world.add_machine(NodeConfig::with_cores(cores));
        let clients = world.add_machine(NodeConfig::default());
        Self {
            world,
            broker,
            clients,
            told: Told::default(),
            handle: Handle::new(),
        }
    }

    fn start(&mut self) {
        self.handle = Handle::new();
        let main = broker::main(config(&self.told), self.handle.clone());
        self.world.start(self.broker, main);
    }

    fn stop(&mut self) {
        self.handle.stop();
        assert!(
            self.world.run_to_end(self.broker),
            "{:?}",
            self.world.deaths()
        );
        assert_eq!(self.handle.outcome(), Some(Ok(())));
        assert!(matches!(self.told().last(), Some(Event::Closed)));
    }

    fn told(&self) -> Vec<Event> {
        self.told.lock().unwrap().clone()
    }
}

#[test]
fn what_a_client_wrote_is_read_after_a_restart_on_another_number_of_cores() {
    let mut test = Test::new(1, 3);
    test.start();
    test.world.block_on(test.clients, async |runtime| {
        let client = connect(&runtime).await;
        for (number, value) in ["a", "b", "c"].into_iter().enumerate() {
            let offset = produce(&client, "greetings", value).await;
            assert_eq!(usize::try_from(offset), Ok(number));
        }
    });
    test.stop();
    test.world.set_cores(test.broker, 2);
    test.start();
    let read = test.world.block_on(test.clients, async |runtime| {
        let client = connect(&runtime).await;
        assert_eq!(produce(&client, "greetings", "d").await, 3);
        count(&client, "greetings").await
    });
    assert_eq!(read, 4);
    test.stop();
}

#[test]
fn connections_are_spread_and_too_many_are_turned_away() {
    let mut test = Test::new(2, 4);
    test.start();
    test.world.block_on(test.clients, async |runtime| {
        let mut clients = Vec::new();
        for number in 0..16 {
            let client = connect(&runtime).await;
            produce(&client, &format!("t{}", number % 3), "v").await;
            clients.push(client);
        }
        let options = Options::named("one too many");
        let refused = Client::connect(&runtime, ADDRESS.parse().unwrap(), options).await;
        assert!(refused.is_err());
        clients.truncate(8);
        // Those that ended made room.
        connect(&runtime).await;
    });
    let refused = |event: &Event| matches!(event, Event::ConnectionRefused { .. });
    assert!(test.told().iter().any(refused));
    test.stop();
}

#[test]
fn a_stop_answers_what_is_on_its_way_and_ends_long_polls() {
    let mut test = Test::new(3, 2);
    test.start();
    let handle = test.handle.clone();
    test.world.block_on(test.clients, async move |runtime| {
        let client = connect(&runtime).await;
        produce(&client, "t", "v").await;
        let topic = client.topic("t", false).await.unwrap();
        let waiting = FetchOptions {
            wait: Duration::from_mins(1),
            bytes_min: 1,
            ..FetchOptions::default()
        };
        let before = runtime.now();
        handle.stop();
        // Whether it is answered empty or cut off: it does not hold the broker up for a minute.
        drop(client.fetch(&topic, 0, 1, &waiting).await);
        assert!(runtime.now().since(before) < Duration::from_secs(10));
    });
    test.stop();
    let cut =
        |event: &Event| matches!(event, Event::Drained { connections_cut } if *connections_cut > 0);
    assert!(!test.told().iter().any(cut), "{:?}", test.told());
}

#[test]
fn a_port_in_use_ends_the_start_on_all_cores() {
    let mut test = Test::new(4, 3);
    let told = Told::default();
    let mut twice = config(&told);
    twice.listen.push(twice.listen[0]);
    let main = broker::main(twice, test.handle.clone());
    test.world.start(test.broker, main);
    assert!(test.world.run_to_end(test.broker));
    let outcome = test.handle.outcome();
    assert!(
        matches!(outcome, Some(Err(StartError::Listen { .. }))),
        "{outcome:?}"
    );
}

#[test]
fn a_port_that_is_let_go_soon_is_waited_for() {
    let mut test = Test::new(4, 2);
    let main = broker::main(config(&test.told), test.handle.clone());
    // Somebody else has it for half a second, as a process does that was killed just now.
    let held: runtime::Main = Arc::new(move |runtime: Runtime| {
        let broker = main(runtime.clone());
        Box::pin(async move {
            if runtime.core() == runtime::CoreId::ZERO {
                let listener = runtime.listen(ADDRESS.parse().unwrap(), 1).await.unwrap();
                let clock = runtime.clone();
                drop(
                    runtime
                        .root()
                        .spawn(runtime::Class::Background, "other", async move {
                            clock.sleep(Duration::from_millis(500)).await;
                            drop(listener);
                        }),
                );
            }
            broker.await;
        })
    });
    test.world.start(test.broker, held);
    test.world.run_for(Duration::from_secs(3));
    let ready = |event: &Event| matches!(event, Event::Ready { .. });
    assert!(test.told().iter().any(ready), "{:?}", test.handle.outcome());
    test.stop();
}

#[test]
fn an_acknowledged_record_survives_a_power_cut_at_any_event() {
    let mut died = 0;
    for seed in 0..24 {
        let mut test = Test::new(seed, 1 + u16::try_from(seed % 3).unwrap());
        test.world
            .crash_at_event(test.broker, 20 + seed * 12, world::Crash::PowerCut);
        test.start();
        let acknowledged = test.world.block_on(test.clients, write_until_silence);
        if !test.world.clear_crash_point(test.broker) {
            died += 1;
            test.start();
        }
        let read = test.world.block_on(test.clients, async move |runtime| {
            let client = connect(&runtime).await;
            produce(&client, "t", "last").await;
            count(&client, "t").await
        });
        assert!(
            read > acknowledged,
            "seed {seed}: {read} of {acknowledged} acknowledged and one more"
        );
        test.stop();
    }
    assert!(died > 16, "only {died} of 24 lives were cut off");
}

#[test]
fn the_same_seed_gives_the_same_digest() {
    let run = || {
        let mut test = Test::new(9, 3);
        test.start();
        test.world.block_on(test.clients, async |runtime| {
            let client = connect(&runtime).await;
            produce(&client, "t", "v").await;
        });
        test.stop();
        test.world.digest()
    };
    assert_eq!(run(), run());
}
