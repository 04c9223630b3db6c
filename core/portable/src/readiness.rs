//! Which sockets of a core are to be looked at.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

use runtime::{Descriptor, OperationId};

use crate::arrivals::Arrivals;

/// Something that may have become ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A connection or a listener.
    Socket(Descriptor),
    /// A connection being made.
    Connect(OperationId),
}

/// The sockets to look at. A token may stand here twice, or be of a socket that is gone by now: a look too many
/// finds nothing.
#[derive(Debug)]
pub(crate) struct Readiness {
    /// Only the core's own thread comes here; the lock is there because a waker must be `Send`.
    marked: Mutex<Vec<Token>>,
    arrivals: Arc<Arrivals>,
}

#[derive(Debug)]
struct TokenWaker {
    token: Token,
    readiness: Arc<Readiness>,
}

impl Readiness {
    pub(crate) fn new(arrivals: Arc<Arrivals>) -> Arc<Self> {
        Arc::new(Self {
            marked: Mutex::default(),
            arrivals,
        })
    }

    /// Asks for a look at `token` before the core waits.
    pub(crate) fn mark(&self, token: Token) {
        self.marked().push(token);
    }

    /// Moves the marked tokens into `tokens`, which is empty.
    pub(crate) fn take(&self, tokens: &mut Vec<Token>) {
        core::mem::swap(tokens, &mut self.marked());
    }

    /// What the reactor calls when `token` is ready.
    pub(crate) fn waker(self: &Arc<Self>, token: Token) -> Waker {
        Waker::from(Arc::new(TokenWaker {
            token,
            readiness: Arc::clone(self),
        }))
    }

    fn marked(&self) -> MutexGuard<'_, Vec<Token>> {
        self.marked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for TokenWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.readiness.mark(self.token);
        self.readiness.arrivals.ring();
    }
}
