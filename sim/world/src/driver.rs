//! What a simulated core sees as its ground: an outbox that the world empties after each turn. So a turn never
//! reaches into the world, and what a dead core's destructors still ask for is dropped with its outbox.

use core::cell::RefCell;

use runtime::{CoreId, Descriptor, Driver, Operation, OperationId};

/// What a core asked for.
#[derive(Debug)]
pub(crate) enum Command {
    Submit(OperationId, Operation),
    Cancel(OperationId),
    Wake(u16),
    HandOver(Descriptor),
}

/// The ground of one core.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    commands: RefCell<Vec<Command>>,
}

impl Outbox {
    /// Exchanges what was asked for with an empty list.
    pub(crate) fn swap(&self, empty: &mut Vec<Command>) {
        debug_assert!(empty.is_empty());
        core::mem::swap(&mut *self.commands.borrow_mut(), empty);
    }

    fn push(&self, command: Command) {
        self.commands.borrow_mut().push(command);
    }
}

impl Driver for Outbox {
    fn submit(&self, id: OperationId, operation: Operation) {
        self.push(Command::Submit(id, operation));
    }

    fn cancel(&self, id: OperationId) {
        self.push(Command::Cancel(id));
    }

    fn wake(&self, core: CoreId) {
        self.push(Command::Wake(core.number()));
    }

    fn hand_over(&self, descriptor: Descriptor) {
        self.push(Command::HandOver(descriptor));
    }
}
