//! Each rule of [`records::validate()`] by itself, and stamps that keep a batch whole.

use records::{
    Attributes, BatchBuilder, BatchView, Batches, Compression, Limits, NewRecord, Producer,
    RecordsError, TimestampType, layout, stamp, validate,
};
use stdx::crc32c;

const LIMITS: Limits = Limits {
    batch_bytes_max: 1 << 20,
    batches_max: usize::MAX,
};

fn batch(values: i64) -> Vec<u8> {
    let mut builder = BatchBuilder::new();
    for value in 0..values {
        builder.push(&NewRecord::value(1_000 + value, b"value"));
    }
    builder.finish()
}

/// The batch with `field` overwritten and its checksum made right again.
fn with(mut bytes: Vec<u8>, field: core::ops::Range<usize>, value: &[u8]) -> Vec<u8> {
    bytes[field].copy_from_slice(value);
    let crc = crc32c(&bytes[layout::CRC_COVERS_FROM..]);
    bytes[layout::CRC].copy_from_slice(&crc.to_be_bytes());
    bytes
}

#[track_caller]
fn refused(bytes: &[u8], expected: RecordsError) {
    assert_eq!(validate(bytes, LIMITS), Err(expected));
}

#[test]
fn what_the_builder_makes_is_valid_and_counted() {
    let bytes = [batch(1), batch(3)].concat();
    let validated = validate(&bytes, LIMITS).unwrap();
    assert_eq!((validated.batches, validated.records), (2, 4));
    assert_eq!(validated.max_timestamp, 1_002);
    assert_eq!(
        validated.iter().map(|batch| batch.len()).sum::<usize>(),
        bytes.len()
    );
}

#[test]
fn limits_are_kept() {
    let bytes = [batch(1), batch(1)].concat();
    let size = bytes.len() / 2;
    let one = Limits {
        batches_max: 1,
        ..LIMITS
    };
    assert_eq!(
        validate(&bytes, one),
        Err(RecordsError::TooManyBatches {
            at: size,
            batches_max: 1
        })
    );
    let small = Limits {
        batch_bytes_max: size - 1,
        ..LIMITS
    };
    assert_eq!(
        validate(&bytes, small),
        Err(RecordsError::TooLarge {
            at: 0,
            bytes: size,
            bytes_max: size - 1
        })
    );
    refused(&[], RecordsError::Empty);
}

#[test]
fn one_byte_too_many_is_refused() {
    let mut bytes = batch(1);
    let at = bytes.len();
    bytes.push(0);
    refused(
        &bytes,
        RecordsError::Truncated {
            at,
            needed: layout::HEADER_BYTES,
            remaining: 1,
        },
    );
}

#[test]
fn every_flipped_bit_behind_the_checksum_is_found() {
    let bytes = batch(2);
    for bit in layout::CRC.start * 8..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(validate(&flipped, LIMITS).is_err(), "bit {bit}");
    }
}

#[test]
fn counts_and_offsets_agree() {
    let zero = with(batch(1), layout::RECORD_COUNT, &0_i32.to_be_bytes());
    refused(&zero, RecordsError::Count { at: 0, count: 0 });
    let gap = with(batch(2), layout::LAST_OFFSET_DELTA, &2_i32.to_be_bytes());
    refused(
        &gap,
        RecordsError::LastOffsetDelta {
            at: 0,
            last_offset_delta: 2,
            count: 2,
        },
    );
    let delta = with(batch(2), layout::LAST_OFFSET_DELTA, &i32::MAX.to_be_bytes());
    assert!(validate(&delta, LIMITS).is_err());
    // Both fields lie in the same way: only the bytes can tell.
    let many = with(delta, layout::RECORD_COUNT, &i32::MIN.to_be_bytes());
    refused(
        &many,
        RecordsError::Count {
            at: 0,
            count: i32::MIN,
        },
    );
    let many = with(batch(2), layout::LAST_OFFSET_DELTA, &99_i32.to_be_bytes());
    let many = with(many, layout::RECORD_COUNT, &100_i32.to_be_bytes());
    refused(&many, RecordsError::Count { at: 0, count: 100 });
}

#[test]
fn flags_that_a_client_may_not_set_are_refused() {
    let flagged = |bits: u16| with(batch(1), layout::ATTRIBUTES, &bits.to_be_bytes());
    refused(
        &flagged(1 << 15),
        RecordsError::Attributes {
            at: 0,
            refused: 1 << 15,
        },
    );
    refused(
        &flagged(1 << 6),
        RecordsError::Attributes {
            at: 0,
            refused: 1 << 6,
        },
    );
    refused(&flagged(1 << 5), RecordsError::Control { at: 0 });
    refused(&flagged(1 << 3), RecordsError::TimestampType { at: 0 });
    refused(&flagged(7), RecordsError::Codec { at: 0, number: 7 });
    for codec in 0..5 {
        validate(&flagged(codec), LIMITS).unwrap();
    }
}

#[test]
fn a_producer_is_whole_or_absent() {
    let made = |producer, transactional| {
        let attributes = Attributes::default().with_transactional(transactional);
        let mut builder = BatchBuilder::new()
            .producer(producer)
            .attributes(attributes);
        builder.push(&NewRecord::value(0, b"v"));
        builder.finish()
    };
    let whole = Producer {
        id: 7,
        epoch: 0,
        base_sequence: 0,
    };
    validate(&made(whole, false), LIMITS).unwrap();
    validate(&made(whole, true), LIMITS).unwrap();
    // Some clients that do not number their batches send sequence 0.
    validate(
        &made(
            Producer {
                base_sequence: 0,
                ..Producer::NONE
            },
            false,
        ),
        LIMITS,
    )
    .unwrap();
    for (producer, transactional) in [
        (Producer { epoch: -1, ..whole }, false),
        (
            Producer {
                base_sequence: -1,
                ..whole
            },
            false,
        ),
        (Producer { id: -2, ..whole }, false),
        (Producer::NONE, true),
    ] {
        let error = validate(&made(producer, transactional), LIMITS).unwrap_err();
        assert!(matches!(error, RecordsError::Producer { .. }), "{error}");
    }
}

#[test]
fn a_stamp_gives_offsets_without_gap_and_keeps_checksums() {
    let mut bytes = [batch(1), batch(3), batch(2)].concat();
    assert_eq!(stamp(&mut bytes, 40, 9, Some(77)), Ok(46));
    let mut next = 40;
    for batch in Batches::new(&bytes) {
        let batch = batch.unwrap();
        assert_eq!(
            (batch.base_offset(), batch.partition_leader_epoch()),
            (next, 9)
        );
        assert_eq!(
            batch.attributes().timestamp_type(),
            TimestampType::AppendTime
        );
        batch.check_stored().unwrap();
        assert!(
            batch
                .records()
                .unwrap()
                .all(|record| record.unwrap().timestamp == 77)
        );
        next = batch.end_offset();
    }
    assert_eq!(next, 46);
}

#[test]
fn a_stamp_does_not_launder_damage() {
    let mut bytes = batch(3);
    *bytes.last_mut().unwrap() ^= 1;
    stamp(&mut bytes, 0, 0, Some(1)).unwrap();
    let (batch, _) = BatchView::split(&bytes).unwrap();
    assert!(matches!(
        batch.check_crc(),
        Err(RecordsError::Checksum { .. })
    ));
}

#[test]
fn a_stamp_refuses_offsets_past_the_end() {
    let mut bytes = batch(2);
    let base_offset = i64::MAX - 1;
    assert_eq!(
        stamp(&mut bytes, base_offset, 0, None),
        Err(RecordsError::Offsets { at: 0, base_offset })
    );
}

#[test]
fn compressed_records_are_not_opened() {
    let bits = Attributes::default()
        .with_compression(Compression::Zstd)
        .bits();
    let bytes = with(batch(1), layout::ATTRIBUTES, &bits.to_be_bytes());
    let (batch, _) = BatchView::split(&bytes).unwrap();
    assert!(matches!(
        batch.records(),
        Err(RecordsError::Compressed { at: 0 })
    ));
}
