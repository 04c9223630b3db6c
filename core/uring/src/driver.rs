//! The driver of one core: from operations to entries of the ring, and from completed entries to completions.

use core::cell::{Cell, RefCell};
use core::fmt;
use core::sync::atomic::{Ordering, fence};
use std::sync::Arc;

use runtime::{
    CORES_MAX, Completion, CoreId, Descriptor, Driver, IoError, IoErrorKind, Operation,
    OperationId, Runtime,
};

use crate::doorbell::Doorbell;
use crate::helpers::Desk;
use crate::provided::Provided;
use crate::ring::{Completed, Ring, Wait};
use crate::token::Token;
use crate::work::{Part, Work};

mod plan;
mod shut_down;
mod state;
#[cfg(test)]
mod tests;

use plan::Plan;
use state::State;

/// The driver of one core. It is used on that core's thread only.
pub(crate) struct UringDriver {
    core: CoreId,
    doorbells: Arc<[Doorbell]>,
    /// Cores to ring when the turn is over, one bit each.
    marked: Cell<[u64; CORES_MAX as usize / 64]>,
    state: RefCell<State>,
}

impl UringDriver {
    /// The driver of `core` on `ring`, whose helpers are behind `desk`.
    pub(crate) fn new(core: CoreId, doorbells: Arc<[Doorbell]>, ring: Ring, desk: Desk) -> Self {
        Self {
            core,
            doorbells,
            marked: Cell::default(),
            state: RefCell::new(State::new(ring, desk)),
        }
    }

    /// Gives the ring its buffers and its ear, and returns once it is ready to be rung.
    pub(crate) fn set_up(
        &self,
        runtime: &Runtime,
        buffers: u16,
        buffer_bytes: u32,
    ) -> Result<(), IoError> {
        let mut state = self.state.borrow_mut();
        state.receive_buffer_bytes = buffer_bytes;
        if state.ring.facilities().provided_buffers {
            match Provided::register(&state.ring, runtime, buffers, buffer_bytes) {
                Ok(provided) => state.provided = Some(provided),
                // A kernel before 5.19: receives poll first.
                Err(error) if error.kind() == IoErrorKind::InvalidInput => {}
                Err(error) => return Err(error),
            }
        }
        let doorbell = self.doorbell();
        if state.ring.facilities().message_rings {
            doorbell.connect(state.ring.share()?);
        }
        state.listen_for_events(doorbell.event());
        state.ring.enter(Wait::No)
    }

    /// This core's doorbell.
    pub(crate) fn doorbell(&self) -> &Doorbell {
        &self.doorbells[self.core.index()]
    }

    /// Takes what completed since the last time.
    pub(crate) fn reap(&self, runtime: &Runtime, completions: &mut Vec<Completion>) {
        let mut state = self.state.borrow_mut();
        for (id, result) in state.desk.take_outcomes() {
            let flight = state.in_flight.take(id.slot);
            let flight = flight.expect("a helper ends what is in flight");
            state.end(flight.descriptor, Completion::last(id, result));
        }
        let mut completed = core::mem::take(&mut state.completed);
        state.ring.reap(&mut completed);
        for completed in completed.drain(..) {
            self.land(&mut state, runtime, completed);
        }
        state.completed = completed;
        completions.append(&mut state.ready);
    }

    /// Whether a turn has something to take that no completion in the ring stands for.
    pub(crate) fn has_news(&self) -> bool {
        let state = self.state.borrow();
        !state.ready.is_empty() || state.desk.has_outcomes() || state.ring.is_clogged()
    }

    /// Hands everything queued to the kernel and waits there.
    pub(crate) fn enter(&self, wait: Wait) -> Result<(), IoError> {
        self.state.borrow_mut().ring.enter(wait)
    }

    /// Rings the cores that the turn had something for, as far as they sleep.
    pub(crate) fn ring_marked(&self) {
        let marked = self.marked.take();
        if marked == [0; 4] {
            return;
        }
        // Between the messages, which are in their rings, and the looks at who sleeps: see `Doorbell`.
        fence(Ordering::SeqCst);
        let mut state = self.state.borrow_mut();
        for (index, doorbell) in self.doorbells.iter().enumerate() {
            if marked[index / 64] >> (index % 64) & 1 == 1 && doorbell.take_parked() {
                let number = u16::try_from(index).expect("as many as cores");
                state.ring_core(CoreId::new(number), doorbell);
            }
        }
    }

    /// Takes one completed entry.
    fn land(&self, state: &mut State, runtime: &Runtime, completed: Completed) {
        match Token::from_bits(completed.token) {
            Token::Operation { slot, generation } => {
                state.advance(runtime, slot, generation, Part::Main, completed);
            }
            Token::LinkedSync { slot, generation } => {
                state.advance(runtime, slot, generation, Part::LinkedSync, completed);
            }
            Token::Cancel | Token::Rung => {}
            Token::RingFailed(core) => {
                if completed.result < 0 {
                    // Its queue is full, or its kernel cannot: the event descriptor always gets through.
                    self.doorbells[core.index()].ring_event();
                }
            }
            Token::Event => {
                state.event.in_flight = false;
                if !state.is_over {
                    state.listen_for_events(self.doorbell().event());
                }
            }
        }
    }
}

impl Driver for UringDriver {
    fn submit(&self, id: OperationId, operation: Operation) {
        let mut state = self.state.borrow_mut();
        if state.is_over {
            return;
        }
        match state.plan(id, operation) {
            Err(error) => state.ready.push(Completion::last(id, Err(error))),
            Ok(Plan::Over(output)) => state.ready.push(Completion::last(id, Ok(output))),
            Ok(Plan::Ring(descriptor, start)) => state.begin(id, descriptor, start),
            Ok(Plan::Helper(descriptor, call)) => {
                state.put(id, descriptor, Work::Helper);
                state.desk.give(id, call);
            }
            Ok(Plan::Close(descriptor)) => state.close(id, descriptor),
        }
    }

    fn cancel(&self, id: OperationId) {
        self.state.borrow_mut().cancel(id);
    }

    fn wake(&self, core: CoreId) {
        let mut marked = self.marked.get();
        marked[core.index() / 64] |= 1 << (core.index() % 64);
        self.marked.set(marked);
    }

    /// A descriptor is a number that all cores share, and nothing is in flight on it: there is nothing to detach.
    fn hand_over(&self, descriptor: Descriptor) {
        assert!(self.state.borrow().descriptors.is_idle(descriptor));
    }
}

impl fmt::Debug for UringDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UringDriver(core {})", self.core)
    }
}
