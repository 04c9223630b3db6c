//! Kafka's wire protocol: requests, responses and frames as values, in every version that is spoken.
//!
//! It knows no socket, no broker and no record: bytes that the network gave go in, messages come out, and the other
//! way round. Records pass through unopened and uncopied; what is in them is the room `records`' business. Which
//! version to speak, and what to answer, is the door's.
//!
//! ```text
//!   definitions/NN_name.api      what Kafka's messages are, in our words
//!          | cargo xtask codegen
//!          v
//!   messages::<api>              owned messages, both directions, all versions     <- almost everything
//!   produce, fetch               the same, and views that borrow from the frame    <- the two that carry data
//!
//!   frame in:   size | RequestHeader::peek | MetadataRequest::decode(Decoder)  or  produce::RequestView::parse
//!   frame out:  response_frame(correlation id, message, version) -> Parts:  bytes | records | bytes | records ...
//! ```
//!
//! A request, from bytes to value and back:
//!
//! ```
//! use protocol::{ApiKey, Decode, Decoder, Message, MetadataRequest, RequestHeader};
//!
//! let frame = protocol::request_frame(7, Some("me"), MetadataRequest::default(), 12)?.into_bytes();
//! let frame = &frame[protocol::SIZE_BYTES..];
//!
//! let (header, body) = RequestHeader::peek(frame)?;
//! assert_eq!(ApiKey::try_from(header.api_key), Ok(ApiKey::Metadata));
//!
//! // Lease this much before decoding: it is the most that the message can take.
//! let bound = (frame.len() - body) * MetadataRequest::memory_bound(header.api_version);
//! let mut decoder = Decoder::new_at(frame, body, bound);
//! let request = MetadataRequest::decode(&mut decoder, header.api_version)?;
//! decoder.finish()?;
//! assert_eq!(request, MetadataRequest::default());
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! | file | noun |
//! |---|---|
//! | `api_key`, `error_code` | Kafka's two tables |
//! | `decoder`, `encoder`, `error` | the cursor, the writer, and what can go wrong |
//! | `message` | [`Message`], [`Decode`], [`Request`], [`Response`] |
//! | `messages`, `random` | generated |
//! | `payload` | [`Payload`] and [`Parts`]: records on their way out |
//! | `header`, `frame` | what stands in front of a body, and the whole |
//! | `produce`, `fetch` | views |
//! | `uuid` | [`Uuid`] |
//!
//! Invariants:
//! - decoding is total on any bytes: an error that names field and place, never a panic;
//! - it allocates at most [`Message::memory_bound`] bytes for each byte on the wire, and refuses to begin where the
//!   budget given to the [`Decoder`] is smaller; views allocate nothing;
//! - what is encoded in a version is decoded as an equal value in that version, or it is refused
//!   ([`EncodeErrorKind`]); only fields that Kafka calls ignorable are dropped;
//! - records are never copied by encoding.
//!
//! It assumes that a frame is whole: reading it from a stream, under [`frame_bytes_max`], is the caller's.
//!
//! What checks it: random messages of every version against `kafka-protocol` and against bytes that Kafka's own codec
//! wrote (`tests/golden`), and hostile bodies under a counting allocator (`tests/hostile.rs`).

#![forbid(unsafe_code)]

pub mod api_key;
pub mod decoder;
pub mod encoder;
pub mod error;
pub mod error_code;
pub mod fetch;
pub mod frame;
pub mod header;
pub mod message;
pub mod messages;
pub mod payload;
pub mod produce;
#[cfg(feature = "testing")]
pub mod random;
pub mod uuid;

pub use api_key::{ApiKey, UnknownApiKey};
pub use decoder::Decoder;
pub use encoder::{Cut, Encoder};
pub use error::{DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind};
pub use error_code::{ErrorCode, UnknownErrorCode};
pub use frame::{SIZE_BYTES, body, frame_bytes_max, request_frame, response_frame};
pub use header::{RequestHeader, ResponseHeader, request_header_version, response_header_version};
pub use message::{Decode, Message, Request, Response};
pub use messages::{
    ApiVersionsRequest, ApiVersionsResponse, CreateTopicsRequest, CreateTopicsResponse,
    FetchRequest, FetchResponse, ListOffsetsRequest, ListOffsetsResponse, MetadataRequest,
    MetadataResponse, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, ProduceRequest,
    ProduceResponse, SERVED, api_versions, create_topics, list_offsets, metadata,
    offset_for_leader_epoch, request_memory_bound,
};
pub use payload::{NoRecords, OwnedPayload, Part, Parts, Payload};
#[cfg(feature = "testing")]
pub use random::Random;
pub use uuid::Uuid;
