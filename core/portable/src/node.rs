//! The node: its threads, and what they share.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use runtime::{CORES_MAX, CoreConfig, CoreId, Main, mesh};
use tokio::task::coop::unconstrained;

use crate::alarm::Alarm;
use crate::arrivals::Arrivals;
use crate::clock::Clock;
use crate::config::Config;
use crate::descriptors::Descriptors;
use crate::environment::{PortableEnvironment, entropy};
use crate::error::{PortableError, last_words};
use crate::turns::{Seat, turns};
use crate::workers::Workers;

// The message of `run` says this number.
const _: () = assert!(CORES_MAX == 256);

/// What the threads of one node share.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) alarm: Arc<Alarm>,
    pub(crate) clock: Clock,
    pub(crate) descriptors: Arc<Descriptors>,
    pub(crate) files: Workers,
    pub(crate) jobs: Workers,
    arrivals: Arc<[Arc<Arrivals>]>,
}

impl Node {
    fn start(config: &Config) -> Result<Self, PortableError> {
        let arrivals: Arc<[Arc<Arrivals>]> =
            (0..config.cores.get()).map(|_| Arc::default()).collect();
        let alarm = Arc::new(Alarm::new(Arc::clone(&arrivals)));
        let start = |name, threads, threads_max| {
            Workers::start(name, threads, threads_max, Arc::clone(&alarm))
        };
        let files = start("file", config.file_threads, config.file_threads_max)?;
        let jobs = start("job", config.job_threads, config.job_threads)?;
        Ok(Self {
            alarm,
            clock: Clock::start(),
            descriptors: Arc::default(),
            files,
            jobs,
            arrivals,
        })
    }

    /// The way in of `core`.
    pub(crate) fn arrivals(&self, core: CoreId) -> &Arc<Arrivals> {
        &self.arrivals[core.index()]
    }

    /// Has every core take a turn.
    pub(crate) fn ring_all(&self) {
        self.arrivals.iter().for_each(|arrivals| arrivals.ring());
    }
}

/// Runs a node: `main` on each core, until it ended on all of them. One core's crash, or a panic outside any
/// scope, ends all cores, and is what comes back.
///
/// The calling thread only waits. When this returns, no thread of the node is left, and no file or socket of it is
/// open.
pub fn run(config: Config, main: Main) -> Result<(), PortableError> {
    let cores = config.cores.get();
    if cores > CORES_MAX {
        return Err(PortableError::Config("cores: at most 256"));
    }
    let node = Arc::new(Node::start(&config)?);
    let reactors = reactors(cores)?;
    let seed = entropy();
    let Config {
        crash,
        tape,
        pool_bytes,
        ..
    } = config;
    let mut threads = Vec::new();
    for ((links, reactor), number) in mesh(cores).into_iter().zip(reactors).zip(0..cores) {
        let mut core = CoreConfig::new(CoreId::new(number), cores);
        core.pool_bytes = pool_bytes;
        let seat = Seat {
            node: Arc::clone(&node),
            config: core,
            links,
            tape: tape.clone(),
        };
        match start_core(seat, reactor, seed, crash, Arc::clone(&main)) {
            Ok(thread) => threads.push(thread),
            Err(error) => {
                node.alarm.raise(error);
                break;
            }
        }
    }
    // From here on only the cores hold what it captured, and the last of them drops it.
    drop(main);
    for thread in threads {
        // A core's panic was caught, and raised the alarm, on its own thread.
        drop(thread.join());
    }
    // In this order: what a file thread still has lands with its memory, and is dropped with the node, here.
    node.files.stop();
    node.jobs.stop();
    node.alarm.take().map_or(Ok(()), Err)
}

/// All reactors, made before the first core runs: a node that lacks one does nothing at all.
fn reactors(cores: u16) -> Result<Vec<tokio::runtime::Runtime>, PortableError> {
    let reactor = |number| {
        let core = CoreId::new(number);
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let built = builder.enable_io().enable_time().build();
        built.map_err(|error| PortableError::Reactor { core, error })
    };
    (0..cores).map(reactor).collect()
}

fn start_core(
    seat: Seat,
    reactor: tokio::runtime::Runtime,
    seed: u64,
    crash: fn(&str) -> !,
    main: Main,
) -> Result<JoinHandle<()>, PortableError> {
    let core = seat.config.id;
    let node = Arc::clone(&seat.node);
    let name = format!("core-{core}");
    let run = move || {
        let environment = PortableEnvironment::new(core, seed, crash);
        // Tokio's budget per poll is for tasks that share a thread. The core is alone on this one, and its turns
        // are bounded by themselves.
        let life = || reactor.block_on(unconstrained(turns(seat, environment, main)));
        if let Err(payload) = catch_unwind(AssertUnwindSafe(life)) {
            let message = last_words(&*payload);
            node.alarm.raise(PortableError::Core { core, message });
        }
    };
    let started = Builder::new().name(name.clone()).spawn(run);
    started.map_err(|error| PortableError::Thread { name, error })
}
