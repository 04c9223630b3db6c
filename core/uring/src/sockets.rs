//! Socket operations: those that may have to wait as entries of the ring, those that never do as plain calls.

use core::net::SocketAddr;
use core::ptr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use io_uring::squeue::Flags;
use io_uring::types::Fd;
use io_uring::{cqueue, opcode};
use libc::{MSG_NOSIGNAL, MSG_WAITALL, msghdr};
use runtime::operation::Remains;
use runtime::{Buf, Descriptor, IoError, IoErrorKind, Output, Pieces, ShutdownSide};
use rustix::net::{AddressFamily, SocketFlags, SocketType, ipproto, sockopt};

use crate::address::Address;
use crate::files::{Gather, fd, spare, transfer_len};
use crate::os;
use crate::provided::{GROUP, Provided};
use crate::ring::Completed;
use crate::work::{Context, Start, Step, Work, count};

/// Starts to listen. None of its calls waits for anything, so it is over when this returns.
pub(crate) fn listen(address: SocketAddr, backlog: u32) -> Result<Output, IoError> {
    let socket = socket(address)?;
    // A port that only closing connections still use may be taken; one that is listened on may not, which
    // SO_REUSEPORT would allow.
    sockopt::set_socket_reuseaddr(&socket, true).map_err(os::error)?;
    if address.is_ipv6() {
        // Both loopbacks, or both of everything, are two listeners on one port.
        sockopt::set_ipv6_v6only(&socket, true).map_err(os::error)?;
    }
    rustix::net::bind(&socket, &address).map_err(os::error)?;
    let backlog = i32::try_from(backlog).unwrap_or(i32::MAX);
    rustix::net::listen(&socket, backlog).map_err(os::error)?;
    let address = local_address(&socket)?;
    Ok(Output::Listening {
        descriptor: os::into_descriptor(socket),
        address,
    })
}

/// A blocking socket: io_uring polls it by itself, and would fail at once on another.
fn socket(address: SocketAddr) -> Result<OwnedFd, IoError> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    rustix::net::socket_with(
        family,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        Some(ipproto::TCP),
    )
    .map_err(os::error)
}

fn local_address(socket: impl AsFd) -> Result<SocketAddr, IoError> {
    let address = rustix::net::getsockname(socket).map_err(os::error)?;
    SocketAddr::try_from(address).map_err(os::error)
}

/// A connection that has just come about, made ours.
fn connected(socket: OwnedFd, peer: SocketAddr) -> Result<Output, IoError> {
    // We write whole answers; waiting for more to send would only delay them.
    sockopt::set_tcp_nodelay(&socket, true).map_err(os::error)?;
    let local = local_address(&socket)?;
    Ok(Output::Connected {
        descriptor: os::into_descriptor(socket),
        local,
        peer,
    })
}

/// Waits for a connection.
#[derive(Debug)]
pub(crate) struct Accept {
    /// The kernel puts it here.
    peer: Box<Address>,
}

impl Accept {
    /// The next connection of a listener.
    pub(crate) fn start(token: u64, descriptor: Descriptor) -> Start {
        let mut peer = Box::new(Address::empty());
        let entry = opcode::Accept::new(fd(descriptor), peer.as_mut_ptr(), peer.length_mut_ptr())
            .flags(libc::SOCK_CLOEXEC);
        let work = Work::Accept(Self { peer });
        Start::new(work, entry.build().user_data(token))
    }

    /// The connection, or why there is none.
    pub(crate) fn finish(self, result: i32) -> Result<Output, IoError> {
        count(result)?;
        // SAFETY: the kernel made the descriptor for this operation alone.
        let socket = unsafe { os::own(result) };
        let peer = self.peer.decode().ok_or(IoErrorKind::Other)?;
        connected(socket, peer)
    }
}

/// Connects.
#[derive(Debug)]
pub(crate) struct Connect {
    socket: OwnedFd,
    peer: SocketAddr,
    /// The kernel reads it here.
    _encoded: Box<Address>,
}

impl Connect {
    /// A connection to `peer`.
    pub(crate) fn start(token: u64, peer: SocketAddr) -> Result<Start, IoError> {
        let socket = socket(peer)?;
        let mut encoded = Box::new(Address::of(peer));
        let address = encoded.as_mut_ptr();
        let entry = opcode::Connect::new(Fd(socket.as_raw_fd()), address, encoded.length());
        let work = Work::Connect(Self {
            socket,
            peer,
            _encoded: encoded,
        });
        Ok(Start::new(work, entry.build().user_data(token)))
    }

    /// The connection, or why there is none; the socket closes with the work then.
    pub(crate) fn finish(self, result: i32) -> Result<Output, IoError> {
        count(result)?;
        connected(self.socket, self.peer)
    }
}

/// Waits for bytes, without a buffer of its own.
#[derive(Debug)]
pub(crate) struct Receive {
    descriptor: Descriptor,
    bytes_max: usize,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// The kernel takes one of the ring's buffers when bytes are there.
    Provided,
    /// Without such buffers: until bytes are there ...
    Polling,
    /// ... and then into one taken for them.
    Into(Buf),
}

impl Receive {
    /// At most `bytes_max` bytes of a connection.
    pub(crate) fn start(
        token: u64,
        descriptor: Descriptor,
        bytes_max: usize,
        provided: Option<&Provided>,
    ) -> Result<Start, IoError> {
        if bytes_max == 0 {
            // No bytes would look like the end of the stream.
            return Err(IoErrorKind::InvalidInput.into());
        }
        let receive = |stage| Self {
            descriptor,
            bytes_max,
            stage,
        };
        Ok(match provided {
            Some(provided) => receive(Stage::Provided).select(token, provided),
            None => receive(Stage::Polling).poll(token),
        })
    }

    /// Takes the completion of one step.
    pub(crate) fn advance(self, completed: Completed, context: &mut Context<'_>) -> Step {
        match self.stage {
            Stage::Provided => self.selected(completed, context),
            Stage::Polling => self.polled(completed.result, context),
            Stage::Into(buffer) => match count(completed.result) {
                Ok(bytes) => Step::Over(Ok(received(bytes, buffer))),
                Err(error) => Step::Failed(error, Remains::Buffer(buffer)),
            },
        }
    }

    fn select(self, token: u64, provided: &Provided) -> Start {
        // Zero would mean the whole buffer, so the size is always said.
        let bytes = transfer_len(self.bytes_max).min(provided.bytes());
        let entry = opcode::Recv::new(fd(self.descriptor), ptr::null_mut(), bytes)
            .buf_group(GROUP)
            .build()
            .flags(Flags::BUFFER_SELECT);
        Start::new(Work::Receive(self), entry.user_data(token))
    }

    fn selected(self, completed: Completed, context: &mut Context<'_>) -> Step {
        let provided = context.provided.as_mut();
        let provided = provided.expect("it was chosen because they are there");
        let id = cqueue::buffer_select(completed.flags);
        match (count(completed.result), id) {
            (Ok(bytes), Some(id)) if bytes > 0 => {
                let buffer = provided.take(id, context.runtime);
                return Step::Over(Ok(received(bytes, buffer)));
            }
            // Some kernels take a buffer along and do not fill it.
            (_, Some(id)) => provided.give_back(id),
            (_, None) => {}
        }
        if completed.result != -libc::ENOBUFS {
            let end = count(completed.result).map(|bytes| {
                assert!(bytes == 0, "bytes that arrived are in a buffer");
                Output::Received(context.runtime.buffer(0))
            });
            return Step::Over(end);
        }
        // More connections had bytes at once than there were buffers. Each buffer taken was replaced when its
        // own completion was seen, so there are some again.
        if context.cancelling {
            return Step::Over(Err(IoErrorKind::Cancelled.into()));
        }
        Step::Next(self.select(context.token, provided))
    }

    fn poll(self, token: u64) -> Start {
        let events = u32::from(libc::POLLIN.cast_unsigned());
        let entry = opcode::PollAdd::new(fd(self.descriptor), events);
        Start::new(Work::Receive(self), entry.build().user_data(token))
    }

    fn polled(self, result: i32, context: &Context<'_>) -> Step {
        if let Err(error) = count(result) {
            return Step::Over(Err(error));
        }
        if context.cancelling {
            return Step::Over(Err(IoErrorKind::Cancelled.into()));
        }
        let bytes = self.bytes_max.min(context.receive_buffer_bytes as usize);
        let mut buffer = context.runtime.buffer(bytes);
        let (memory, bytes) = spare(&mut buffer, bytes);
        let entry = opcode::Recv::new(fd(self.descriptor), memory, bytes);
        let work = Work::Receive(Self {
            stage: Stage::Into(buffer),
            ..self
        });
        Step::Next(Start::new(work, entry.build().user_data(context.token)))
    }
}

fn received(bytes: usize, mut buffer: Buf) -> Output {
    buffer.set_len(bytes);
    Output::Received(buffer)
}

/// Receives at most `bytes` behind what `buffer` holds.
pub(crate) fn receive_into(
    token: u64,
    descriptor: Descriptor,
    bytes: usize,
    mut buffer: Buf,
) -> Start {
    let (memory, bytes) = spare(&mut buffer, bytes);
    let entry = opcode::Recv::new(fd(descriptor), memory, bytes);
    Start::new(Work::Read(buffer), entry.build().user_data(token))
}

/// Sends.
#[derive(Debug)]
pub(crate) struct Send {
    pieces: Pieces,
    /// Where the pieces are, for more than one of them; the header points to the list.
    _gather: Option<(Gather, Box<msghdr>)>,
}

impl Send {
    /// Sends `pieces`.
    pub(crate) fn start(
        token: u64,
        descriptor: Descriptor,
        pieces: Pieces,
    ) -> Result<Start, IoError> {
        // A peer that is gone is an error here and not a signal. And the kernel goes on by itself when the
        // socket's own buffer is full: one completion for the whole, not one for each buffer.
        let flags = MSG_NOSIGNAL | MSG_WAITALL;
        let fd = fd(descriptor);
        let (gather, entry) = if let [piece] = &*pieces {
            let bytes = transfer_len(piece.len());
            let entry = opcode::Send::new(fd, piece.as_ptr(), bytes).flags(flags);
            (None, entry.build())
        } else {
            let gather = Gather::new(&pieces)?;
            let header = Box::new(header_of(&gather));
            let entry = opcode::SendMsg::new(fd, &raw const *header).flags(flags.cast_unsigned());
            (Some((gather, header)), entry.build())
        };
        let work = Work::Send(Box::new(Self {
            pieces,
            _gather: gather,
        }));
        Ok(Start::new(work, entry.user_data(token)))
    }

    /// What of it was sent.
    pub(crate) fn finish(self, result: i32) -> Step {
        match count(result) {
            Ok(bytes) => Step::Over(Ok(Output::Written {
                bytes,
                synced: false,
                pieces: self.pieces,
            })),
            Err(error) => Step::Failed(error, Remains::Pieces(self.pieces)),
        }
    }
}

fn header_of(gather: &Gather) -> msghdr {
    // SAFETY: all zeroes are a header that names nothing; some systems pad it with private members.
    let mut header: msghdr = unsafe { core::mem::zeroed() };
    header.msg_iov = gather.as_ptr().cast_mut();
    #[expect(
        clippy::as_underscore,
        reason = "the C libraries disagree about the type of this member"
    )]
    {
        header.msg_iovlen = gather.len() as _;
    }
    header
}

/// Ends one direction or both.
pub(crate) fn shutdown(token: u64, descriptor: Descriptor, side: ShutdownSide) -> Start {
    let how = match side {
        ShutdownSide::Send => libc::SHUT_WR,
        ShutdownSide::Both => libc::SHUT_RDWR,
    };
    let entry = opcode::Shutdown::new(fd(descriptor), how);
    Start::new(Work::Plain, entry.build().user_data(token))
}
