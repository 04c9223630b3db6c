//! The broker: it wires all rooms onto the cores of one ground, in the order in which they can stand, and takes them
//! down in the opposite order.
//!
//! It does not know on which ground it stands, it reads no flag, and it prints nothing: what it has to tell are
//! [`Event`]s, and whoever started it renders them.
//!
//! ```text
//!   core 0                                              core 1 ..
//!   Node      data folder . listeners . controller
//!    | Acceptor --- CONNECTIONS: the core with the fewest ---> Worker
//!    |          <-- ENDED: so many are over -------------------  |
//!    | ------------ ORDERS: drain, close --------------------->  |
//!   Worker                                                   partitions (Host)
//!    partitions (Host) . View . Door                         View . Door
//! ```
//!
//! | file | noun |
//! |---|---|
//! | `config` | [`Config`], all that a broker is told |
//! | `event` | [`Event`], all that it tells |
//! | `handle` | [`Handle`]: stop it from outside, and ask how it ended |
//! | `node` | what there is one of, on core 0: the order of start and of shutdown |
//! | `acceptor` | takes connections and picks their core |
//! | `balance` | how many connections each core has |
//! | `worker` | what each core has: partitions, view, door |
//! | `connections` | the connections of one core, each a fault domain |
//!
//! Invariants:
//! - nothing of the data folder is touched before its lock is held, nothing after it was let go;
//! - a client is served only after the controller's decisions reached the core that serves it;
//! - at shutdown nobody new comes in, then what is in flight is answered, then partitions are flushed, then the
//!   folder is let go: each step has its bound in time, and the next one happens anyway;
//! - a panic in a connection ends that connection.
//!
//! Assumptions: the ground calls [`main()`]'s future once on each core of the node, core 0 among them.
#![forbid(unsafe_code)]

mod acceptor;
mod balance;
pub mod config;
mod connections;
pub mod error;
pub mod event;
pub mod handle;
mod node;
mod orders;
mod throttle;
mod worker;

use std::sync::Arc;

pub use config::{Config, ListenAt};
pub use error::StartError;
pub use event::{Event, Level, Log};
pub use handle::Handle;

use node::Node;
use runtime::{Class, CoreId, Main, Runtime};
use worker::Worker;

/// What each core of a broker's node runs.
///
/// It ends on all cores when `handle` stops it or when it cannot start; [`Handle::outcome`] says which.
pub fn main(config: Config, handle: Handle) -> Main {
    let config = Arc::new(config);
    Arc::new(move |runtime| {
        let (config, handle) = (Arc::clone(&config), handle.clone());
        Box::pin(run_core(runtime, config, handle))
    })
}

async fn run_core(runtime: Runtime, config: Arc<Config>, handle: Handle) {
    let worker = Worker::start(&runtime, &config);
    if runtime.core() != CoreId::ZERO {
        return worker.run().await;
    }
    let node = Node::new(runtime.clone(), config, worker.view(), worker.connections());
    // In the root: a core that cannot carry out orders any more must not live on in silence.
    let serving = runtime.root().spawn(
        Class::Consensus,
        "worker",
        async move { worker.run().await },
    );
    let outcome = node.run(&handle).await;
    // The last order of the node ended it, unless its core did not carry that out in time.
    if serving.await.is_ok() {
        handle.ended(outcome);
    }
}
