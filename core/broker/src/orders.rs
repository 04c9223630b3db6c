//! What the cores of a broker say to each other.

use runtime::{CallPort, Handover, Port};

/// A connection for this core.
pub(crate) const CONNECTIONS: Port<Handover> = Port::new(30, "broker connections", 1024);

/// So many connections of the sending core are over. To core 0; the counts are gathered, so few are on their way.
pub(crate) const ENDED: Port<usize> = Port::new(31, "broker connections ended", 4);

/// What core 0 has each core do, itself included. One at a time.
pub(crate) const ORDERS: CallPort<Order, Done> = CallPort::new(32, "broker orders", 4);

/// An order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Have all connections finish what is in flight and end.
    Drain,
    /// Flush and close the partitions, and end.
    Close,
}

impl Order {
    /// What it is called in the log.
    pub(crate) const fn verb(self) -> &'static str {
        match self {
            Self::Drain => "drain its connections",
            Self::Close => "close its partitions",
        }
    }
}

/// What came of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Done {
    /// Connections that had to be cut.
    pub(crate) connections_cut: usize,
}
