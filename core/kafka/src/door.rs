//! The door of one core.

use core::cell::Cell;
use core::fmt;
use core::net::SocketAddr;
use std::rc::Rc;

use cluster::View;
use partition::Router;
use runtime::sync::Signal;
use runtime::{Budget, Class, Runtime, ScopeFault, Stream};

use crate::closed::Closed;
use crate::config::Config;
use crate::connection;
use crate::ending::Ending;
use crate::instruments::Instruments;
use crate::memory::{Budgets, Memory};
use crate::pressure::{Pressure, RELIEVE};

/// What a door works with. All of it belongs to one core.
#[derive(Debug)]
pub struct Context {
    /// The core.
    pub runtime: Runtime,
    /// The way to partitions.
    pub router: Router,
    /// What the cluster decided.
    pub cluster: View,
    /// How to behave.
    pub config: Config,
    /// Pays for requests that carry records, from before they are read until those are written. Its limit bounds the
    /// largest request; questions and what is kept of writes have parts of as much besides
    /// ([`crate::config::QUESTIONS_SHARE`], [`crate::config::WRITE_ENTRIES_SHARE`]).
    pub writes: Budget,
    /// Pays for answers that hold records.
    pub answers: Budget,
}

/// Serves connections of one core. Cheap to clone.
#[derive(Clone)]
pub struct Door(Rc<Shared>);

/// What the connections of a core share.
pub(crate) struct Shared {
    pub(crate) context: Context,
    pub(crate) instruments: Instruments,
    pub(crate) draining: Ending,
    pub(crate) pressure: Pressure,
    pub(crate) budgets: Budgets,
    connections: Cell<usize>,
    /// A connection ended.
    left: Signal,
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The other end.
    pub peer: SocketAddr,
    /// Requests that were dispatched on it.
    pub requests: u64,
    /// Why. A fault is a panic of ours, which no client may be able to cause.
    pub closed: Result<Closed, ScopeFault>,
}

impl Door {
    /// A door that nobody came through yet.
    ///
    /// # Panics
    /// When the budget of answers cannot hold one batch of the largest size.
    pub fn new(context: Context) -> Self {
        let batch_bytes = context.config.message_bytes_max;
        assert!(batch_bytes <= context.answers.limit());
        let instruments = Instruments::new(&context.runtime);
        let (writes, answers) = (context.writes.clone(), context.answers.clone());
        let budgets = Budgets::new(&context.runtime, writes, answers);
        let shared = Rc::new(Shared {
            context,
            instruments,
            draining: Ending::default(),
            pressure: Pressure::default(),
            budgets,
            connections: Cell::new(0),
            left: Signal::new(),
        });
        let relieving = relieve_on_demand(Rc::clone(&shared));
        let root = shared.context.runtime.root();
        drop(root.spawn(Class::Produce, "relieve memory", relieving));
        Self(shared)
    }

    /// Serves one connection until it ends.
    pub async fn serve(&self, stream: Stream) -> Ended {
        let peer = stream.peer();
        let _guest = Guest::enter(Rc::clone(&self.0));
        let (requests, closed) = connection::serve(Rc::clone(&self.0), stream).await;
        if !matches!(&closed, Ok(closed) if closed.is_ordinary()) {
            self.0.instruments.connections_failed.add(1);
        }
        Ended {
            peer,
            requests,
            closed,
        }
    }

    /// Takes no more requests: what was dispatched is answered, long polls end at once, connections end.
    pub fn drain(&self) {
        self.0.draining.begin();
    }

    /// Waits until the last connection ended.
    pub async fn drained(&self) {
        while self.connections() > 0 {
            self.0.left.changed(self.0.left.seen()).await;
        }
    }

    /// Connections that are being served.
    pub fn connections(&self) -> usize {
        self.0.connections.get()
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Door({} connections)", self.connections())
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { peer, requests, .. } = self;
        match &self.closed {
            Ok(closed) => write!(
                f,
                "connection {peer} ended after {requests} requests: {closed}"
            ),
            Err(fault) => write!(
                f,
                "connection {peer} ended after {requests} requests: {fault}"
            ),
        }
    }
}

/// Cuts slow clients whenever a core of this node is short of memory: what a partition's core lent for a read is
/// held by connections of other cores.
async fn relieve_on_demand(shared: Rc<Shared>) -> ! {
    let inbox = shared.context.runtime.inbox(RELIEVE);
    loop {
        inbox.recv().await;
        shared
            .pressure
            .relieve(shared.context.runtime.now(), Memory::Answers, usize::MAX);
    }
}

/// Counts one connection while it lives, however it ends.
struct Guest(Rc<Shared>);

impl Guest {
    fn enter(shared: Rc<Shared>) -> Self {
        shared.connections.set(shared.connections.get() + 1);
        shared.instruments.connections.add(1);
        shared.instruments.connections_accepted.add(1);
        Self(shared)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.0.connections.set(self.0.connections.get() - 1);
        self.0.instruments.connections.add(-1);
        self.0.left.notify();
    }
}
