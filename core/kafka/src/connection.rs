//! One connection: a task that reads and dispatches, a task that finishes and sends, a bounded queue between.

use core::cell::Cell;
use core::net::SocketAddr;
use std::rc::Rc;

use runtime::sync::{Queue, Signal};
use runtime::{Class, Runtime, ScopeFault, Stream, race};

use crate::answer::Finish;
use crate::closed::Closed;
use crate::config::IN_FLIGHT_MAX;
use crate::door::Shared;
use crate::ending::Ending;
use crate::instruments::Times;
use crate::pressure::{Held, Memory};

mod reader;
mod writer;

use reader::read_all;
use writer::write_all;

/// What the tasks and handlers of one connection share.
pub(crate) struct Connection {
    pub(crate) door: Rc<Shared>,
    /// The address on which the client came.
    pub(crate) local: SocketAddr,
    /// Nothing more will be asked on it: who waits for data need not.
    ending: Ending,
    /// Dispatched and not being answered yet, oldest first.
    in_flight: Queue<InFlight>,
    /// Dispatched and not answered whole yet.
    owed: Cell<usize>,
    /// Memory of what is owed, as it was reserved.
    held: Cell<Held>,
    /// Something that was owed was answered, or nothing more will be.
    answered: Signal,
    requests: Cell<u64>,
    /// The first reason to end.
    closed: Cell<Option<Closed>>,
}

/// A request between its two stages.
#[derive(Debug)]
struct InFlight {
    finish: Finish,
    /// What was reserved for it before it was read.
    reserved: (Memory, usize),
    times: Times,
}

/// Serves `stream` to its end: how many requests were dispatched, and why it ended.
pub(crate) async fn serve(door: Rc<Shared>, stream: Stream) -> (u64, Result<Closed, ScopeFault>) {
    let runtime = door.context.runtime.clone();
    let connection = Rc::new(Connection {
        door,
        local: stream.local(),
        ending: Ending::default(),
        in_flight: Queue::new(IN_FLIGHT_MAX),
        owed: Cell::new(0),
        held: Cell::new(Held::default()),
        answered: Signal::new(),
        requests: Cell::new(0),
        closed: Cell::new(None),
    });
    // Before the scope, so that it goes after the tasks are over, also where this future is dropped.
    let _unanswered = Unanswered(Rc::clone(&connection));
    let (receive, send) = stream.split();
    let scope = runtime.scope("kafka connection");
    let reading = read_all(Rc::clone(&connection), receive);
    drop(scope.spawn(Class::Produce, "kafka reader", reading));
    let writing = write_all(Rc::clone(&connection), send);
    // The writer ends last: the reader's end closes the queue that it empties.
    let written = scope.spawn(Class::Produce, "kafka writer", writing).await;
    scope.cancel();
    let fault = scope.join().await;
    let closed = connection.closed.get().unwrap_or(Closed::Draining);
    let ended = match (written, fault) {
        (_, Err(fault)) => Err(fault),
        (Ok(()), Ok(())) => Ok(closed),
        // Cancelled from outside: the core is on its way out.
        (Err(_cancelled), Ok(())) => Ok(Closed::Draining),
    };
    (connection.requests.get(), ended)
}

/// Drops what was dispatched and never answered when the connection is over. Each of those futures holds the
/// connection, which holds their queue: left there they would keep each other, and the memory of their requests, for
/// ever.
struct Unanswered(Rc<Connection>);

impl Drop for Unanswered {
    fn drop(&mut self) {
        self.0.in_flight.close();
        while let Some(unanswered) = self.0.in_flight.try_pop() {
            drop(unanswered);
        }
    }
}

impl Connection {
    /// The core's handle.
    pub(crate) fn runtime(&self) -> &Runtime {
        &self.door.context.runtime
    }

    /// Waits until there is no point in waiting for data any more.
    pub(crate) async fn hurried(&self) {
        race(self.ending.begun(), self.door.draining.begun()).await;
    }

    /// Memory that its requests hold until they are answered.
    pub(crate) fn held(&self) -> Held {
        self.held.get()
    }

    fn owe(&self, (memory, bytes): (Memory, usize)) {
        let mut held = self.held.get();
        held.add(memory, bytes);
        self.held.set(held);
        self.owed.set(self.owed.get() + 1);
        self.requests.set(self.requests.get() + 1);
    }

    fn settle(&self, (memory, bytes): (Memory, usize)) {
        let mut held = self.held.get();
        held.take(memory, bytes);
        self.held.set(held);
        self.owed.set(self.owed.get() - 1);
        self.answered.notify();
    }

    fn close(&self, why: Closed) {
        if self.closed.get().is_none() {
            self.closed.set(Some(why));
        }
    }
}
