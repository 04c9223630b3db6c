//! Operations in flight on one core: who waits for each, and what becomes of a result that nobody wants.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use crate::error::IoError;
use crate::handle::Runtime;
use crate::operation::{Descriptor, Operation, OperationId, Output};
use crate::table::{Key, Table};

#[derive(Debug)]
enum State {
    Waiting(Option<Waker>),
    Done(Result<Output, IoError>),
    /// Its future is gone: the result is discarded, a descriptor in it closed.
    Abandoned,
}

/// What is to be done about a completion.
#[derive(Debug)]
pub(crate) enum Landed {
    /// Nothing, or wake the task that waits.
    Wanted(Option<Waker>),
    /// Drop the output, and close what it opened.
    Unwanted(Option<Descriptor>),
}

/// All operations of one core between their submission and the taking of their result.
#[derive(Debug, Default)]
pub(crate) struct OperationTable {
    states: Table<State>,
    in_flight: usize,
}

impl OperationTable {
    pub(crate) fn add(&mut self, wanted: bool) -> OperationId {
        self.in_flight += 1;
        let state = if wanted {
            State::Waiting(None)
        } else {
            State::Abandoned
        };
        let Key { slot, generation } = self.states.insert(state);
        OperationId { slot, generation }
    }

    /// Operations whose final completion is still to come.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Takes the final completion of `id`.
    ///
    /// # Panics
    /// When `id` is not in flight: the ground completed something twice.
    pub(crate) fn land(&mut self, id: OperationId, result: Result<Output, IoError>) -> Landed {
        let key = key(id);
        let state = self
            .states
            .get_mut(key)
            .expect("an operation completes exactly once");
        self.in_flight -= 1;
        match state {
            State::Waiting(waker) => {
                let waker = waker.take();
                *state = State::Done(result);
                Landed::Wanted(waker)
            }
            State::Abandoned => {
                self.states.remove(key);
                Landed::Unwanted(result.ok().and_then(|output| opened_by(&output)))
            }
            State::Done(_) => panic!("an operation completes exactly once"),
        }
    }

    fn poll(&mut self, id: OperationId, waker: &Waker) -> Poll<Result<Output, IoError>> {
        let key = key(id);
        match self.states.get_mut(key) {
            Some(State::Waiting(place)) => {
                *place = Some(waker.clone());
                Poll::Pending
            }
            Some(State::Done(_)) => match self.states.remove(key) {
                Some(State::Done(result)) => Poll::Ready(result),
                _ => unreachable!("matched above"),
            },
            Some(State::Abandoned) | None => panic!("a result is taken once"),
        }
    }

    /// Nobody waits for `id` any more. Its result, if it is there already; else it is to be cancelled.
    fn abandon(&mut self, id: OperationId) -> Option<Result<Output, IoError>> {
        let key = key(id);
        if let Some(state @ State::Waiting(_)) = self.states.get_mut(key) {
            *state = State::Abandoned;
            return None;
        }
        match self.states.remove(key) {
            Some(State::Done(result)) => Some(result),
            _ => None,
        }
    }
}

fn key(id: OperationId) -> Key {
    Key {
        slot: id.slot,
        generation: id.generation,
    }
}

/// The descriptor that an output brought into being.
fn opened_by(output: &Output) -> Option<Descriptor> {
    match output {
        Output::Opened(descriptor)
        | Output::Listening { descriptor, .. }
        | Output::Connected { descriptor, .. } => Some(*descriptor),
        _ => None,
    }
}

/// Waits for the final completion of one operation. Dropped early, it cancels the operation.
#[derive(Debug)]
pub(crate) struct Submitted {
    runtime: Runtime,
    id: OperationId,
    taken: bool,
}

impl Submitted {
    pub(crate) fn new(runtime: Runtime, operation: Operation) -> Self {
        let id = runtime.submit(operation, true);
        Self {
            runtime,
            id,
            taken: false,
        }
    }
}

impl Future for Submitted {
    type Output = Result<Output, IoError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = self.runtime.operations().poll(self.id, context.waker());
        if polled.is_ready() {
            self.taken = true;
        }
        polled
    }
}

impl Drop for Submitted {
    fn drop(&mut self) {
        if self.taken {
            return;
        }
        let result = self.runtime.operations().abandon(self.id);
        match result {
            None => self.runtime.cancel_operation(self.id),
            Some(result) => {
                if let Some(descriptor) = result.ok().and_then(|output| opened_by(&output)) {
                    self.runtime.close_detached(descriptor);
                }
            }
        }
    }
}
