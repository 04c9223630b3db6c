//! What the leader writes into a batch when it takes it: offsets, its epoch, and, where the topic asks, the time of
//! the append. Nothing else in a batch is ever changed in place.

use crate::attributes::{Attributes, TimestampType};
use crate::batch::{BatchView, array};
use crate::combine::shift;
use crate::error::RecordsError;
use crate::layout;
use core::ops::Range;
use stdx::crc32c;

/// One whole batch, to be stamped.
#[derive(Debug)]
pub struct BatchMut<'a> {
    bytes: &'a mut [u8],
}

impl<'a> BatchMut<'a> {
    /// The first batch of `bytes`, to be stamped.
    ///
    /// Errors: those of [`BatchView::split`].
    pub fn first(bytes: &'a mut [u8]) -> Result<Self, RecordsError> {
        let size = BatchView::split(bytes)?.0.len();
        Ok(Self {
            bytes: &mut bytes[..size],
        })
    }

    /// The batch as it stands.
    pub fn view(&self) -> BatchView<'_> {
        BatchView::split(self.bytes)
            .expect("a stamp keeps length and magic")
            .0
    }

    /// Writes the offset of the first record. The checksum does not cover it.
    pub fn set_base_offset(&mut self, base_offset: i64) {
        self.bytes[layout::BASE_OFFSET].copy_from_slice(&base_offset.to_be_bytes());
    }

    /// Writes the leader's epoch. The checksum does not cover it.
    pub fn set_partition_leader_epoch(&mut self, epoch: i32) {
        self.bytes[layout::PARTITION_LEADER_EPOCH].copy_from_slice(&epoch.to_be_bytes());
    }

    /// Makes `timestamp` (milliseconds) the time of all records, the append's.
    pub fn set_append_time(&mut self, timestamp: i64) {
        self.set_timestamps(TimestampType::AppendTime, timestamp);
    }

    /// Writes the largest timestamp and what timestamps mean, and moves the checksum along.
    pub fn set_timestamps(&mut self, timestamp_type: TimestampType, max_timestamp: i64) {
        let before = crc32c(&self.bytes[COVERED_HEADER]);
        let attributes =
            Attributes::from_bits(u16::from_be_bytes(array(self.bytes, layout::ATTRIBUTES)))
                .with_timestamp_type(timestamp_type);
        self.bytes[layout::ATTRIBUTES].copy_from_slice(&attributes.bits().to_be_bytes());
        self.bytes[layout::MAX_TIMESTAMP].copy_from_slice(&max_timestamp.to_be_bytes());
        let after = crc32c(&self.bytes[COVERED_HEADER]);

        // The difference of two checksums of one length depends on the difference of the bytes alone, and the
        // records behind the header did not change: so it need only be shifted past them. The records are not read,
        // and a checksum that was wrong before is wrong after.
        let payload_bytes = self.bytes.len() - layout::HEADER_BYTES;
        let stored = u32::from_be_bytes(array(self.bytes, layout::CRC));
        let moved = stored ^ shift(before ^ after, payload_bytes);
        self.bytes[layout::CRC].copy_from_slice(&moved.to_be_bytes());
    }
}

/// The part of the header that the checksum covers.
const COVERED_HEADER: Range<usize> = layout::CRC_COVERS_FROM..layout::HEADER_BYTES;

/// Stamps all batches of a field: contiguous offsets from `base_offset`, the leader's epoch, and, where it is given,
/// the time of the append. Returns the offset behind the last record.
///
/// Errors: those of [`BatchView::split`], and `Offsets` where they would run past the largest number. A field that
/// [`crate::validate()`] passed gives no other than the latter. Batches in front of the bad one are stamped by then.
pub fn stamp(
    bytes: &mut [u8],
    base_offset: i64,
    partition_leader_epoch: i32,
    append_time: Option<i64>,
) -> Result<i64, RecordsError> {
    let (mut at, mut next_offset) = (0, base_offset);
    while at < bytes.len() {
        let mut batch = BatchMut::first(&mut bytes[at..]).map_err(|error| error.moved(at))?;
        let span = i64::from(batch.view().last_offset_delta()) + 1;
        let end_offset = next_offset
            .checked_add(span)
            .filter(|&end| end > next_offset)
            .ok_or(RecordsError::Offsets {
                at,
                base_offset: next_offset,
            })?;
        batch.set_base_offset(next_offset);
        batch.set_partition_leader_epoch(partition_leader_epoch);
        if let Some(timestamp) = append_time {
            batch.set_append_time(timestamp);
        }
        at += batch.bytes.len();
        next_offset = end_offset;
    }
    Ok(next_offset)
}
