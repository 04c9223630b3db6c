//! The header of a batch as the leader rewrites it: a copy of 61 bytes, so that the records behind it need not
//! be copied.

use core::ops::Range;

use records::layout;
use stdx::{crc32c, crc32c_append};

/// The header of one batch, apart from its records.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prefix {
    bytes: [u8; layout::HEADER_BYTES],
}

/// The part of the header that the batch's own checksum covers.
const COVERED: Range<usize> = layout::CRC_COVERS_FROM..layout::HEADER_BYTES;

impl Prefix {
    /// A copy of the header with which `batch` begins. None when it has not even that.
    pub(crate) fn of(batch: &[u8]) -> Option<Self> {
        let bytes = *batch.first_chunk()?;
        Some(Self { bytes })
    }

    /// The 61 bytes.
    pub(crate) const fn bytes(&self) -> &[u8; layout::HEADER_BYTES] {
        &self.bytes
    }

    /// Writes what the leader assigns; the batch's checksum does not cover it.
    pub(crate) fn place(&mut self, base_offset: i64, leader_epoch: i32) {
        self.bytes[layout::BASE_OFFSET].copy_from_slice(&base_offset.to_be_bytes());
        self.bytes[layout::PARTITION_LEADER_EPOCH].copy_from_slice(&leader_epoch.to_be_bytes());
    }

    /// Makes `millis` the time of all records, and moves the batch's checksum along: the difference of two
    /// checksums of equal length depends on the difference of the bytes alone, so it is shifted past the
    /// `payload_bytes` of the records, which are not read; a checksum that was wrong stays wrong.
    pub(crate) fn set_append_time(&mut self, millis: i64, payload_bytes: usize) {
        let before = crc32c(&self.bytes[COVERED]);
        let attributes = self
            .attributes()
            .with_timestamp_type(records::TimestampType::AppendTime);
        self.bytes[layout::ATTRIBUTES].copy_from_slice(&attributes.bits().to_be_bytes());
        self.bytes[layout::MAX_TIMESTAMP].copy_from_slice(&millis.to_be_bytes());
        let after = crc32c(&self.bytes[COVERED]);
        let moved = self.crc() ^ records::combine(before ^ after, 0, payload_bytes);
        self.bytes[layout::CRC].copy_from_slice(&moved.to_be_bytes());
    }

    /// CRC-32C of what `front` covers followed by this header and `payload`. Large payloads are not read: their
    /// part is taken from the batch's own checksum, which the door verified.
    pub(crate) fn append_crc(&self, front: u32, payload: &[u8]) -> u32 {
        if self.bytes.len() + payload.len() < records::batch::COMBINE_FROM_BYTES {
            return crc32c_append(crc32c_append(front, &self.bytes), payload);
        }
        let stamped = crc32c_append(front, &self.bytes[..layout::CRC_COVERS_FROM]);
        records::combine(stamped, self.crc(), COVERED.len() + payload.len())
    }

    /// Bytes of the whole batch, as the header has it; None for nonsense.
    pub(crate) fn batch_bytes(&self) -> Option<usize> {
        let length = i32::from_be_bytes(self.array(layout::BATCH_LENGTH));
        usize::try_from(length)
            .ok()?
            .checked_add(layout::LENGTH_OVERHEAD_BYTES)
    }

    /// Offset of the first record.
    pub(crate) fn base_offset(&self) -> i64 {
        i64::from_be_bytes(self.array(layout::BASE_OFFSET))
    }

    /// Offsets that it takes; None for nonsense.
    pub(crate) fn span(&self) -> Option<u32> {
        let delta = i32::from_be_bytes(self.array(layout::LAST_OFFSET_DELTA));
        Some(u32::try_from(delta).ok()? + 1)
    }

    /// Epoch of the leader that appended it.
    pub(crate) fn leader_epoch(&self) -> i32 {
        i32::from_be_bytes(self.array(layout::PARTITION_LEADER_EPOCH))
    }

    /// The largest timestamp.
    pub(crate) fn max_timestamp(&self) -> i64 {
        i64::from_be_bytes(self.array(layout::MAX_TIMESTAMP))
    }

    /// The version of the layout.
    pub(crate) const fn magic(&self) -> u8 {
        self.bytes[layout::MAGIC]
    }

    fn attributes(&self) -> records::Attributes {
        records::Attributes::from_bits(u16::from_be_bytes(self.array(layout::ATTRIBUTES)))
    }

    fn crc(&self) -> u32 {
        u32::from_be_bytes(self.array(layout::CRC))
    }

    fn array<const N: usize>(&self, range: Range<usize>) -> [u8; N] {
        self.bytes[range]
            .try_into()
            .expect("a field is as long as its type")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use records::{BatchBuilder, BatchView, NewRecord};

    fn batch(value_bytes: usize) -> Vec<u8> {
        let mut builder = BatchBuilder::new();
        builder.push(&NewRecord::value(5, &vec![7; value_bytes]));
        builder.push(&NewRecord::value(9, b"second"));
        builder.finish()
    }

    #[test]
    fn a_stamped_copy_equals_the_stamped_batch() {
        for (value_bytes, append_time) in
            [(1, None), (1, Some(77)), (5_000, None), (5_000, Some(77))]
        {
            let mut whole = batch(value_bytes);
            let mut prefix = Prefix::of(&whole).unwrap();
            prefix.place(1_000, 4);
            if let Some(millis) = append_time {
                prefix.set_append_time(millis, whole.len() - layout::HEADER_BYTES);
            }
            records::stamp(&mut whole, 1_000, 4, append_time).unwrap();
            assert_eq!(prefix.bytes()[..], whole[..layout::HEADER_BYTES]);
            BatchView::split(&whole).unwrap().0.check_stored().unwrap();

            let (_, payload) = whole.split_at(layout::HEADER_BYTES);
            let front = crc32c(b"front");
            assert_eq!(
                prefix.append_crc(front, payload),
                crc32c_append(front, &whole)
            );
        }
    }

    #[test]
    fn the_fields_are_the_batchs() {
        let whole = batch(10);
        let prefix = Prefix::of(&whole).unwrap();
        assert_eq!(prefix.batch_bytes(), Some(whole.len()));
        assert_eq!(
            (prefix.span(), prefix.base_offset(), prefix.leader_epoch()),
            (Some(2), 0, -1)
        );
        assert_eq!((prefix.max_timestamp(), prefix.magic()), (9, 2));
        assert!(Prefix::of(&whole[..60]).is_none());
    }
}
