//! One node: a machine with a disk and clocks, and the process that runs on it or does not.

use core::net::Ipv4Addr;
use std::rc::Rc;

use runtime::Main;
use runtime::record::Tape;

use crate::clock::Clock;
use crate::config::NodeConfig;
use crate::death::CrashPoint;
use crate::descriptor::Descriptors;
use crate::disk::Disk;
use crate::event::{NodeId, Place};
use crate::seat::Seat;

/// What a node is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// The machine has no power.
    Dark,
    /// The machine is up, and no process runs: before the first start, or after its end.
    Stopped,
    /// The process runs.
    Running,
    /// The process stands still; the machine's kernel goes on.
    Paused,
}

/// A machine and its process.
pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) config: NodeConfig,
    pub(crate) address: Ipv4Addr,
    pub(crate) state: NodeState,
    /// Lives so far. What is meant for an earlier one finds nobody.
    pub(crate) incarnation: u32,
    pub(crate) seats: Vec<Seat>,
    pub(crate) descriptors: Descriptors,
    pub(crate) disk: Disk,
    pub(crate) clock: Clock,
    pub(crate) main: Option<Main>,
    pub(crate) tape: Option<Tape>,
    pub(crate) next_port: u16,
    /// Events that this life of it has seen.
    pub(crate) events: u64,
    pub(crate) crash_point: Option<CrashPoint>,
    /// Its last life ended because every main task did.
    pub(crate) completed: bool,
}

impl Node {
    pub(crate) fn has_power(&self) -> bool {
        self.state != NodeState::Dark
    }

    pub(crate) fn is_alive(&self) -> bool {
        matches!(self.state, NodeState::Running | NodeState::Paused)
    }

    /// The seat at `place`, if that life of the node still goes on.
    pub(crate) fn seat(&mut self, place: Place) -> Option<&mut Seat> {
        if self.incarnation != place.incarnation {
            return None;
        }
        self.seats.get_mut(usize::from(place.core))
    }
}

impl core::fmt::Debug for Node {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Node({}, {:?})", self.id, self.state)
    }
}

/// What a new node needs from the world.
pub(crate) fn new(
    seed: u64,
    id: NodeId,
    config: NodeConfig,
    truth: (stdx::Instant, stdx::Timestamp),
    coverage: &Rc<crate::coverage::Coverage>,
) -> Node {
    let (now, wall) = truth;
    let address = config.address;
    Node {
        id,
        address: address.unwrap_or_else(|| crate::network::address::default_address(id)),
        state: NodeState::Stopped,
        incarnation: 0,
        seats: Vec::new(),
        descriptors: Descriptors::new(config.descriptors_max),
        disk: Disk::new(seed, id.number(), config.disk.clone(), Rc::clone(coverage)),
        clock: Clock::new(config.clock, now, wall),
        main: None,
        tape: None,
        next_port: 0,
        events: 0,
        crash_point: None,
        completed: false,
        config,
    }
}
