//! Listening, connecting, accepting.

use core::net::SocketAddr;
use std::collections::VecDeque;

use stdx::Duration;

use runtime::{Descriptor, IoErrorKind, OperationId, Output};

use super::address::{is_local, own_address, reached};
use super::connection::{End, EndState, Waiter};
use super::listener::Listener;
use super::pipe::Carried;
use crate::descriptor::Opened;
use crate::event::{EndRef, Event, EventKind, Place};
use crate::{Fault, World};

/// The first port that is given out for port 0 and to connectors.
const EPHEMERAL_PORT: u16 = 32_768;

impl World {
    pub(crate) fn listen(
        &mut self,
        place: Place,
        id: OperationId,
        mut address: SocketAddr,
        backlog: u32,
    ) {
        let result = self
            .bind(place, &mut address, backlog)
            .and_then(|listener| {
                let opened = self
                    .node_mut(place.node)
                    .descriptors
                    .open(place.core, Opened::Listener(listener));
                if opened.is_none() {
                    self.network.listeners.remove(listener);
                }
                opened.ok_or(IoErrorKind::TooManyOpenFiles)
            });
        let result = result.map(|descriptor| Output::Listening {
            descriptor,
            address,
        });
        self.answer_call(place, id, result.map_err(Into::into));
    }

    fn bind(
        &mut self,
        place: Place,
        address: &mut SocketAddr,
        backlog: u32,
    ) -> Result<u32, IoErrorKind> {
        if !is_local(self.node(place.node), address.ip()) {
            return Err(IoErrorKind::AddressUnavailable);
        }
        if address.port() == 0 {
            address.set_port(self.free_port(place));
        }
        let listener = Listener {
            node: place.node,
            address: *address,
            backlog: usize::try_from(backlog).unwrap_or(usize::MAX).max(1),
            queue: VecDeque::new(),
            accepts: VecDeque::new(),
        };
        self.network
            .listeners
            .add(listener)
            .ok_or(IoErrorKind::AddressInUse)
    }

    /// A port that no listener of the node has. They go round, as a kernel's do.
    fn free_port(&mut self, place: Place) -> u16 {
        loop {
            let node = &mut self.nodes[place.node.index()];
            let port = EPHEMERAL_PORT + node.next_port % (u16::MAX - EPHEMERAL_PORT);
            node.next_port = node.next_port.wrapping_add(1);
            if !self.network.listeners.has_port(place.node, port) {
                return port;
            }
        }
    }

    pub(crate) fn connect(&mut self, place: Place, id: OperationId, target: SocketAddr) {
        let port = self.free_port(place);
        let source = own_address(self.node(place.node), target.ip(), port);
        let reached = reached(&self.nodes, place.node, target.ip());
        let mut own = End::new(place.node, source, EndState::Connecting);
        own.connect = Some(Waiter { place, id });
        // A wish to an address that nobody has goes nowhere, and times out.
        let other = End::new(reached.unwrap_or(place.node), target, EndState::Unborn);
        let end = self.network.connections.add([own, other]);
        if reached.is_some() {
            self.send_segment(end, Carried::Connect);
        }
        let timeout = self.now() + self.config.connect_timeout;
        self.heap.push(timeout, Event::ConnectTimeout(end));
    }

    /// A wish to connect arrived at `end`, the other one's peer.
    pub(crate) fn connect_arrived(&mut self, end: EndRef) {
        let Some(parts) = self.network.connections.parts(end) else {
            return;
        };
        let (node, target) = (parts.end.node, parts.end.address);
        let Some(number) = self.network.listeners.find(node, target) else {
            parts.end.state = EndState::Closed;
            self.send_segment(end, Carried::Refused);
            return;
        };
        let Some(listener) = self.network.listeners.get(number) else {
            return;
        };
        if listener.accepts.is_empty() && listener.queue.len() >= listener.backlog {
            // The connector's kernel asks again after a second.
            self.coverage.hit(Fault::BacklogFull);
            let again = self.now() + Duration::from_secs(1);
            self.push_segment(end.peer(), again, Carried::Connect);
            return;
        }
        listener.queue.push_back(end);
        parts.end.state = EndState::Open;
        parts.end.queued = true;
        self.send_segment(end, Carried::Accepted);
        self.serve_accepts(number, false);
    }

    /// The answer to a wish to connect arrived.
    pub(crate) fn connect_answered(&mut self, end: EndRef, accepted: bool) {
        let Some(parts) = self.network.connections.parts(end) else {
            return;
        };
        let Some(waiter) = parts.end.connect.take() else {
            // It gave up meanwhile.
            self.send_segment(end, Carried::Reset);
            return;
        };
        if !accepted {
            parts.end.state = EndState::Closed;
            self.complete(waiter, Err(IoErrorKind::ConnectionRefused.into()));
            self.network.connections.free_if_unused(end);
            return;
        }
        parts.end.state = EndState::Open;
        let result = self.give_descriptor(waiter.place, end);
        self.complete(waiter, result.map_err(Into::into));
    }

    pub(crate) fn connect_timed_out(&mut self, end: EndRef) {
        let waiter = self
            .network
            .connections
            .parts(end)
            .and_then(|parts| parts.end.connect);
        if let Some(Waiter { place, id }) = waiter
            && self.happens(place, EventKind::ConnectTimeout, id.to_bits())
        {
            self.coverage.hit(Fault::ConnectTimeout);
            self.give_up_connect(end, IoErrorKind::TimedOut);
        }
    }

    /// Ends a connect that still waits.
    pub(crate) fn give_up_connect(&mut self, end: EndRef, why: IoErrorKind) {
        let Some(parts) = self.network.connections.parts(end) else {
            return;
        };
        if let Some(waiter) = parts.end.connect.take() {
            parts.end.state = EndState::Closed;
            self.complete(waiter, Err(why.into()));
            self.network.connections.free_if_unused(end);
        }
    }

    /// A connect was cancelled: an answer that still comes is refused.
    pub(crate) fn forget_connect(&mut self, waiter: Waiter) {
        for end in self.network.connections.all() {
            if let Some(parts) = self.network.connections.parts(end)
                && parts.end.connect == Some(waiter)
            {
                parts.end.connect = None;
                parts.end.state = EndState::Closed;
                self.network.connections.free_if_unused(end);
                return;
            }
        }
    }

    pub(crate) fn accept(&mut self, place: Place, id: OperationId, listener: u32) {
        if let Some(listener) = self.network.listeners.get(listener) {
            listener.accepts.push_back(Waiter { place, id });
        }
        self.serve_accepts(listener, true);
    }

    /// Brings connections that wait and accepts that wait together.
    fn serve_accepts(&mut self, number: u32, submitted: bool) {
        while let Some(listener) = self.network.listeners.get(number)
            && !listener.accepts.is_empty()
            && let Some(end) = listener.queue.pop_front()
        {
            let Some(waiter) = listener.accepts.pop_front() else {
                return;
            };
            let Some(parts) = self.network.connections.parts(end) else {
                listener.accepts.push_front(waiter);
                continue;
            };
            parts.end.queued = false;
            let result = self.give_descriptor(waiter.place, end).map_err(Into::into);
            if submitted {
                self.answer_call(waiter.place, waiter.id, result);
            } else {
                self.complete(waiter, result);
            }
        }
    }

    /// Makes `end` known to its process.
    fn give_descriptor(&mut self, place: Place, end: EndRef) -> Result<Output, IoErrorKind> {
        let opened = self
            .node_mut(place.node)
            .descriptors
            .open(place.core, Opened::Stream(end));
        let Some(descriptor) = opened else {
            self.close_end(end);
            return Err(IoErrorKind::TooManyOpenFiles);
        };
        let Descriptor(number) = descriptor;
        let Some(parts) = self.network.connections.parts(end) else {
            return Err(IoErrorKind::ConnectionReset);
        };
        parts.end.descriptor = Some(number);
        Ok(Output::Connected {
            descriptor,
            local: parts.end.address,
            peer: parts.peer.address,
        })
    }

    /// A listener ends: who waits for it is told, and who waits in it is reset.
    pub(crate) fn close_listener(&mut self, number: u32) {
        let Some(listener) = self.network.listeners.remove(number) else {
            return;
        };
        for waiter in listener.accepts {
            self.complete(waiter, Err(IoErrorKind::Cancelled.into()));
        }
        for end in listener.queue {
            if let Some(parts) = self.network.connections.parts(end) {
                parts.end.queued = false;
                parts.end.state = EndState::Closed;
                self.send_segment(end, Carried::Reset);
                self.network.connections.free_if_unused(end);
            }
        }
    }
}
