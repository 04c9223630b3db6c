//! Records of a request, as slices that are sent where they lie.

use protocol::{Parts, Payload};
use runtime::operation::pieces_len;
use runtime::{Frozen, Pieces};

/// Whole batches in order, in any number of slices.
#[derive(Clone, Debug, Default)]
pub struct Slices(pub Vec<Frozen>);

impl From<Frozen> for Slices {
    fn from(records: Frozen) -> Self {
        Self(vec![records])
    }
}

impl Payload for Slices {
    fn len(&self) -> usize {
        pieces_len(&self.0)
    }
}

impl PartialEq for Slices {
    fn eq(&self, other: &Self) -> bool {
        let own = self.0.iter().flat_map(|slice| slice.iter());
        own.eq(other.0.iter().flat_map(|slice| slice.iter()))
    }
}

/// A frame with records as the network takes it.
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
