//! The node's alarm: the first failure, which ends all cores.

use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::arrivals::Arrivals;
use crate::error::PortableError;

/// Raised once. A core looks at it before each turn, and is woken to look.
#[derive(Debug)]
pub(crate) struct Alarm {
    raised: AtomicBool,
    first: Mutex<Option<PortableError>>,
    arrivals: Arc<[Arc<Arrivals>]>,
}

impl Alarm {
    pub(crate) fn new(arrivals: Arc<[Arc<Arrivals>]>) -> Self {
        Self {
            raised: AtomicBool::new(false),
            first: Mutex::new(None),
            arrivals,
        }
    }

    /// Remembers the first failure and ends every core.
    pub(crate) fn raise(&self, error: PortableError) {
        self.first().get_or_insert(error);
        self.raised.store(true, Ordering::Release);
        for arrivals in &*self.arrivals {
            arrivals.ring();
        }
    }

    pub(crate) fn is_raised(&self) -> bool {
        self.raised.load(Ordering::Acquire)
    }

    /// The first failure, if there was one.
    pub(crate) fn take(&self) -> Option<PortableError> {
        self.first().take()
    }

    fn first(&self) -> MutexGuard<'_, Option<PortableError>> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
