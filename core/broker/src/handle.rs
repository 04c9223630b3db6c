//! The way to a running broker from outside its cores.

use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use stdx::Duration;

use crate::error::StartError;

/// How often core 0 looks whether it is to stop. The runtime has no door for a signal from outside a core yet; a
/// look costs a timer, and nobody notices a twentieth of a second at shutdown.
pub(crate) const STOP_LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// Stops a broker, and says how it ended. Clones are the same handle; any thread may hold one.
#[derive(Clone, Debug, Default)]
pub struct Handle(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    outcome: Mutex<Option<Result<(), StartError>>>,
}

impl Handle {
    /// A handle for one broker.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the broker to stop in good order. Once or more often, also before it started.
    pub fn stop(&self) {
        self.0.stop.store(true, Ordering::Release);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.0.stop.load(Ordering::Acquire)
    }

    /// How it ended: stopped in good order, or why it could not start. None while it runs, and when its node ended
    /// under it.
    pub fn outcome(&self) -> Option<Result<(), StartError>> {
        let outcome = self
            .0
            .outcome
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        outcome.clone()
    }

    pub(crate) fn ended(&self, outcome: Result<(), StartError>) {
        *self
            .0
            .outcome
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(outcome);
    }
}
