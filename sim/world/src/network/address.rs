//! Addresses: which node has one, and which listener answers at it.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::event::NodeId;
use crate::node::Node;

/// The address of the node with this number, unless it was given another: 10.0.0.1 for the first.
pub(crate) fn default_address(node: NodeId) -> Ipv4Addr {
    let [high, low] = (node.number() + 1).to_be_bytes();
    Ipv4Addr::new(10, 0, high, low)
}

/// The node that is reached at `ip` from `source`.
pub(crate) fn reached(nodes: &[Node], source: NodeId, ip: IpAddr) -> Option<NodeId> {
    // To connect to no address in particular is to connect to oneself.
    if ip.is_loopback() || ip.is_unspecified() {
        return Some(source);
    }
    nodes
        .iter()
        .find(|node| IpAddr::V4(node.address) == ip)
        .map(|node| node.id)
}

/// Whether a node may listen at `ip`.
pub(crate) fn is_local(node: &Node, ip: IpAddr) -> bool {
    ip.is_loopback() || ip.is_unspecified() || ip == IpAddr::V4(node.address)
}

/// Whether a listener at `bound` answers who connects to `target`.
pub(crate) fn answers(bound: SocketAddr, target: SocketAddr) -> bool {
    bound.port() == target.port() && overlap(bound.ip(), target.ip())
}

/// Whether two listeners of one node exclude each other.
pub(crate) fn conflict(one: SocketAddr, other: SocketAddr) -> bool {
    one.port() == other.port() && (overlap(one.ip(), other.ip()) || overlap(other.ip(), one.ip()))
}

/// Whether `bound` stands for `ip` too: `[::]` does for everything, `0.0.0.0` for what is of its family.
fn overlap(bound: IpAddr, ip: IpAddr) -> bool {
    match bound {
        IpAddr::V4(address) => bound == ip || (address.is_unspecified() && ip.is_ipv4()),
        IpAddr::V6(address) => bound == ip || address.is_unspecified(),
    }
}

/// What a node calls itself on a connection to `target`.
pub(crate) fn own_address(node: &Node, target: IpAddr, port: u16) -> SocketAddr {
    let ip = if target.is_loopback() {
        target
    } else {
        IpAddr::V4(node.address)
    };
    SocketAddr::new(ip, port)
}

impl crate::World {
    /// A node's address at `port`.
    pub fn address(&self, node: NodeId, port: u16) -> SocketAddr {
        SocketAddr::from((self.node(node).address, port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unspecified_addresses_stand_for_their_family_or_for_all() {
        let socket = |text: &str| text.parse::<SocketAddr>().expect("an address");
        assert!(answers(socket("0.0.0.0:1"), socket("10.0.0.1:1")));
        assert!(!answers(socket("0.0.0.0:1"), socket("[::1]:1")));
        assert!(answers(socket("[::]:1"), socket("127.0.0.1:1")));
        assert!(!answers(socket("127.0.0.1:1"), socket("10.0.0.1:1")));
        assert!(conflict(socket("127.0.0.1:1"), socket("0.0.0.0:1")));
        assert!(!conflict(socket("127.0.0.1:1"), socket("[::1]:1")));
        assert!(!conflict(socket("127.0.0.1:1"), socket("127.0.0.1:2")));
    }
}
