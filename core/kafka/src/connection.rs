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
use crate::memory::Held;

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
    /// Memory of what is owed, as it was when it came.
    admitted: Cell<Held>,
    /// Memory that it holds now.
    held: Rc<Cell<Held>>,
    /// Something that was owed was answered, or nothing more will be.
    answered: Signal,
    /// The reader waits until something is answered, and since when that changed.
    reader_waits: Cell<bool>,
    reader_waits_changed: Signal,
    requests: Cell<u64>,
    /// The first reason to end.
    closed: Cell<Option<Closed>>,
}

/// A request between its two stages.
#[derive(Debug)]
struct InFlight {
    finish: Finish,
    /// What was reserved for it before it was read.
    admitted: Held,
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
        admitted: Cell::new(Held::default()),
        held: Rc::default(),
        answered: Signal::new(),
        reader_waits: Cell::new(false),
        reader_waits_changed: Signal::new(),
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

    /// Waits until there is no point in waiting for data any more, or something better to do.
    pub(crate) async fn hurried(&self) {
        let over = race(self.ending.begun(), self.door.draining.begun());
        race(over, self.reader_waiting()).await;
    }

    /// Memory that its requests hold, and its end would give back.
    pub(crate) fn held(&self) -> &Rc<Cell<Held>> {
        &self.held
    }

    /// Whether nothing was asked but the one request that is being answered.
    pub(crate) fn owes_one(&self) -> bool {
        self.owed.get() <= 1
    }

    fn owe(&self, request: &InFlight) {
        self.admitted
            .set(self.admitted.get().plus(request.admitted));
        self.held.set(self.held.get().plus(request.finish.held()));
        self.owed.set(self.owed.get() + 1);
        self.requests.set(self.requests.get() + 1);
    }

    fn settle(&self, admitted: Held, held: Held) {
        self.admitted.set(self.admitted.get().minus(admitted));
        self.held.set(self.held.get().minus(held));
        self.owed.set(self.owed.get() - 1);
        self.answered.notify();
    }

    /// Waits until something is answered. A long poll would keep it waiting for nothing: it ends.
    async fn answered(&self) {
        let seen = self.answered.seen();
        self.reader_waits.set(true);
        self.reader_waits_changed.notify();
        self.answered.changed(seen).await;
        self.reader_waits.set(false);
    }

    async fn reader_waiting(&self) {
        while !self.reader_waits.get() {
            let changed = &self.reader_waits_changed;
            changed.changed(changed.seen()).await;
        }
    }

    fn close(&self, why: Closed) {
        if self.closed.get().is_none() {
            self.closed.set(Some(why));
        }
    }
}
