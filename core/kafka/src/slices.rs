//! Records of an answer, as slices that are sent where they lie.

use protocol::{Parts, Payload};
use runtime::operation::pieces_len;
use runtime::{Frozen, Pieces};

/// The records of one partition: whole batches in order, in any number of slices.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slices(pub(crate) Vec<Frozen>);

impl Payload for Slices {
    fn len(&self) -> usize {
        pieces_len(&self.0)
    }
}

impl PartialEq for Slices {
    fn eq(&self, other: &Self) -> bool {
        let bytes = |slices: &Self| slices.0.concat_bytes();
        bytes(self) == bytes(other)
    }
}

/// All bytes of several slices, for comparing.
trait ConcatBytes {
    fn concat_bytes(&self) -> Vec<u8>;
}

impl ConcatBytes for Vec<Frozen> {
    fn concat_bytes(&self) -> Vec<u8> {
        self.iter()
            .flat_map(|slice| slice.iter().copied())
            .collect()
    }
}

/// A frame as the network takes it: header bytes cut from one buffer, records where they lie.
pub(crate) fn pieces(parts: Parts<Slices>) -> Pieces {
    let (header, records) = parts.into_pieces();
    let header = Frozen::from(header);
    let mut pieces = Pieces::new();
    let mut at = 0;
    for (cut, slices) in records {
        pieces.push(header.slice(at..cut));
        pieces.extend(slices.0);
        at = cut;
    }
    pieces.push(header.slice(at..header.len()));
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::fetch::{FetchResponse, FetchableTopicResponse, PartitionData};

    #[test]
    fn pieces_are_the_frame() {
        let records = Slices(vec![
            Frozen::from_static(b"abc"),
            Frozen::from_static(b"defg"),
        ]);
        let partition = |records| PartitionData {
            records: Some(records),
            ..PartitionData::default()
        };
        let response = FetchResponse {
            responses: vec![FetchableTopicResponse {
                topic: "t".to_owned(),
                partitions: vec![
                    partition(records.clone()),
                    partition(Slices::default()),
                    partition(records),
                ],
                ..FetchableTopicResponse::default()
            }],
            ..FetchResponse::default()
        };
        let parts = protocol::response_frame(7, response, 11).unwrap();
        let bytes = parts.len();
        let sent = pieces(parts);
        assert_eq!(pieces_len(&sent), bytes);
        let whole: Vec<u8> = sent.iter().flat_map(|piece| piece.to_vec()).collect();
        let size = i32::from_be_bytes(whole[..4].try_into().unwrap());
        assert_eq!(usize::try_from(size).unwrap() + 4, whole.len());
        assert_eq!(
            whole
                .windows(7)
                .filter(|window| window == b"abcdefg")
                .count(),
            2
        );
    }
}
