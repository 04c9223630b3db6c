//! A connection on which anything can be said: for tests of what a broker does with strangers.

use core::net::SocketAddr;

use runtime::{Frozen, ReceiveHalf, Runtime, SendHalf, ShutdownSide};

use crate::error::ClientError;
use crate::link::read_frame;

/// A connection without a protocol.
#[derive(Debug)]
pub struct RawConnection {
    runtime: Runtime,
    receive: ReceiveHalf,
    send: SendHalf,
}

impl RawConnection {
    /// Connects to `address`.
    pub async fn connect(runtime: &Runtime, address: SocketAddr) -> Result<Self, ClientError> {
        let stream = runtime
            .connect(address)
            .await
            .map_err(ClientError::Connect)?;
        let (receive, send) = stream.split();
        Ok(Self {
            runtime: runtime.clone(),
            receive,
            send,
        })
    }

    /// Sends `bytes` as they are.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        let piece = Frozen::from(bytes.to_vec());
        let sent = self.send.send(core::iter::once(piece).collect()).await;
        sent.map_err(ClientError::Network)
    }

    /// The next frame of at most `bytes_max` bytes, without its size.
    pub async fn receive_frame(&mut self, bytes_max: usize) -> Result<Frozen, ClientError> {
        read_frame(&self.runtime, &mut self.receive, bytes_max).await
    }

    /// Whatever comes next, at most `bytes_max` bytes; empty at the end of the stream.
    pub async fn receive(&mut self, bytes_max: usize) -> Result<Frozen, ClientError> {
        let received = self.receive.receive(bytes_max).await;
        received.map(Frozen::from).map_err(ClientError::Network)
    }

    /// Sends no more; the other direction stays open.
    pub async fn finish(&mut self) -> Result<(), ClientError> {
        self.send
            .shutdown(ShutdownSide::Send)
            .await
            .map_err(ClientError::Network)
    }
}
