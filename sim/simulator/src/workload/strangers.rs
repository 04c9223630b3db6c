//! Connections of clients that err, or mean harm, on a machine of their own.
//!
//! Nothing is promised to them, and nothing that they are told is judged but one thing: a damaged batch must not be
//! taken. What they show is that the others go on beside them, and that the memory that they held comes back: those
//! that hold something stay connected to the very end, long after the others are gone.

use core::net::SocketAddr;
use std::sync::Arc;

use client::ClientError;
use runtime::{Class, LocalFuture, Main, Runtime};
use stdx::{Duration, Prng};

use super::LOOK_INTERVAL;
use super::shared::{Phase, Shared};
use crate::scenario::{Scenario, StrangerKind, StrangerShape};

mod holding;
mod noise;

/// Connections that one stranger makes, one after the other.
const LIVES_MAX: usize = 8;

/// How often somebody who stays looks whether the run is over.
const STAY_INTERVAL: Duration = Duration::from_millis(100);

/// What a stranger works with.
struct Stranger {
    runtime: Runtime,
    shared: Arc<Shared>,
    broker: SocketAddr,
    kind: StrangerKind,
    /// No topic takes larger batches than the broker's own bound.
    may_be_large: bool,
    prng: Prng,
}

/// What the strangers' node runs.
pub fn main(scenario: &Arc<Scenario>, shared: &Arc<Shared>, broker: SocketAddr) -> Main {
    let (scenario, shared) = (Arc::clone(scenario), Arc::clone(shared));
    Arc::new(move |runtime| -> LocalFuture<()> {
        let (scenario, shared) = (Arc::clone(&scenario), Arc::clone(&shared));
        Box::pin(async move { run(&runtime, &scenario, &shared, broker).await })
    })
}

async fn run(runtime: &Runtime, scenario: &Scenario, shared: &Arc<Shared>, broker: SocketAddr) {
    while shared.phase() < Phase::Working {
        runtime.sleep(LOOK_INTERVAL).await;
    }
    let may_be_large = scenario
        .topics
        .iter()
        .all(|topic| topic.message_bytes_max.is_none());
    let scope = runtime.scope("strangers");
    for (group, shape) in scenario.strangers.iter().enumerate() {
        for number in 0..shape.connections {
            let label = format!("stranger/{group}/{number}");
            let stranger = Stranger {
                runtime: runtime.clone(),
                shared: Arc::clone(shared),
                broker,
                kind: shape.kind,
                may_be_large,
                prng: Prng::labelled(scenario.seed, &label),
            };
            drop(scope.spawn(Class::Produce, "stranger", stranger.live(shape.clone())));
        }
    }
    if let Err(fault) = scope.join().await {
        // A stranger's own panic is a bug of the simulator: let it be seen.
        panic!("{fault}");
    }
    core::future::pending::<()>().await;
}

impl Stranger {
    /// Connects, does what it does, and comes back, until the safety phase is over.
    async fn live(mut self, shape: StrangerShape) {
        let delay = Duration::from_millis(shape.from_millis);
        self.runtime.sleep(delay).await;
        for _ in 0..LIVES_MAX {
            if self.shared.phase() != Phase::Working {
                return;
            }
            // That the broker ends the connection, or is not there, is to be expected.
            let _ended: Result<(), ClientError> = match self.kind {
                StrangerKind::Silent
                | StrangerKind::HalfOpen { .. }
                | StrangerKind::Deaf
                | StrangerKind::Poller => self.hold().await,
                StrangerKind::Garbage
                | StrangerKind::Outdated
                | StrangerKind::Breaker
                | StrangerKind::Collector => self.make_noise().await,
            };
            let pause = Duration::from_millis(self.prng.between(20, 500));
            self.runtime.sleep(pause).await;
        }
    }
}
