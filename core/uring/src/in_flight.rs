//! Operations in flight: the owner of everything that the kernel may touch.

use runtime::{Descriptor, OperationId};

use crate::work::Work;

/// One operation between its submission and its final completion.
#[derive(Debug)]
pub(crate) struct Flight {
    /// Which.
    pub(crate) id: OperationId,
    /// On this descriptor, whose close waits for it.
    pub(crate) descriptor: Option<Descriptor>,
    /// Its cancellation was asked for: it must not start another step.
    pub(crate) cancelling: bool,
    /// What it is, with the memory that it lends to the kernel.
    pub(crate) work: Work,
}

/// The operations in flight on one core, by the slot of their identity, which the runtime keeps dense.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    flights: Vec<Option<Flight>>,
    count: usize,
}

impl InFlight {
    /// Puts an operation in, or one that was taken out back.
    ///
    /// # Panics
    /// When its slot is taken: the runtime uses a slot again only after the final completion.
    pub(crate) fn put(&mut self, flight: Flight) {
        let slot = flight.id.slot as usize;
        if slot >= self.flights.len() {
            self.flights.resize_with(slot + 1, || None);
        }
        assert!(
            self.flights[slot].is_none(),
            "an operation has its slot for itself"
        );
        self.flights[slot] = Some(flight);
        self.count += 1;
    }

    /// Takes the operation in `slot` out.
    pub(crate) fn take(&mut self, slot: u32) -> Option<Flight> {
        let flight = self.flights.get_mut(slot as usize)?.take()?;
        self.count -= 1;
        Some(flight)
    }

    /// The operation `id`, if it is in flight.
    pub(crate) fn get_mut(&mut self, id: OperationId) -> Option<&mut Flight> {
        let flight = self.flights.get_mut(id.slot as usize)?.as_mut()?;
        (flight.id == id).then_some(flight)
    }

    /// Operations in flight.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Flight> {
        self.flights.iter().flatten()
    }
}
