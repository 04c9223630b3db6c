//! What a world is made with. Every default is calm: time passes, nothing breaks.

use core::net::Ipv4Addr;

use stdx::{Duration, Timestamp};

use crate::chance::{Rate, Span};
use crate::clock::ClockConfig;
use crate::disk::DiskConfig;
use crate::network::LinkConfig;

/// Cores that a simulated node may have.
pub const CORES_MAX: u16 = 8;

/// What holds for a whole world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorldConfig {
    /// What true time is at the start. Each node's wall clock is off by its own offset.
    pub wall: Timestamp,
    /// Between two nodes, unless [`crate::World::set_link`] says otherwise.
    pub link: LinkConfig,
    /// Of a node with itself.
    pub loopback: LinkConfig,
    /// How long a connect waits for an answer.
    pub connect_timeout: Duration,
    /// Whether the digest holds what the cores trace besides the heap's own events.
    pub trace_cores: bool,
    /// Turns in which a core may find tasks ready without having learned anything new.
    pub idle_turns_max: u32,
    /// Events that may be delivered without time moving on.
    pub instant_events_max: u32,
    /// Events after which [`crate::World::run_until_idle`] gives up.
    pub events_max: u64,
}

impl Default for WorldConfig {
    fn default() -> Self {
        Self {
            // A round second of 2026.
            wall: Timestamp::from_millis(1_767_225_600_000),
            link: LinkConfig::default(),
            loopback: LinkConfig::loopback(),
            connect_timeout: Duration::from_secs(5),
            trace_cores: true,
            idle_turns_max: 50_000,
            instant_events_max: 1_000_000,
            events_max: 1_000_000_000,
        }
    }
}

impl WorldConfig {
    /// Weather without damage: every transfer may be short, links jitter.
    pub fn choppy() -> Self {
        Self {
            link: LinkConfig::default().choppy(),
            loopback: LinkConfig::loopback().choppy(),
            ..Self::default()
        }
    }
}

/// What one node is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeConfig {
    /// Cores, 1 to [`CORES_MAX`]. It may be changed between two starts.
    pub cores: u16,
    /// Its address; 10.0.0.1 for the first node, and so on, when none is given.
    pub address: Option<Ipv4Addr>,
    /// Descriptors that it may have open.
    pub descriptors_max: u32,
    /// Bytes of free blocks that each core keeps.
    pub pool_bytes: usize,
    /// Its clocks.
    pub clock: ClockConfig,
    /// Its disk.
    pub disk: DiskConfig,
    /// How fast its cores are.
    pub pace: Pace,
}

impl Default for NodeConfig {
    fn default() -> Self {
        Self {
            cores: 1,
            address: None,
            descriptors_max: 65_536,
            pool_bytes: 8 << 20,
            clock: ClockConfig::default(),
            disk: DiskConfig::default(),
            pace: Pace::default(),
        }
    }
}

impl NodeConfig {
    /// A calm node of `cores` cores.
    pub fn with_cores(cores: u16) -> Self {
        Self {
            cores,
            ..Self::default()
        }
    }
}

/// How long things take on a node that involve neither disk nor network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// A turn.
    pub turn: Span,
    /// The way of a message, or of memory that comes home, from core to core.
    pub message: Span,
    /// The kernel's answer to what needs neither disk nor network.
    pub call: Span,
    /// How often a core stalls after a turn.
    pub stall: Rate,
    /// For how long.
    pub stall_time: Span,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            turn: Span::micros(1, 3),
            message: Span::micros(1, 5),
            call: Span::micros(1, 4),
            stall: Rate::NEVER,
            stall_time: Span::millis(1, 200),
        }
    }
}
