//! Segments on their way: sent, held up, arrived.

use stdx::Instant;

use super::connection::EndState;
use super::link::add;
use super::pipe::Carried;
use crate::event::{EndRef, Event, NodeId};
use crate::{Fault, World};

impl World {
    /// Sends `carried` from `end` to its peer.
    pub(crate) fn send_segment(&mut self, end: EndRef, carried: Carried) {
        let now = self.now();
        let network = &mut self.network;
        let Some(parts) = network.connections.parts(end) else {
            return;
        };
        let link = &mut network.links[parts.end.node.index()][parts.peer.node.index()];
        let bytes = if let Carried::Bytes(bytes) = carried {
            bytes
        } else {
            0
        };
        let mut at = link.arrival(now, bytes);
        if bytes > 0
            && let Some(nanos) = link.stall()
        {
            network.coverage.hit(Fault::StreamStall);
            at = add(at, nanos);
        }
        self.push_segment(end, at, carried);
    }

    /// Lets `carried` arrive at the peer of `end` at `at`, or when what was sent before it does.
    pub(crate) fn push_segment(&mut self, end: EndRef, at: Instant, carried: Carried) {
        let Some(parts) = self.network.connections.parts(end) else {
            return;
        };
        parts.out.push(at, carried);
        if !parts.out.scheduled
            && let Some(first) = parts.out.segments.front()
        {
            parts.out.scheduled = true;
            self.heap.push(first.at, Event::Segment(end));
        }
    }

    /// The first segment that `sender` sent is due at its peer. What it is and where it goes; None when it has to
    /// wait.
    pub(crate) fn segment_due(&mut self, sender: EndRef) -> Option<(NodeId, Carried)> {
        let now = self.now();
        let parts = self.network.connections.parts(sender)?;
        let (source, target) = (parts.end.node, parts.peer.node);
        let Some(first) = parts.out.segments.front().copied() else {
            parts.out.scheduled = false;
            return None;
        };
        let stalled_until = parts.out.stalled_until.max(first.at);
        let link = &self.network.links[source.index()][target.index()];
        if link.cut || !self.nodes[target.index()].has_power() {
            // Healing, or the target's return, starts the pipe again.
            parts.out.scheduled = false;
            if link.cut {
                self.coverage.hit(Fault::LinkCut);
            }
            return None;
        }
        let due = stalled_until.max(link.stalled_until);
        if due > now {
            if link.stalled_until > now {
                self.coverage.hit(Fault::LinkStall);
            }
            self.heap.push(due, Event::Segment(sender));
            return None;
        }
        Some((target, first.carried))
    }

    /// Takes the first segment that `sender` sent out of its pipe and delivers it. What a machine that has just
    /// lost its power was to receive stays where it is: it will be sent again.
    pub(crate) fn deliver_segment(&mut self, sender: EndRef) {
        let Some(parts) = self.network.connections.parts(sender) else {
            return;
        };
        let target = parts.peer.node;
        if !self.nodes[target.index()].has_power() {
            parts.out.scheduled = false;
            return;
        }
        let Some(first) = parts.out.segments.pop_front() else {
            parts.out.scheduled = false;
            return;
        };
        // The next one is scheduled before this one is looked at: what it leads to may end the pipe.
        match parts.out.segments.front() {
            Some(next) => self.heap.push(next.at, Event::Segment(sender)),
            None => parts.out.scheduled = false,
        }
        self.segment_arrived(sender.peer(), first.carried);
    }

    /// `carried` arrived at `end`.
    fn segment_arrived(&mut self, end: EndRef, carried: Carried) {
        let Some(parts) = self.network.connections.parts(end) else {
            return;
        };
        match carried {
            Carried::Connect => self.connect_arrived(end),
            Carried::Accepted => self.connect_answered(end, true),
            Carried::Refused => self.connect_answered(end, false),
            Carried::Bytes(bytes) => self.bytes_arrived(end, bytes),
            Carried::End => {
                parts.inward.end_arrived = true;
                self.serve_receives(end, false);
            }
            Carried::Reset => self.reset_end(end),
            Carried::Taken(bytes) => {
                parts.out.outstanding -= bytes.min(parts.out.outstanding);
                self.serve_sends(end, false);
            }
        }
    }

    fn bytes_arrived(&mut self, end: EndRef, bytes: usize) {
        let network = &mut self.network;
        let Some(parts) = network.connections.parts(end) else {
            return;
        };
        match parts.end.state {
            EndState::Open if !parts.end.deaf => {}
            // It was reset already; what was under way is of no interest.
            EndState::Reset => return,
            state => {
                // A kernel that knows nothing of the connection, or a process that does not want to know.
                if state == EndState::Vanished {
                    network.coverage.hit(Fault::HalfOpen);
                }
                parts.inward.clear();
                self.send_segment(end, Carried::Reset);
                return;
            }
        }
        let link = &mut network.links[parts.peer.node.index()][parts.end.node.index()];
        let reset = link.reset(bytes);
        parts.inward.arrived += reset.unwrap_or(bytes);
        self.serve_receives(end, false);
        if reset.is_some() {
            self.coverage.hit(Fault::StreamReset);
            self.reset_end(end);
            self.reset_end(end.peer());
        }
    }

    /// Starts the pipes again that lead from one node to another as `leads` says.
    pub(crate) fn restart_pipes(&mut self, leads: impl Fn(NodeId, NodeId) -> bool) {
        for end in self.network.connections.all() {
            self.restart_pipe(end, &leads);
        }
    }

    fn restart_pipe(&mut self, end: EndRef, leads: &impl Fn(NodeId, NodeId) -> bool) {
        let now = self.now();
        let network = &mut self.network;
        let Some(parts) = network.connections.parts(end) else {
            return;
        };
        let (source, target) = (parts.end.node, parts.peer.node);
        if parts.out.scheduled || parts.out.segments.is_empty() || !leads(source, target) {
            return;
        }
        // What was held up is sent again, and takes the usual time from now on.
        let link = &mut network.links[source.index()][target.index()];
        let at: Instant = link.arrival(now, parts.out.in_flight());
        for segment in &mut parts.out.segments {
            segment.at = segment.at.max(at);
        }
        parts.out.scheduled = true;
        self.heap.push(at, Event::Segment(end));
    }
}
