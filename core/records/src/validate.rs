//! What a produced records field must obey before the leader takes it.
//!
//! The rules are those of Kafka's own broker (its `LogValidator`), plus two that cost nothing: no bits that have no
//! meaning, and no claim that only compaction may make. Records are not opened.

use crate::batch::{BatchView, Batches};
use crate::error::RecordsError;
use crate::layout;
use crate::record::RECORD_BYTES_MIN;
use crate::{Compression, TimestampType};

/// What a topic allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one batch, header included.
    pub batch_bytes_max: usize,
    /// Batches in the field. Kafka allows a client one.
    pub batches_max: usize,
}

/// A field that passed: facts about it that the append needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validated<'a> {
    bytes: &'a [u8],
    /// Batches in it, at least one.
    pub batches: usize,
    /// Records in it, and so the offsets that it takes.
    pub records: u64,
    /// The largest timestamp that its headers name, milliseconds.
    pub max_timestamp: i64,
}

impl<'a> Validated<'a> {
    /// The whole field.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Its batches, once more and without error.
    pub fn iter(&self) -> impl Iterator<Item = BatchView<'a>> + use<'a> {
        Batches::new(self.bytes).map_while(Result::ok)
    }
}

/// Checks a produced records field: one to many batches and nothing behind them.
///
/// Reads every byte once, for the checksum; allocates nothing.
pub fn validate(bytes: &[u8], limits: Limits) -> Result<Validated<'_>, RecordsError> {
    let mut batches = Batches::new(bytes);
    let mut validated = Validated {
        bytes,
        batches: 0,
        records: 0,
        max_timestamp: i64::MIN,
    };
    loop {
        let at = batches.consumed();
        let Some(batch) = batches.next().transpose()? else {
            break;
        };
        if validated.batches == limits.batches_max {
            return Err(RecordsError::TooManyBatches {
                at,
                batches_max: limits.batches_max,
            });
        }
        let records = check_produced(batch, limits).map_err(|error| error.moved(at))?;
        validated.batches += 1;
        validated.records += u64::from(records);
        validated.max_timestamp = validated.max_timestamp.max(batch.max_timestamp());
    }
    if validated.batches == 0 {
        return Err(RecordsError::Empty);
    }
    Ok(validated)
}

/// Checks one batch, cheap things first, and says how many records it has.
fn check_produced(batch: BatchView<'_>, limits: Limits) -> Result<u32, RecordsError> {
    if batch.len() > limits.batch_bytes_max {
        return Err(RecordsError::TooLarge {
            at: 0,
            bytes: batch.len(),
            bytes_max: limits.batch_bytes_max,
        });
    }
    let records = check_counts(batch)?;
    batch.check_crc()?;
    check_attributes(batch)?;
    check_producer(batch)?;
    Ok(records)
}

/// At least one record, offsets without a gap, and no more records than bytes can hold.
fn check_counts(batch: BatchView<'_>) -> Result<u32, RecordsError> {
    let (count, last_offset_delta) = (batch.record_count(), batch.last_offset_delta());
    let Some(records) = u32::try_from(count).ok().filter(|&records| records > 0) else {
        return Err(RecordsError::Count { at: 0, count });
    };
    if i64::from(last_offset_delta) + 1 != i64::from(count) {
        return Err(RecordsError::LastOffsetDelta {
            at: 0,
            last_offset_delta,
            count,
        });
    }
    // How much a codec squeezes is its own affair, but plain records have a least size.
    let plain = batch.attributes().compression() == Ok(Compression::None);
    let room = (batch.len() - layout::HEADER_BYTES) / RECORD_BYTES_MIN;
    if plain && usize::try_from(records).is_ok_and(|records| records > room) {
        return Err(RecordsError::Count { at: 0, count });
    }
    Ok(records)
}

fn check_attributes(batch: BatchView<'_>) -> Result<(), RecordsError> {
    let attributes = batch.attributes();
    if attributes.unknown_bits() != 0 {
        return Err(RecordsError::Attributes {
            at: 0,
            refused: attributes.unknown_bits(),
        });
    }
    if attributes.has_delete_horizon() {
        return Err(RecordsError::Attributes {
            at: 0,
            refused: DELETE_HORIZON_BIT,
        });
    }
    if attributes.is_control() {
        return Err(RecordsError::Control { at: 0 });
    }
    if attributes.timestamp_type() == TimestampType::AppendTime {
        return Err(RecordsError::TimestampType { at: 0 });
    }
    match attributes.compression() {
        Ok(_) => Ok(()),
        Err(number) => Err(RecordsError::Codec { at: 0, number }),
    }
}

/// Only compaction sets it.
const DELETE_HORIZON_BIT: u16 = 1 << 6;

/// A producer id comes with an epoch and a sequence. Without one the other two are not looked at: clients that do
/// not number their batches send -1 or 0 there as they please. A transaction needs a producer id.
fn check_producer(batch: BatchView<'_>) -> Result<(), RecordsError> {
    let (producer_id, producer_epoch) = (batch.producer_id(), batch.producer_epoch());
    let base_sequence = batch.base_sequence();
    let fits = match producer_id {
        -1 => !batch.attributes().is_transactional(),
        0.. => producer_epoch >= 0 && base_sequence >= 0,
        _ => false,
    };
    if fits {
        Ok(())
    } else {
        Err(RecordsError::Producer {
            at: 0,
            producer_id,
            producer_epoch,
            base_sequence,
        })
    }
}
