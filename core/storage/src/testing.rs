//! Frames as bytes, for the tests of what reads them.

use model::{LogIndex, Offset, Term};
use records::{BatchBuilder, NewRecord};
use stdx::crc32c;

use crate::frame::{FRAME_ALIGN_BYTES, FrameHeader, FrameKind, commit_delta};
use crate::group::Group;

pub(crate) const GROUP: Group = Group(0xfeed);

/// Frames in a row, each naming the one before it.
#[derive(Debug)]
pub(crate) struct Frames {
    pub(crate) bytes: Vec<u8>,
    pub(crate) headers: Vec<FrameHeader>,
    pub(crate) commit: LogIndex,
    pub(crate) term: Term,
}

impl Frames {
    pub(crate) fn new() -> Self {
        Self {
            bytes: Vec::new(),
            headers: Vec::new(),
            commit: LogIndex::ZERO,
            term: Term(1),
        }
    }

    /// Adds a frame of one batch for each of `records`, which has that many records of `value_bytes` bytes.
    pub(crate) fn data(mut self, records: &[usize], value_bytes: usize) -> Self {
        let (mut body, start) = (Vec::new(), self.end_offset());
        let mut offset = start.0;
        for &count in records {
            let mut batch = BatchBuilder::new()
                .base_offset(offset)
                .partition_leader_epoch(self.term.leader_epoch().0);
            for _ in 0..count {
                batch.push(&NewRecord::value(offset, &vec![b'v'; value_bytes]));
                offset += 1;
            }
            body.extend(batch.finish());
        }
        self.push(
            FrameKind::Data,
            &body,
            u32::try_from(offset - start.0).unwrap(),
        );
        self
    }

    /// Adds a frame without a body.
    pub(crate) fn noop(mut self) -> Self {
        self.push(FrameKind::Noop, &[], 0);
        self
    }

    /// Sets what the next frames name as committed.
    pub(crate) fn commit(mut self, commit: u64) -> Self {
        self.commit = LogIndex(commit);
        self
    }

    pub(crate) fn end_offset(&self) -> Offset {
        self.headers
            .last()
            .map_or(Offset::ZERO, FrameHeader::end_offset)
    }

    /// Where frame number `number` begins.
    pub(crate) fn position(&self, number: usize) -> usize {
        let before = self.headers[..number].iter().map(FrameHeader::frame_bytes);
        usize::try_from(before.sum::<u64>()).unwrap()
    }

    fn push(&mut self, kind: FrameKind, body: &[u8], span: u32) {
        let index = LogIndex(self.headers.len() as u64 + 1);
        let header = FrameHeader {
            kind,
            body_bytes: u32::try_from(body.len()).unwrap(),
            body_crc: crc32c(body),
            index,
            group: GROUP,
            base_offset: self.end_offset(),
            span,
            term: self.term,
            commit_delta: commit_delta(index, self.commit),
            origin: 0,
            prev_origin: self.headers.last().map_or(0, |last| last.origin),
        }
        .identified();
        self.bytes.extend(header.encode());
        self.bytes.extend(body);
        self.bytes
            .resize(self.bytes.len().next_multiple_of(FRAME_ALIGN_BYTES), 0);
        self.headers.push(header);
    }
}
