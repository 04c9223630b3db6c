//! Listeners: who waits for connections, and connections that wait for whom.

use core::net::SocketAddr;
use std::collections::VecDeque;

use super::address::{answers, conflict};
use super::connection::Waiter;
use crate::event::{EndRef, NodeId};

/// One listener of one node.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) node: NodeId,
    pub(crate) address: SocketAddr,
    pub(crate) backlog: usize,
    /// Connections that nobody accepted yet.
    pub(crate) queue: VecDeque<EndRef>,
    /// Accepts that wait for a connection.
    pub(crate) accepts: VecDeque<Waiter>,
}

/// All listeners, by number.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    table: Vec<Option<Listener>>,
}

impl Listeners {
    /// Adds a listener unless another of its node is in the way.
    pub(crate) fn add(&mut self, listener: Listener) -> Option<u32> {
        let taken =
            self.table.iter().flatten().any(|other| {
                other.node == listener.node && conflict(other.address, listener.address)
            });
        if taken {
            return None;
        }
        let free = self.table.iter().position(Option::is_none);
        let number = free.unwrap_or_else(|| {
            self.table.push(None);
            self.table.len() - 1
        });
        self.table[number] = Some(listener);
        Some(u32::try_from(number).expect("listeners are few"))
    }

    pub(crate) fn get(&mut self, number: u32) -> Option<&mut Listener> {
        self.table[number as usize].as_mut()
    }

    pub(crate) fn remove(&mut self, number: u32) -> Option<Listener> {
        self.table[number as usize].take()
    }

    /// The listener of `node` that answers at `target`: one for exactly that address before one for all.
    pub(crate) fn find(&self, node: NodeId, target: SocketAddr) -> Option<u32> {
        let at = |listener: &Option<Listener>, exact: bool| {
            listener.as_ref().is_some_and(|listener| {
                listener.node == node
                    && answers(listener.address, target)
                    && (!exact || listener.address == target)
            })
        };
        let exact = self.table.iter().position(|listener| at(listener, true));
        let any = || self.table.iter().position(|listener| at(listener, false));
        exact
            .or_else(any)
            .and_then(|number| u32::try_from(number).ok())
    }

    /// The listeners of `node`.
    pub(crate) fn of(&self, node: NodeId) -> Vec<u32> {
        let own =
            |listener: &Option<Listener>| listener.as_ref().is_some_and(|one| one.node == node);
        (0..)
            .zip(&self.table)
            .filter_map(|(number, listener)| own(listener).then_some(number))
            .collect()
    }

    /// Whether a listener of `node` has `port`.
    pub(crate) fn has_port(&self, node: NodeId, port: u16) -> bool {
        self.table
            .iter()
            .flatten()
            .any(|listener| listener.node == node && listener.address.port() == port)
    }
}
