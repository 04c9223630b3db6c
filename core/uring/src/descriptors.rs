//! What is in flight on each descriptor, so that closing one waits for it.
//!
//! A number is used again the moment it is closed, and the kernel looks some of them up late: the sync behind a
//! write, a receive that is submitted again. So a descriptor with operations in flight is not closed but has them
//! cancelled; it is closed when the last of them ended.

use runtime::{Descriptor, OperationId};

/// One descriptor's state. All zero while nothing is in flight on it, so that another core can have it.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    in_flight: u32,
    close: Option<OperationId>,
}

/// The descriptors of one core, by their number: the kernel gives out the lowest one free.
#[derive(Debug, Default)]
pub(crate) struct Descriptors {
    states: Vec<State>,
}

impl Descriptors {
    /// An operation on `descriptor` starts.
    pub(crate) fn begin(&mut self, descriptor: Descriptor) {
        self.state(descriptor).in_flight += 1;
    }

    /// An operation on `descriptor` ended. The close that may now go ahead, if one waits.
    pub(crate) fn end(&mut self, descriptor: Descriptor) -> Option<OperationId> {
        let state = self.state(descriptor);
        assert!(
            state.in_flight > 0,
            "an operation ends where one had started"
        );
        state.in_flight -= 1;
        if state.in_flight == 0 {
            state.close.take()
        } else {
            None
        }
    }

    /// `close` wants to close `descriptor`. True when it may at once; otherwise [`Descriptors::end`] will say.
    pub(crate) fn close(&mut self, descriptor: Descriptor, close: OperationId) -> bool {
        let state = self.state(descriptor);
        if state.in_flight == 0 {
            return true;
        }
        assert!(
            state.close.is_none(),
            "a descriptor is closed by its owner, once"
        );
        state.close = Some(close);
        false
    }

    /// Whether nothing is in flight on `descriptor`.
    pub(crate) fn is_idle(&self, descriptor: Descriptor) -> bool {
        let state = self.states.get(descriptor.0 as usize);
        state.is_none_or(|state| state.in_flight == 0)
    }

    /// Whether `descriptor` is to be closed: nothing starts or goes on there.
    pub(crate) fn is_closing(&self, descriptor: Descriptor) -> bool {
        self.states
            .get(descriptor.0 as usize)
            .is_some_and(|state| state.close.is_some())
    }

    fn state(&mut self, descriptor: Descriptor) -> &mut State {
        let index = descriptor.0 as usize;
        if index >= self.states.len() {
            self.states.resize(index + 1, State::default());
        }
        &mut self.states[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_waits_for_the_last_operation() {
        let mut descriptors = Descriptors::default();
        let descriptor = Descriptor(7);
        let close = OperationId {
            slot: 3,
            generation: 0,
        };
        assert!(descriptors.close(descriptor, close));
        descriptors.begin(descriptor);
        descriptors.begin(descriptor);
        assert!(!descriptors.close(descriptor, close));
        assert!(descriptors.is_closing(descriptor));
        assert_eq!(descriptors.end(descriptor), None);
        assert_eq!(descriptors.end(descriptor), Some(close));
        assert!(!descriptors.is_closing(descriptor));
    }
}
