//! Whether the bytes at a place are the frame that belongs there. Pure.

use core::fmt;

use model::{LogIndex, Offset, Term};
use records::layout;
use runtime::IoError;
use stdx::{crc32c, mutant};

use crate::frame::{
    FRAME_ALIGN_BYTES, FRAME_BYTES_MAX, FrameError, FrameHeader, HEADER_BYTES, may_begin,
};
use crate::group::Group;
use crate::prefix::Prefix;
use crate::segment::SegmentHeader;

/// How far the scan has come: what the next frame must follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tip {
    /// The partition.
    pub group: Group,
    /// The last good frame.
    pub index: LogIndex,
    /// The offset behind it.
    pub end_offset: Offset,
    /// Its identity.
    pub origin: u32,
    /// Its reign.
    pub term: Term,
    /// The largest commit that any frame named.
    pub commit_seen: LogIndex,
}

impl Tip {
    /// Before the first frame of a log.
    pub const fn start(group: Group) -> Self {
        Self {
            group,
            index: LogIndex::ZERO,
            end_offset: Offset::ZERO,
            origin: 0,
            term: Term::ZERO,
            commit_seen: LogIndex::ZERO,
        }
    }

    /// Before the first frame of a segment.
    pub const fn behind(header: &SegmentHeader) -> Self {
        Self {
            index: LogIndex(header.base_index.0 - 1),
            end_offset: header.base_offset,
            origin: header.prev_origin,
            ..Self::start(header.group)
        }
    }

    /// Moves behind a good frame.
    pub fn pass(&mut self, header: &FrameHeader) {
        self.index = header.index;
        self.end_offset = header.end_offset();
        self.origin = header.origin;
        self.term = header.term;
        self.saw(header);
    }

    /// Notes the commit that a frame names.
    pub fn saw(&mut self, header: &FrameHeader) {
        self.commit_seen = self.commit_seen.max(header.commit());
    }
}

/// Why a place does not have the frame that belongs there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The file ends before the frame does.
    CutOff,
    /// No header.
    Header(FrameError),
    /// A good header that does not follow the frame before it, for this reason.
    Chain(&'static str),
    /// The body does not fit its checksum.
    Body,
    /// The checksum fits and the batches do not: a bug, ours or of another version.
    Batches(&'static str),
    /// The device does not give the bytes.
    Unreadable(IoError),
    /// The segment ends before the next one begins.
    EndsEarly,
    /// The log ends before it, and it was durable once.
    Missing,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CutOff => f.write_str("the file ends within it"),
            Self::Header(error) => error.fmt(f),
            Self::Chain(what) => write!(f, "it does not follow the frame before it: {what}"),
            Self::Body => f.write_str("its batches do not fit their checksum"),
            Self::Batches(what) => write!(f, "its batches are not as its header says: {what}"),
            Self::Unreadable(error) => write!(f, "the device does not give the bytes: {error}"),
            Self::EndsEarly => f.write_str("the file ends although another segment follows"),
            Self::Missing => f.write_str("the file ends before it, although it was durable once"),
        }
    }
}

impl core::error::Error for Fault {}

/// The header at the start of `bytes`, when it is that of the frame behind `tip`. `file_bytes_left` counts from
/// there to the end of the file.
pub fn check_header(bytes: &[u8], file_bytes_left: u64, tip: &Tip) -> Result<FrameHeader, Fault> {
    if bytes.len() < HEADER_BYTES {
        return Err(Fault::CutOff);
    }
    let header = FrameHeader::decode(bytes).map_err(Fault::Header)?;
    if header.group != tip.group {
        return Err(Fault::Chain("it belongs to another partition"));
    }
    if header.index != tip.index.next() {
        return Err(Fault::Chain("another index"));
    }
    if header.base_offset != tip.end_offset {
        return Err(Fault::Chain("another offset"));
    }
    if header.prev_origin != tip.origin && !mutant!(S15) {
        return Err(Fault::Chain("another frame came before it"));
    }
    if header.term < tip.term {
        return Err(Fault::Chain("an earlier term"));
    }
    if HEADER_BYTES as u64 + u64::from(header.body_bytes) > file_bytes_left {
        return Err(Fault::CutOff);
    }
    Ok(header)
}

/// Checks a whole body; the largest timestamp in it.
pub fn check_body(header: &FrameHeader, body: &[u8]) -> Result<i64, Fault> {
    check_sum(header, crc32c(body))?;
    let mut largest = i64::MIN;
    let mut rest = if header.kind.has_batches() { body } else { &[] };
    let mut offset = header.base_offset.0;
    while !rest.is_empty() {
        let (batch_bytes, span, timestamp) = check_batch(header, rest, offset)?;
        largest = largest.max(timestamp);
        offset += i64::from(span);
        rest = rest
            .get(batch_bytes..)
            .ok_or(Fault::Batches("a batch is cut off"))?;
    }
    if offset != header.end_offset().0 {
        return Err(Fault::Batches("they take other offsets"));
    }
    Ok(largest)
}

/// Checks a body that is too large to hold, from its checksum and first bytes: one batch alone may be so.
pub fn check_large_body(header: &FrameHeader, body_crc: u32, first: &[u8]) -> Result<i64, Fault> {
    check_sum(header, body_crc)?;
    if !header.kind.has_batches() {
        return Ok(i64::MIN);
    }
    let (batch_bytes, span, timestamp) = check_batch(header, first, header.base_offset.0)?;
    if batch_bytes != header.body_bytes as usize || span != header.span {
        return Err(Fault::Batches("a large frame has several"));
    }
    Ok(timestamp)
}

fn check_sum(header: &FrameHeader, computed: u32) -> Result<(), Fault> {
    if computed == header.body_crc || mutant!(S01) {
        Ok(())
    } else {
        Err(Fault::Body)
    }
}

/// Looks at the header of one batch: its bytes, offsets taken, largest timestamp.
fn check_batch(
    header: &FrameHeader,
    bytes: &[u8],
    offset: i64,
) -> Result<(usize, u32, i64), Fault> {
    let batch = Prefix::of(bytes).ok_or(Fault::Batches("a batch is cut off"))?;
    let length = batch
        .batch_bytes()
        .filter(|&bytes| bytes >= layout::HEADER_BYTES);
    let (Some(length), Some(span)) = (length, batch.span()) else {
        return Err(Fault::Batches("a batch has no sane size"));
    };
    if batch.magic() != layout::MAGIC_2 {
        return Err(Fault::Batches("a batch of another layout"));
    }
    if batch.base_offset() != offset || batch.leader_epoch() != header.term.leader_epoch().0 {
        return Err(Fault::Batches("a batch of another place"));
    }
    Ok((length, span, batch.max_timestamp()))
}

/// What a search found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// Good headers.
    pub frames: u64,
    /// The largest commit that they name.
    pub commit_seen: LogIndex,
    /// Where to search on, from the start of the bytes; maybe beyond them.
    pub next: u64,
}

/// Searches `bytes`, which begin at a multiple of eight in the file, for headers of frames behind `tip`. The body
/// of a frame that is found is passed over: its length verifies with its header, and what clients wrote must not
/// be taken for frames.
pub fn search(bytes: &[u8], tip: &Tip) -> Search {
    let mut found = Search::default();
    let mut at = 0;
    while at + HEADER_BYTES <= bytes.len() {
        let header = Some(&bytes[at..])
            .filter(|bytes| may_begin(bytes))
            .and_then(|bytes| FrameHeader::decode(bytes).ok())
            .filter(|header| header.group == tip.group && header.index > tip.index);
        let step = header.map_or(FRAME_ALIGN_BYTES as u64, |header| {
            found.frames += 1;
            found.commit_seen = found.commit_seen.max(header.commit());
            header.frame_bytes()
        });
        let step = usize::try_from(step).unwrap_or(usize::MAX);
        at = at.saturating_add(step);
    }
    found.next = at as u64;
    found
}

const _: () = assert!(FRAME_BYTES_MAX > HEADER_BYTES + layout::HEADER_BYTES);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Frames, GROUP};
    use proptest::prelude::*;

    /// Passes the frames of `bytes`; how many were good, and why it ended.
    fn walk(bytes: &[u8]) -> (u64, Option<Fault>) {
        let (mut tip, mut at) = (Tip::start(GROUP), 0);
        while at < bytes.len() {
            let header = match check_header(&bytes[at..], (bytes.len() - at) as u64, &tip) {
                Ok(header) => header,
                Err(fault) => return (tip.index.0, Some(fault)),
            };
            let body = &bytes[at + HEADER_BYTES..][..header.body_bytes as usize];
            if let Err(fault) = check_body(&header, body) {
                return (tip.index.0, Some(fault));
            }
            tip.pass(&header);
            at += usize::try_from(header.frame_bytes()).unwrap();
        }
        (tip.index.0, None)
    }

    fn three() -> Frames {
        Frames::new().data(&[2], 10).noop().data(&[1, 3], 10)
    }

    #[test]
    fn frames_that_follow_each_other_are_good() {
        assert_eq!(walk(&three().bytes), (3, None));
    }

    #[test]
    fn a_frame_left_out_is_noticed_by_its_index() {
        let frames = three();
        let mut bytes = frames.bytes.clone();
        bytes.drain(frames.position(1)..frames.position(2));
        assert_eq!(walk(&bytes), (1, Some(Fault::Chain("another index"))));
    }

    #[test]
    fn a_frame_of_another_history_is_noticed_by_its_chain() {
        let (frames, mut other) = (
            three(),
            Frames::new().data(&[2], 11).noop().data(&[1, 3], 10).bytes,
        );
        let at = frames.position(2);
        let other_at = other.len() - (frames.bytes.len() - at);
        let mut bytes = frames.bytes[..at].to_vec();
        bytes.extend(other.drain(other_at..));
        assert_eq!(
            walk(&bytes),
            (2, Some(Fault::Chain("another frame came before it")))
        );
    }

    #[test]
    fn a_search_finds_the_frames_behind_a_bad_one_and_their_commit() {
        let frames = Frames::new()
            .data(&[1], 10)
            .commit(1)
            .data(&[1], 10)
            .commit(2)
            .data(&[1], 10);
        let (second, tip) = (
            frames.position(1),
            Tip {
                index: LogIndex(1),
                ..Tip::start(GROUP)
            },
        );
        let mut bytes = frames.bytes[second..].to_vec();
        bytes[0] ^= 1;
        let found = search(&bytes, &tip);
        assert_eq!((found.frames, found.commit_seen), (1, LogIndex(2)));
        assert_eq!(
            search(
                &bytes,
                &Tip {
                    group: Group(9),
                    ..tip
                }
            )
            .frames,
            0
        );
    }

    /// What clients write must not be taken for frames: the body of a good header is passed over.
    #[test]
    fn a_search_does_not_look_into_bodies() {
        let inner = Frames::new().noop().noop().noop().commit(4).noop().bytes;
        let mut outer = Frames::new().data(&[1], 2_000);
        let body = HEADER_BYTES + 200;
        outer.bytes[body..body + inner.len()].copy_from_slice(&inner);
        let found = search(&outer.bytes, &Tip::start(GROUP));
        assert_eq!((found.frames, found.commit_seen), (1, LogIndex(0)));
    }

    proptest! {
        #[test]
        fn a_cut_anywhere_leaves_the_frames_before_it(cut in 0_usize..600) {
            let frames = three();
            let cut = cut.min(frames.bytes.len());
            let whole = (0..3).filter(|&number| {
                let header = &frames.headers[number];
                frames.position(number) + HEADER_BYTES + header.body_bytes as usize <= cut
            }).count() as u64;
            prop_assert_eq!(walk(&frames.bytes[..cut]).0, whole);
        }

        #[test]
        fn a_flipped_bit_in_a_frame_is_noticed(bit in 0_usize..8_000) {
            let frames = Frames::new().data(&[3], 100).data(&[1], 100);
            let (byte, mask) = (bit / 8 % frames.bytes.len(), 1 << (bit % 8));
            let padding = (0..2).any(|number| {
                let end = frames.position(number) + HEADER_BYTES + frames.headers[number].body_bytes as usize;
                (end..end.next_multiple_of(FRAME_ALIGN_BYTES)).contains(&byte)
            });
            let mut bytes = frames.bytes.clone();
            bytes[byte] ^= mask;
            prop_assert_eq!(walk(&bytes).1.is_none(), padding);
        }

        #[test]
        fn any_bytes_are_searched_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            search(&bytes, &Tip::start(GROUP));
            walk(&bytes);
        }
    }
}
