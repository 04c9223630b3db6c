//! Where each field of the 61-byte header lies. All numbers are big-endian. `papers/format/record-batch.md` draws
//! the same table.

use core::ops::Range;

/// The offset of the first record, `i64`.
pub const BASE_OFFSET: Range<usize> = 0..8;
/// Bytes of the batch behind this field, `i32`.
pub const BATCH_LENGTH: Range<usize> = 8..12;
/// The epoch of the leader that appended the batch, `i32`; -1 from a client.
pub const PARTITION_LEADER_EPOCH: Range<usize> = 12..16;
/// The version of the layout, `i8`.
pub const MAGIC: usize = 16;
/// CRC-32C of everything behind this field, `u32`.
pub const CRC: Range<usize> = 17..21;
/// Flags, `i16`: see [`crate::Attributes`].
pub const ATTRIBUTES: Range<usize> = 21..23;
/// Last offset minus base offset, `i32`.
pub const LAST_OFFSET_DELTA: Range<usize> = 23..27;
/// What the timestamp deltas of the records count from, `i64` milliseconds.
pub const BASE_TIMESTAMP: Range<usize> = 27..35;
/// The largest timestamp of the records, or the time of the append, `i64` milliseconds.
pub const MAX_TIMESTAMP: Range<usize> = 35..43;
/// Who produced, `i64`; -1 for nobody in particular.
pub const PRODUCER_ID: Range<usize> = 43..51;
/// Which life of that producer, `i16`.
pub const PRODUCER_EPOCH: Range<usize> = 51..53;
/// The producer's number of the first record, `i32`.
pub const BASE_SEQUENCE: Range<usize> = 53..57;
/// How many records follow, `i32`.
pub const RECORD_COUNT: Range<usize> = 57..61;

/// Bytes of the header; the records begin here.
pub const HEADER_BYTES: usize = 61;
/// Bytes up to and with the length field: what `batch_length` does not count.
pub const LENGTH_OVERHEAD_BYTES: usize = 12;
/// Bytes in front of what the checksum covers.
pub const CRC_COVERS_FROM: usize = 21;
/// The only magic this room knows.
pub const MAGIC_2: u8 = 2;

const _: () = assert!(BATCH_LENGTH.end == LENGTH_OVERHEAD_BYTES);
const _: () = assert!(CRC.end == CRC_COVERS_FROM && ATTRIBUTES.start == CRC_COVERS_FROM);
const _: () = assert!(RECORD_COUNT.end == HEADER_BYTES);
