//! Takes connections on core 0 and gives each to the core that has the fewest.
//!
//! One core accepts for all: several listeners on one port would need `SO_REUSEPORT`, which hides a port that another
//! process has, and the kernel's spread of connections over them is by hash, so that few long-lived clients end up on
//! one core. An accept costs microseconds and a client stays for hours.

use core::cell::RefCell;
use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;
use std::rc::Rc;

use runtime::{Class, CoreId, IoError, Listener, Runtime, Scope, Stream};

use crate::balance::Balance;
use crate::connections::Connections;
use crate::event::{Event, Log};
use crate::orders::{CONNECTIONS, ENDED};
use crate::throttle::Throttle;

/// How long a listener rests after a failed accept: when descriptors have run out, trying again at once only burns
/// the processor.
const RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// Accepts until it is dropped; connections that were taken live on.
pub(crate) struct Acceptor {
    /// Owns the tasks that accept.
    _scope: Scope,
}

struct Shared {
    runtime: Runtime,
    log: Log,
    connections_max: usize,
    balance: RefCell<Balance>,
    own: Connections,
    failed: RefCell<Throttle>,
    refused: RefCell<Throttle>,
}

impl Acceptor {
    /// Starts to accept at all of `listeners`. `own` are the connections of this core.
    pub(crate) fn start(
        runtime: &Runtime,
        listeners: Vec<Listener>,
        own: Connections,
        connections_max: usize,
        log: Log,
    ) -> Self {
        let shared = Rc::new(Shared {
            runtime: runtime.clone(),
            log,
            connections_max,
            balance: RefCell::new(Balance::new(runtime.cores(), connections_max)),
            own,
            failed: RefCell::default(),
            refused: RefCell::default(),
        });
        let counting = Rc::clone(&shared);
        // In the root: it goes on counting while the last connections end.
        drop(
            runtime
                .root()
                .spawn(Class::Background, "count connections", async move {
                    counting.count().await;
                }),
        );
        let scope = runtime.scope("accept");
        for listener in listeners {
            let shared = Rc::clone(&shared);
            drop(scope.spawn(Class::Produce, "accept", async move {
                shared.accept(&listener).await;
            }));
        }
        Self { _scope: scope }
    }
}

impl Shared {
    async fn accept(&self, listener: &Listener) -> ! {
        loop {
            match listener.accept().await {
                Ok(stream) => self.take(stream).await,
                Err(error) => {
                    self.complain(listener.address(), error);
                    self.runtime.sleep(RETRY_INTERVAL).await;
                }
            }
        }
    }

    async fn take(&self, stream: Stream) {
        let placed = self.balance.borrow_mut().place();
        match placed {
            None => self.refuse(&stream),
            Some(CoreId::ZERO) => self.own.serve(stream),
            Some(core) => {
                self.runtime
                    .send(core, CONNECTIONS, stream.hand_over())
                    .await;
            }
        }
    }

    /// Says so; the connection closes when its caller drops it.
    fn refuse(&self, stream: &Stream) {
        if let Some(held_back) = self.refused.borrow_mut().pass(self.runtime.now()) {
            (self.log)(Event::ConnectionRefused {
                peer: stream.peer(),
                connections_max: self.connections_max,
                held_back,
            });
        }
    }

    fn complain(&self, address: SocketAddr, error: IoError) {
        if let Some(held_back) = self.failed.borrow_mut().pass(self.runtime.now()) {
            (self.log)(Event::AcceptFailed {
                address,
                error,
                held_back,
            });
        }
    }

    async fn count(&self) -> ! {
        let ended = self.runtime.inbox(ENDED);
        loop {
            let (core, count) = ended.recv().await;
            self.balance.borrow_mut().end(core, count);
        }
    }
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Acceptor")
    }
}
