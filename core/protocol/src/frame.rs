//! Whole frames: a size, a header, a body.
//!
//! ```text
//!   int32 size of what follows | header | body
//! ```

use crate::api_key::ApiKey;
use crate::encoder::Encoder;
use crate::error::EncodeError;
use crate::header::{RequestHeader, ResponseHeader};
use crate::message::{Message, Request, Response};
use crate::payload::Parts;

/// Bytes of the size in front of a frame.
pub const SIZE_BYTES: usize = 4;

/// The largest frame of a request that carries records: Kafka's default for `socket.request.max.bytes`.
pub const PRODUCE_FRAME_BYTES_MAX: usize = 100 << 20;
/// The largest frame of a request that carries credentials: Kafka's default for `sasl.server.max.receive.size`.
pub const SASL_FRAME_BYTES_MAX: usize = 512 << 10;
/// The largest frame of a question for versions, which anybody may ask.
pub const API_VERSIONS_FRAME_BYTES_MAX: usize = 16 << 10;
/// The largest frame of any other request: tens of thousands of partitions fit.
pub const FRAME_BYTES_MAX: usize = 2 << 20;

/// The largest frame that a request of this API may have, in bytes behind the size.
pub const fn frame_bytes_max(key: ApiKey) -> usize {
    match key {
        ApiKey::Produce => PRODUCE_FRAME_BYTES_MAX,
        ApiKey::SaslHandshake | ApiKey::SaslAuthenticate => SASL_FRAME_BYTES_MAX,
        ApiKey::ApiVersions => API_VERSIONS_FRAME_BYTES_MAX,
        _ => FRAME_BYTES_MAX,
    }
}

/// A request as it goes on the wire: size, header, body.
pub fn request_frame<M: Request>(
    correlation_id: i32,
    client_id: Option<&str>,
    message: M,
    version: i16,
) -> Result<Parts<M::Records>, EncodeError> {
    let header = RequestHeader {
        api_key: M::KEY.number(),
        api_version: version,
        correlation_id,
        client_id,
    };
    frame(message, version, |encoder| header.encode(encoder))
}

/// A response as it goes on the wire: size, header, body.
///
/// The answer to a question for versions in a version that is not known is written with version 0.
pub fn response_frame<M: Response>(
    correlation_id: i32,
    message: M,
    version: i16,
) -> Result<Parts<M::Records>, EncodeError> {
    let header = ResponseHeader { correlation_id };
    frame(message, version, |encoder| {
        header.encode(encoder, M::header_version(version));
        Ok(())
    })
}

/// A body alone, without size and header.
pub fn body<M: Message>(message: M, version: i16) -> Result<Parts<M::Records>, EncodeError> {
    let mut encoder = Encoder::new();
    message.encode(&mut encoder, version)?;
    Ok(Parts::new(encoder, message))
}

fn frame<M: Message>(
    message: M,
    version: i16,
    header: impl FnOnce(&mut Encoder) -> Result<(), EncodeError>,
) -> Result<Parts<M::Records>, EncodeError> {
    let mut encoder = Encoder::new();
    encoder.int32(0);
    header(&mut encoder)?;
    message.encode(&mut encoder, version)?;
    let size = encoder.len() - SIZE_BYTES;
    let size = i32::try_from(size).map_err(|_overflow| EncodeError::too_long(M::NAME, size))?;
    encoder.overwrite_int32(0, size);
    Ok(Parts::new(encoder, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{EncodeError, EncodeErrorKind};
    use crate::error_code::ErrorCode;
    use crate::messages::{ApiVersionsResponse, FetchRequest, MetadataRequest, SERVED};

    #[test]
    fn a_question_for_versions_is_answered_with_header_version_0_in_every_version() {
        for version in 0..=5 {
            let frame = response_frame(258, ApiVersionsResponse::default(), version).unwrap();
            let bytes = frame.into_bytes();
            // Size, correlation id, and at once the error code.
            assert_eq!(bytes[4..10], [0, 0, 1, 2, 0, 0], "version {version}");
        }
        let refusal = ApiVersionsResponse {
            error_code: ErrorCode::UnsupportedVersion.code(),
            ..ApiVersionsResponse::default()
        };
        let bytes = response_frame(258, refusal, 0).unwrap().into_bytes();
        assert_eq!(bytes, [0, 0, 0, 10, 0, 0, 1, 2, 0, 35, 0, 0, 0, 0]);
    }

    #[test]
    fn a_header_is_read_as_it_was_written_in_both_versions() {
        for (key, first, last) in SERVED {
            for api_version in first..=last {
                let header = RequestHeader {
                    api_key: key.number(),
                    api_version,
                    correlation_id: -7,
                    client_id: Some("client"),
                };
                let mut encoder = Encoder::new();
                header.encode(&mut encoder).unwrap();
                let bytes = encoder.into_bytes();
                assert_eq!(RequestHeader::peek(&bytes), Ok((header, bytes.len())));
                for cut in 0..bytes.len() {
                    assert!(RequestHeader::peek(&bytes[..cut]).is_err());
                }
            }
        }
    }

    #[test]
    fn a_newer_question_for_versions_is_read_as_flexible() {
        let bytes = b"\0\x12\0\x63\0\0\0\x01\xff\xff\0rest";
        let (header, body) = RequestHeader::peek(bytes).unwrap();
        assert_eq!((header.api_version, header.client_id, body), (99, None, 11));
    }

    #[test]
    fn what_a_version_cannot_say_is_refused() {
        let unknown = MetadataRequest {
            allow_auto_topic_creation: false,
            ..Default::default()
        };
        let refused = |message, version| body::<MetadataRequest>(message, version).unwrap_err();
        assert_eq!(
            refused(unknown, 3),
            EncodeError {
                kind: EncodeErrorKind::Unrepresentable(3),
                field: "allow_auto_topic_creation"
            }
        );
        let all = MetadataRequest {
            topics: None,
            ..Default::default()
        };
        assert_eq!(
            refused(all.clone(), 0),
            EncodeError {
                kind: EncodeErrorKind::Null,
                field: "topics"
            }
        );
        assert_eq!(refused(all, 14).kind, EncodeErrorKind::Version(14));
        // An ignorable field is dropped.
        let rack = FetchRequest {
            rack_id: "here".to_owned(),
            ..Default::default()
        };
        assert_eq!(
            body(rack, 4).unwrap().into_bytes(),
            body(FetchRequest::default(), 4).unwrap().into_bytes()
        );
    }

    #[test]
    fn text_longer_than_the_wire_can_count_is_refused() {
        let rack = FetchRequest {
            rack_id: "x".repeat(40_000),
            ..Default::default()
        };
        for version in [11, 12] {
            let error = body(rack.clone(), version).unwrap_err();
            assert_eq!(error.kind, EncodeErrorKind::TooLong(40_000));
        }
    }

    #[test]
    fn everything_but_produce_has_a_small_cap() {
        for key in ApiKey::ALL.iter().filter(|key| **key != ApiKey::Produce) {
            assert!(frame_bytes_max(*key) <= FRAME_BYTES_MAX);
        }
    }
}
