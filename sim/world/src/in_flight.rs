//! Operations between their submission and their completion, by the slots in which the core keeps them too.

use runtime::{IoError, Job, Operation, OperationId, Output};

use crate::descriptor::Opened;

/// Where an operation is.
#[derive(Debug)]
pub(crate) enum InFlight {
    /// It waits for others: bytes, room, a connection.
    Parked(Operation),
    /// Its result is known and on its way.
    Due(Result<Output, IoError>),
    /// The disk is at it.
    Disk(DiskWork),
    /// A processor is at it.
    Job(Job),
}

/// An operation at the disk.
#[derive(Debug)]
pub(crate) struct DiskWork {
    pub(crate) operation: Operation,
    /// The file that it is about. Held, so that closing the descriptor does not pull it away.
    pub(crate) file: Option<Opened>,
    /// Changes below this number were there when the sync began.
    pub(crate) mark: u64,
    /// Bytes that a write took whose linked sync is to follow.
    pub(crate) written: Option<usize>,
}

#[derive(Debug, Default)]
struct Slot {
    generation: u32,
    state: Option<InFlight>,
}

/// One core's operations in flight.
#[derive(Debug, Default)]
pub(crate) struct Operations {
    slots: Vec<Slot>,
}

impl Operations {
    /// Sets where the operation `id` is, and returns where it was.
    pub(crate) fn set(&mut self, id: OperationId, state: InFlight) -> Option<InFlight> {
        let index = id.slot as usize;
        if self.slots.len() <= index {
            self.slots.resize_with(index + 1, Slot::default);
        }
        let slot = &mut self.slots[index];
        slot.generation = id.generation;
        slot.state.replace(state)
    }

    /// Takes the operation `id` out, if it is in flight and where `wanted` says.
    pub(crate) fn take_if(
        &mut self,
        id: OperationId,
        wanted: impl Fn(&InFlight) -> bool,
    ) -> Option<InFlight> {
        let slot = self.slots.get_mut(id.slot as usize)?;
        if slot.generation != id.generation || !slot.state.as_ref().is_some_and(wanted) {
            return None;
        }
        slot.state.take()
    }

    /// The operation `id`, if it is parked.
    pub(crate) fn parked(&self, id: OperationId) -> Option<&Operation> {
        let slot = self.slots.get(id.slot as usize)?;
        match &slot.state {
            Some(InFlight::Parked(operation)) if slot.generation == id.generation => {
                Some(operation)
            }
            _ => None,
        }
    }

    /// All that is in flight, in words.
    pub(crate) fn describe(&self) -> Vec<String> {
        let states = self.slots.iter().filter_map(|slot| slot.state.as_ref());
        states.map(|state| format!("{state:?}")).collect()
    }

    /// All that is in flight.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = InFlight> + '_ {
        self.slots.iter_mut().filter_map(|slot| slot.state.take())
    }
}
