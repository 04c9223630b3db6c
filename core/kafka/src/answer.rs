//! What a handler gives back: in the first stage a [`Finish`], in the second a [`Reply`].

use core::fmt;
use core::future::Future;

use protocol::{NoRecords, Parts, Response};
use runtime::{Budget, Frozen, Lease, LocalFuture, Pieces};

use crate::closed::Closed;
use crate::config::ANSWER_SHARE;
use crate::door::Shared;
use crate::marks;
use crate::pressure::Memory;
use crate::request::Request;
use crate::slices::{Slices, pieces};

/// The second stage of a handler. It is polled only when the answers before it are sent.
pub(crate) struct Finish(LocalFuture<Reply>);

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
    pub(crate) paid_by: (Lease, Option<Lease>),
}

impl Finish {
    /// A second stage.
    pub(crate) fn later(stage: impl Future<Output = Reply> + 'static) -> Self {
        Self(Box::pin(stage))
    }

    /// Runs it.
    pub(crate) async fn run(self) -> Reply {
        self.0.await
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
        lease: Option<Lease>,
    ) -> Self {
        let version = request.version;
        Self::message_in(request, message, version, lease)
    }

    /// The same in the layout of another version than was asked.
    pub(crate) fn message_in<M: Response<Records = NoRecords>>(
        request: Request,
        message: M,
        version: i16,
        lease: Option<Lease>,
    ) -> Self {
        let encoded = protocol::response_frame(request.correlation_id, message, version);
        Self::encoded(request, encoded.map(|parts| one(parts.into_bytes())), lease)
    }

    /// The answer to `request` with records.
    pub(crate) fn records<M: Response<Records = Slices>>(
        request: Request,
        message: M,
        lease: Option<Lease>,
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
        lease: Option<Lease>,
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

/// Leases `bytes` for an answer from `budget`, or all there is where that is less. Where much of it is used, fewer do,
/// but for the `least`.
pub(crate) async fn lease_answer(
    door: &Shared,
    budget: &Budget,
    bytes: usize,
    least: usize,
) -> Lease {
    let fair = (budget.limit() - budget.used()) / ANSWER_SHARE;
    let bytes = bytes.min(fair.max(least)).min(budget.limit());
    if let Some(lease) = budget.try_reserve(bytes) {
        return lease;
    }
    marks::ANSWER_WAITED.hit();
    let bytes = bytes.min(least);
    door.pressure
        .reserve(&door.context.runtime, (Memory::Answers, budget), bytes)
        .await
}

/// A frame in one piece.
fn one(bytes: Vec<u8>) -> Pieces {
    core::iter::once(Frozen::from(bytes)).collect()
}
