//! What every message can do.

use crate::api_key::ApiKey;
use crate::decoder::Decoder;
use crate::encoder::Encoder;
use crate::error::{DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind};
use crate::payload::Payload;

/// A request or a response: it can be written.
///
/// The code of each is generated from `definitions/`. A message stands for itself in all versions: a field that a
/// version lacks has its default there.
pub trait Message: Clone + core::fmt::Debug + Default + PartialEq {
    /// Which API it belongs to.
    const KEY: ApiKey;
    /// Its name as Kafka spells it, `MetadataRequest`.
    const NAME: &'static str;
    /// The oldest version that is spoken.
    const MIN_VERSION: i16;
    /// The newest version that is spoken.
    const MAX_VERSION: i16;
    /// The first version with compact lengths and tagged fields; [`i16::MAX`] where none has.
    const FLEXIBLE_FROM: i16;

    /// What holds its records; [`crate::NoRecords`] where it has none.
    type Records: Payload;

    /// Writes it in the layout of `version`.
    ///
    /// Errors: a version that is not spoken; a field that the version lacks, has no default value and may not be
    /// dropped; a null where the version allows none; a length beyond what the wire can count.
    fn encode(&self, encoder: &mut Encoder, version: i16) -> Result<(), EncodeError>;

    /// Hands out its records, in the order of their places in the encoded bytes.
    fn into_records(self, records: &mut Vec<Self::Records>);

    /// How many bytes of memory decoding can allocate for each byte on the wire, at worst, in `version`.
    ///
    /// Each array element occupies at least its smallest form on the wire and exactly its size in memory; arrays
    /// nest as deep as the definition; text and bytes take what they have. Two fields of one structure never share
    /// a byte, so the worse of them counts.
    fn memory_bound(version: i16) -> usize;
}

/// A message that can be read.
pub trait Decode: Message {
    /// Reads it in the layout of `version`.
    ///
    /// Charges the decoder's budget with the bytes left times [`Message::memory_bound`] before anything is read.
    /// Bytes may be left behind it: [`Decoder::finish`] tells.
    fn decode(decoder: &mut Decoder<'_>, version: i16) -> Result<Self, DecodeError>;
}

/// What a client sends.
pub trait Request: Message {
    /// What it is answered with, in the same version.
    type Response: Response;

    /// The version of the header in front of it.
    fn header_version(version: i16) -> i16 {
        crate::header::request_header_version(Self::KEY, version)
    }
}

/// What a broker answers.
pub trait Response: Message {
    /// The version of the header in front of it.
    fn header_version(version: i16) -> i16 {
        crate::header::response_header_version(Self::KEY, version)
    }
}

/// The version is spoken, and the memory granted.
pub(crate) fn open<M: Message>(decoder: &mut Decoder<'_>, version: i16) -> Result<(), DecodeError> {
    if !(M::MIN_VERSION..=M::MAX_VERSION).contains(&version) {
        return Err(decoder.error(DecodeErrorKind::Version(version), M::NAME));
    }
    decoder.charge(M::memory_bound(version), M::NAME)
}

/// The version is spoken.
pub(crate) fn check_version<M: Message>(version: i16) -> Result<(), EncodeError> {
    if (M::MIN_VERSION..=M::MAX_VERSION).contains(&version) {
        Ok(())
    } else {
        Err(EncodeError {
            kind: EncodeErrorKind::Version(version),
            field: M::NAME,
        })
    }
}

/// The larger of two bounds.
pub(crate) const fn larger(left: usize, right: usize) -> usize {
    if left > right { left } else { right }
}

/// Bytes in memory for each byte on the wire of an array whose elements take `element_bytes` in memory and at least
/// `wire_bytes_min` on the wire, and hold `inner` themselves.
pub(crate) const fn array_bound(
    element_bytes: usize,
    wire_bytes_min: usize,
    inner: usize,
) -> usize {
    element_bytes.div_ceil(larger(wire_bytes_min, 1)) + inner
}

/// The fewest bytes of text: its length.
pub(crate) const fn string_bytes_min(flexible: bool) -> usize {
    if flexible { 1 } else { 2 }
}

/// The fewest bytes of bytes, records or an array: its length.
pub(crate) const fn length_bytes_min(flexible: bool) -> usize {
    if flexible { 1 } else { 4 }
}

/// The fewest bytes of the tagged fields at the end of a structure: their count.
pub(crate) const fn tags_bytes_min(flexible: bool) -> usize {
    if flexible { 1 } else { 0 }
}
