//! A node: its cores' threads, its helpers, and their common beginning and end.

use core::any::Any;
use core::fmt;
use core::sync::atomic::AtomicBool;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;

use runtime::{CORES_MAX, CoreId, Crash, IoError, Links, Main, mesh};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::clock::Clock;
use crate::config::Config;
use crate::core_loop::{CoreLoop, Shared};
use crate::doorbell::Doorbell;
use crate::error::UringError;
use crate::gate::Gate;
use crate::helpers::{Desk, Helpers};
use crate::os;

/// Runs `main` on every core of a node and returns when all of them ended.
pub fn run(config: &Config, main: &Main) -> Result<(), UringError> {
    Node::start(config, main)?.join()
}

/// A node that runs. Dropped, it goes on and is waited for.
pub struct Node {
    threads: Vec<JoinHandle<Result<(), UringError>>>,
    /// Ends after the cores: they wait for its outcomes.
    helpers: Helpers,
}

impl Node {
    /// Starts a node: `main` runs on each core once all of them are set up, and on none if one could not be,
    /// which [`Node::join`] tells.
    pub fn start(config: &Config, main: &Main) -> Result<Self, UringError> {
        check(config)?;
        let cores = config.cores.get();
        let doorbells: Result<Arc<[Doorbell]>, IoError> =
            (0..cores).map(|_| Doorbell::new()).collect();
        let doorbells = doorbells.map_err(UringError::Start)?;
        let helpers = Helpers::start(config.helpers.get(), &doorbells);
        let mut node = Self {
            threads: Vec::new(),
            helpers: helpers.map_err(UringError::Start)?,
        };
        let gate = Arc::new(Gate::new(cores));
        let shared = Arc::new(Shared {
            doorbells,
            clock: Clock::new(),
            is_stopping: AtomicBool::new(false),
        });
        for (number, links) in (0_u16..).zip(mesh(cores)) {
            let id = CoreId::new(number);
            let thread = CoreThread {
                id,
                config: config.clone(),
                main: Main::clone(main),
                links,
                desk: node.helpers.desk(id),
                shared: Arc::clone(&shared),
            };
            let for_thread = Arc::clone(&gate);
            let started = std::thread::Builder::new()
                .name(format!("core-{number}"))
                .spawn(move || thread.run(&for_thread));
            match started {
                Ok(handle) => node.threads.push(handle),
                Err(error) => {
                    // Those that wait at the gate go home.
                    drop(gate.ticket());
                    return Err(UringError::Start(error.into()));
                }
            }
        }
        Ok(node)
    }

    /// Waits until all cores ended. The first failure, if there was one: it ended the others.
    pub fn join(mut self) -> Result<(), UringError> {
        self.join_all()
    }

    fn join_all(&mut self) -> Result<(), UringError> {
        let mut outcome = Ok(());
        for (number, thread) in (0_u16..).zip(self.threads.drain(..)) {
            let ended = thread.join().unwrap_or_else(|payload| {
                Err(UringError::Panicked {
                    core: CoreId::new(number),
                    message: message_of(&*payload),
                })
            });
            outcome = outcome.and(ended);
        }
        outcome
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Who wants to know how it ended joins it.
        drop(self.join_all());
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({} cores, {:?})", self.threads.len(), self.helpers)
    }
}

fn check(config: &Config) -> Result<(), UringError> {
    if config.cores.get() > CORES_MAX {
        return Err(UringError::Config("a node has at most 256 cores"));
    }
    let buffers = config.receive_buffers;
    if !buffers.is_power_of_two() || buffers > 32_768 {
        return Err(UringError::Config(
            "receive_buffers must be a power of two and at most 32768",
        ));
    }
    if config.receive_buffer_bytes == 0 || config.receive_buffer_bytes > 1 << 30 {
        return Err(UringError::Config(
            "receive_buffer_bytes must be above zero and at most 1 GiB",
        ));
    }
    Ok(())
}

/// All that one core's thread starts with.
struct CoreThread {
    id: CoreId,
    config: Config,
    main: Main,
    links: Links,
    desk: Desk,
    shared: Arc<Shared>,
}

impl CoreThread {
    /// Runs the core. Whatever ends it early ends the node.
    fn run(self, gate: &Gate) -> Result<(), UringError> {
        let core = self.id;
        let shared = Arc::clone(&self.shared);
        let ended = catch_unwind(AssertUnwindSafe(|| self.run_unguarded(gate)));
        let ended = ended.unwrap_or_else(|payload| {
            Err(UringError::Panicked {
                core,
                message: message_of(&*payload),
            })
        });
        if ended.is_err() {
            shared.stop();
        }
        ended
    }

    fn run_unguarded(self, gate: &Gate) -> Result<(), UringError> {
        let core = self.id;
        let ticket = gate.ticket();
        if self.config.pin {
            pin(core).map_err(|error| UringError::Pin { core, error })?;
        }
        let mut core_loop = CoreLoop::new(core, &self.config, self.links, self.desk, &self.shared)
            .map_err(|error| UringError::Setup { core, error })?;
        if !ticket.pass() {
            // Whoever did not get through reports it.
            return Ok(());
        }
        core_loop
            .run(&self.main)
            .map_err(|error| UringError::Ring { core, error })
    }
}

/// Binds this thread to the processor whose turn it is, among those that the process may use.
fn pin(core: CoreId) -> Result<(), IoError> {
    let allowed = sched_getaffinity(None).map_err(os::error)?;
    let processors: Vec<usize> = (0..CpuSet::MAX_CPU)
        .filter(|&cpu| allowed.is_set(cpu))
        .collect();
    let mut chosen = CpuSet::new();
    chosen.set(processors[core.index() % processors.len()]);
    sched_setaffinity(None, &chosen).map_err(os::error)
}

fn message_of(payload: &(dyn Any + Send)) -> String {
    if let Some(Crash(why)) = payload.downcast_ref::<Crash>() {
        return why.clone();
    }
    if let Some(text) = payload.downcast_ref::<&str>() {
        return (*text).to_owned();
    }
    let text = payload.downcast_ref::<String>().cloned();
    text.unwrap_or_else(|| "a panic without a message".to_owned())
}
