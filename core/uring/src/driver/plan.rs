//! How each operation starts: in the ring, with a helper, or by being over.

use runtime::{Descriptor, IoError, Operation, OperationId, Output};

use super::State;
use crate::files;
use crate::helpers::call::Call;
use crate::sockets;
use crate::token::Token;
use crate::work::Start;

/// How an operation starts.
pub(super) enum Plan {
    /// In the ring.
    Ring(Option<Descriptor>, Start),
    /// With a helper.
    Helper(Option<Descriptor>, Call),
    /// It is over already.
    Over(Output),
    /// When nothing is in flight on the descriptor any more.
    Close(Descriptor),
}

impl Plan {
    fn on(descriptor: Descriptor, start: Start) -> Self {
        Self::Ring(Some(descriptor), start)
    }

    fn free(start: Start) -> Self {
        Self::Ring(None, start)
    }
}

impl State {
    /// Decides how `operation` starts.
    pub(super) fn plan(&mut self, id: OperationId, operation: Operation) -> Result<Plan, IoError> {
        match operation {
            Operation::Listen { address, backlog } => {
                sockets::listen(address, backlog).map(Plan::Over)
            }
            Operation::Close { descriptor } => Ok(Plan::Close(descriptor)),
            Operation::Lock { descriptor } => {
                Ok(Plan::Helper(Some(descriptor), Call::Lock(descriptor)))
            }
            Operation::Truncate { descriptor, length } if !self.ring.facilities().truncate => {
                let call = Call::Truncate(descriptor, length);
                Ok(Plan::Helper(Some(descriptor), call))
            }
            Operation::ReadDirectory { path } => Ok(Plan::Helper(None, Call::ReadDirectory(path))),
            Operation::Status { path } => Ok(Plan::Helper(None, Call::Status(path))),
            Operation::Offload { job, cost: _ } => Ok(Plan::Helper(None, Call::Job(job))),
            operation => self.plan_entry(id, operation),
        }
    }

    /// Makes the entry with which `operation` starts in the ring.
    fn plan_entry(&mut self, id: OperationId, operation: Operation) -> Result<Plan, IoError> {
        use Operation as O;
        let token = Token::operation(id).to_bits();
        Ok(match operation {
            O::Open { path, options } => Plan::free(files::open(token, path, options)?),
            O::Read {
                descriptor: on,
                offset,
                bytes,
                buffer,
            } => Plan::on(on, files::read(token, on, offset, bytes, buffer)),
            O::Write {
                descriptor: on,
                offset,
                pieces,
                sync,
            } => Plan::on(on, files::Write::start(id, on, offset, pieces, sync)?),
            O::Sync { descriptor: on } => Plan::on(on, files::sync(token, on)),
            O::Allocate {
                descriptor: on,
                offset,
                length,
                keep_length,
            } => Plan::on(on, files::allocate(token, on, offset, length, keep_length)),
            O::Truncate {
                descriptor: on,
                length,
            } => Plan::on(on, files::truncate(token, on, length)),
            O::Rename { source, target } => Plan::free(files::rename(token, source, target)?),
            O::Unlink { path } => Plan::free(files::unlink(token, path)?),
            O::CreateDirectory { path } => Plan::free(files::create_directory(token, path)?),
            O::RemoveDirectory { path } => Plan::free(files::remove_directory(token, path)?),
            O::SyncDirectory { path } => Plan::free(files::SyncDirectory::start(token, path)?),
            O::Accept { descriptor: on } => Plan::on(on, sockets::Accept::start(token, on)),
            O::Connect { address } => Plan::free(sockets::Connect::start(token, address)?),
            O::Receive {
                descriptor: on,
                bytes_max,
            } => {
                let provided = self.provided.as_ref();
                Plan::on(on, sockets::Receive::start(token, on, bytes_max, provided)?)
            }
            O::ReceiveInto {
                descriptor: on,
                bytes,
                buffer,
            } => Plan::on(on, sockets::receive_into(token, on, bytes, buffer)),
            O::Send {
                descriptor: on,
                pieces,
            } => Plan::on(on, sockets::Send::start(token, on, pieces)?),
            O::Shutdown {
                descriptor: on,
                side,
            } => Plan::on(on, sockets::shutdown(token, on, side)),
            O::Listen { .. }
            | O::Close { .. }
            | O::Lock { .. }
            | O::ReadDirectory { .. }
            | O::Status { .. }
            | O::Offload { .. } => unreachable!("planned before"),
        })
    }
}
