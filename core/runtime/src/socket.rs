//! Listeners and connections.

use core::net::SocketAddr;
use std::rc::Rc;

use crate::buffer::Buf;
use crate::error::{IoError, IoErrorKind};
use crate::handle::Runtime;
use crate::operation::{
    Descriptor, Operation, Output, PIECES_MAX, Pieces, ShutdownSide, advance_pieces, pieces_len,
};

/// Closes its descriptor with the last who holds it.
#[derive(Debug)]
struct Socket {
    runtime: Runtime,
    descriptor: Descriptor,
    local: SocketAddr,
    peer: SocketAddr,
    /// Another core has it now.
    handed_over: core::cell::Cell<bool>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        if !self.handed_over.get() {
            self.runtime.close_detached(self.descriptor);
        }
    }
}

/// Takes connections at an address.
#[derive(Debug)]
pub struct Listener {
    runtime: Runtime,
    descriptor: Descriptor,
    address: SocketAddr,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.runtime.close_detached(self.descriptor);
    }
}

/// A connection.
#[derive(Debug)]
pub struct Stream(Rc<Socket>);

/// The half of a connection that receives.
#[derive(Debug)]
pub struct ReceiveHalf(Rc<Socket>);

/// The half of a connection that sends.
#[derive(Debug)]
pub struct SendHalf(Rc<Socket>);

/// A connection on its way to another core of the node. If nobody adopts it, it stays open until the node ends:
/// a message is only lost when the core it went to is gone.
#[derive(Debug)]
pub struct Handover {
    descriptor: Descriptor,
    local: SocketAddr,
    peer: SocketAddr,
}

impl Runtime {
    /// Listens at `address`; port 0 lets the system choose. `AddressInUse` when anyone else listens there.
    pub async fn listen(&self, address: SocketAddr, backlog: u32) -> Result<Listener, IoError> {
        match self.operate(Operation::Listen { address, backlog }).await? {
            Output::Listening {
                descriptor,
                address,
            } => Ok(Listener {
                runtime: self.clone(),
                descriptor,
                address,
            }),
            _ => unreachable!("a listen completes with a listener"),
        }
    }

    /// Connects to `address`.
    pub async fn connect(&self, address: SocketAddr) -> Result<Stream, IoError> {
        let output = self.operate(Operation::Connect { address }).await?;
        Ok(self.connected(&output))
    }

    /// Takes over a connection that another core handed over.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "its adoption uses a handover up"
    )]
    pub fn adopt(&self, handover: Handover) -> Stream {
        let Handover {
            descriptor,
            local,
            peer,
        } = handover;
        self.stream(descriptor, local, peer)
    }

    fn connected(&self, output: &Output) -> Stream {
        match *output {
            Output::Connected {
                descriptor,
                local,
                peer,
            } => self.stream(descriptor, local, peer),
            _ => unreachable!("a connect or accept completes with a connection"),
        }
    }

    fn stream(&self, descriptor: Descriptor, local: SocketAddr, peer: SocketAddr) -> Stream {
        Stream(Rc::new(Socket {
            runtime: self.clone(),
            descriptor,
            local,
            peer,
            handed_over: core::cell::Cell::new(false),
        }))
    }
}

impl Listener {
    /// The next connection.
    pub async fn accept(&self) -> Result<Stream, IoError> {
        let descriptor = self.descriptor;
        let output = self
            .runtime
            .operate(Operation::Accept { descriptor })
            .await?;
        Ok(self.runtime.connected(&output))
    }

    /// Where it listens, with the port that the system chose.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Stream {
    /// Our end.
    pub fn local(&self) -> SocketAddr {
        self.0.local
    }

    /// The other end.
    pub fn peer(&self) -> SocketAddr {
        self.0.peer
    }

    /// Both halves; the connection closes with the second of them.
    pub fn split(self) -> (ReceiveHalf, SendHalf) {
        (ReceiveHalf(Rc::clone(&self.0)), SendHalf(self.0))
    }

    /// Gives the connection to another core: send the [`Handover`] there and call [`Runtime::adopt`]. Nothing
    /// may be in flight on it.
    pub fn hand_over(self) -> Handover {
        let socket = &*self.0;
        socket.handed_over.set(true);
        socket.runtime.0.driver.hand_over(socket.descriptor);
        Handover {
            descriptor: socket.descriptor,
            local: socket.local,
            peer: socket.peer,
        }
    }
}

impl ReceiveHalf {
    /// Waits for bytes, at most `bytes_max`, without holding memory meanwhile. An empty buffer at the end of the
    /// stream.
    pub async fn receive(&mut self, bytes_max: usize) -> Result<Buf, IoError> {
        let operation = Operation::Receive {
            descriptor: self.0.descriptor,
            bytes_max,
        };
        match self.0.runtime.operate(operation).await? {
            Output::Received(buffer) => Ok(buffer),
            _ => unreachable!("a receive completes with a buffer"),
        }
    }

    /// Receives at least one byte and at most `bytes` behind what `buffer` holds. `UnexpectedEnd` at the end of
    /// the stream.
    ///
    /// # Panics
    /// When the bytes do not fit.
    pub async fn receive_into(&mut self, bytes: usize, buffer: Buf) -> Result<Buf, IoError> {
        assert!(bytes <= buffer.spare_len());
        let operation = Operation::ReceiveInto {
            descriptor: self.0.descriptor,
            bytes,
            buffer,
        };
        match self.0.runtime.operate(operation).await? {
            Output::Read { bytes: 0, .. } => Err(IoErrorKind::UnexpectedEnd.into()),
            Output::Read { buffer, .. } => Ok(buffer),
            _ => unreachable!("a receive completes with its buffer"),
        }
    }

    /// Receives exactly `bytes` behind what `buffer` holds.
    pub async fn receive_exact(&mut self, bytes: usize, mut buffer: Buf) -> Result<Buf, IoError> {
        let end = buffer.len() + bytes;
        while buffer.len() < end {
            let missing = end - buffer.len();
            buffer = self.receive_into(missing, buffer).await?;
        }
        Ok(buffer)
    }
}

impl SendHalf {
    /// Sends all of `pieces`.
    pub async fn send(&mut self, mut pieces: Pieces) -> Result<(), IoError> {
        let mut bytes_left = pieces_len(&pieces);
        while bytes_left > 0 {
            let later = pieces
                .drain(pieces.len().min(PIECES_MAX)..)
                .collect::<Pieces>();
            let operation = Operation::Send {
                descriptor: self.0.descriptor,
                pieces,
            };
            let Output::Written {
                bytes,
                pieces: mut rest,
                ..
            } = self.0.runtime.operate(operation).await?
            else {
                unreachable!("a send completes with its pieces");
            };
            if bytes == 0 {
                return Err(IoErrorKind::BrokenPipe.into());
            }
            advance_pieces(&mut rest, bytes);
            rest.extend(later);
            pieces = rest;
            bytes_left -= bytes;
        }
        Ok(())
    }

    /// Ends our direction, or both.
    pub async fn shutdown(&mut self, side: ShutdownSide) -> Result<(), IoError> {
        let descriptor = self.0.descriptor;
        self.0
            .runtime
            .operate_done(Operation::Shutdown { descriptor, side })
            .await
    }
}
