//! A frame in the making. Batches get their offsets in it; its place in the log it gets when it is appended.

use model::{LogIndex, Offset, Term};
use records::BatchView;
use runtime::{Frozen, Pieces, Runtime};

use crate::frame::{
    FRAME_ALIGN_BYTES, FRAME_BYTES_MAX, FrameHeader, FrameKind, HEADER_BYTES, commit_delta,
};
use crate::gather::{Gather, SHARE_FROM_BYTES};
use crate::group::Group;
use crate::prefix::Prefix;

/// A frame that still takes batches, or waits to be written.
#[derive(Debug)]
pub struct FrameBuilder {
    /// Zero until it is appended.
    pub(crate) index: LogIndex,
    pub(crate) base_offset: Offset,
    pub(crate) term: Term,
    pub(crate) kind: FrameKind,
    /// What is committed when it is appended.
    pub(crate) commit: LogIndex,
    span: u32,
    max_timestamp: i64,
    body_crc: u32,
    gather: Gather,
}

/// A frame as it goes to the disk.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) header: FrameHeader,
    pub(crate) max_timestamp: i64,
    pub(crate) pieces: Pieces,
}

impl FrameBuilder {
    /// An empty frame. `expected_bytes` sizes its memory for what will be copied.
    pub fn new(
        runtime: &Runtime,
        base_offset: Offset,
        (term, kind): (Term, FrameKind),
        expected_bytes: usize,
    ) -> Self {
        let copied = if expected_bytes < SHARE_FROM_BYTES {
            expected_bytes
        } else {
            SHARE_FROM_BYTES
        };
        Self {
            index: LogIndex::ZERO,
            base_offset,
            term,
            kind,
            commit: LogIndex::ZERO,
            span: 0,
            max_timestamp: i64::MIN,
            body_crc: 0,
            gather: Gather::new(runtime, copied),
        }
    }

    /// A whole frame that holds no batches, and takes no offsets.
    ///
    /// # Panics
    /// When the kind has batches, or has no body and one is given.
    pub fn with_body(
        runtime: &Runtime,
        base_offset: Offset,
        (term, kind): (Term, FrameKind),
        body: &[u8],
    ) -> Self {
        assert!(!kind.has_batches() && kind.is_bare() == body.is_empty());
        let mut frame = Self::new(runtime, base_offset, (term, kind), body.len());
        frame.body_crc = stdx::crc32c(body);
        frame.gather.copy(runtime, body);
        frame
    }

    /// Bytes of what it holds.
    pub fn body_bytes(&self) -> usize {
        self.gather.bytes() - HEADER_BYTES
    }

    /// Whether a batch of `bytes` bytes and `span` offsets may join it.
    pub(crate) fn takes(&self, term: Term, kind: FrameKind, bytes: usize, span: u32) -> bool {
        self.term == term
            && self.kind == kind
            && kind.has_batches()
            && self.span.checked_add(span).is_some()
            && self.gather.bytes() + bytes <= FRAME_BYTES_MAX
    }

    /// Bytes that it will take on the disk.
    pub(crate) fn frame_bytes(&self) -> usize {
        self.gather.bytes().next_multiple_of(FRAME_ALIGN_BYTES)
    }

    /// The offset after its last record.
    pub fn end_offset(&self) -> Offset {
        self.base_offset.advance(self.span)
    }

    /// Adds a batch of `whole`, which begins at `start` there. Only its header is copied and stamped.
    pub(crate) fn push(
        &mut self,
        runtime: &Runtime,
        (whole, start): (&Frozen, usize),
        view: BatchView<'_>,
        append_time: Option<i64>,
    ) {
        let payload = view.payload();
        let mut prefix = Prefix::of(view.bytes()).expect("a batch view has a whole header");
        let span = prefix.span().expect("the caller checked the offsets");
        prefix.place(self.end_offset().0, self.term.leader_epoch().0);
        if let Some(millis) = append_time {
            prefix.set_append_time(millis, payload.len());
        }
        self.body_crc = prefix.append_crc(self.body_crc, payload);
        self.max_timestamp = self.max_timestamp.max(prefix.max_timestamp());
        self.span += span;
        self.gather.copy(runtime, prefix.bytes());
        if payload.len() < SHARE_FROM_BYTES {
            self.gather.copy(runtime, payload);
        } else {
            let end = start + view.len();
            self.gather
                .push(runtime, whole.slice(end - payload.len()..end));
        }
    }

    /// Closes it behind the frame whose identity is `prev_origin`.
    pub(crate) fn seal(mut self, runtime: &Runtime, group: Group, prev_origin: u32) -> Sealed {
        let header = FrameHeader {
            kind: self.kind,
            body_bytes: u32::try_from(self.body_bytes()).expect("a records field is under 2 GiB"),
            body_crc: self.body_crc,
            index: self.index,
            group,
            base_offset: self.base_offset,
            span: self.span,
            term: self.term,
            commit_delta: commit_delta(self.index, self.commit),
            origin: 0,
            prev_origin,
        }
        .identified();
        let padding = self.frame_bytes() - self.gather.bytes();
        self.gather
            .copy(runtime, &[0; FRAME_ALIGN_BYTES][..padding]);
        Sealed {
            header,
            max_timestamp: self.max_timestamp,
            pieces: self.gather.finish(&header.encode()),
        }
    }
}
