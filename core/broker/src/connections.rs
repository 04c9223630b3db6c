//! The connections of one core. The door gives each a scope of its own, so a panic in one ends that one.

use core::cell::{Cell, RefCell};
use core::fmt;
use core::time::Duration;
use std::rc::Rc;

use runtime::sync::Signal;
use runtime::{Class, CoreId, Either, Runtime, Stream, race};

use crate::event::{Event, Log};
use crate::orders::{CONNECTIONS, ENDED};
use crate::throttle::Throttle;

/// How long connections have to finish what is in flight before they are cut.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(5);

/// Serves connections. Clones share them.
#[derive(Clone)]
pub(crate) struct Connections(Rc<Shared>);

struct Shared {
    runtime: Runtime,
    door: kafka::Door,
    log: Log,
    /// Notified once, when what still lives is to be cut.
    cut: Signal,
    open: Cell<usize>,
    /// Over, and core 0 does not know yet.
    ended: Cell<usize>,
    changed: Signal,
    /// Ends of connections that an operator should hear of.
    remarkable: RefCell<Throttle>,
}

/// One connection's place among them; it is given back however the connection ends.
struct Place(Rc<Shared>);

impl Drop for Place {
    fn drop(&mut self) {
        let Shared {
            open,
            ended,
            changed,
            ..
        } = &*self.0;
        open.set(open.get() - 1);
        ended.set(ended.get() + 1);
        changed.notify();
    }
}

impl Connections {
    pub(crate) fn new(runtime: Runtime, door: kafka::Door, log: Log) -> Self {
        Self(Rc::new(Shared {
            runtime,
            door,
            log,
            cut: Signal::new(),
            open: Cell::new(0),
            ended: Cell::new(0),
            changed: Signal::new(),
            remarkable: RefCell::default(),
        }))
    }

    /// Takes over what core 0 sends here, and tells it what ended, until the core ends.
    pub(crate) fn start(&self) {
        let root = self.0.runtime.root();
        let (adopting, reporting) = (self.clone(), self.clone());
        drop(root.spawn(Class::Produce, "adopt connections", async move {
            adopting.adopt().await;
        }));
        drop(
            root.spawn(Class::Background, "report connections", async move {
                reporting.report().await;
            }),
        );
    }

    /// Serves `stream` to its end, in the background.
    pub(crate) fn serve(&self, stream: Stream) {
        let shared = Rc::clone(&self.0);
        shared.open.set(shared.open.get() + 1);
        let place = Place(Rc::clone(&shared));
        // In the root: the scope that a panic ends is within.
        drop(
            self.0
                .runtime
                .root()
                .spawn(Class::Produce, "connection", async move {
                    serve_one(&shared, stream).await;
                    drop(place);
                }),
        );
    }

    /// Has all connections finish what is in flight, and cuts those that do not in time. How many those were.
    pub(crate) async fn drain(&self) -> usize {
        let Shared {
            runtime,
            door,
            cut,
            open,
            ..
        } = &*self.0;
        door.drain();
        if runtime
            .timeout(DRAIN_TIME_MAX, self.none_open())
            .await
            .is_some()
        {
            return 0;
        }
        let left = open.get();
        cut.notify();
        self.none_open().await;
        left
    }

    async fn none_open(&self) {
        let Shared { open, changed, .. } = &*self.0;
        loop {
            let seen = changed.seen();
            if open.get() == 0 {
                return;
            }
            changed.changed(seen).await;
        }
    }

    async fn adopt(&self) -> ! {
        let runtime = &self.0.runtime;
        let arriving = runtime.inbox(CONNECTIONS);
        loop {
            let (_, handover) = arriving.recv().await;
            self.serve(runtime.adopt(handover));
        }
    }

    async fn report(&self) -> ! {
        let Shared {
            runtime,
            ended,
            changed,
            ..
        } = &*self.0;
        loop {
            let seen = changed.seen();
            let count = ended.take();
            if count > 0 {
                runtime.send(CoreId::ZERO, ENDED, count).await;
            }
            changed.changed(seen).await;
        }
    }
}

async fn serve_one(shared: &Shared, stream: Stream) {
    let cut = shared.cut.changed(0);
    // Cut, it is dropped here, and its scope with it.
    let Either::Left(ended) = race(shared.door.serve(stream), cut).await else {
        return;
    };
    let ordinary = matches!(&ended.closed, Ok(closed) if closed.is_ordinary());
    let passed = if ordinary {
        Some(0)
    } else {
        shared.remarkable.borrow_mut().pass(shared.runtime.now())
    };
    if let Some(held_back) = passed {
        (shared.log)(Event::ConnectionEnded { ended, held_back });
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connections({} open)", self.0.open.get())
    }
}
