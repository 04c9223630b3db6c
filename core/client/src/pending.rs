//! A request on its way.

use core::fmt;
use core::marker::PhantomData;
use std::rc::Rc;

use protocol::{Decode, Decoder, Request, Response, ResponseHeader};
use runtime::sync::oneshot;
use runtime::{Frozen, Runtime};
use stdx::Instant;

use crate::error::ClientError;
use crate::link::Link;

/// A request that was sent, or is being sent. Dropped, its answer is not waited for; it is carried out.
pub struct Pending<M> {
    runtime: Runtime,
    link: Rc<Link>,
    answer: oneshot::Receiver<Result<Frozen, ClientError>>,
    version: i16,
    deadline: Instant,
    request: PhantomData<fn(M)>,
}

impl<M: Request> Pending<M> {
    pub(crate) fn new(
        runtime: Runtime,
        link: Rc<Link>,
        answer: oneshot::Receiver<Result<Frozen, ClientError>>,
        version: i16,
        deadline: Instant,
    ) -> Self {
        Self {
            runtime,
            link,
            answer,
            version,
            deadline,
            request: PhantomData,
        }
    }

    /// The version that it was sent in.
    pub fn version(&self) -> i16 {
        self.version
    }

    /// The answer's frame, without its size, and where the body begins in it.
    pub async fn frame(self) -> Result<(Frozen, usize), ClientError> {
        let left = self.deadline.since(self.runtime.now());
        let told = self.runtime.timeout(left, self.answer).await;
        let answer = told.ok_or(ClientError::TimedOut)?;
        let frame = answer.unwrap_or_else(|_cancelled| Err(self.link.why()))?;
        let header_version = M::Response::header_version(self.version);
        let (_header, body) = ResponseHeader::peek(&frame, header_version)?;
        Ok((frame, body))
    }

    /// The answer.
    pub async fn response(self) -> Result<M::Response, ClientError>
    where
        M::Response: Decode,
    {
        let version = self.version;
        let (frame, body) = self.frame().await?;
        decode(&frame[body..], version)
    }
}

/// The message that `bytes` are, all of them. What it may allocate is bound by the size of the frame, which was
/// checked when it came.
pub(crate) fn decode<M: Decode>(bytes: &[u8], version: i16) -> Result<M, ClientError> {
    let budget = bytes.len().saturating_mul(M::memory_bound(version));
    let mut decoder = Decoder::new(bytes, budget);
    let message = M::decode(&mut decoder, version)?;
    decoder.finish()?;
    Ok(message)
}

impl<M> fmt::Debug for Pending<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pending(version {})", self.version)
    }
}
