//! All sockets of one core.

use core::fmt;
use core::future::Future;
use core::net::SocketAddr;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use runtime::{Descriptor, IoErrorKind, Operation, OperationId, Output, Runtime};
use tokio::net::TcpStream;

use crate::connection::{Connection, Want};
use crate::descriptors::Descriptors;
use crate::in_flight::{InFlight, Place};
use crate::landing::{Landing, Remains};
use crate::listener::{Listening, listen};
use crate::readiness::{Readiness, Token};

/// Bytes that one receive into fresh memory brings at most, whatever it asks for.
const RECEIVE_BYTES_MAX: usize = 64 << 10;

/// Connections, listeners, and connections being made. Calls of the reactor need its context: everything here
/// runs inside the core's loop.
pub(crate) struct Sockets {
    descriptors: Arc<Descriptors>,
    readiness: Arc<Readiness>,
    connections: BTreeMap<Descriptor, Connection>,
    listeners: BTreeMap<Descriptor, Listening>,
    connects: BTreeMap<OperationId, Connecting>,
    /// Where fresh bytes arrive before their buffer is taken.
    scratch: Box<[u8]>,
    /// Tokens being looked at: kept for its memory.
    tokens: Vec<Token>,
}

/// A connection being made.
struct Connecting {
    address: SocketAddr,
    stream: Pin<Box<dyn Future<Output = io::Result<TcpStream>>>>,
    waker: Waker,
}

impl fmt::Debug for Sockets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connections = self.connections.len();
        write!(
            f,
            "Sockets({connections} connections, {} listeners)",
            self.listeners.len()
        )
    }
}

impl Sockets {
    pub(crate) fn new(descriptors: Arc<Descriptors>, readiness: Arc<Readiness>) -> Self {
        Self {
            descriptors,
            readiness,
            connections: BTreeMap::new(),
            listeners: BTreeMap::new(),
            connects: BTreeMap::new(),
            scratch: vec![0; RECEIVE_BYTES_MAX].into_boxed_slice(),
            tokens: Vec::new(),
        }
    }

    /// Takes an operation on a socket. What needs no waiting lands at once, the rest when the core looks.
    pub(crate) fn submit(
        &mut self,
        id: OperationId,
        operation: Operation,
        in_flight: &mut InFlight,
        landed: &mut Vec<Landing>,
    ) {
        match operation {
            Operation::Listen { address, backlog } => {
                landed.push(self.listen(id, address, backlog));
            }
            Operation::Connect { address } => {
                in_flight.enter(id, Place::Connect);
                self.connect(id, address);
            }
            Operation::Accept { descriptor } => match self.listeners.get_mut(&descriptor) {
                Some(listening) => {
                    listening.accept(id);
                    self.wait(id, descriptor, in_flight);
                }
                None => landed.push(unknown(id, operation)),
            },
            Operation::Receive { descriptor, .. }
            | Operation::ReceiveInto { descriptor, .. }
            | Operation::Send { descriptor, .. }
            | Operation::Shutdown { descriptor, .. } => match self.connection(descriptor) {
                Some(connection) => match on_connection(connection, id, operation) {
                    Some(landing) => landed.push(landing),
                    None => self.wait(id, descriptor, in_flight),
                },
                None => landed.push(unknown(id, operation)),
            },
            other => landed.push(unknown(id, other)),
        }
    }

    /// Looks at every socket that may be ready, until none is.
    pub(crate) fn advance(&mut self, runtime: &Runtime, landed: &mut Vec<Landing>) {
        let mut tokens = core::mem::take(&mut self.tokens);
        self.readiness.take(&mut tokens);
        for token in tokens.drain(..) {
            match token {
                Token::Connect(id) => self.advance_connect(id, landed),
                Token::Socket(descriptor) => {
                    if let Some(connection) = self.connections.get_mut(&descriptor) {
                        connection.advance(runtime, &mut self.scratch, landed);
                    } else {
                        self.advance_listener(descriptor, landed);
                    }
                }
            }
        }
        self.tokens = tokens;
    }

    /// Ends an operation of a socket early. None when it ended already.
    pub(crate) fn cancel(&mut self, id: OperationId, descriptor: Descriptor) -> Option<Landing> {
        if let Some(connection) = self.connections.get_mut(&descriptor) {
            return connection.cancel(id);
        }
        self.listeners.get_mut(&descriptor)?.cancel(id)
    }

    /// Ends a connection that is being made. None when it ended already.
    pub(crate) fn cancel_connect(&mut self, id: OperationId) -> Option<Landing> {
        self.connects.remove(&id)?;
        Some(Landing::cancelled(id, Remains::Nothing))
    }

    /// Closes a socket, ending what is in flight on it. False when there is none of that number.
    pub(crate) fn close(&mut self, descriptor: Descriptor, landed: &mut Vec<Landing>) -> bool {
        if let Some(connection) = self.connections.remove(&descriptor) {
            drop(connection.end(landed));
        } else if let Some(listening) = self.listeners.remove(&descriptor) {
            listening.end(landed);
        } else if self.descriptors.attach(descriptor).is_none() {
            return false;
        }
        self.descriptors.give_up(descriptor);
        true
    }

    /// Leaves a connection to another core. One that was never used here lies with the descriptors already.
    pub(crate) fn hand_over(&mut self, descriptor: Descriptor, landed: &mut Vec<Landing>) {
        let Some(connection) = self.connections.remove(&descriptor) else {
            return;
        };
        // A reactor that cannot let go of the stream loses it: the other core finds nothing under its number.
        if let Ok(stream) = connection.end(landed).into_std() {
            self.descriptors.detach(descriptor, stream);
        }
    }

    fn wait(&self, id: OperationId, descriptor: Descriptor, in_flight: &mut InFlight) {
        in_flight.enter(id, Place::Socket(descriptor));
        self.readiness.mark(Token::Socket(descriptor));
    }

    /// The connection of that number: registered here at its first use on this core.
    fn connection(&mut self, descriptor: Descriptor) -> Option<&mut Connection> {
        if !self.connections.contains_key(&descriptor) {
            let stream = self.descriptors.attach(descriptor)?;
            let stream = TcpStream::from_std(stream).ok()?;
            self.keep(descriptor, stream);
        }
        self.connections.get_mut(&descriptor)
    }

    fn keep(&mut self, descriptor: Descriptor, stream: TcpStream) {
        let waker = self.readiness.waker(Token::Socket(descriptor));
        self.connections
            .insert(descriptor, Connection::new(stream, waker));
    }

    fn listen(&mut self, id: OperationId, address: SocketAddr, backlog: u32) -> Landing {
        let listening = listen(address, backlog).and_then(|listener| {
            let address = listener.local_addr()?;
            Ok((listener, address))
        });
        match listening {
            Ok((listener, address)) => {
                let descriptor = self.descriptors.take();
                let waker = self.readiness.waker(Token::Socket(descriptor));
                self.listeners
                    .insert(descriptor, Listening::new(listener, waker));
                Landing::output(
                    id,
                    Output::Listening {
                        descriptor,
                        address,
                    },
                )
            }
            Err(error) => Landing::failed(id, error, Remains::Nothing),
        }
    }

    fn advance_listener(&mut self, descriptor: Descriptor, landed: &mut Vec<Landing>) {
        while let Some(listening) = self.listeners.get_mut(&descriptor) {
            let Some((id, accepted)) = listening.poll_next() else {
                return;
            };
            landed.push(self.connected(id, accepted));
        }
    }

    fn connect(&mut self, id: OperationId, address: SocketAddr) {
        let token = Token::Connect(id);
        let connecting = Connecting {
            address,
            stream: Box::pin(TcpStream::connect(address)),
            waker: self.readiness.waker(token),
        };
        self.connects.insert(id, connecting);
        self.readiness.mark(token);
    }

    fn advance_connect(&mut self, id: OperationId, landed: &mut Vec<Landing>) {
        let Some(connecting) = self.connects.get_mut(&id) else {
            return;
        };
        let mut context = Context::from_waker(&connecting.waker);
        if let Poll::Ready(stream) = connecting.stream.as_mut().poll(&mut context) {
            let address = connecting.address;
            self.connects.remove(&id);
            let stream = stream.map(|stream| {
                // Of the unspecified address the system made one that is specified.
                let peer = stream.peer_addr().unwrap_or(address);
                (stream, peer)
            });
            landed.push(self.connected(id, stream));
        }
    }

    fn connected(
        &mut self,
        id: OperationId,
        stream: io::Result<(TcpStream, SocketAddr)>,
    ) -> Landing {
        let ends = stream.and_then(|(stream, peer)| {
            // Requests and answers are whole messages: waiting to make fuller packets only delays them. Some
            // systems refuse when the peer is gone already; who uses the connection will hear of that.
            stream.set_nodelay(true).ok();
            let local = stream.local_addr()?;
            Ok((stream, local, peer))
        });
        match ends {
            Ok((stream, local, peer)) => {
                let descriptor = self.descriptors.take();
                self.keep(descriptor, stream);
                Landing::output(
                    id,
                    Output::Connected {
                        descriptor,
                        local,
                        peer,
                    },
                )
            }
            Err(error) => Landing::failed(id, error, Remains::Nothing),
        }
    }
}

/// Gives the connection an operation. It comes back as landed when there is nothing to wait for.
fn on_connection(
    connection: &mut Connection,
    id: OperationId,
    operation: Operation,
) -> Option<Landing> {
    match operation {
        Operation::Receive { bytes_max: 0, .. } => {
            // It could not be told from the end of the stream.
            return Some(Landing::failed(
                id,
                IoErrorKind::InvalidInput,
                Remains::Nothing,
            ));
        }
        Operation::Receive { bytes_max, .. } => connection.receive(id, Want::Fresh(bytes_max)),
        Operation::ReceiveInto { bytes, buffer, .. } => {
            connection.receive(id, Want::Behind(bytes, buffer));
        }
        Operation::Send { pieces, .. } => connection.send(id, pieces),
        Operation::Shutdown { side, .. } => {
            return Some(Landing::done(id, connection.shutdown(side)));
        }
        other => return Some(unknown(id, other)),
    }
    None
}

/// An operation on a descriptor that is not there, or is something else.
fn unknown(id: OperationId, operation: Operation) -> Landing {
    Landing::failed(id, IoErrorKind::InvalidInput, Remains::from(operation))
}
