//! Which operations of a core are in flight, and where, so that they can be cancelled.

use core::sync::atomic::{AtomicBool, Ordering};
use std::collections::BTreeMap;
use std::sync::Arc;

use runtime::{Descriptor, OperationId};

/// Where an operation is.
#[derive(Debug)]
pub(crate) enum Place {
    /// In the queues of a connection or a listener.
    Socket(Descriptor),
    /// On its way to a connection.
    Connect,
    /// With the file or job threads.
    Worker(Cancellation),
}

/// Tells a thread that an operation is not wanted any more. The thread looks before it starts, not after: what a
/// file thread began it finishes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cancellation(Arc<AtomicBool>);

impl Cancellation {
    pub(crate) fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The operations of one core that can be cancelled, from submission until the core takes their end. A close is
/// not among them: it cannot be.
#[derive(Debug, Default)]
pub(crate) struct InFlight(BTreeMap<OperationId, Place>);

impl InFlight {
    pub(crate) fn enter(&mut self, id: OperationId, place: Place) {
        self.0.insert(id, place);
    }

    pub(crate) fn leave(&mut self, id: OperationId) {
        self.0.remove(&id);
    }

    pub(crate) fn place(&self, id: OperationId) -> Option<&Place> {
        self.0.get(&id)
    }
}
