//! The bytes of one frame as a gather list: small pieces copied together, large ones shared.

use core::ops::Range;

use runtime::{Buf, Frozen, Pieces, Runtime};

use crate::frame::HEADER_BYTES;

/// Pieces of at least this many bytes are shared; smaller ones are copied together, which costs less than an
/// entry of the list.
pub(crate) const SHARE_FROM_BYTES: usize = 2048;

/// Bytes of the largest memory into which small pieces are copied.
const COPY_BYTES_MAX: usize = 256 << 10;

/// A frame in the making. Its first 64 bytes are kept free for the header, which is known last.
#[derive(Debug)]
pub(crate) struct Gather {
    /// Memory of the copied parts, in order of use; the last one takes more.
    copies: Vec<Buf>,
    parts: Vec<Part>,
    bytes: usize,
}

#[derive(Debug)]
enum Part {
    Copied { copy: usize, range: Range<usize> },
    Shared(Frozen),
}

impl Gather {
    /// A frame of a header alone, with room for `expected_bytes` small bytes.
    pub(crate) fn new(runtime: &Runtime, expected_bytes: usize) -> Self {
        let mut first = runtime.buffer((HEADER_BYTES + expected_bytes).min(COPY_BYTES_MAX));
        first.extend_from_slice(&[0; HEADER_BYTES]);
        Self {
            copies: vec![first],
            parts: vec![Part::Copied {
                copy: 0,
                range: 0..HEADER_BYTES,
            }],
            bytes: HEADER_BYTES,
        }
    }

    /// Bytes so far, header included.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Appends a copy of `bytes`.
    pub(crate) fn copy(&mut self, runtime: &Runtime, mut bytes: &[u8]) {
        self.bytes += bytes.len();
        while !bytes.is_empty() {
            let copy = self.copies.len() - 1;
            let buffer = &mut self.copies[copy];
            if buffer.spare_len() == 0 {
                let larger = (buffer.capacity() * 2).min(COPY_BYTES_MAX);
                self.copies.push(runtime.buffer(larger));
                continue;
            }
            let (now, later) = bytes.split_at(bytes.len().min(buffer.spare_len()));
            let start = buffer.len();
            buffer.extend_from_slice(now);
            let end = buffer.len();
            bytes = later;
            match self.parts.last_mut() {
                Some(Part::Copied { copy: last, range }) if *last == copy => range.end = end,
                _ => self.parts.push(Part::Copied {
                    copy,
                    range: start..end,
                }),
            }
        }
    }

    /// Appends `piece`, shared when that pays.
    pub(crate) fn push(&mut self, runtime: &Runtime, piece: Frozen) {
        if piece.len() < SHARE_FROM_BYTES {
            self.copy(runtime, &piece);
        } else {
            self.bytes += piece.len();
            self.parts.push(Part::Shared(piece));
        }
    }

    /// The list, with `header` in front.
    pub(crate) fn finish(mut self, header: &[u8; HEADER_BYTES]) -> Pieces {
        self.copies[0].as_mut_slice()[..HEADER_BYTES].copy_from_slice(header);
        let copies: Vec<Frozen> = self.copies.into_iter().map(Buf::freeze).collect();
        self.parts
            .into_iter()
            .map(|part| match part {
                Part::Copied { copy, range } => copies[copy].slice(range),
                Part::Shared(piece) => piece,
            })
            .collect()
    }
}
