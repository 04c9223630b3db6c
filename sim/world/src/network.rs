//! The simulated network: addresses, links between nodes, and byte streams over them.
//!
//! ```text
//!   end 0 ====== pipe 0: segments in flight | bytes arrived ======> end 1        one connection
//!         <===== pipe 1: bytes arrived | segments in flight =======
//! ```
//!
//! A stream may be slow, stall, or be reset; it never skips, repeats or changes a byte. Each direction has a
//! window: bytes that were sent and that the receiver did not take yet. A full one makes a send wait, and news
//! of room travels back over the link like everything else, so that a cut in either direction stops a stream.
//!
//! - A cut link holds everything up; it goes on when the link heals. A connect over it times out.
//! - A process that dies ends its streams as a kernel does: the rest is delivered and then the end, or a reset
//!   when it left bytes unread.
//! - A machine that loses power says nothing. Its peers learn of it from a reset, once they send something and
//!   it is up again; a peer that only waits learns nothing, for ever.
//! - A reset takes with it what the receiver did not take yet.
//!
//! Not modelled: the end of retransmission (a sender over a cut link waits for ever), loss and reordering of
//! packets (a stream shows them as delay), sockets other than streams.

use std::rc::Rc;

use stdx::{Duration, Instant};

use crate::coverage::Coverage;
use crate::event::NodeId;

pub(crate) mod address;
pub(crate) mod connect;
pub(crate) mod connection;
pub mod link;
pub(crate) mod listener;
pub(crate) mod pipe;
pub(crate) mod segment;
pub(crate) mod shaking;
pub(crate) mod stream;

pub use link::{LinkConfig, LinkFaults};

use connection::Connections;
use link::Link;
use listener::Listeners;

/// All links, listeners and connections.
#[derive(Debug)]
pub(crate) struct Network {
    seed: u64,
    /// By source, then by target.
    links: Vec<Vec<Link>>,
    pub(crate) listeners: Listeners,
    pub(crate) connections: Connections,
    pub(crate) coverage: Rc<Coverage>,
}

impl Network {
    pub(crate) fn new(seed: u64, coverage: Rc<Coverage>) -> Self {
        Self {
            seed,
            links: Vec::new(),
            listeners: Listeners::default(),
            connections: Connections::default(),
            coverage,
        }
    }

    /// Links a new node with all that are there.
    pub(crate) fn add_node(&mut self, link: &LinkConfig, loopback: &LinkConfig) {
        let new = u16::try_from(self.links.len()).expect("worlds are small");
        let seed = self.seed;
        for (source, row) in (0..).zip(&mut self.links) {
            row.push(Link::new(seed, source, new, link.clone()));
        }
        let mut row: Vec<Link> = (0..new)
            .map(|target| Link::new(seed, new, target, link.clone()))
            .collect();
        row.push(Link::new(seed, new, new, loopback.clone()));
        self.links.push(row);
    }

    pub(crate) fn link(&mut self, source: NodeId, target: NodeId) -> &mut Link {
        &mut self.links[source.index()][target.index()]
    }
}

impl crate::World {
    /// Sets what the link from `source` to `target` is like from now on. What is under way stays as it is.
    pub fn set_link(&mut self, source: NodeId, target: NodeId, config: LinkConfig) {
        self.network.link(source, target).config = config;
    }

    /// Cuts the way from `source` to `target`: what is under way, and all that follows, waits until it heals.
    pub fn cut(&mut self, source: NodeId, target: NodeId) {
        self.network.link(source, target).cut = true;
    }

    /// Cuts both ways between two nodes.
    pub fn cut_both(&mut self, one: NodeId, other: NodeId) {
        self.cut(one, other);
        self.cut(other, one);
    }

    /// Heals the way from `source` to `target`: what waited goes on.
    pub fn heal(&mut self, source: NodeId, target: NodeId) {
        let link = self.network.link(source, target);
        if core::mem::take(&mut link.cut) {
            self.restart_pipes(|from, to| from == source && to == target);
        }
    }

    /// Heals every link.
    pub fn heal_all(&mut self) {
        for source in self.node_ids() {
            for target in self.node_ids() {
                self.heal(source, target);
            }
        }
    }

    /// Lets nothing arrive from `source` at `target` for `time`.
    pub fn stall_link(&mut self, source: NodeId, target: NodeId, time: Duration) {
        let until: Instant = self.now() + time;
        let link = self.network.link(source, target);
        link.stalled_until = link.stalled_until.max(until);
    }
}
