//! Brokers, as the cluster tells clients of them.

use model::NodeId;

/// One broker and where clients reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    /// Its number.
    pub node: NodeId,
    /// The name or address that was advertised. Empty: none was, and each connection is answered with the address
    /// on which it arrived.
    pub host: String,
    /// The port that goes with `host`.
    pub port: u16,
    /// Where it stands, for those who spread replicas.
    pub rack: Option<String>,
}

impl Broker {
    /// Whether clients are told a fixed address, not the one on which they came.
    pub fn is_advertised(&self) -> bool {
        !self.host.is_empty()
    }
}
