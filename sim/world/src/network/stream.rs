//! Receiving, sending, ending: what processes do to their ends.

use runtime::operation::pieces_len;
use runtime::{IoErrorKind, Operation, OperationId, Output, Pieces, ShutdownSide};

use super::connection::{EndState, Waiter};
use super::pipe::Carried;
use crate::event::{EndRef, Place};
use crate::{Fault, World};

impl World {
    /// Puts a receive in line.
    pub(crate) fn receive(&mut self, place: Place, id: OperationId, end: EndRef) {
        if let Some(parts) = self.network.connections.parts(end) {
            parts.end.receives.push_back(Waiter { place, id });
        }
        self.serve_receives(end, true);
    }

    /// Puts a send in line.
    pub(crate) fn send(&mut self, place: Place, id: OperationId, end: EndRef) {
        if let Some(parts) = self.network.connections.parts(end) {
            parts.end.sends.push_back(Waiter { place, id });
        }
        self.serve_sends(end, true);
    }

    /// Answers receives, as far as bytes, the end or a reset arrived. `submitted` when that is not the doing of
    /// a segment: the answer then takes a call's time.
    pub(crate) fn serve_receives(&mut self, end: EndRef, submitted: bool) {
        while let Some(parts) = self.network.connections.parts(end)
            && !parts.end.receives.is_empty()
        {
            let over = parts.inward.end_arrived && parts.inward.in_flight() == 0;
            let available = parts.inward.arrived;
            let failed = parts.end.state != EndState::Open;
            if !failed && available == 0 && !over && !parts.end.deaf {
                return;
            }
            let Some(waiter) = parts.end.receives.pop_front() else {
                return;
            };
            let result = if failed {
                Err(IoErrorKind::ConnectionReset.into())
            } else {
                match self.unpark(waiter) {
                    Some(operation) => Ok(self.received(end, waiter.place, operation, available)),
                    None => continue,
                }
            };
            self.answer_stream(waiter, result, submitted);
        }
        self.settle_window(end);
    }

    /// Takes bytes for a receive.
    fn received(
        &mut self,
        end: EndRef,
        place: Place,
        operation: Operation,
        available: usize,
    ) -> Output {
        let (wanted, buffer) = match operation {
            Operation::Receive { bytes_max, .. } => (bytes_max, None),
            Operation::ReceiveInto { bytes, buffer, .. } => (bytes, Some(buffer)),
            _ => unreachable!("only receives stand in this line"),
        };
        let mut bytes = wanted.min(available);
        let network = &mut self.network;
        let parts = network
            .connections
            .parts(end)
            .expect("looked up by the caller");
        let link = &mut network.links[parts.peer.node.index()][parts.end.node.index()];
        if let Some(short) = link.short_receive(bytes) {
            network.coverage.hit(Fault::ShortReceive);
            bytes = short;
        }
        let into = buffer.is_some();
        let mut buffer = buffer.unwrap_or_else(|| {
            let node = &self.nodes[place.node.index()];
            node.seats[usize::from(place.core)].buffer(bytes)
        });
        parts.inward.take(&mut buffer.spare_mut()[..bytes]);
        buffer.set_len(buffer.len() + bytes);
        if into {
            Output::Read { bytes, buffer }
        } else {
            Output::Received(buffer)
        }
    }

    /// Tells the sender of room, when there is enough of it.
    fn settle_window(&mut self, end: EndRef) {
        let network = &mut self.network;
        let Some(parts) = network.connections.parts(end) else {
            return;
        };
        let link = &network.links[parts.peer.node.index()][parts.end.node.index()];
        if parts.end.state == EndState::Open
            && let Some(bytes) = parts.inward.settle(link.config.window)
        {
            self.send_segment(end, Carried::Taken(bytes));
        }
    }

    /// Sends what is in line, as far as the window has room.
    pub(crate) fn serve_sends(&mut self, end: EndRef, submitted: bool) {
        loop {
            let network = &mut self.network;
            let Some(parts) = network.connections.parts(end) else {
                return;
            };
            let Some(waiter) = parts.end.sends.front().copied() else {
                return;
            };
            let failure = match parts.end.state {
                EndState::Open if parts.out.ended => Some(IoErrorKind::BrokenPipe),
                EndState::Open => None,
                _ => Some(IoErrorKind::ConnectionReset),
            };
            let link = &network.links[parts.end.node.index()][parts.peer.node.index()];
            let room = link.config.window.saturating_sub(parts.out.outstanding);
            if failure.is_none() && room == 0 {
                if submitted {
                    network.coverage.hit(Fault::WindowFull);
                }
                return;
            }
            parts.end.sends.pop_front();
            let Some(operation) = self.unpark(waiter) else {
                continue;
            };
            let Operation::Send { pieces, .. } = operation else {
                unreachable!("only sends stand in this line");
            };
            let result = match failure {
                Some(kind) => Err(kind.into()),
                None => Ok(self.sent(end, pieces, room)),
            };
            self.answer_stream(waiter, result, submitted);
        }
    }

    /// Takes bytes from a send and lets segments carry them.
    fn sent(&mut self, end: EndRef, pieces: Pieces, room: usize) -> Output {
        let mut bytes = pieces_len(&pieces).min(room);
        let network = &mut self.network;
        let parts = network
            .connections
            .parts(end)
            .expect("looked up by the caller");
        let link = &mut network.links[parts.end.node.index()][parts.peer.node.index()];
        if let Some(short) = link.short_send(bytes) {
            network.coverage.hit(Fault::ShortSend);
            bytes = short;
        }
        let mut left = bytes;
        for piece in &pieces {
            let part = piece.len().min(left);
            parts.out.put(&piece[..part]);
            left -= part;
        }
        let segment_max = link.config.segment_max.max(1);
        let mut left = bytes;
        while left > 0 {
            let part = left.min(segment_max);
            self.send_segment(end, Carried::Bytes(part));
            left -= part;
        }
        Output::Written {
            bytes,
            synced: false,
            pieces,
        }
    }

    /// Ends one direction or both.
    pub(crate) fn shut_down(
        &mut self,
        place: Place,
        id: OperationId,
        end: EndRef,
        side: ShutdownSide,
    ) {
        let mut result = Err(IoErrorKind::ConnectionReset.into());
        if let Some(parts) = self.network.connections.parts(end)
            && parts.end.state == EndState::Open
        {
            result = Ok(Output::Done);
            let newly = !core::mem::replace(&mut parts.out.ended, true);
            if side == ShutdownSide::Both {
                parts.end.deaf = true;
            }
            if newly {
                self.send_segment(end, Carried::End);
            }
            self.serve_sends(end, true);
            self.serve_receives(end, true);
        }
        self.answer_call(place, id, result);
    }

    /// A process gives its end up: the rest is delivered and then the end, unless it left bytes unread.
    pub(crate) fn close_end(&mut self, end: EndRef) {
        let Some(parts) = self.network.connections.parts(end) else {
            return;
        };
        parts.end.descriptor = None;
        parts.end.queued = false;
        let waiters: Vec<Waiter> = parts
            .end
            .receives
            .drain(..)
            .chain(parts.end.sends.drain(..))
            .collect();
        if parts.end.state == EndState::Open {
            parts.end.state = EndState::Closed;
            let unread = parts.inward.arrived > 0;
            parts.inward.lose_arrived();
            if unread {
                parts.out.lose_in_flight();
                self.send_segment(end, Carried::Reset);
            } else if !core::mem::replace(&mut parts.out.ended, true) {
                self.send_segment(end, Carried::End);
            }
        }
        for waiter in waiters {
            self.complete(waiter, Err(IoErrorKind::Cancelled.into()));
        }
        self.network.connections.free_if_unused(end);
    }

    /// The connection is over for `end`: whoever waits is told, and what was not taken is gone.
    pub(crate) fn reset_end(&mut self, end: EndRef) {
        let Some(parts) = self.network.connections.parts(end) else {
            return;
        };
        parts.inward.clear();
        parts.out.clear();
        if parts.end.state == EndState::Open {
            parts.end.state = EndState::Reset;
        }
        self.serve_receives(end, false);
        self.serve_sends(end, false);
        self.give_up_connect(end, IoErrorKind::ConnectionReset);
        self.network.connections.free_if_unused(end);
    }

    fn answer_stream(
        &mut self,
        waiter: Waiter,
        result: Result<Output, runtime::IoError>,
        submitted: bool,
    ) {
        if submitted {
            self.answer_call(waiter.place, waiter.id, result);
        } else {
            self.complete(waiter, result);
        }
    }
}
