//! What stands in front of every request and response.
//!
//! ```text
//!   request, version 1                          version 2: the same, then tagged fields
//!   int16 api key | int16 api version | int32 correlation id | string? client id [| tags]
//!
//!   response, version 0      version 1
//!   int32 correlation id     int32 correlation id | tags
//! ```
//!
//! Written by hand and borrowed: it is read for every frame, before anything is known about the sender. The client
//! id keeps the old form of length in both versions.

use crate::api_key::ApiKey;
use crate::decoder::Decoder;
use crate::encoder::Encoder;
use crate::error::{DecodeError, EncodeError};

/// The header of a request, borrowed from its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestHeader<'a> {
    /// Which API, as a number: it may be one that nobody knows.
    pub api_key: i16,
    /// Which version of it, as the client says.
    pub api_version: i16,
    /// The client's number of the request, repeated in the answer.
    pub correlation_id: i32,
    /// What the client calls itself.
    pub client_id: Option<&'a str>,
}

impl<'a> RequestHeader<'a> {
    /// Reads the header at the front of `frame` (without the size that precedes it), and where the body begins.
    ///
    /// Total on any bytes. A request of an API that is not in Kafka's table is read as header version 1.
    pub fn peek(frame: &'a [u8]) -> Result<(Self, usize), DecodeError> {
        let mut decoder = Decoder::new(frame, 0);
        let api_key = decoder.int16("api_key")?;
        let api_version = decoder.int16("api_version")?;
        let correlation_id = decoder.int32("correlation_id")?;
        let client_id = decoder.nullable_str(false, "client_id")?;
        let flexible = ApiKey::try_from(api_key)
            .is_ok_and(|key| request_header_version(key, api_version) >= 2);
        if flexible {
            decoder.skip_tagged_fields()?;
        }
        Ok((
            Self {
                api_key,
                api_version,
                correlation_id,
                client_id,
            },
            decoder.position(),
        ))
    }

    /// Writes it in the header version that its API and version have.
    pub fn encode(&self, encoder: &mut Encoder) -> Result<(), EncodeError> {
        encoder.int16(self.api_key);
        encoder.int16(self.api_version);
        encoder.int32(self.correlation_id);
        encoder.nullable_string(false, true, self.client_id, "client_id")?;
        let flexible = ApiKey::try_from(self.api_key)
            .is_ok_and(|key| request_header_version(key, self.api_version) >= 2);
        if flexible {
            encoder.varint(0);
        }
        Ok(())
    }
}

/// The header of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseHeader {
    /// The number of the request that it answers.
    pub correlation_id: i32,
}

impl ResponseHeader {
    /// Reads a header of `header_version` at the front of `frame`, and where the body begins.
    pub fn peek(frame: &[u8], header_version: i16) -> Result<(Self, usize), DecodeError> {
        let mut decoder = Decoder::new(frame, 0);
        let correlation_id = decoder.int32("correlation_id")?;
        if header_version >= 1 {
            decoder.skip_tagged_fields()?;
        }
        Ok((Self { correlation_id }, decoder.position()))
    }

    /// Writes a header of `header_version`.
    pub fn encode(&self, encoder: &mut Encoder, header_version: i16) {
        encoder.int32(self.correlation_id);
        if header_version >= 1 {
            encoder.varint(0);
        }
    }
}

/// The version of the header in front of a request: 1 or 2. (Version 0, without a client id, belonged to a request that
/// Kafka 4 dropped.) A version above those that are known is taken as flexible, so
/// that a newer client's question for versions can be read.
pub const fn request_header_version(key: ApiKey, version: i16) -> i16 {
    if version >= key.flexible_from() { 2 } else { 1 }
}

/// The version of the header in front of a response.
pub const fn response_header_version(key: ApiKey, version: i16) -> i16 {
    // A client learns from this answer what the broker can read, so its header never changes.
    if matches!(key, ApiKey::ApiVersions) || version < key.flexible_from() {
        0
    } else {
        1
    }
}
