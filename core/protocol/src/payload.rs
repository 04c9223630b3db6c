//! Records on their way out: header bytes and record slices, in order, none of them copied.

use crate::encoder::Cut;
use crate::encoder::Encoder;
use crate::message::Message;

/// What holds the records of a message: a slice of a shared buffer, a vector, a borrowed slice. It need only say how
/// long it is, for the length that stands in front of it on the wire.
pub trait Payload: Clone + core::fmt::Debug + PartialEq {
    /// Bytes of it.
    fn len(&self) -> usize;

    /// Whether it has none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A payload that can be made from bytes, by copying them. Views serve readers that do not want the copy.
pub trait OwnedPayload: Payload + for<'a> From<&'a [u8]> {}

impl<P: Payload + for<'a> From<&'a [u8]>> OwnedPayload for P {}

impl Payload for Vec<u8> {
    fn len(&self) -> usize {
        self.as_slice().len()
    }
}

impl Payload for &[u8] {
    fn len(&self) -> usize {
        (**self).len()
    }
}

/// The payload of messages that have none: it has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRecords {}

impl Payload for NoRecords {
    fn len(&self) -> usize {
        match *self {}
    }
}

impl AsRef<[u8]> for NoRecords {
    fn as_ref(&self) -> &[u8] {
        match *self {}
    }
}

/// One piece of an encoded frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part<R> {
    /// Bytes that the encoder wrote.
    Bytes(Vec<u8>),
    /// Records as they were given.
    Records(R),
}

/// An encoded frame as the pieces that make it up, in order, its total length known.
///
/// ```text
///   bytes   | size, header, topics, partition, length |      | partition, length |      | tags |
///   records                                           | R #0 |                   | R #1 |
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Parts<R> {
    bytes: Vec<u8>,
    /// Invariant: positions grow, none is past `bytes`.
    records: Vec<(usize, R)>,
    length: usize,
}

impl<R: Payload> Parts<R> {
    /// What `encoder` wrote of `message`, with the message's own records in their places.
    pub(crate) fn new<M: Message<Records = R>>(encoder: Encoder, message: M) -> Self {
        let length = encoder.len();
        let (bytes, cuts) = encoder.into_pieces();
        let mut payloads = Vec::with_capacity(cuts.len());
        message.into_records(&mut payloads);
        assert_eq!(
            cuts.len(),
            payloads.len(),
            "a cut for each payload, by generation"
        );
        let records = cuts.iter().map(|cut: &Cut| cut.at).zip(payloads).collect();
        Self {
            bytes,
            records,
            length,
        }
    }

    /// Bytes of the whole, records included.
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether there are none; a frame has at least its size.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// All bytes that are not records, in one piece, and the records with the position in it where each belongs:
    /// for a sender that gathers slices of one buffer instead of owning each piece.
    pub fn into_pieces(self) -> (Vec<u8>, Vec<(usize, R)>) {
        (self.bytes, self.records)
    }
}

impl<R: Payload + AsRef<[u8]>> Parts<R> {
    /// One vector of everything, records copied: for tests and small frames.
    pub fn concat(&self) -> Vec<u8> {
        let mut whole = Vec::with_capacity(self.length);
        let mut at = 0;
        for (cut, records) in &self.records {
            whole.extend_from_slice(&self.bytes[at..*cut]);
            whole.extend_from_slice(records.as_ref());
            at = *cut;
        }
        whole.extend_from_slice(&self.bytes[at..]);
        whole
    }
}

impl Parts<NoRecords> {
    /// The one piece of a frame without records.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl<R> IntoIterator for Parts<R> {
    type Item = Part<R>;
    type IntoIter = PartIter<R>;

    fn into_iter(self) -> PartIter<R> {
        PartIter {
            bytes: self.bytes,
            at: 0,
            records: self.records.into_iter(),
            next: None,
        }
    }
}

/// The pieces of [`Parts`], in order. The piece without records behind it keeps the vector; the others are copies of
/// header bytes, some tens each.
#[derive(Debug)]
pub struct PartIter<R> {
    bytes: Vec<u8>,
    at: usize,
    records: std::vec::IntoIter<(usize, R)>,
    /// Records whose header bytes were just given out.
    next: Option<R>,
}

impl<R> Iterator for PartIter<R> {
    type Item = Part<R>;

    fn next(&mut self) -> Option<Part<R>> {
        if let Some(records) = self.next.take() {
            return Some(Part::Records(records));
        }
        if let Some((cut, records)) = self.records.next() {
            let header = self.bytes[self.at..cut].to_vec();
            self.at = cut;
            self.next = Some(records);
            return Some(Part::Bytes(header));
        }
        if self.at == self.bytes.len() {
            return None;
        }
        let tail = if self.at == 0 {
            core::mem::take(&mut self.bytes)
        } else {
            self.bytes.split_off(self.at)
        };
        self.at = self.bytes.len();
        Some(Part::Bytes(tail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{request_frame, response_frame};
    use crate::messages::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
    use crate::messages::{ApiVersionsRequest, MetadataResponse};

    /// A payload that tells only its length, as a shared buffer would.
    #[derive(Clone, Debug, PartialEq)]
    struct Shared(&'static [u8]);

    impl Payload for Shared {
        fn len(&self) -> usize {
            self.0.len()
        }
    }

    fn request<R: Payload>(records: Vec<Option<R>>) -> ProduceRequest<R> {
        let partition = |(index, records)| PartitionProduceData { index, records };
        let partition_data = (0..).zip(records).map(partition).collect();
        let topic = TopicProduceData {
            name: "t".to_owned(),
            partition_data,
            ..Default::default()
        };
        ProduceRequest {
            acks: -1,
            topic_data: vec![topic],
            ..Default::default()
        }
    }

    #[test]
    fn records_stand_between_header_bytes_as_they_were_given() {
        let records = vec![
            Some(Shared(b"one")),
            None,
            Some(Shared(b"")),
            Some(Shared(b"four")),
        ];
        let parts = request_frame(1, None, request(records), 9).unwrap();
        let length = parts.len();
        let mut whole = Vec::new();
        let mut given = Vec::new();
        for part in parts {
            match part {
                Part::Bytes(bytes) => whole.extend_from_slice(&bytes),
                Part::Records(records) => {
                    whole.extend_from_slice(records.0);
                    given.push(records.0);
                }
            }
        }
        assert_eq!(given, [&b"one"[..], b"", b"four"]);
        assert_eq!(whole.len(), length);
        let size = u32::try_from(length - 4).unwrap();
        assert_eq!(whole[..4], size.to_be_bytes());
        let records = vec![Some(&b"one"[..]), None, Some(b""), Some(b"four")];
        assert_eq!(
            request_frame(1, None, request(records), 9)
                .unwrap()
                .concat(),
            whole
        );
    }

    #[test]
    fn a_frame_without_records_is_one_piece() {
        let parts = response_frame(7, MetadataResponse::default(), 0).unwrap();
        let pieces: Vec<_> = parts.clone().into_iter().collect();
        assert_eq!(pieces, [Part::Bytes(parts.into_bytes())]);
        let parts = request_frame(7, Some("me"), ApiVersionsRequest::default(), 0).unwrap();
        assert_eq!(parts.concat(), b"\0\0\0\x0c\0\x12\0\0\0\0\0\x07\0\x02me");
    }
}
