//! Messages between the cores of a node, and memory on its way home: in order for each pair of cores, each
//! after a delay of its own.

use crate::World;
use crate::event::{Event, Place};
use crate::network::link::add;

impl World {
    /// A turn of `source` put something into the ring to `target`, or sent memory home to it: what is new there
    /// gets on its way.
    pub(crate) fn announce(&mut self, source: Place, target: u16) {
        let target = Place {
            core: target,
            ..source
        };
        self.announce_from(source.core, target);
    }

    /// What was dropped outside any turn, by whatever was done to the world, gets on its way home. Whose it was is
    /// not known: every node is asked, and one that lost nothing has nothing new to announce.
    pub(crate) fn announce_loose_drops(&mut self) {
        let mut touched = Vec::new();
        runtime::take_touched(|core| touched.push(core));
        if touched.is_empty() {
            return;
        }
        for node in self.node_ids() {
            let incarnation = self.node(node).incarnation;
            let outside = u16::try_from(self.node(node).seats.len()).expect("cores are few");
            for core in touched.iter().filter(|core| core.number() < outside) {
                let place = Place {
                    node,
                    core: core.number(),
                    incarnation,
                };
                self.announce_from(outside, place);
            }
        }
    }

    fn announce_from(&mut self, source: u16, target: Place) {
        let now = self.heap.now();
        let node = &mut self.nodes[target.node.index()];
        let span = node.config.pace.message;
        let Some(seat) = node.seat(target) else {
            return;
        };
        seat.core.sample_waiting(&mut self.waiting);
        let from = usize::from(source);
        let mut at = seat.message_at[from];
        let messages = self.waiting.messages.get(from).copied().unwrap_or_default();
        let known = seat.messages.known.get(from).copied().unwrap_or_default();
        for _ in known..messages {
            at = at.max(add(now, span.draw(&mut seat.pace)));
            self.heap.push(at, Event::Message(target, source));
        }
        if messages > known {
            seat.messages.known[from] = messages;
        }
        let returns = self.waiting.returns[from];
        if returns > seat.returns.known[from] {
            at = at.max(add(now, span.draw(&mut seat.pace)));
            self.heap.push(at, Event::Return(target, source));
            seat.returns.known[from] = returns;
        }
        seat.message_at[from] = at;
    }

    pub(crate) fn message_arrived(&mut self, place: Place, source: u16) {
        if let Some(seat) = self.seat(place) {
            seat.messages.arrived[usize::from(source)] += 1;
        }
        self.kick(place);
    }

    /// All that was known to be on its way from `source` is there.
    pub(crate) fn return_arrived(&mut self, place: Place, source: u16) {
        if let Some(seat) = self.seat(place) {
            let source = usize::from(source);
            seat.returns.arrived[source] = seat.returns.known[source];
        }
        self.kick(place);
    }
}
