//! What breaks connections from outside: resets asked for, processes and machines that die.

use stdx::Duration;

use super::connection::EndState;
use super::link::add;
use crate::event::{EndRef, NodeId};
use crate::{Fault, World};

impl World {
    /// Resets every stream between two nodes, each in the middle of what is under way: a prefix still arrives,
    /// then both ends see the reset. Returns how many there were.
    pub fn reset_streams(&mut self, one: NodeId, other: NodeId) -> usize {
        let ends = self.ends_where(|from, to| from == one && to == other);
        let mut streams = 0;
        for end in ends {
            streams += usize::from(self.reset_stream(end));
        }
        streams
    }

    /// Holds every stream from `source` to `target` up for `time`, and those alone: new ones are not.
    pub fn stall_streams(&mut self, source: NodeId, target: NodeId, time: Duration) -> usize {
        let until = add(self.now(), crate::chance::nanos(time));
        let ends = self.ends_where(|from, to| from == source && to == target);
        for &end in &ends {
            if let Some(parts) = self.network.connections.parts(end) {
                parts.out.stalled_until = parts.out.stalled_until.max(until);
                self.coverage.hit(Fault::StreamStall);
            }
        }
        ends.len()
    }

    fn reset_stream(&mut self, end: EndRef) -> bool {
        let Some(parts) = self.network.connections.parts(end) else {
            return false;
        };
        if parts.end.state != EndState::Open && parts.peer.state != EndState::Open {
            return false;
        }
        self.coverage.hit(Fault::StreamReset);
        for end in [end, end.peer()] {
            let network = &mut self.network;
            if let Some(parts) = network.connections.parts(end) {
                let link = &mut network.links[parts.peer.node.index()][parts.end.node.index()];
                parts.inward.arrived += link.reset_point(parts.inward.in_flight());
                self.serve_receives(end, false);
            }
        }
        self.reset_end(end);
        self.reset_end(end.peer());
        true
    }

    /// The ends of all connections that lead from one node to another as `leads` says.
    fn ends_where(&mut self, leads: impl Fn(NodeId, NodeId) -> bool) -> Vec<EndRef> {
        let mut ends = self.network.connections.all();
        ends.retain(|&end| {
            let parts = self.network.connections.parts(end);
            parts.is_some_and(|parts| leads(parts.end.node, parts.peer.node))
        });
        // A connection of a node with itself has two such ends.
        ends.dedup_by_key(|end| end.connection);
        ends
    }

    /// A node's process died; its kernel ends what it had open.
    pub(crate) fn close_everything(&mut self, node: NodeId) {
        for listener in self.network.listeners.of(node) {
            self.close_listener(listener);
        }
        for end in self.own_ends(node) {
            if let Some(parts) = self.network.connections.parts(end)
                && parts.end.connect.take().is_some()
            {
                parts.end.state = EndState::Closed;
            }
            self.close_end(end);
        }
    }

    /// A node's machine lost power: it knows nothing any more, and nobody is told.
    pub(crate) fn forget_everything(&mut self, node: NodeId) {
        for listener in self.network.listeners.of(node) {
            self.network.listeners.remove(listener);
        }
        for end in self.own_ends(node) {
            if let Some(parts) = self.network.connections.parts(end) {
                parts.end.descriptor = None;
                parts.end.queued = false;
                parts.end.connect = None;
                parts.end.receives.clear();
                parts.end.sends.clear();
                if parts.end.state != EndState::Unborn {
                    parts.end.state = EndState::Vanished;
                }
                // Nobody sends these again; a wish to connect that is under way to it still is.
                parts.out.lose_in_flight();
                parts.inward.lose_arrived();
                self.network.connections.free_if_unused(end);
            }
        }
    }

    fn own_ends(&mut self, node: NodeId) -> Vec<EndRef> {
        let mut ends = self.network.connections.all();
        ends.retain(|&end| {
            let parts = self.network.connections.parts(end);
            parts.is_some_and(|parts| parts.end.node == node)
        });
        ends
    }

    /// A machine is up again: what was sent to it meanwhile is sent again.
    pub(crate) fn power_returned(&mut self, node: NodeId) {
        self.restart_pipes(|_, target| target == node);
    }
}
