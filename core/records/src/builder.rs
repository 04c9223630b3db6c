//! Builds a batch, uncompressed: for clients, for the broker's own small partitions, and for tests.

use crate::attributes::{Attributes, TimestampType};
use crate::layout;
use crate::record::Header;
use crate::varint;
use stdx::crc32c;

/// One record to be built.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewRecord<'a> {
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// The key, where there is one.
    pub key: Option<&'a [u8]>,
    /// The value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Names and values beside it.
    pub headers: &'a [Header<'a>],
}

impl<'a> NewRecord<'a> {
    /// A record of a value alone.
    pub const fn value(timestamp: i64, value: &'a [u8]) -> Self {
        Self {
            timestamp,
            key: None,
            value: Some(value),
            headers: &[],
        }
    }
}

/// Who produces, and its number of the first record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Producer {
    /// The id that the broker gave.
    pub id: i64,
    /// Which life of that producer.
    pub epoch: i16,
    /// The number of the first record, counted a partition.
    pub base_sequence: i32,
}

impl Producer {
    /// Nobody in particular.
    pub const NONE: Self = Self {
        id: -1,
        epoch: -1,
        base_sequence: -1,
    };
}

/// A batch in the making. Push records, then [`BatchBuilder::finish`].
///
/// Offsets count from the base offset, 0 unless set: the leader assigns the real ones. The batch must stay below
/// 2 GiB and 2^31 records; a push beyond panics, since callers bound their batches far below.
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    /// The header's bytes, zero until the end, and the records.
    bytes: Vec<u8>,
    base_offset: i64,
    partition_leader_epoch: i32,
    attributes: Attributes,
    producer: Producer,
    base_timestamp: i64,
    max_timestamp: i64,
    count: i32,
}

impl BatchBuilder {
    /// An empty batch of no producer.
    pub fn new() -> Self {
        Self {
            bytes: vec![0; layout::HEADER_BYTES],
            base_offset: 0,
            partition_leader_epoch: -1,
            attributes: Attributes::default(),
            producer: Producer::NONE,
            base_timestamp: -1,
            max_timestamp: -1,
            count: 0,
        }
    }

    /// Sets the offset of the first record.
    #[must_use]
    pub const fn base_offset(mut self, base_offset: i64) -> Self {
        self.base_offset = base_offset;
        self
    }

    /// Sets the epoch of the leader.
    #[must_use]
    pub const fn partition_leader_epoch(mut self, epoch: i32) -> Self {
        self.partition_leader_epoch = epoch;
        self
    }

    /// Sets who produces.
    #[must_use]
    pub const fn producer(mut self, producer: Producer) -> Self {
        self.producer = producer;
        self
    }

    /// Sets the flags, but for the codec, which stays `none`.
    #[must_use]
    pub const fn attributes(mut self, attributes: Attributes) -> Self {
        self.attributes = attributes.with_compression(crate::Compression::None);
        self
    }

    /// Makes all records carry the time of the append.
    #[must_use]
    pub const fn append_time(mut self) -> Self {
        self.attributes = self
            .attributes
            .with_timestamp_type(TimestampType::AppendTime);
        self
    }

    /// Adds a record.
    pub fn push(&mut self, record: &NewRecord<'_>) {
        if self.count == 0 {
            self.base_timestamp = record.timestamp;
        }
        self.max_timestamp = self.max_timestamp.max(record.timestamp);
        let timestamp_delta = record.timestamp.wrapping_sub(self.base_timestamp);
        let offset_delta = i64::from(self.count);

        let length = 1
            + varint::length(timestamp_delta)
            + varint::length(offset_delta)
            + nullable_length(record.key)
            + nullable_length(record.value)
            + varint::length(signed(record.headers.len()))
            + record.headers.iter().map(header_length).sum::<usize>();
        let out = &mut self.bytes;
        varint::write(out, signed(length));
        out.push(0);
        varint::write(out, timestamp_delta);
        varint::write(out, offset_delta);
        write_nullable(out, record.key);
        write_nullable(out, record.value);
        varint::write(out, signed(record.headers.len()));
        for header in record.headers {
            write_nullable(out, Some(header.name));
            write_nullable(out, header.value);
        }
        self.count = self
            .count
            .checked_add(1)
            .expect("callers bound their batches");
    }

    /// How many records it has so far.
    pub fn count(&self) -> usize {
        usize::try_from(self.count).expect("a count is not negative")
    }

    /// Bytes of the batch so far, header included.
    #[expect(
        clippy::len_without_is_empty,
        reason = "the header is always there; `count` tells"
    )]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The batch. Without a record it is what compaction leaves of a batch, which no client may produce.
    pub fn finish(mut self) -> Vec<u8> {
        let length = i32::try_from(self.bytes.len() - layout::LENGTH_OVERHEAD_BYTES)
            .expect("callers bound their batches");
        let last_offset_delta = self.count.saturating_sub(1).max(0);
        let bytes = &mut self.bytes;
        bytes[layout::BASE_OFFSET].copy_from_slice(&self.base_offset.to_be_bytes());
        bytes[layout::BATCH_LENGTH].copy_from_slice(&length.to_be_bytes());
        bytes[layout::PARTITION_LEADER_EPOCH]
            .copy_from_slice(&self.partition_leader_epoch.to_be_bytes());
        bytes[layout::MAGIC] = layout::MAGIC_2;
        bytes[layout::ATTRIBUTES].copy_from_slice(&self.attributes.bits().to_be_bytes());
        bytes[layout::LAST_OFFSET_DELTA].copy_from_slice(&last_offset_delta.to_be_bytes());
        bytes[layout::BASE_TIMESTAMP].copy_from_slice(&self.base_timestamp.to_be_bytes());
        bytes[layout::MAX_TIMESTAMP].copy_from_slice(&self.max_timestamp.to_be_bytes());
        bytes[layout::PRODUCER_ID].copy_from_slice(&self.producer.id.to_be_bytes());
        bytes[layout::PRODUCER_EPOCH].copy_from_slice(&self.producer.epoch.to_be_bytes());
        bytes[layout::BASE_SEQUENCE].copy_from_slice(&self.producer.base_sequence.to_be_bytes());
        bytes[layout::RECORD_COUNT].copy_from_slice(&self.count.to_be_bytes());
        let crc = crc32c(&bytes[layout::CRC_COVERS_FROM..]);
        bytes[layout::CRC].copy_from_slice(&crc.to_be_bytes());
        self.bytes
    }
}

impl Default for BatchBuilder {
    fn default() -> Self {
        Self::new()
    }
}

/// A length as the wire's signed number.
fn signed(length: usize) -> i64 {
    i64::try_from(length).expect("nothing in memory is longer")
}

fn nullable_length(field: Option<&[u8]>) -> usize {
    field.map_or(varint::length(-1), |field| {
        varint::length(signed(field.len())) + field.len()
    })
}

fn header_length(header: &Header<'_>) -> usize {
    nullable_length(Some(header.name)) + nullable_length(header.value)
}

fn write_nullable(out: &mut Vec<u8>, field: Option<&[u8]>) {
    match field {
        None => varint::write(out, -1),
        Some(field) => {
            varint::write(out, signed(field.len()));
            out.extend_from_slice(field);
        }
    }
}
