//! Long polls.

use client::{Acks, Client, FetchOptions};
use kafka::Closed;
use protocol::ErrorCode;
use protocol::fetch::{FetchPartition, FetchRequest, FetchTopic};
use stdx::Duration;

use crate::ground::{Seen, Setup, run};
use crate::versions::batch;

fn patient(seconds: u64) -> FetchOptions {
    FetchOptions {
        wait: Duration::from_secs(seconds),
        ..FetchOptions::default()
    }
}

fn produce_later(seen: &Seen, client: Client, topic: client::TopicRef, partition: i32) {
    let runtime = seen.runtime.clone();
    let class = runtime::Class::Produce;
    drop(seen.runtime.root().spawn(class, "later", async move {
        runtime.sleep(Duration::from_secs(3)).await;
        client
            .produce(&topic, partition, batch(&["late"]), Acks::All)
            .await
            .unwrap();
    }));
}

#[test]
fn a_poll_is_woken_by_data() {
    run(Setup::default(), |seen: Seen| async move {
        let (reader, writer) = (seen.connect().await, seen.connect().await);
        let topic = writer.create_topic("t", 1, 1, &[]).await.unwrap();
        seen.runtime.sleep(Duration::from_millis(10)).await;
        produce_later(&seen, writer, topic.clone(), 0);
        let began = seen.runtime.now();
        let fetched = reader.fetch(&topic, 0, 0, &patient(20)).await.unwrap();
        let waited = seen.runtime.now().since(began);
        assert_eq!(fetched.next_offset(), Some(1));
        assert!(waited >= Duration::from_secs(3), "{waited:?}");
        assert!(waited < Duration::from_secs(4), "{waited:?}");
        assert!(kafka::marks::POLL_WOKEN.hits() > 0);
    });
}

#[test]
fn a_poll_ends_with_its_time_and_tells_the_marks() {
    run(Setup::default(), |seen: Seen| async move {
        let client = seen.connect().await;
        let topic = client.create_topic("t", 1, 1, &[]).await.unwrap();
        client
            .produce(&topic, 0, batch(&["a", "b"]), Acks::All)
            .await
            .unwrap();
        let began = seen.runtime.now();
        let fetched = client.fetch(&topic, 0, 2, &patient(2)).await.unwrap();
        let waited = seen.runtime.now().since(began);
        assert_eq!((fetched.next_offset(), fetched.high_watermark), (None, 2));
        assert!(waited >= Duration::from_secs(2), "{waited:?}");
        assert!(waited < Duration::from_secs(3), "{waited:?}");
        // Less than was asked for is given when the time is over.
        let options = FetchOptions {
            bytes_min: 1 << 20,
            ..patient(2)
        };
        let fetched = client.fetch(&topic, 0, 0, &options).await.unwrap();
        assert_eq!(fetched.next_offset(), Some(2));
    });
}

#[test]
fn an_error_does_not_wait() {
    run(Setup::default(), |seen: Seen| async move {
        let client = seen.connect().await;
        let topic = client.create_topic("t", 1, 1, &[]).await.unwrap();
        let began = seen.runtime.now();
        let beyond = client.fetch(&topic, 0, 5, &patient(20)).await.unwrap_err();
        assert_eq!(beyond.code(), Some(ErrorCode::OffsetOutOfRange));
        let missing = client.fetch(&topic, 9, 0, &patient(20)).await.unwrap_err();
        assert_eq!(missing.code(), Some(ErrorCode::UnknownTopicOrPartition));
        assert!(seen.runtime.now().since(began) < Duration::from_secs(1));
    });
}

#[test]
fn a_poll_over_many_partitions_is_woken_by_any_of_them() {
    run(Setup::default(), |seen: Seen| async move {
        let (reader, writer) = (seen.connect().await, seen.connect().await);
        let topic = writer.create_topic("t", 50, 1, &[]).await.unwrap();
        seen.runtime.sleep(Duration::from_millis(10)).await;
        produce_later(&seen, writer, topic.clone(), 37);
        let partitions = (0..50).map(|partition| FetchPartition {
            partition,
            partition_max_bytes: 1 << 20,
            ..FetchPartition::default()
        });
        let request = FetchRequest {
            max_wait_ms: 20_000,
            min_bytes: 1,
            topics: vec![FetchTopic {
                topic: topic.name.clone(),
                topic_id: topic.id,
                partitions: partitions.collect(),
            }],
            ..FetchRequest::default()
        };
        let answer = reader.call(request).await.unwrap();
        let answered = &answer.responses[0].partitions;
        assert_eq!(answered.len(), 50);
        for (partition, index) in answered.iter().zip(0..) {
            let bytes = partition.records.as_ref().map_or(0, Vec::len);
            assert_eq!((partition.partition_index, bytes > 0), (index, index == 37));
        }
    });
}

#[test]
fn a_poll_ends_with_its_connection() {
    run(Setup::default(), |seen: Seen| async move {
        let client = seen.connect().await;
        let topic = client.create_topic("t", 1, 1, &[]).await.unwrap();
        let request = FetchRequest {
            max_wait_ms: i32::MAX,
            min_bytes: 1,
            topics: vec![FetchTopic {
                topic: topic.name,
                topic_id: topic.id,
                partitions: vec![FetchPartition::default()],
            }],
            ..FetchRequest::default()
        };
        let pending = client.start(request).await.unwrap();
        seen.runtime.sleep(Duration::from_secs(1)).await;
        drop((pending, client));
        let began = seen.runtime.now();
        let closed = seen.next_ended(0).await.unwrap();
        assert!(
            matches!(closed, Closed::EndOfStream | Closed::Network(_)),
            "{closed:?}"
        );
        assert!(seen.runtime.now().since(began) < Duration::from_secs(1));
    });
}
