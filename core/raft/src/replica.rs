//! Who takes part.

use core::fmt;

use model::NodeId;

/// One copy of a log on one node.
///
/// The incarnation is new whenever the copy is: a replica that lost its disk, or that comes back after it was removed,
/// is another one, and nothing that its predecessor promised may be held against it or counted for it [KIP-853].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplicaId {
    /// The node that it is on.
    pub node: NodeId,
    /// Which of the copies that this node has had.
    pub incarnation: u32,
}

impl ReplicaId {
    /// The first copy on a node.
    pub const fn first(node: i32) -> Self {
        Self {
            node: NodeId(node),
            incarnation: 0,
        }
    }
}

impl fmt::Display for ReplicaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.incarnation {
            0 => write!(f, "n{}", self.node),
            incarnation => write!(f, "n{}.{incarnation}", self.node),
        }
    }
}
