//! A broker whose memory is held by clients that do nothing: others go on.

use client::{Acks, Client, FetchOptions, RawConnection, TopicRef};
use kafka::Closed;
use protocol::MetadataRequest;
use protocol::fetch::{FetchPartition, FetchRequest, FetchTopic};
use protocol::request_frame;
use records::{BatchBuilder, NewRecord};
use runtime::Frozen;
use stdx::Duration;

use crate::ground::{Seen, Setup, run};

/// Connections that do nothing, of each kind.
const IDLERS: usize = 60;

fn batch(bytes: usize) -> Frozen {
    let mut builder = BatchBuilder::new();
    builder.push(&NewRecord::value(1, &vec![7; bytes]));
    Frozen::from(builder.finish())
}

fn crowded() -> Setup {
    Setup {
        request_bytes: 8 << 20,
        answer_bytes: 8 << 20,
        cores: 1,
        ..Setup::default()
    }
}

/// A client comes, asks for everything that a client asks for at its start, writes and reads.
async fn goes_on(seen: &Seen, topic: &TopicRef, bytes: usize) -> Duration {
    let began = seen.runtime.now();
    let client = seen.connect().await;
    client.metadata(Some(&["t"]), false).await.unwrap();
    let written = client
        .produce(topic, 1, batch(bytes), Acks::All)
        .await
        .unwrap();
    let read = client
        .fetch(
            topic,
            1,
            written.unwrap().base_offset,
            &FetchOptions::default(),
        )
        .await
        .unwrap();
    assert!(read.records.len() > bytes);
    seen.runtime.now().since(began)
}

async fn fill(client: &Client, topic: &TopicRef) {
    for _ in 0..8 {
        client
            .produce(topic, 0, batch(900 << 10), Acks::All)
            .await
            .unwrap();
    }
}

/// Begins a request of 900 kB and stops.
async fn half_open(seen: &Seen) -> RawConnection {
    let mut raw = seen.raw().await;
    raw.send(&[0, 0x0d, 0xbb, 0xa0, 0, 0, 0, 9]).await.unwrap();
    raw
}

fn fetch(topic: &str, max_wait_ms: i32) -> FetchRequest {
    FetchRequest {
        max_wait_ms,
        min_bytes: 1,
        topics: vec![FetchTopic {
            topic: topic.to_owned(),
            partitions: vec![FetchPartition {
                partition_max_bytes: 50 << 20,
                ..FetchPartition::default()
            }],
            ..FetchTopic::default()
        }],
        ..FetchRequest::default()
    }
}

/// Asks `times` in a row and reads no answer.
async fn asks(seen: &Seen, request: &FetchRequest, times: i32) -> RawConnection {
    let mut raw = seen.raw().await;
    for id in 0..times {
        let frame = request_frame(id, None, request.clone(), 12).unwrap();
        raw.send(&frame.into_bytes()).await.unwrap();
    }
    raw
}

#[test]
fn half_open_requests_and_readers_that_read_nothing_keep_nobody_out() {
    run(crowded(), |seen: Seen| async move {
        let client = seen.connect().await;
        let topic = client.create_topic("t", 2, 1, &[]).await.unwrap();
        fill(&client, &topic).await;
        let mut idlers = Vec::new();
        for _ in 0..IDLERS {
            idlers.push(half_open(&seen).await);
        }
        let beside_writers = goes_on(&seen, &topic, 1_000).await;
        for _ in 0..IDLERS {
            idlers.push(asks(&seen, &fetch("t", 100), 50).await);
        }
        let beside_both = goes_on(&seen, &topic, 1_000).await;
        for time in [beside_writers, beside_both] {
            assert!(time < Duration::from_secs(3), "{time:?}");
        }
        assert!(seen.ended().contains(&Ok(Closed::TooSlow)));
    });
}

#[test]
fn who_writes_much_comes_before_those_who_only_said_they_would() {
    run(crowded(), |seen: Seen| async move {
        let client = seen.connect().await;
        let topic = client.create_topic("t", 2, 1, &[]).await.unwrap();
        let mut idlers = Vec::new();
        for _ in 0..IDLERS {
            idlers.push(half_open(&seen).await);
        }
        let time = goes_on(&seen, &topic, 500 << 10).await;
        assert!(time < Duration::from_secs(4), "{time:?}");
    });
}

#[test]
fn long_polls_are_hurried_where_memory_is_short() {
    let setup = Setup {
        request_bytes: 1 << 20,
        ..crowded()
    };
    run(setup, |seen: Seen| async move {
        let client = seen.connect().await;
        let topic = client.create_topic("t", 2, 1, &[]).await.unwrap();
        client.create_topic("empty", 1, 1, &[]).await.unwrap();
        let mut idlers = Vec::new();
        for _ in 0..IDLERS {
            idlers.push(asks(&seen, &fetch("empty", 100_000), 60).await);
        }
        let time = goes_on(&seen, &topic, 1_000).await;
        assert!(time < Duration::from_secs(3), "{time:?}");
        // A poll that was to wait a hundred seconds is over.
        let answer = idlers[0].receive_frame(1 << 20);
        let answer = seen.runtime.timeout(Duration::from_secs(1), answer).await;
        assert!(matches!(answer, Some(Ok(_))));
    });
}

/// A write to `count` partitions that are not there, in version 3, as request `id`.
fn scattered(id: i32, count: i32) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend_from_slice(&0_i16.to_be_bytes());
    body.extend_from_slice(&3_i16.to_be_bytes());
    body.extend_from_slice(&id.to_be_bytes());
    // Neither a client's name nor a transaction's; acks=all; a second.
    body.extend_from_slice(&(-1_i16).to_be_bytes());
    body.extend_from_slice(&(-1_i16).to_be_bytes());
    body.extend_from_slice(&(-1_i16).to_be_bytes());
    body.extend_from_slice(&1_000_i32.to_be_bytes());
    body.extend_from_slice(&1_i32.to_be_bytes());
    body.extend_from_slice(&6_i16.to_be_bytes());
    body.extend_from_slice(b"absent");
    body.extend_from_slice(&count.to_be_bytes());
    for index in 0..count {
        let records = [0; 64];
        body.extend_from_slice(&index.to_be_bytes());
        body.extend_from_slice(&64_i32.to_be_bytes());
        body.extend_from_slice(&records);
    }
    let size = i32::try_from(body.len()).unwrap();
    [&size.to_be_bytes()[..], &body].concat()
}

#[test]
fn writes_to_many_partitions_behind_a_poll_keep_nobody_out() {
    run(crowded(), |seen: Seen| async move {
        let client = seen.connect().await;
        let topic = client.create_topic("t", 2, 1, &[]).await.unwrap();
        client.create_topic("empty", 1, 1, &[]).await.unwrap();
        // Each waits for news, then wants a list of topics, then holds what is kept of a write to many partitions.
        let mut idlers = Vec::new();
        for _ in 0..4 {
            let mut raw = asks(&seen, &fetch("empty", 100_000), 1).await;
            let question = request_frame(1, None, MetadataRequest::default(), 9).unwrap();
            raw.send(&question.into_bytes()).await.unwrap();
            raw.send(&scattered(2, 1_800)).await.unwrap();
            idlers.push(raw);
        }
        seen.runtime.sleep(Duration::from_secs(1)).await;
        let time = goes_on(&seen, &topic, 1_000).await;
        assert!(time < Duration::from_secs(3), "{time:?}");
        let mut another = seen.raw().await;
        another.send(&scattered(1, 1_000)).await.unwrap();
        let answer = another.receive_frame(1 << 20);
        let answer = seen.runtime.timeout(Duration::from_secs(5), answer).await;
        assert!(matches!(answer, Some(Ok(_))), "{answer:?}");
        another.send(&scattered(2, 3_000)).await.unwrap();
        assert!(another.receive_frame(1 << 20).await.is_err());
        let refused = Ok(Closed::TooManyPartitions(3_000));
        assert!(seen.ended().contains(&refused));
    });
}
