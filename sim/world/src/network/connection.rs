//! A connection: two ends and the pipes between them.

use core::net::SocketAddr;
use std::collections::VecDeque;

use runtime::OperationId;

use super::pipe::Pipe;
use crate::event::{EndRef, NodeId, Place};

/// Where an end is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndState {
    /// It asked, and nobody answered yet.
    Connecting,
    /// The other end's wish did not arrive yet.
    Unborn,
    Open,
    /// Both know that it is over.
    Reset,
    /// Its process is done with it; its kernel knows of it.
    Closed,
    /// Its machine lost power and knows nothing.
    Vanished,
}

/// An operation that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waiter {
    pub(crate) place: Place,
    pub(crate) id: OperationId,
}

/// One end.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) node: NodeId,
    pub(crate) address: SocketAddr,
    pub(crate) state: EndState,
    /// Its process does not want to receive any more.
    pub(crate) deaf: bool,
    pub(crate) descriptor: Option<u32>,
    /// It waits in a backlog.
    pub(crate) queued: bool,
    pub(crate) connect: Option<Waiter>,
    pub(crate) receives: VecDeque<Waiter>,
    pub(crate) sends: VecDeque<Waiter>,
}

impl End {
    pub(crate) fn new(node: NodeId, address: SocketAddr, state: EndState) -> Self {
        Self {
            node,
            address,
            state,
            deaf: false,
            descriptor: None,
            queued: false,
            connect: None,
            receives: VecDeque::new(),
            sends: VecDeque::new(),
        }
    }

    /// Whether anybody can still see what becomes of it.
    fn is_held(&self) -> bool {
        self.descriptor.is_some() || self.queued || self.connect.is_some()
    }
}

/// Two ends. `pipes[side]` leads from `ends[side]` to the other.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) ends: [End; 2],
    pub(crate) pipes: [Pipe; 2],
}

/// All connections, by number and by how often the number was used before.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    table: Vec<(u32, Option<Box<Connection>>)>,
    free: Vec<u32>,
}

impl Connections {
    pub(crate) fn add(&mut self, ends: [End; 2]) -> EndRef {
        let connection = Some(Box::new(Connection {
            ends,
            pipes: Default::default(),
        }));
        let number = if let Some(number) = self.free.pop() {
            let slot = &mut self.table[number as usize];
            slot.0 = slot.0.wrapping_add(1);
            slot.1 = connection;
            number
        } else {
            self.table.push((0, connection));
            u32::try_from(self.table.len() - 1).expect("fewer connections than that")
        };
        EndRef {
            connection: number,
            generation: self.table[number as usize].0,
            side: 0,
        }
    }

    pub(crate) fn get(&mut self, end: EndRef) -> Option<&mut Connection> {
        let (generation, connection) = &mut self.table[end.connection as usize];
        if *generation != end.generation {
            return None;
        }
        connection.as_deref_mut()
    }

    /// The end and the pipes from and to it.
    pub(crate) fn parts(&mut self, end: EndRef) -> Option<Parts<'_>> {
        let side = end.side();
        let Connection { ends, pipes } = self.get(end)?;
        let [first, second] = ends;
        let [from_first, from_second] = pipes;
        Some(if side == 0 {
            Parts {
                end: first,
                peer: second,
                out: from_first,
                inward: from_second,
            }
        } else {
            Parts {
                end: second,
                peer: first,
                out: from_second,
                inward: from_first,
            }
        })
    }

    /// Forgets a connection that nobody can see any more.
    pub(crate) fn free_if_unused(&mut self, end: EndRef) {
        let Some(connection) = self.get(end) else {
            return;
        };
        if connection.ends.iter().any(End::is_held) {
            return;
        }
        self.table[end.connection as usize].1 = None;
        self.free.push(end.connection);
    }

    /// Every end of every connection, in order.
    pub(crate) fn all(&self) -> Vec<EndRef> {
        let mut ends = Vec::new();
        for (connection, (generation, there)) in (0..).zip(&self.table) {
            if there.is_some() {
                ends.extend([0, 1].map(|side| EndRef {
                    connection,
                    generation: *generation,
                    side,
                }));
            }
        }
        ends
    }
}

/// A connection as one of its ends sees it.
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    pub(crate) end: &'a mut End,
    pub(crate) peer: &'a mut End,
    /// From this end to the peer.
    pub(crate) out: &'a mut Pipe,
    /// From the peer to this end.
    pub(crate) inward: &'a mut Pipe,
}
