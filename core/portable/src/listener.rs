//! One listener on its core, and how a socket starts to listen.

use core::net::SocketAddr;
use core::task::{Context, Poll, Waker};
use std::collections::VecDeque;
use std::io;

use runtime::OperationId;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::landing::{Landing, Remains};

/// A listening socket, and who waits for a connection, oldest first.
#[derive(Debug)]
pub(crate) struct Listening {
    listener: TcpListener,
    waker: Waker,
    accepts: VecDeque<OperationId>,
}

/// Starts to listen at `address`.
///
/// The address may be reused at once after an earlier process, never together with a living one: no
/// `SO_REUSEPORT`, which would hide that the port is taken. A listener for version 6 takes version 6 only, so that
/// one for version 4 at the same port is a socket of its own.
pub(crate) fn listen(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => {
            let socket = TcpSocket::new_v6()?;
            rustix::net::sockopt::set_ipv6_v6only(&socket, true)?;
            socket
        }
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(backlog)
}

impl Listening {
    /// `waker` marks it as to be looked at.
    pub(crate) fn new(listener: TcpListener, waker: Waker) -> Self {
        Self {
            listener,
            waker,
            accepts: VecDeque::new(),
        }
    }

    pub(crate) fn accept(&mut self, id: OperationId) {
        self.accepts.push_back(id);
    }

    /// The next connection that somebody waits for, if one is there.
    pub(crate) fn poll_next(
        &mut self,
    ) -> Option<(OperationId, io::Result<(TcpStream, SocketAddr)>)> {
        let id = *self.accepts.front()?;
        let mut context = Context::from_waker(&self.waker);
        let Poll::Ready(accepted) = self.listener.poll_accept(&mut context) else {
            return None;
        };
        self.accepts.pop_front();
        Some((id, accepted))
    }

    /// Ends `id` early. None when it ended already.
    pub(crate) fn cancel(&mut self, id: OperationId) -> Option<Landing> {
        let index = self.accepts.iter().position(|&accept| accept == id)?;
        self.accepts.remove(index);
        Some(Landing::cancelled(id, Remains::Nothing))
    }

    /// Ends all operations early, and the listener.
    pub(crate) fn end(self, landed: &mut Vec<Landing>) {
        let cancelled = |id| Landing::cancelled(id, Remains::Nothing);
        landed.extend(self.accepts.into_iter().map(cancelled));
    }
}
