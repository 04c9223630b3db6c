//! Micro benches of what every record passes: validation, checksums, codec, frame header, a turn.
//!
//! `cargo bench -p benches`. One absolute number means nothing on a shared machine: each group has its control, and
//! the ratio is what to look at.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use model::{LogIndex, Offset, PartitionKey, Term};
use protocol::produce::{PartitionProduceData, RequestView, TopicProduceData};
use protocol::{ProduceRequest, body};
use records::{BatchBuilder, BatchView, Limits, NewRecord, combine, validate};
use storage::{FrameHeader, FrameKind, Group};

/// A batch of `count` records of a kilobyte.
fn batch(count: usize) -> Vec<u8> {
    let value = vec![7; 1024];
    let mut builder = BatchBuilder::new();
    for number in 0..count {
        builder.push(&NewRecord::value(
            i64::try_from(number).unwrap_or(0),
            &value,
        ));
    }
    builder.finish()
}

/// Validation of what is produced, against the checksum that it cannot do without.
fn validation(criterion: &mut Criterion) {
    let bytes = batch(16);
    let mut group = criterion.benchmark_group("validate 16 KiB");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("control: crc32c", |bencher| {
        bencher.iter(|| stdx::crc32c(black_box(&bytes)));
    });
    let limits = Limits {
        batch_bytes_max: 1 << 20,
        batches_max: 1,
    };
    group.bench_function("validate", |bencher| {
        bencher.iter(|| validate(black_box(&bytes), limits).map(|validated| validated.records));
    });
    group.finish();
}

/// The checksum of a frame's body from its batch's own, against summing it again.
fn frame_checksum(criterion: &mut Criterion) {
    let bytes = batch(16);
    let mut group = criterion.benchmark_group("body checksum of 16 KiB");
    group.bench_function("control: sum again", |bencher| {
        bencher.iter(|| stdx::crc32c(black_box(&bytes)));
    });
    group.bench_function("combine", |bencher| {
        bencher.iter(|| {
            let (view, _) = BatchView::split(black_box(&bytes)).expect("a whole batch");
            view.whole_crc()
        });
    });
    group.bench_function("combine of two numbers", |bencher| {
        bencher.iter(|| combine(black_box(1), black_box(2), black_box(16_384)));
    });
    group.finish();
}

/// Walking a produce request, against touching its bytes.
fn produce_request(criterion: &mut Criterion) {
    let partition = |index| PartitionProduceData {
        index,
        records: Some(batch(1)),
    };
    let request: ProduceRequest = ProduceRequest {
        acks: -1,
        timeout_ms: 1000,
        topic_data: (0..10)
            .map(|topic| TopicProduceData {
                name: format!("topic-{topic}"),
                partition_data: (0..10).map(partition).collect(),
                ..TopicProduceData::default()
            })
            .collect(),
        ..ProduceRequest::default()
    };
    let bytes = body(request, 9).expect("version 9 can say it").concat();
    let mut group = criterion.benchmark_group("produce request, 10 x 10 partitions");
    group.bench_function("control: copy the bytes", |bencher| {
        bencher.iter(|| black_box(&bytes).clone());
    });
    group.bench_function("parse and walk", |bencher| {
        bencher.iter(|| {
            let view = RequestView::parse(black_box(&bytes), 0, 9).expect("it was just written");
            view.topics()
                .flat_map(|topic| topic.partitions())
                .filter_map(|partition| partition.records)
                .count()
        });
    });
    group.finish();
}

/// A frame's header, written and read.
fn frame_header(criterion: &mut Criterion) {
    let header = FrameHeader {
        kind: FrameKind::Data,
        body_bytes: 16_384,
        body_crc: 7,
        index: LogIndex(9),
        group: Group::of(PartitionKey::CONTROLLER),
        base_offset: Offset(100),
        span: 16,
        term: Term(1),
        commit_delta: 1,
        origin: 3,
        prev_origin: 2,
    };
    let bytes = header.encode();
    let mut group = criterion.benchmark_group("frame header");
    group.bench_function("control: crc32c of 60 bytes", |bencher| {
        bencher.iter(|| stdx::crc32c(black_box(&bytes[4..])));
    });
    group.bench_function("encode", |bencher| {
        bencher.iter(|| black_box(&header).encode());
    });
    group.bench_function("decode", |bencher| {
        bencher.iter(|| FrameHeader::decode(black_box(&bytes)));
    });
    group.finish();
}

criterion_group!(
    micro,
    validation,
    frame_checksum,
    produce_request,
    frame_header
);
criterion_main!(micro);
