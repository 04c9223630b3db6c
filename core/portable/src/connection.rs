//! One connection on its core: who waits to receive, who waits to send.

use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::collections::VecDeque;
use std::io::{self, IoSlice};

use runtime::operation::Pieces;
use runtime::{Buf, OperationId, Output, Runtime, ShutdownSide};
use smallvec::SmallVec;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::landing::{Failure, Landing, Outcome, Remains};

/// A stream that is registered with this core's reactor, and its operations, oldest first in each direction.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    waker: Waker,
    receives: VecDeque<Receiving>,
    sends: VecDeque<Sending>,
}

#[derive(Debug)]
struct Receiving {
    id: OperationId,
    want: Want,
}

/// What a receive asks for.
#[derive(Debug)]
pub(crate) enum Want {
    /// At most so many bytes in a buffer of their own.
    Fresh(usize),
    /// At most so many bytes behind what the buffer holds.
    Behind(usize, Buf),
}

#[derive(Debug)]
struct Sending {
    id: OperationId,
    pieces: Pieces,
}

impl Connection {
    /// `waker` marks it as to be looked at.
    pub(crate) fn new(stream: TcpStream, waker: Waker) -> Self {
        Self {
            stream,
            waker,
            receives: VecDeque::new(),
            sends: VecDeque::new(),
        }
    }

    pub(crate) fn receive(&mut self, id: OperationId, want: Want) {
        self.receives.push_back(Receiving { id, want });
    }

    pub(crate) fn send(&mut self, id: OperationId, pieces: Pieces) {
        self.sends.push_back(Sending { id, pieces });
    }

    /// Ends one direction or both.
    pub(crate) fn shutdown(&self, side: ShutdownSide) -> io::Result<()> {
        let side = match side {
            ShutdownSide::Send => rustix::net::Shutdown::Write,
            ShutdownSide::Both => rustix::net::Shutdown::Both,
        };
        Ok(rustix::net::shutdown(&self.stream, side)?)
    }

    /// Carries out what can be done now. Bytes of fresh receives go through `scratch`, so that a connection holds
    /// no pool memory while it waits, and its buffer is no larger than what came.
    pub(crate) fn advance(
        &mut self,
        runtime: &Runtime,
        scratch: &mut [u8],
        landed: &mut Vec<Landing>,
    ) {
        let waker = self.waker.clone();
        let mut context = Context::from_waker(&waker);
        while let Some(receiving) = self.receives.front_mut() {
            let polled = match &mut receiving.want {
                Want::Fresh(bytes_max) => {
                    let most = (*bytes_max).min(scratch.len());
                    self.stream.poll_receive(&mut context, &mut scratch[..most])
                }
                Want::Behind(bytes, buffer) => {
                    let spare = &mut buffer.spare_mut()[..*bytes];
                    self.stream.poll_receive(&mut context, spare)
                }
            };
            let Poll::Ready(received) = polled else { break };
            let Some(Receiving { id, want }) = self.receives.pop_front() else {
                break;
            };
            landed.push(Landing::new(
                id,
                received_outcome(runtime, scratch, want, received),
            ));
        }
        while let Some(sending) = self.sends.front() {
            let Poll::Ready(sent) = self.stream.poll_send(&mut context, &sending.pieces) else {
                break;
            };
            let Some(Sending { id, pieces }) = self.sends.pop_front() else {
                break;
            };
            landed.push(match sent {
                Ok(bytes) => Landing::output(
                    id,
                    Output::Written {
                        bytes,
                        synced: false,
                        pieces,
                    },
                ),
                Err(error) => Landing::failed(id, error, Remains::Pieces(pieces)),
            });
        }
    }

    /// Ends `id` early. None when it ended already.
    pub(crate) fn cancel(&mut self, id: OperationId) -> Option<Landing> {
        if let Some(index) = self
            .receives
            .iter()
            .position(|receiving| receiving.id == id)
        {
            return self.receives.remove(index).map(Receiving::cancelled);
        }
        let index = self.sends.iter().position(|sending| sending.id == id)?;
        self.sends.remove(index).map(Sending::cancelled)
    }

    /// Ends all operations early, and gives the stream out.
    pub(crate) fn end(self, landed: &mut Vec<Landing>) -> TcpStream {
        landed.extend(self.receives.into_iter().map(Receiving::cancelled));
        landed.extend(self.sends.into_iter().map(Sending::cancelled));
        self.stream
    }
}

impl Receiving {
    fn cancelled(self) -> Landing {
        let remains = match self.want {
            Want::Fresh(_) => Remains::Nothing,
            Want::Behind(_, buffer) => Remains::Buffer(buffer),
        };
        Landing::cancelled(self.id, remains)
    }
}

impl Sending {
    fn cancelled(self) -> Landing {
        Landing::cancelled(self.id, Remains::Pieces(self.pieces))
    }
}

fn received_outcome(
    runtime: &Runtime,
    scratch: &[u8],
    want: Want,
    received: io::Result<usize>,
) -> Outcome {
    use crate::landing::Brought;
    match (want, received) {
        (Want::Fresh(_), Ok(bytes)) => {
            let mut buffer = runtime.buffer(bytes);
            buffer.extend_from_slice(&scratch[..bytes]);
            Ok(Brought::Output(Output::Received(buffer)))
        }
        (Want::Fresh(_), Err(error)) => Err(error.into()),
        (Want::Behind(_, mut buffer), Ok(bytes)) => {
            buffer.set_len(buffer.len() + bytes);
            Ok(Brought::Output(Output::Read { bytes, buffer }))
        }
        (Want::Behind(_, buffer), Err(error)) => {
            Err(Failure::leaving(error, Remains::Buffer(buffer)))
        }
    }
}

/// The two calls that move bytes: pending when the kernel would block, and then the waker is called once it would
/// not.
trait Bytes {
    fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        bytes: &mut [u8],
    ) -> Poll<io::Result<usize>>;
    fn poll_send(&mut self, context: &mut Context<'_>, pieces: &Pieces) -> Poll<io::Result<usize>>;
}

impl Bytes for TcpStream {
    fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        bytes: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut filled = ReadBuf::new(bytes);
        let polled = Pin::new(self).poll_read(context, &mut filled);
        polled.map_ok(|()| filled.filled().len())
    }

    fn poll_send(&mut self, context: &mut Context<'_>, pieces: &Pieces) -> Poll<io::Result<usize>> {
        let slices: SmallVec<[IoSlice<'_>; 16]> =
            pieces.iter().map(|piece| IoSlice::new(piece)).collect();
        Pin::new(self).poll_write_vectored(context, &slices)
    }
}
