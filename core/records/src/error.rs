//! What can be wrong with a records field.

use core::fmt;

/// Why bytes are not the batches they claim to be. `at` is where the batch begins in the bytes that were given,
/// except where a variant says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordsError {
    /// There is no batch at all.
    Empty,
    /// The bytes end inside the batch. A fetch response may end so: the client drops the piece and asks again.
    Truncated {
        /// Where the batch begins.
        at: usize,
        /// Bytes that the batch needs, as far as its header tells.
        needed: usize,
        /// Bytes that are there.
        remaining: usize,
    },
    /// The length field is smaller than a header needs.
    Length {
        /// Where the batch begins.
        at: usize,
        /// The field as it stands.
        length: i32,
    },
    /// The batch is larger than allowed.
    TooLarge {
        /// Where the batch begins.
        at: usize,
        /// Bytes of the whole batch.
        bytes: usize,
        /// The limit that it exceeds.
        bytes_max: usize,
    },
    /// There are more batches than allowed.
    TooManyBatches {
        /// Where the first one too many begins.
        at: usize,
        /// The limit that is exceeded.
        batches_max: usize,
    },
    /// The layout is not version 2.
    Magic {
        /// Where the batch begins.
        at: usize,
        /// The version that it names.
        magic: u8,
    },
    /// The stored checksum is not that of the bytes.
    Checksum {
        /// Where the batch begins.
        at: usize,
        /// As stored.
        stored: u32,
        /// As computed from the bytes.
        computed: u32,
    },
    /// Bits are set that have no meaning, or one that only compaction sets.
    Attributes {
        /// Where the batch begins.
        at: usize,
        /// The bits that may not be set.
        refused: u16,
    },
    /// The codec's number is not known.
    Codec {
        /// Where the batch begins.
        at: usize,
        /// The number.
        number: u16,
    },
    /// The batch is compressed where plain records are needed.
    Compressed {
        /// Where the batch begins.
        at: usize,
    },
    /// A client sent a marker of the broker.
    Control {
        /// Where the batch begins.
        at: usize,
    },
    /// A client claims that its timestamps are those of the append.
    TimestampType {
        /// Where the batch begins.
        at: usize,
    },
    /// The number of records is not positive, or more than the bytes can hold.
    Count {
        /// Where the batch begins.
        at: usize,
        /// The field as it stands.
        count: i32,
    },
    /// The last offset does not fit the number of records.
    LastOffsetDelta {
        /// Where the batch begins.
        at: usize,
        /// The field as it stands.
        last_offset_delta: i32,
        /// The number of records.
        count: i32,
    },
    /// Offsets are negative or run past the largest number.
    Offsets {
        /// Where the batch begins.
        at: usize,
        /// The offset of the first record.
        base_offset: i64,
    },
    /// Producer id, epoch, base sequence and the transaction flag do not go together.
    Producer {
        /// Where the batch begins.
        at: usize,
        /// The field as it stands.
        producer_id: i64,
        /// The field as it stands.
        producer_epoch: i16,
        /// The field as it stands.
        base_sequence: i32,
    },
    /// A record does not parse.
    Record {
        /// Where it begins, counted from the first record of the batch.
        at: usize,
        /// Which part of it.
        part: &'static str,
    },
    /// Bytes are left behind the last record.
    RecordsTrailing {
        /// Where they begin, counted from the first record of the batch.
        at: usize,
    },
}

impl RecordsError {
    /// Whether the bytes merely end too early, so that more of them could make this right.
    pub const fn is_cut_off(&self) -> bool {
        matches!(self, Self::Truncated { .. })
    }

    /// The same error for a batch that begins `by` bytes further on.
    #[must_use]
    pub(crate) fn moved(mut self, by: usize) -> Self {
        match &mut self {
            Self::Empty | Self::Record { .. } | Self::RecordsTrailing { .. } => {}
            Self::Truncated { at, .. }
            | Self::Length { at, .. }
            | Self::TooLarge { at, .. }
            | Self::TooManyBatches { at, .. }
            | Self::Magic { at, .. }
            | Self::Checksum { at, .. }
            | Self::Attributes { at, .. }
            | Self::Codec { at, .. }
            | Self::Compressed { at }
            | Self::Control { at }
            | Self::TimestampType { at }
            | Self::Count { at, .. }
            | Self::LastOffsetDelta { at, .. }
            | Self::Offsets { at, .. }
            | Self::Producer { at, .. } => *at += by,
        }
        self
    }
}

impl fmt::Display for RecordsError {
    #[expect(clippy::too_many_lines, reason = "one phrase for each variant")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "no batch"),
            Self::Truncated {
                at,
                needed,
                remaining,
            } => {
                write!(
                    f,
                    "batch at byte {at} needs {needed} bytes, {remaining} are there"
                )
            }
            Self::Length { at, length } => {
                write!(
                    f,
                    "batch at byte {at} has an impossible length field, {length}"
                )
            }
            Self::TooLarge {
                at,
                bytes,
                bytes_max,
            } => {
                write!(
                    f,
                    "batch at byte {at} has {bytes} bytes, {bytes_max} are allowed"
                )
            }
            Self::TooManyBatches { at, batches_max } => {
                write!(
                    f,
                    "batch at byte {at} is one too many, {batches_max} are allowed"
                )
            }
            Self::Magic { at, magic } => {
                write!(f, "batch at byte {at} has layout version {magic}, not 2")
            }
            Self::Checksum {
                at,
                stored,
                computed,
            } => write!(
                f,
                "batch at byte {at} says checksum {stored:#010x}, its bytes say {computed:#010x}"
            ),
            Self::Attributes { at, refused } => {
                write!(f, "batch at byte {at} sets attribute bits {refused:#06x}")
            }
            Self::Codec { at, number } => {
                write!(f, "batch at byte {at} uses unknown codec {number}")
            }
            Self::Compressed { at } => write!(f, "batch at byte {at} is compressed"),
            Self::Control { at } => write!(f, "batch at byte {at} is a control batch"),
            Self::TimestampType { at } => {
                write!(f, "batch at byte {at} claims the time of the append")
            }
            Self::Count { at, count } => {
                write!(f, "batch at byte {at} cannot hold {count} records")
            }
            Self::LastOffsetDelta {
                at,
                last_offset_delta,
                count,
            } => write!(
                f,
                "batch at byte {at} has {count} records but last offset delta {last_offset_delta}"
            ),
            Self::Offsets { at, base_offset } => {
                write!(
                    f,
                    "batch at byte {at} has impossible offsets from {base_offset}"
                )
            }
            Self::Producer {
                at,
                producer_id,
                producer_epoch,
                base_sequence,
            } => write!(
                f,
                "batch at byte {at}: producer {producer_id} epoch {producer_epoch} \
                 sequence {base_sequence} do not go together"
            ),
            Self::Record { at, part } => write!(f, "record at byte {at}: bad {part}"),
            Self::RecordsTrailing { at } => {
                write!(f, "bytes behind the last record, from byte {at}")
            }
        }
    }
}

impl core::error::Error for RecordsError {}
