//! The replicas of one core, and the ports at which they are asked.
//!
//! ```text
//!   PROPOSE --> table --> replica's queue --> append        in the order of arrival
//!   WATCH ----> table --> replica's watches
//!   READ, SEEK > table --> a task in the replica's scope    bounded by the ports' credits
//!   BEGIN ---------------> the core's journal, once
//!   OPEN, REMOVE --------> a task each; one at a time for a partition
//! ```
//!
//! Each replica has a scope of its own: a panic in it fences that replica, keeps its files as evidence, and ends
//! nothing else. The tasks of the ports are the node's: a panic there ends it.

#[cfg(test)]
mod fault_domain;
mod lifecycle;
mod scrub;

use core::cell::{Cell, RefCell};
use core::fmt;
use std::collections::BTreeMap;
use std::rc::Rc;

use model::{NodeId, PartitionKey};
use runtime::sync::{Queue, Signal};
use runtime::{Budget, Class, Runtime, Scope, Spawner, race};
use storage::journal::Journal;
use storage::{DataPath, READ_BUDGET_BYTES_MIN};

use crate::calls::{BEGIN, OPEN, PROPOSE, ProposeError, READ, REMOVE, ReadError, SEEK, WATCH};
use crate::replica::Replica;

/// Panics, and findings of damage, that wait to be told of; more of them tell nothing new.
const FAULTS_KEPT: usize = 64;

/// What a host needs to know.
#[derive(Clone, Debug)]
pub struct HostConfig {
    /// The node, as its replicas are known to others.
    pub node: NodeId,
    /// Where data lies. The folder is there, and core 0 holds it.
    pub data: DataPath,
    /// Bytes of this core that reads may hold, until the last of what they brought is sent. At least one frame's.
    pub read_budget_bytes: usize,
    /// Bytes of logs that are looked at in a second, in the background. Zero: none are.
    pub scrub_bytes_per_second: u64,
}

/// The replicas of one core.
pub struct Host(Rc<Inner>);

struct Inner {
    runtime: Runtime,
    node: NodeId,
    /// None before it was begun.
    journal: RefCell<Option<Journal>>,
    data: DataPath,
    budget: Budget,
    slots: RefCell<BTreeMap<PartitionKey, Slot>>,
    /// A slot changed its state.
    changed: Signal,
    stopping: Cell<bool>,
    /// Replicas that panicked and nobody was told of.
    faults: Queue<(PartitionKey, String)>,
    /// Damage that was found in the background and nobody was told of.
    damages: Queue<(PartitionKey, String)>,
}

/// What this core has of a partition.
enum Slot {
    /// On its way in, by another task.
    Opening,
    /// Serving.
    Ready(Ready),
    /// It panicked: it serves nothing any more, for this reason.
    Fenced(String),
    /// On its way out, by another task.
    Removing,
}

#[derive(Clone)]
struct Ready {
    replica: Rc<Replica>,
    scope: Rc<Scope>,
    /// The last of its tasks is over.
    ended: Rc<Cell<bool>>,
}

/// Why a partition cannot be asked.
enum Absent {
    Unknown,
    Fenced(String),
    Stopping,
}

impl From<Absent> for ProposeError {
    fn from(absent: Absent) -> Self {
        match absent {
            Absent::Unknown => Self::UnknownPartition,
            Absent::Fenced(why) => Self::Fenced(why),
            Absent::Stopping => Self::Stopping,
        }
    }
}

impl From<Absent> for ReadError {
    fn from(absent: Absent) -> Self {
        match absent {
            Absent::Unknown => Self::UnknownPartition,
            Absent::Fenced(why) => Self::Fenced(why),
            Absent::Stopping => Self::Stopping,
        }
    }
}

impl Host {
    /// Begins to serve the ports of this core. It touches no file before a partition is opened.
    pub fn start(runtime: Runtime, config: HostConfig) -> Self {
        let bytes = config.read_budget_bytes.max(READ_BUDGET_BYTES_MIN);
        let inner = Rc::new(Inner {
            budget: runtime.budget("partition reads", bytes),
            node: config.node,
            journal: RefCell::new(None),
            data: config.data,
            slots: RefCell::new(BTreeMap::new()),
            changed: Signal::new(),
            faults: Queue::new(FAULTS_KEPT),
            damages: Queue::new(FAULTS_KEPT),
            stopping: Cell::new(false),
            runtime,
        });
        let root = inner.runtime.root();
        root.spawn(
            Class::Produce,
            "serve proposals",
            serve_proposals(Rc::clone(&inner)),
        );
        root.spawn(Class::Fetch, "serve reads", serve_reads(Rc::clone(&inner)));
        root.spawn(
            Class::Fetch,
            "serve watches",
            serve_watches(Rc::clone(&inner)),
        );
        root.spawn(
            Class::Fetch,
            "serve look-ups",
            serve_seeks(Rc::clone(&inner)),
        );
        root.spawn(
            Class::Consensus,
            "serve beginnings",
            serve_beginnings(Rc::clone(&inner), root.clone()),
        );
        root.spawn(
            Class::Consensus,
            "serve opens",
            serve_opens(Rc::clone(&inner), root.clone()),
        );
        root.spawn(
            Class::Consensus,
            "serve removals",
            serve_removals(Rc::clone(&inner), root.clone()),
        );
        if config.scrub_bytes_per_second > 0 {
            let scrubbing = scrub::scrub(Rc::clone(&inner), config.scrub_bytes_per_second);
            root.spawn(Class::Background, "scrub", scrubbing);
        }
        Self(inner)
    }

    /// The partitions whose replicas panicked and were fenced, with what they said, as it happens: whoever assembles
    /// the node tells it on.
    pub fn faults(&self) -> Queue<(PartitionKey, String)> {
        self.0.faults.clone()
    }

    /// Damage that was found in the background, as it happens, with what it means.
    pub fn damages(&self) -> Queue<(PartitionKey, String)> {
        self.0.damages.clone()
    }

    /// Takes nothing more, makes everything durable, answers who waits, and closes the files.
    pub async fn stop(&self) {
        self.0.stopping.set(true);
        self.0.changed.notify();
        let ready: Vec<Ready> = self
            .0
            .slots
            .borrow()
            .values()
            .filter_map(Slot::ready)
            .collect();
        // Together, so that the disk can take them together.
        let scope = self.0.runtime.scope("stop replicas");
        for ready in ready.clone() {
            let inner = Rc::clone(&self.0);
            // One whose tasks ended in a panic has nobody left to make it durable.
            let stop = async move { race(ready.replica.stop(), ready.over(&inner)).await };
            scope.spawn(Class::Produce, "stop a replica", stop);
        }
        // A replica that panics on its way out is fenced like any other: there is nothing left to do for it.
        let _faults = scope.join().await;
        for ready in &ready {
            ready.scope.cancel();
            ready.over(&self.0).await;
        }
        self.0.slots.borrow_mut().clear();
    }
}

impl Slot {
    fn ready(&self) -> Option<Ready> {
        match self {
            Self::Ready(ready) => Some(ready.clone()),
            _ => None,
        }
    }
}

impl Inner {
    fn find(&self, key: PartitionKey) -> Result<Ready, Absent> {
        if self.stopping.get() {
            return Err(Absent::Stopping);
        }
        match self.slots.borrow().get(&key) {
            Some(Slot::Ready(ready)) => Ok(ready.clone()),
            Some(Slot::Fenced(why)) => Err(Absent::Fenced(why.clone())),
            Some(Slot::Opening | Slot::Removing) | None => Err(Absent::Unknown),
        }
    }
}

impl Inner {
    /// Lets it be told that a replica was fenced. Nobody has to listen.
    fn tell(&self, key: PartitionKey, why: &str) {
        self.faults
            .try_push((key, why.to_owned()))
            .unwrap_or_default();
    }
}

async fn serve_proposals(inner: Rc<Inner>) -> ! {
    let calls = inner.runtime.calls(PROPOSE);
    loop {
        let (_, propose, reply) = calls.recv().await;
        match inner.find(propose.key) {
            Ok(ready) => ready.replica.propose(propose, reply),
            Err(absent) => reply.send(Err(absent.into())),
        }
    }
}

async fn serve_reads(inner: Rc<Inner>) -> ! {
    let calls = inner.runtime.calls(READ);
    loop {
        let (_, read, reply) = calls.recv().await;
        match inner.find(read.key) {
            Ok(Ready { replica, scope, .. }) => {
                let task = async move { reply.send(replica.read(read).await) };
                scope.spawn(Class::Fetch, "read", task);
            }
            Err(absent) => reply.send(Err(absent.into())),
        }
    }
}

async fn serve_watches(inner: Rc<Inner>) -> ! {
    let calls = inner.runtime.calls(WATCH);
    loop {
        let (_, watch, reply) = calls.recv().await;
        match inner.find(watch.key) {
            Ok(ready) => ready.replica.watch(watch, reply),
            Err(absent) => reply.send(Err(absent.into())),
        }
    }
}

async fn serve_seeks(inner: Rc<Inner>) -> ! {
    let calls = inner.runtime.calls(SEEK);
    loop {
        let (_, seek, reply) = calls.recv().await;
        match inner.find(seek.key) {
            Ok(Ready { replica, scope, .. }) => {
                let task = async move { reply.send(replica.seek(seek).await) };
                scope.spawn(Class::Fetch, "look up", task);
            }
            Err(absent) => reply.send(Err(absent.into())),
        }
    }
}

async fn serve_beginnings(inner: Rc<Inner>, root: Spawner) -> ! {
    let calls = inner.runtime.calls(BEGIN);
    loop {
        let (_, found, reply) = calls.recv().await;
        let begun = Journal::open(&inner.runtime, &root, &inner.data, found).await;
        reply.send(begun.map(|journal| {
            inner.journal.replace(Some(journal));
        }));
    }
}

async fn serve_opens(inner: Rc<Inner>, root: Spawner) -> ! {
    let calls = inner.runtime.calls(OPEN);
    loop {
        let (_, open, reply) = calls.recv().await;
        let inner = Rc::clone(&inner);
        let task = async move { reply.send(lifecycle::open(&inner, open).await) };
        root.spawn(Class::Consensus, "open a partition", task);
    }
}

async fn serve_removals(inner: Rc<Inner>, root: Spawner) -> ! {
    let calls = inner.runtime.calls(REMOVE);
    loop {
        let (_, key, reply) = calls.recv().await;
        let inner = Rc::clone(&inner);
        let task = async move { reply.send(lifecycle::remove(&inner, key).await) };
        root.spawn(Class::Consensus, "remove a partition", task);
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Host({} partitions)", self.0.slots.borrow().len())
    }
}
