//! A log read by itself: frames in a row, each continuing the one before it. Nothing of storage's recovery, index or
//! reading takes part, only its codec.

use std::collections::BTreeMap;

use model::{LogIndex, Offset, Term};
use records::Batches;
use storage::Group;
use storage::footer::Trailer;
use storage::frame::{FrameHeader, FrameKind, HEADER_BYTES};
use storage::segment::{SEGMENT_HEADER_BYTES, SegmentHeader};

/// What was found in the segments of one partition, one after the other.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    /// What the next frame has to continue: index, offset, identity of the one before it, partition.
    next: Option<(LogIndex, Offset, u32, Group)>,
    /// The digests of all batches, by base offset, where they are wanted.
    pub(super) batches: BTreeMap<i64, u64>,
    wants_batches: bool,
    /// A footer that says something else than the frames before it, in words.
    pub(super) untrue: Option<String>,
    /// The term and the commit of the last frame.
    last: (Term, LogIndex),
}

impl Scanned {
    /// Takes batches too.
    pub(super) fn with_batches() -> Self {
        Self {
            wants_batches: true,
            ..Self::default()
        }
    }

    /// The partition, where there is a segment.
    pub(super) fn group(&self) -> Option<Group> {
        self.next.map(|(.., group)| group)
    }

    /// The term of the last frame.
    pub(super) fn last_term(&self) -> Term {
        self.last.0
    }

    /// The offset after the last record.
    pub(super) fn end_offset(&self) -> Offset {
        self.next.map_or(Offset::ZERO, |(_, offset, ..)| offset)
    }

    /// Takes the frames of a segment, up to what is no frame that continues them. Whether one is missing there is seen where
    /// the next segment begins.
    pub(super) fn segment(&mut self, base_index: LogIndex, bytes: &[u8]) -> Result<(), String> {
        let head = bytes
            .get(..SEGMENT_HEADER_BYTES)
            .ok_or("too short for a header")?;
        let header = SegmentHeader::decode(head).map_err(|error| format!("{error:?}"))?;
        let begins = (
            header.base_index,
            header.base_offset,
            header.prev_origin,
            header.group,
        );
        if header.base_index != base_index || self.next.is_some_and(|next| next != begins) {
            return Err(format!("it begins at {begins:?}, {:?} was next", self.next));
        }
        self.next = Some(begins);
        let mut at = SEGMENT_HEADER_BYTES;
        // The file may end within the padding behind a whole frame.
        while bytes.len() >= at + HEADER_BYTES
            && bytes[at..at + HEADER_BYTES].iter().any(|&byte| byte != 0)
        {
            match self.frame(bytes, at) {
                Ok(next) => at = next,
                Err(_) => break,
            }
        }
        self.footer(&header, bytes, at);
        Ok(())
    }

    /// Compares a footer, if there is a whole one, with the frames, which end at a position.
    fn footer(&mut self, header: &SegmentHeader, bytes: &[u8], at: usize) {
        let Ok(trailer) = Trailer::decode(bytes, header, bytes.len() as u64) else {
            return;
        };
        let said = (trailer.last.next(), trailer.end_offset, trailer.origin);
        let found = self
            .next
            .map(|(index, offset, origin, _)| (index, offset, origin));
        let last = (trailer.term, trailer.commit_seen);
        let (term, commit) = self.last;
        // What was cut off may have named a later commit.
        let same = found == Some(said) && last.0 == term && last.1 >= commit;
        if !same || trailer.data_bytes != at as u64 {
            self.untrue = Some(format!(
                "the footer of the segment from {} on says {said:?}, {last:?} and {} bytes; its frames say {found:?}, {:?} \
                 and {at} bytes",
                header.base_index, trailer.data_bytes, self.last
            ));
        }
    }

    /// What consensus promises of frames: a log begins with who votes, each reign with a frame of its own, terms and
    /// commits only grow, and nobody commits what he did not append yet.
    fn reign(&mut self, header: &FrameHeader) -> Result<(), String> {
        let (term, commit) = self.last;
        let begins = match header.index {
            LogIndex(1) => FrameKind::Config,
            LogIndex(2) => FrameKind::Noop,
            _ if header.term > term => FrameKind::Noop,
            _ => header.kind,
        };
        if header.kind != begins {
            return Err(format!("a reign or a log begins with {:?}", header.kind));
        }
        if header.kind == FrameKind::Noop && header.index > LogIndex(2) && header.term == term {
            return Err(format!("term {term} begins twice"));
        }
        if header.term < term || header.commit() < commit || header.commit() >= header.index {
            return Err(format!(
                "term {} and commit {} behind term {term} and commit {commit}",
                header.term,
                header.commit()
            ));
        }
        self.last = (header.term, header.commit());
        Ok(())
    }

    /// Takes the frame at a position, and returns where the next one begins.
    fn frame(&mut self, bytes: &[u8], at: usize) -> Result<usize, String> {
        let header = FrameHeader::decode(&bytes[at..]).map_err(|error| format!("{error:?}"))?;
        let begins = (
            header.index,
            header.base_offset,
            header.prev_origin,
            header.group,
        );
        if self.next != Some(begins) {
            return Err(format!("a frame {begins:?}, {:?} was next", self.next));
        }
        let start = at + HEADER_BYTES;
        let body = bytes
            .get(start..start + header.body_bytes as usize)
            .ok_or("the body is cut off")?;
        if stdx::crc32c(body) != header.body_crc {
            return Err("the body does not match its checksum".to_owned());
        }
        self.reign(&header)?;
        if header.kind.has_batches() && self.wants_batches {
            for batch in Batches::new(body) {
                let batch = batch.map_err(|error| error.to_string())?;
                self.batches
                    .insert(batch.base_offset(), runtime::Digest::of(batch.bytes()));
            }
        }
        self.next = Some((
            header.index.next(),
            header.end_offset(),
            header.origin,
            header.group,
        ));
        let length = usize::try_from(header.frame_bytes()).map_err(|error| error.to_string())?;
        Ok(at + length)
    }
}
