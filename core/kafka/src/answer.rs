//! What a handler gives back: in the first stage a [`Finish`], in the second a [`Reply`].

use core::fmt;
use core::future::Future;

use protocol::{NoRecords, Parts, Response};
use runtime::{Frozen, Lease, LocalFuture, Pieces};

use crate::closed::Closed;
use crate::config::ANSWER_SHARE;
use crate::door::Shared;
use crate::marks;
use crate::memory::{Held, Memory};
use crate::request::Request;
use crate::slices::{Slices, pieces};

/// The second stage of a handler. It is polled only when the answers before it are sent.
pub(crate) struct Finish {
    held: Held,
    stage: LocalFuture<Reply>,
}

/// What is to be done about a request, in its turn.
#[derive(Debug)]
pub(crate) enum Reply {
    /// Send this.
    Answer(Answer),
    /// Nothing: the client does not wait.
    Silence,
    /// End the connection.
    Close(Closed),
}

/// A frame to be sent, and what pays for the memory that it stands for.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) pieces: Pieces,
    /// The request's allowance, and the answer's own lease where it has one.
    pub(crate) paid_by: (Lease, Option<OwnLease>),
}

/// What an answer that is not bound by its request is paid by.
#[derive(Debug)]
pub(crate) struct OwnLease {
    memory: Memory,
    lease: Lease,
}

impl OwnLease {
    /// Bytes of it.
    pub(crate) fn bytes(&self) -> usize {
        self.lease.bytes()
    }

    /// Gives back what is above `bytes`.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        self.lease.shrink_to(bytes.min(self.lease.bytes()));
    }
}

impl Answer {
    /// What its own lease holds.
    pub(crate) fn held(&self) -> Held {
        let (_, own) = &self.paid_by;
        own.as_ref().map_or(Held::default(), |own| {
            Held::of(own.memory, own.lease.bytes())
        })
    }
}

impl Finish {
    /// The second stage of a request that holds `held` until it is answered.
    pub(crate) fn later(held: Held, stage: impl Future<Output = Reply> + 'static) -> Self {
        Self {
            held,
            stage: Box::pin(stage),
        }
    }

    /// Memory that the request holds.
    pub(crate) fn held(&self) -> Held {
        self.held
    }

    /// Runs it.
    pub(crate) async fn run(self) -> Reply {
        self.stage.await
    }
}

impl fmt::Debug for Finish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Finish")
    }
}

impl Reply {
    /// The answer to `request` that has no records.
    pub(crate) fn message<M: Response<Records = NoRecords>>(
        request: Request,
        message: M,
        lease: Option<OwnLease>,
    ) -> Self {
        let version = request.version;
        Self::message_in(request, message, version, lease)
    }

    /// The same in the layout of another version than was asked.
    pub(crate) fn message_in<M: Response<Records = NoRecords>>(
        request: Request,
        message: M,
        version: i16,
        lease: Option<OwnLease>,
    ) -> Self {
        let encoded = protocol::response_frame(request.correlation_id, message, version);
        Self::encoded(request, encoded.map(|parts| one(parts.into_bytes())), lease)
    }

    /// The answer to `request` with records.
    pub(crate) fn records<M: Response<Records = Slices>>(
        request: Request,
        message: M,
        lease: Option<OwnLease>,
    ) -> Self {
        let encoded = protocol::response_frame(request.correlation_id, message, request.version);
        Self::encoded(
            request,
            encoded.map(|parts: Parts<Slices>| pieces(parts)),
            lease,
        )
    }

    fn encoded(
        request: Request,
        encoded: Result<Pieces, protocol::EncodeError>,
        lease: Option<OwnLease>,
    ) -> Self {
        match encoded {
            Ok(pieces) => Self::Answer(Answer {
                pieces,
                paid_by: (request.allowance, lease),
            }),
            Err(error) => Self::Close(Closed::Unencodable {
                api: request.api,
                error,
            }),
        }
    }
}

/// Leases `bytes` of `memory` for an answer, or all there is where that is less. Where much of it is used, fewer do, but
/// for the `least`.
pub(crate) async fn lease_answer(
    door: &Shared,
    memory: Memory,
    bytes: usize,
    least: usize,
) -> OwnLease {
    let budget = door.budgets.of(memory);
    let fair = (budget.limit() - budget.used()) / ANSWER_SHARE;
    let bytes = bytes.min(fair.max(least)).min(budget.limit());
    if let Some(lease) = budget.try_reserve(bytes) {
        return OwnLease { memory, lease };
    }
    marks::ANSWER_WAITED.hit();
    let bytes = bytes.min(least);
    let runtime = &door.context.runtime;
    let reserving = door.pressure.reserve(runtime, (memory, budget), bytes);
    let lease = reserving.await;
    OwnLease { memory, lease }
}

/// A frame in one piece.
fn one(bytes: Vec<u8>) -> Pieces {
    core::iter::once(Frozen::from(bytes)).collect()
}
