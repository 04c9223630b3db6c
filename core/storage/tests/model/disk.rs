//! A log on a disk, read by itself.

use std::collections::BTreeMap;

use ::model::{LogIndex, Offset};
use records::Batches;
use storage::frame::{FrameHeader, FrameKind, HEADER_BYTES};
use storage::segment::{SEGMENT_HEADER_BYTES, SegmentHeader, parse_file_name};
use world::Disk;

use crate::life::DIRECTORY;

/// The numbers of the frames that continue each other in the files as processes see them; and how many files there are.
pub(crate) fn numbers(disk: &Disk) -> (Vec<u64>, usize) {
    let names = disk.cache_names(DIRECTORY).unwrap_or_default();
    let segments = names
        .iter()
        .filter_map(|name| Some((parse_file_name(name)?, name)));
    let segments: BTreeMap<LogIndex, &String> = segments.collect();
    let mut numbers = Vec::new();
    let mut next = (LogIndex(1), Offset(0), 0);
    for (base_index, name) in &segments {
        let bytes = disk
            .cache_bytes(&format!("{DIRECTORY}/{name}"))
            .unwrap_or_default();
        let header = SegmentHeader::decode(&bytes);
        let begins =
            header.map(|header| (header.base_index, header.base_offset, header.prev_origin));
        if begins != Ok(next) || next.0 != *base_index {
            break;
        }
        let mut at = SEGMENT_HEADER_BYTES;
        while let Some((header, number)) = frame(&bytes, at, next) {
            numbers.push(number);
            next = (header.index.next(), header.end_offset(), header.origin);
            at += usize::try_from(header.frame_bytes()).unwrap();
        }
    }
    (numbers, segments.len())
}

/// The frame at a place, if it is the one that continues the others, and its number.
fn frame(bytes: &[u8], at: usize, next: (LogIndex, Offset, u32)) -> Option<(FrameHeader, u64)> {
    let header = FrameHeader::decode(bytes.get(at..at + HEADER_BYTES)?).ok()?;
    if (header.index, header.base_offset, header.prev_origin) != next {
        return None;
    }
    let start = at + HEADER_BYTES;
    let body = bytes.get(start..start + header.body_bytes as usize)?;
    if stdx::crc32c(body) != header.body_crc {
        return None;
    }
    let number = match header.kind {
        FrameKind::Data => number(body),
        _ => 0,
    };
    Some((header, number))
}

/// The number in the only record of a batch.
pub(crate) fn number(batch: &[u8]) -> u64 {
    let batch = Batches::new(batch).next().unwrap().unwrap();
    let record = batch.records().unwrap().next().unwrap().unwrap();
    u64::from_le_bytes(*record.value.unwrap().first_chunk().unwrap())
}
