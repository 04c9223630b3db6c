//! Any bytes: no panic, no allocation by reading, and what is built is read back.

use proptest::prelude::*;
use records::{
    BatchBuilder, Batches, Header, Limits, NewRecord, RecordsError, layout, stamp, validate,
};
use stdx::crc32c;

const LIMITS: Limits = Limits {
    batch_bytes_max: 1 << 20,
    batches_max: 8,
};

/// Asks everything of `bytes` that can be asked.
fn read_all(bytes: &[u8]) {
    if let Ok(validated) = validate(bytes, LIMITS) {
        assert_eq!(validated.iter().count(), validated.batches);
    }
    let mut batches = Batches::new(bytes);
    for batch in batches.by_ref().map_while(Result::ok) {
        if batch.check_crc().is_ok() {
            assert_eq!(batch.whole_crc(), crc32c(batch.bytes()));
        }
        assert!(batch.check_stored().is_err() || batch.end_offset() > batch.base_offset());
        for record in batch.records().into_iter().flatten().map_while(Result::ok) {
            assert_eq!(record.headers.len(), record.headers.clone().count());
        }
    }
    assert!(batches.consumed() <= bytes.len());
    if let Ok(end_offset) = stamp(&mut bytes.to_vec(), i64::MAX - 3, 1, Some(5)) {
        assert!(end_offset >= i64::MAX - 3);
    }
}

type Parts = (
    i64,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    Vec<(Vec<u8>, Option<Vec<u8>>)>,
);

fn record() -> impl Strategy<Value = Parts> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..40);
    let headers = proptest::collection::vec((bytes(), proptest::option::of(bytes())), 0..4);
    let timestamp = 0..1_i64 << 48;
    (
        timestamp,
        proptest::option::of(bytes()),
        proptest::option::of(bytes()),
        headers,
    )
}

fn build(records: &[Parts]) -> Vec<u8> {
    let mut builder = BatchBuilder::new().base_offset(100);
    for (timestamp, key, value, headers) in records {
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| Header {
                name,
                value: value.as_deref(),
            })
            .collect();
        builder.push(&NewRecord {
            timestamp: *timestamp,
            key: key.as_deref(),
            value: value.as_deref(),
            headers: &headers,
        });
    }
    builder.finish()
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        read_all(&bytes);
    }

    /// Random bytes rarely get past the magic: here the frame is right and the rest is not.
    #[test]
    fn random_batches_never_panic(
        mut bytes in proptest::collection::vec(any::<u8>(), layout::HEADER_BYTES..300),
        attributes in 0_u16..8,
        count in -2_i32..60,
    ) {
        let length = i32::try_from(bytes.len() - layout::LENGTH_OVERHEAD_BYTES).unwrap();
        bytes[layout::BATCH_LENGTH].copy_from_slice(&length.to_be_bytes());
        bytes[layout::MAGIC] = layout::MAGIC_2;
        bytes[layout::ATTRIBUTES].copy_from_slice(&attributes.to_be_bytes());
        bytes[layout::RECORD_COUNT].copy_from_slice(&count.to_be_bytes());
        let crc = crc32c(&bytes[layout::CRC_COVERS_FROM..]);
        bytes[layout::CRC].copy_from_slice(&crc.to_be_bytes());
        read_all(&bytes);
    }

    #[test]
    fn mutated_batches_never_panic(
        records in proptest::collection::vec(record(), 1..6),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = build(&records);
        for (index, value) in flips {
            let index = index.index(bytes.len());
            bytes[index] = value;
        }
        read_all(&bytes);
        read_all(&bytes[..cut.index(bytes.len())]);
    }

    #[test]
    fn what_is_built_is_read(records in proptest::collection::vec(record(), 1..6)) {
        let bytes = build(&records);
        let validated = validate(&bytes, LIMITS).unwrap();
        prop_assert_eq!(validated.records, records.len() as u64);
        let batch = validated.iter().next().unwrap();
        let read: Result<Vec<Parts>, RecordsError> = batch
            .records()
            .unwrap()
            .map(|record| {
                let record = record?;
                let owned = |bytes: &[u8]| bytes.to_vec();
                let headers = record
                    .headers
                    .map(|header| (header.name.to_vec(), header.value.map(owned)))
                    .collect();
                Ok((record.timestamp, record.key.map(owned), record.value.map(owned), headers))
            })
            .collect();
        prop_assert_eq!(read, Ok(records));
    }
}
