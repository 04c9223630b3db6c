//! One request: its header's facts, and its bytes.

use protocol::{ApiKey, Decode, DecodeError, Decoder, RequestHeader};
use runtime::{Frozen, Lease};
use stdx::Instant;

use crate::admission::Admission;
use crate::closed::Closed;
use crate::memory::{Held, Memory};

/// A request whose header was read.
#[derive(Debug)]
pub(crate) struct Request {
    /// What is asked.
    pub(crate) api: ApiKey,
    /// In which version.
    pub(crate) version: i16,
    /// The client's number of it.
    pub(crate) correlation_id: i32,
    /// The whole frame without its size, until nothing of it is needed any more: it pays for itself.
    pub(crate) frame: Frozen,
    /// Pays for what was decoded and for what the answer says about it, until the answer is sent.
    pub(crate) allowance: Lease,
    /// What kind of memory that is.
    pub(crate) memory: Memory,
    /// Where the body begins in it.
    pub(crate) body: usize,
    /// When its last byte came.
    pub(crate) received: Instant,
}

impl Request {
    /// Reads the header of an admitted frame.
    pub(crate) fn open(
        admission: &Admission,
        frame: Frozen,
        allowance: Lease,
        received: Instant,
    ) -> Result<Self, Closed> {
        let (header, body) = RequestHeader::peek(&frame).map_err(Closed::Header)?;
        let correlation_id = header.correlation_id;
        Ok(Self {
            api: admission.api,
            version: admission.version,
            correlation_id,
            frame,
            allowance,
            memory: admission.memory,
            body,
            received,
        })
    }

    /// The body. What it takes in memory was leased on admission; the frame goes.
    pub(crate) fn decode<M: Decode>(&mut self) -> Result<M, Closed> {
        let decoded = self.decode_body().map_err(|error| self.malformed(error));
        self.forget_frame();
        decoded
    }

    /// What it holds until it is answered.
    pub(crate) fn held(&self) -> Held {
        Held::of(self.memory, self.allowance.bytes())
    }

    /// Gives the frame's memory back, or leaves it to those who hold parts of it.
    pub(crate) fn forget_frame(&mut self) {
        self.frame = Frozen::default();
    }

    fn decode_body<M: Decode>(&self) -> Result<M, DecodeError> {
        let bytes = &self.frame[self.body..];
        let budget = bytes.len().saturating_mul(M::memory_bound(self.version));
        let mut decoder = Decoder::new(bytes, budget);
        let message = M::decode(&mut decoder, self.version)?;
        decoder.finish()?;
        Ok(message)
    }

    /// The end of a connection whose request does not decode.
    pub(crate) fn malformed(&self, error: DecodeError) -> Closed {
        Closed::Body {
            api: self.api,
            error,
        }
    }
}
