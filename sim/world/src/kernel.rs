//! The kernel of a simulated machine: what becomes of the operations that a core submitted.

use runtime::{Completion, Descriptor, IoError, IoErrorKind, Operation, OperationId, Output};

use crate::World;
use crate::descriptor::Opened;
use crate::driver::Command;
use crate::event::{EndRef, Event, Place};
use crate::in_flight::InFlight;
use crate::network::connection::Waiter;
use crate::network::link::add;

impl World {
    /// Carries out what a turn asked for.
    pub(crate) fn carry_out(&mut self, place: Place) {
        let mut commands = core::mem::take(&mut self.commands);
        if let Some(seat) = self.seat(place) {
            seat.outbox.swap(&mut commands);
        }
        for command in commands.drain(..) {
            match command {
                Command::Submit(id, operation) => self.submit(place, id, operation),
                Command::Cancel(id) => self.cancel(place, id),
                Command::Wake(core) => self.announce(place, core),
                Command::HandOver(descriptor) => {
                    let node = self.node_mut(place.node);
                    node.descriptors.hand_over(place.core, descriptor);
                }
            }
        }
        self.commands = commands;
    }

    fn submit(&mut self, place: Place, id: OperationId, operation: Operation) {
        match operation {
            Operation::Listen { address, backlog } => self.listen(place, id, address, backlog),
            Operation::Connect { address } => {
                self.set(place, id, InFlight::Parked(operation));
                self.connect(place, id, address);
            }
            Operation::Accept { descriptor } => match self.opened(place, descriptor) {
                Some(Opened::Listener(listener)) => {
                    self.set(place, id, InFlight::Parked(operation));
                    self.accept(place, id, listener);
                }
                _ => self.refuse(place, id, operation),
            },
            Operation::Receive { descriptor, .. }
            | Operation::ReceiveInto { descriptor, .. }
            | Operation::Send { descriptor, .. }
            | Operation::Shutdown { descriptor, .. } => match self.opened(place, descriptor) {
                Some(Opened::Stream(end)) => self.submit_to_stream(place, id, operation, end),
                _ => self.refuse(place, id, operation),
            },
            Operation::Close { descriptor } => self.close(place, id, descriptor),
            Operation::Offload { job, cost } => {
                self.set(place, id, InFlight::Job(job));
                let at = self.now() + cost;
                self.heap.push(at, Event::Operation(place, id));
            }
            operation => self.submit_to_disk(place, id, operation),
        }
    }

    fn submit_to_stream(
        &mut self,
        place: Place,
        id: OperationId,
        operation: Operation,
        end: EndRef,
    ) {
        if let Operation::Shutdown { side, .. } = operation {
            self.shut_down(place, id, end, side);
            return;
        }
        let sends = matches!(operation, Operation::Send { .. });
        self.set(place, id, InFlight::Parked(operation));
        if sends {
            self.send(place, id, end);
        } else {
            self.receive(place, id, end);
        }
    }

    fn close(&mut self, place: Place, id: OperationId, descriptor: Descriptor) {
        let node = self.node_mut(place.node);
        let closed = node.descriptors.close(place.core, descriptor);
        let result = match closed {
            Some(Opened::File { inode, .. }) => {
                node.disk.close(inode, descriptor.0);
                Ok(Output::Done)
            }
            Some(Opened::Listener(listener)) => {
                self.close_listener(listener);
                Ok(Output::Done)
            }
            Some(Opened::Stream(end)) => {
                self.close_end(end);
                Ok(Output::Done)
            }
            None => Err(IoErrorKind::InvalidInput.into()),
        };
        self.answer_call(place, id, result);
    }

    /// Cancels what waits for others. What is at the disk or a processor goes on, and so does what is due.
    fn cancel(&mut self, place: Place, id: OperationId) {
        let waiter = Waiter { place, id };
        let Some(operation) = self.seat(place).and_then(|seat| seat.operations.parked(id)) else {
            return;
        };
        match *operation {
            Operation::Accept { descriptor } => {
                if let Some(Opened::Listener(number)) = self.opened(place, descriptor)
                    && let Some(listener) = self.network.listeners.get(number)
                {
                    listener.accepts.retain(|other| *other != waiter);
                }
            }
            Operation::Receive { descriptor, .. }
            | Operation::ReceiveInto { descriptor, .. }
            | Operation::Send { descriptor, .. } => {
                if let Some(Opened::Stream(end)) = self.opened(place, descriptor)
                    && let Some(parts) = self.network.connections.parts(end)
                {
                    parts.end.receives.retain(|other| *other != waiter);
                    parts.end.sends.retain(|other| *other != waiter);
                }
            }
            Operation::Connect { .. } => self.forget_connect(waiter),
            _ => return,
        }
        self.answer_call(place, id, Err(IoErrorKind::Cancelled.into()));
    }

    /// An operation is due: its result, its turn at the disk, its job.
    pub(crate) fn operation_due(&mut self, place: Place, id: OperationId) {
        let Some(seat) = self.seat(place) else {
            return;
        };
        let due = |state: &InFlight| !matches!(state, InFlight::Parked(_));
        match seat.operations.take_if(id, due) {
            Some(InFlight::Due(result)) => self.complete(Waiter { place, id }, result),
            Some(InFlight::Disk(work)) => self.disk_due(place, id, work),
            Some(InFlight::Job(job)) => {
                // A job that panics has no result; its caller hears that there is none.
                let run = std::panic::AssertUnwindSafe(job.0);
                let result = std::panic::catch_unwind(run);
                let result = result.map(Output::Finished);
                let cancelled = |_payload| IoErrorKind::Cancelled.into();
                self.complete(Waiter { place, id }, result.map_err(cancelled));
            }
            Some(InFlight::Parked(_)) | None => {}
        }
    }

    /// Completes an operation now.
    pub(crate) fn complete(&mut self, waiter: Waiter, result: Result<Output, IoError>) {
        let Waiter { place, id } = waiter;
        let Some(seat) = self.seat(place) else {
            return;
        };
        let parked = seat.operations.take_if(id, |_| true);
        seat.completions.push(Completion::last(id, result));
        self.kick(place);
        if parked.is_some() {
            drop(parked);
            self.announce_loose_drops();
        }
    }

    /// Completes an operation after the time that a call takes.
    pub(crate) fn answer_call(
        &mut self,
        place: Place,
        id: OperationId,
        result: Result<Output, IoError>,
    ) {
        let now = self.now();
        let node = &mut self.nodes[place.node.index()];
        let span = node.config.pace.call;
        let Some(seat) = node.seat(place) else {
            return;
        };
        let at = add(now, span.draw(&mut seat.pace));
        self.set(place, id, InFlight::Due(result));
        self.heap.push(at, Event::Operation(place, id));
    }

    /// The operation of one who waits, to be answered.
    pub(crate) fn unpark(&mut self, waiter: Waiter) -> Option<Operation> {
        let seat = self.seat(waiter.place)?;
        let parked = |state: &InFlight| matches!(state, InFlight::Parked(_));
        match seat.operations.take_if(waiter.id, parked) {
            Some(InFlight::Parked(operation)) => Some(operation),
            _ => None,
        }
    }

    /// An operation on a descriptor that is not open, or not of its kind.
    pub(crate) fn refuse(&mut self, place: Place, id: OperationId, operation: Operation) {
        drop(operation);
        self.announce_loose_drops();
        self.answer_call(place, id, Err(IoErrorKind::InvalidInput.into()));
    }

    pub(crate) fn set(&mut self, place: Place, id: OperationId, state: InFlight) {
        let before = self
            .seat(place)
            .and_then(|seat| seat.operations.set(id, state));
        if before.is_some() {
            drop(before);
            self.announce_loose_drops();
        }
    }

    pub(crate) fn opened(&mut self, place: Place, descriptor: Descriptor) -> Option<Opened> {
        self.node_mut(place.node)
            .descriptors
            .get(place.core, descriptor)
    }
}
