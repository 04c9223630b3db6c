//! A broker and a client in a world of two nodes.

use core::net::SocketAddr;
use std::future::Future;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use client::{Client, ClientError, Options, RawConnection};
use cluster::{Broker, Controller, Limits, View};
use kafka::{Closed, Config, Context, Door, Ended};
use model::NodeId;
use partition::{Host, HostConfig, Router};
use runtime::{Class, CoreId, LocalFuture, Main, Runtime};
use stdx::Duration;
use storage::{DataFolder, DataPath};
use world::{NodeConfig, World, WorldConfig};

use crate::fake;

const PORT: u16 = 9092;

/// Simulated time that a test may take.
const TEST_TIME_MAX: Duration = Duration::from_mins(20);

/// Where records go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Partitions {
    /// Partitions in memory, as slow as the test wants them.
    Memory,
    /// The real ones, with logs on the simulated disk.
    Logs,
}

/// Where the logs are.
const DATA: &str = "/data";

/// What a test changes about the broker.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) config: Config,
    pub(crate) request_bytes: usize,
    pub(crate) answer_bytes: usize,
    pub(crate) cores: u16,
    pub(crate) choppy: bool,
    pub(crate) partitions: Partitions,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            config: Config::default(),
            request_bytes: 64 << 20,
            answer_bytes: 64 << 20,
            cores: 2,
            choppy: false,
            partitions: Partitions::Memory,
        }
    }
}

/// What a test looks at from the client's side.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) runtime: Runtime,
    pub(crate) broker: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    ended: Mutex<Vec<Ended>>,
    peaks: Mutex<(usize, usize)>,
    drain: Mutex<bool>,
}

impl Seen {
    pub(crate) async fn connect(&self) -> Client {
        self.connect_with(Options::default()).await.unwrap()
    }

    pub(crate) async fn connect_with(&self, options: Options) -> Result<Client, ClientError> {
        Client::connect(&self.runtime, self.broker, options).await
    }

    pub(crate) async fn raw(&self) -> RawConnection {
        RawConnection::connect(&self.runtime, self.broker)
            .await
            .unwrap()
    }

    /// Connections that ended on the broker so far.
    pub(crate) fn ended(&self) -> Vec<Result<Closed, String>> {
        let ended = self.shared.ended.lock().unwrap();
        ended
            .iter()
            .map(|ended| ended.closed.clone().map_err(|fault| fault.to_string()))
            .collect()
    }

    /// Waits until a connection ended on the broker.
    pub(crate) async fn next_ended(&self, before: usize) -> Result<Closed, String> {
        loop {
            if let Some(ended) = self.ended().into_iter().nth(before) {
                return ended;
            }
            self.runtime.sleep(Duration::from_millis(1)).await;
        }
    }

    /// The most bytes of requests and answers that a core of the broker held.
    pub(crate) fn peaks(&self) -> (usize, usize) {
        *self.shared.peaks.lock().unwrap()
    }

    /// Begins the broker's drain.
    pub(crate) fn drain(&self) {
        *self.shared.drain.lock().unwrap() = true;
    }
}

/// Runs `test` on the client's node until it is done.
pub(crate) fn run<F: Future<Output = ()> + 'static>(setup: Setup, test: fn(Seen) -> F) {
    run_seed(1, setup, test);
}

/// The same under a seed of the test's choice.
pub(crate) fn run_seed<F: Future<Output = ()> + 'static>(
    seed: u64,
    setup: Setup,
    test: fn(Seen) -> F,
) {
    let config = if setup.choppy {
        WorldConfig::choppy()
    } else {
        WorldConfig::default()
    };
    let mut world = World::new(seed, config);
    let shared = Arc::new(Shared::default());
    let (own, cores) = (Arc::clone(&shared), setup.cores);
    let broker: Main = Arc::new(move |runtime| -> LocalFuture<()> {
        Box::pin(serve(runtime, setup.clone(), Arc::clone(&own)))
    });
    world.add_node(NodeConfig::with_cores(cores), broker);
    world.run_for(Duration::from_secs(1));
    let client = world.add_machine(NodeConfig::default());
    let over = world.block_on(client, move |runtime| async move {
        let seen = Seen {
            runtime: runtime.clone(),
            broker: SocketAddr::from(([10, 0, 0, 1], PORT)),
            shared,
        };
        runtime.timeout(TEST_TIME_MAX, test(seen)).await.is_some()
    });
    assert!(over, "the test did not end in its time");
}

#[expect(clippy::infinite_loop, reason = "a broker serves until its world ends")]
async fn serve(runtime: Runtime, setup: Setup, shared: Arc<Shared>) {
    let _held = start_partitions(&runtime, setup.partitions).await;
    let view = View::new(runtime.clone());
    let following = view.clone();
    drop(runtime.root().spawn(Class::Consensus, "view", async move {
        following.follow().await;
    }));
    if runtime.core() != CoreId::ZERO {
        return core::future::pending().await;
    }
    start_controller(&runtime, setup.partitions).await;
    view.ready().await;
    let context = Context {
        runtime: runtime.clone(),
        router: Router::new(runtime.clone()),
        cluster: view,
        config: setup.config,
        writes: runtime.budget("writes", setup.request_bytes),
        answers: runtime.budget("answers", setup.answer_bytes),
    };
    let (writes, answers) = (context.writes.clone(), context.answers.clone());
    let door = Door::new(context);
    let listener = runtime
        .listen(SocketAddr::from(([0, 0, 0, 0], PORT)), 128)
        .await
        .unwrap();
    let (watched, noted, clock) = (door.clone(), Arc::clone(&shared), runtime.clone());
    drop(
        runtime
            .root()
            .spawn(Class::Background, "notes", async move {
                loop {
                    clock.sleep(Duration::from_millis(1)).await;
                    *noted.peaks.lock().unwrap() = (writes.used_peak(), answers.used_peak());
                    if *noted.drain.lock().unwrap() {
                        watched.drain();
                    }
                }
            }),
    );
    loop {
        let stream = listener.accept().await.unwrap();
        let (door, shared) = (door.clone(), Arc::clone(&shared));
        drop(
            runtime
                .root()
                .spawn(Class::Produce, "connection", async move {
                    let ended = door.serve(stream).await;
                    shared.ended.lock().unwrap().push(ended);
                }),
        );
    }
}

/// Serves the ports of partitions on this core. What it returns lives as long as they are to.
async fn start_partitions(
    runtime: &Runtime,
    partitions: Partitions,
) -> Option<(Host, Option<DataFolder>)> {
    if partitions == Partitions::Memory {
        fake::start(runtime);
        return None;
    }
    let folder = match runtime.core() {
        CoreId::ZERO => Some(DataFolder::open(runtime, DATA).await.unwrap()),
        _ => None,
    };
    let config = HostConfig {
        node: NodeId(0),
        data: DataPath::new(DATA),
        read_budget_bytes: 32 << 20,
        scrub_bytes_per_second: 0,
    };
    Some((Host::start(runtime.clone(), config), folder))
}

async fn start_controller(runtime: &Runtime, partitions: Partitions) {
    let config = cluster::Config {
        cluster: None,
        node: NodeId(0),
        brokers: vec![Broker {
            node: NodeId(0),
            host: String::new(),
            port: 0,
            rack: None,
        }],
        segment_bytes: 1 << 20,
        limits: Limits::default(),
        log: Rc::new(|_event| {}),
    };
    if partitions == Partitions::Logs {
        let router = Router::new(runtime.clone());
        router.begin(&DataPath::new(DATA)).await.unwrap();
    }
    let controller = Controller::start(runtime.clone(), config).await.unwrap();
    drop(
        runtime
            .root()
            .spawn(Class::Consensus, "controller", async move {
                controller.run().await;
            }),
    );
}
