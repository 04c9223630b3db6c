//! Events: what the heap delivers. They are small and own nothing; what they are about stands in tables.

use core::fmt;

use runtime::OperationId;

/// A node of a world, in the order of their making.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) u16);

impl NodeId {
    /// Its number, from zero on.
    pub const fn number(self) -> u16 {
        self.0
    }

    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One core of one life of a node: what is meant for a life that ended finds nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) node: NodeId,
    pub(crate) core: u16,
    pub(crate) incarnation: u32,
}

/// One end of a connection, as long as the connection is that one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EndRef {
    pub(crate) connection: u32,
    pub(crate) generation: u32,
    /// 0 for the end that connected, 1 for the one that accepted.
    pub(crate) side: u8,
}

impl EndRef {
    /// The other end.
    pub(crate) fn peer(self) -> Self {
        Self {
            side: 1 - self.side,
            ..self
        }
    }

    pub(crate) fn side(self) -> usize {
        usize::from(self.side)
    }
}

/// One delivery from the heap.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    /// A core gets its next turn.
    Turn(Place),
    /// A core's deadline may have come.
    Alarm(Place),
    /// An operation is due: its result is there, or its effect takes place now.
    Operation(Place, OperationId),
    /// A message from another core of the node arrived.
    Message(Place, u16),
    /// Memory came home, dropped by another core or outside any.
    Return(Place, u16),
    /// The next segment that this end sent is due at the other one.
    Segment(EndRef),
    /// A connect waited long enough.
    ConnectTimeout(EndRef),
}

/// What kind of event was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum EventKind {
    /// A core's turn that had to wait for the core.
    Turn = 1,
    /// A core's deadline.
    Alarm,
    /// An operation's effect or result.
    Operation,
    /// A message between cores.
    Message,
    /// Memory coming home.
    Return,
    /// A segment of a stream.
    Segment,
    /// A connect that nobody answered.
    ConnectTimeout,
    /// A node started, ended, or was hit by what the caller did to it.
    Process,
}
