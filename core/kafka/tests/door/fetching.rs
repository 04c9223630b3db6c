//! What a fetch of several partitions gives, and what it leaves.

use client::{Acks, Client, FetchOptions, TopicRef};
use protocol::fetch::{FetchPartition, FetchRequest, FetchResponse, FetchTopic};
use protocol::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use protocol::{ErrorCode, request_frame};
use records::{BatchBuilder, NewRecord};
use runtime::{Class, Frozen};
use stdx::Duration;

use crate::fake::{SLOW, STUCK};
use crate::ground::{Seen, Setup, run};
use crate::versions::batch;

fn large(bytes: usize) -> Frozen {
    let mut builder = BatchBuilder::new();
    builder.push(&NewRecord::value(1, &vec![7; bytes]));
    Frozen::from(builder.finish())
}

fn request(topic: &TopicRef, partitions: &[i32], partition_max_bytes: i32) -> FetchRequest {
    let partitions = partitions.iter().map(|&partition| FetchPartition {
        partition,
        partition_max_bytes,
        ..FetchPartition::default()
    });
    FetchRequest {
        max_wait_ms: 5_000,
        min_bytes: 1,
        max_bytes: 1 << 20,
        topics: vec![FetchTopic {
            topic: topic.name.clone(),
            topic_id: topic.id,
            partitions: partitions.collect(),
        }],
        ..FetchRequest::default()
    }
}

/// Bytes of records of each partition in an answer.
fn sizes(answer: &FetchResponse) -> Vec<usize> {
    let partitions = answer.responses.iter().flat_map(|topic| &topic.partitions);
    partitions
        .map(|partition| partition.records.as_ref().map_or(0, Vec::len))
        .collect()
}

async fn topic_with(client: &Client, partitions: i32, filled: &[i32], bytes: usize) -> TopicRef {
    let topic = client.create_topic("t", partitions, 1, &[]).await.unwrap();
    for &partition in filled {
        client
            .produce(&topic, partition, large(bytes), Acks::All)
            .await
            .unwrap();
    }
    topic
}

#[test]
fn the_first_batch_is_sent_however_large_and_the_next_one_is_left() {
    run(Setup::default(), |seen: Seen| async move {
        let client = seen.connect().await;
        let topic = topic_with(&client, 4, &[0, 2, 3], 600 << 10).await;
        // Each is larger than its partition's bound, and two are larger than the bound of the whole.
        let answer = client
            .call(request(&topic, &[1, 2, 0, 3], 100 << 10))
            .await
            .unwrap();
        let full: Vec<bool> = sizes(&answer).iter().map(|&bytes| bytes > 0).collect();
        assert_eq!(full, [false, true, false, false]);
        // What was left has its marks all the same.
        assert_eq!(answer.responses[0].partitions[3].high_watermark, 1);
        assert!(kafka::marks::FETCH_CUT.hits() > 0);
    });
}

#[test]
fn a_read_that_hangs_does_not_hold_the_others_back() {
    run(Setup::default(), |seen: Seen| async move {
        let client = seen.connect().await;
        let topic = topic_with(&client, STUCK + 1, &[0], 10).await;
        let began = seen.runtime.now();
        let answer = client
            .call(request(&topic, &[0, STUCK, 1], 1 << 10))
            .await
            .unwrap();
        assert!(seen.runtime.now().since(began) < Duration::from_secs(2));
        let full: Vec<bool> = sizes(&answer).iter().map(|&bytes| bytes > 0).collect();
        assert_eq!(full, [true, false, false]);
        let stuck = &answer.responses[0].partitions[1];
        let timed_out = ErrorCode::RequestTimedOut.code();
        assert_eq!((stuck.error_code, stuck.high_watermark), (timed_out, -1));
        assert!(kafka::marks::READ_GIVEN_UP.hits() > 0);
    });
}

#[test]
fn sessions_are_declined_and_the_records_come() {
    run(Setup::default(), |seen: Seen| async move {
        let client = seen.connect().await;
        let topic = topic_with(&client, 1, &[0], 10).await;
        let first = FetchRequest {
            session_epoch: 0,
            ..request(&topic, &[0], 1 << 10)
        };
        let answer = client.call(first.clone()).await.unwrap();
        assert_eq!((answer.error_code, answer.session_id), (0, 0));
        assert!(sizes(&answer)[0] > 0);
        let continued = FetchRequest {
            session_id: 5,
            session_epoch: 3,
            ..first
        };
        let answer = client.call(continued).await.unwrap();
        assert_eq!(answer.error_code, ErrorCode::FetchSessionIdNotFound.code());
        assert!(kafka::marks::SESSION_DECLINED.hits() > 0);
    });
}

#[test]
fn answers_wait_for_memory_and_all_are_given() {
    let setup = Setup {
        answer_bytes: 1_200 << 10,
        ..Setup::default()
    };
    run(setup, |seen: Seen| async move {
        let client = seen.connect().await;
        let topic = topic_with(&client, 1, &[0], 900 << 10).await;
        let mut clients = Vec::new();
        for _ in 0..40 {
            clients.push(seen.connect().await);
        }
        let mut reading = Vec::new();
        for client in clients {
            let topic = topic.clone();
            reading.push(
                seen.runtime
                    .root()
                    .spawn(Class::Fetch, "reader", async move {
                        let fetched = client.fetch(&topic, 0, 0, &FetchOptions::default()).await;
                        fetched.unwrap().records.len()
                    }),
            );
        }
        for reading in reading {
            assert!(reading.await.unwrap() > 900 << 10);
        }
        assert!(seen.peaks().1 <= 1_200 << 10);
        assert!(kafka::marks::ANSWER_WAITED.hits() > 0);
    });
}

#[test]
fn a_produce_that_runs_out_of_time_says_so() {
    run(Setup::default(), |seen: Seen| async move {
        let client = seen.connect().await;
        let topic = topic_with(&client, 2, &[], 0).await;
        let request = ProduceRequest {
            acks: -1,
            timeout_ms: 20,
            topic_data: vec![TopicProduceData {
                topic_id: topic.id,
                partition_data: vec![PartitionProduceData {
                    index: SLOW,
                    records: Some(batch(&["v"]).to_vec()),
                }],
                ..TopicProduceData::default()
            }],
            ..ProduceRequest::default()
        };
        let mut raw = seen.raw().await;
        raw.send(&request_frame(3, None, request, 13).unwrap().concat())
            .await
            .unwrap();
        let answer = raw.receive_frame(1 << 10).await.unwrap();
        // Correlation id, no tags, one topic, its id, one partition, its number, then the code.
        let code = i16::from_be_bytes([answer[27], answer[28]]);
        assert_eq!(code, ErrorCode::RequestTimedOut.code());
        assert!(kafka::marks::PRODUCE_TIMED_OUT.hits() > 0);
    });
}
