//! The numbers of descriptors, which are node-wide, and the streams that are between two cores.

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::sync::{Mutex, MutexGuard, PoisonError};

use runtime::Descriptor;

/// One for the node: a stream keeps its number on its way from core to core. It is locked when descriptors are
/// made, given up and handed over, not when they are used.
#[derive(Debug, Default)]
pub(crate) struct Descriptors(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Numbers from here on were never used.
    next: u32,
    /// Numbers that were given up.
    free: Vec<u32>,
    /// Streams that one core detached from its reactor and no other used yet.
    detached: BTreeMap<Descriptor, TcpStream>,
}

impl Descriptors {
    /// A number that nothing else has.
    pub(crate) fn take(&self) -> Descriptor {
        let mut state = self.state();
        let number = state.free.pop().unwrap_or_else(|| {
            let number = state.next;
            state.next = number
                .checked_add(1)
                .expect("the system has fewer files than numbers");
            number
        });
        Descriptor(number)
    }

    /// Gives a number up.
    pub(crate) fn give_up(&self, descriptor: Descriptor) {
        self.state().free.push(descriptor.0);
    }

    /// Leaves a stream for another core.
    pub(crate) fn detach(&self, descriptor: Descriptor, stream: TcpStream) {
        self.state().detached.insert(descriptor, stream);
    }

    /// Takes a stream that another core left.
    pub(crate) fn attach(&self, descriptor: Descriptor) -> Option<TcpStream> {
        self.state().detached.remove(&descriptor)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_used_again_only_after_it_was_given_up() {
        let descriptors = Descriptors::default();
        let first = descriptors.take();
        let second = descriptors.take();
        assert_ne!(first, second);
        descriptors.give_up(first);
        assert_eq!(descriptors.take(), first);
        assert_eq!(descriptors.take(), Descriptor(2));
        assert!(descriptors.attach(second).is_none());
    }
}
