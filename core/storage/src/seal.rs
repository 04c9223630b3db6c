//! Ending a segment: its footer is written behind its frames, and read there by the next start.

use model::LogIndex;
use runtime::{File, Frozen, IoError, Pieces, Runtime};

use crate::epochs::EpochMap;
use crate::footer::{self, Ends, FooterError, IndexPlace, Sections, TRAILER_BYTES, Trailer};
use crate::index::SparseIndex;
use crate::open_segment::Segment;
use crate::read::read_upto;
use crate::segment::{SEGMENT_HEADER_BYTES, SegmentHeader};

/// Bytes that are read with a trailer: in most files all sections are among them.
const TAIL_BYTES: usize = 4096;

/// A footer, but for its index.
#[derive(Clone, Debug)]
pub(crate) struct Footer {
    pub(crate) trailer: Trailer,
    pub(crate) sections: Sections,
}

/// The bytes of a segment's footer, and where its index will be; none where it has no frame, or too much to say.
pub(crate) fn footer_of(
    segment: &Segment,
    epochs: &EpochMap,
    (last, origin): (LogIndex, u32),
) -> Option<(Vec<u8>, IndexPlace)> {
    let index = segment.index.as_ref();
    let index = index.filter(|index| !index.is_empty() && index.is_whole())?;
    let ends = Ends {
        last,
        end_offset: segment.end_offset,
        commit_seen: segment.commit_seen,
        origin,
        term: epochs.term_at(last)?,
    };
    let sections = Sections {
        reigns: epochs.within(segment.header.base_index, last, segment.header.base_offset),
        configs: segment.configs.clone(),
    };
    let (bytes, trailer) = footer::encode(&segment.header, index, &ends, &sections)?;
    Some((bytes, trailer.index))
}

/// Writes a footer where the frames of a file end, durably or as the system likes: nobody needs it.
pub(crate) async fn write(
    file: &File,
    data_bytes: u64,
    footer: Vec<u8>,
    durably: bool,
) -> Result<(), IoError> {
    let mut pieces = Pieces::new();
    pieces.push(Frozen::from(footer));
    if durably {
        file.write_at_sync(data_bytes, pieces).await
    } else {
        file.write_at(data_bytes, pieces).await
    }
}

/// Reads the footer of the segment with this header, but for its index.
pub(crate) async fn read(
    runtime: &Runtime,
    (file, file_bytes): (&File, u64),
    header: &SegmentHeader,
) -> Result<Footer, FooterError> {
    let tail = file_bytes.saturating_sub(TAIL_BYTES as u64);
    let start = tail.max(SEGMENT_HEADER_BYTES as u64).min(file_bytes);
    let (start, tail) = match bytes(runtime, file, start, len(file_bytes - start)).await {
        // What cannot be had may be in front of it.
        Err(_) => {
            let start = file_bytes.saturating_sub(TRAILER_BYTES as u64);
            let tail = bytes(runtime, file, start, len(file_bytes - start)).await;
            (start, tail?)
        }
        tail => (start, tail?),
    };
    let trailer = Trailer::decode(&tail, header, file_bytes)?;
    let (position, length) = trailer.sections_place();
    let sections = match position.checked_sub(start) {
        Some(at) => trailer.sections(&tail[len(at)..tail.len() - TRAILER_BYTES])?,
        None => trailer.sections(&bytes(runtime, file, position, length).await?)?,
    };
    Ok(Footer { trailer, sections })
}

/// Reads an index from where a footer has it.
pub(crate) async fn read_index(
    runtime: &Runtime,
    file: &File,
    place: &IndexPlace,
    header: &SegmentHeader,
) -> Result<SparseIndex, FooterError> {
    let found = bytes(runtime, file, place.position, len(place.bytes())).await?;
    place.decode(&found, header)
}

/// Bytes of a file, or as many as there are.
async fn bytes(
    runtime: &Runtime,
    file: &File,
    position: u64,
    length: usize,
) -> Result<Vec<u8>, FooterError> {
    let read = read_upto(file, position, length, runtime.buffer(length)).await;
    // Whatever it is, the frames are read instead, and that says it.
    let buffer = read.map_err(|_why| FooterError::Unreadable)?;
    Ok(buffer.as_slice().to_vec())
}

fn len(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
