//! What clients do, and what they make of the answers.
//!
//! All clients run on one node of their own, each with connections of its own, against the broker's address. They
//! are in three phases: *setting up* (topics are made, with patience), *working* (until the faults end), *reading*
//! (a fresh client writes once more to every partition and reads all of them from the start).

use core::net::SocketAddr;
use std::sync::Arc;

use runtime::{Class, LocalFuture, Main, Runtime};
use stdx::Duration;

use crate::scenario::Scenario;

mod act;
mod actor;
mod read;
mod set_up;
pub mod shared;
pub mod strangers;

pub use shared::{Phase, Shared};

/// How often a waiting client looks which phase it is.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

/// What the clients' node runs.
pub fn main(scenario: &Arc<Scenario>, shared: &Arc<Shared>, broker: SocketAddr) -> Main {
    let (scenario, shared) = (Arc::clone(scenario), Arc::clone(shared));
    Arc::new(move |runtime| run(runtime, Arc::clone(&scenario), Arc::clone(&shared), broker))
}

fn run(
    runtime: Runtime,
    scenario: Arc<Scenario>,
    shared: Arc<Shared>,
    broker: SocketAddr,
) -> LocalFuture<()> {
    Box::pin(async move {
        set_up::topics(&runtime, &scenario, &shared, broker).await;
        shared.enter(Phase::Working);
        let scope = runtime.scope("clients");
        for number in 0..scenario.clients.len() {
            let actor = actor::Actor::new(&runtime, &scenario, &shared, broker, number);
            drop(scope.spawn(Class::Produce, "client", actor.run()));
        }
        while shared.phase() < Phase::Reading {
            runtime.sleep(LOOK_INTERVAL).await;
        }
        // What the clients still have in flight is over with them.
        drop(scope);
        read::everything(&runtime, &shared, broker).await;
        shared.enter(Phase::Done);
        core::future::pending::<()>().await;
    })
}
