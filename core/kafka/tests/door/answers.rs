//! Order, silence, and versions that nobody serves.

use client::{Acks, Options};
use kafka::Closed;
use protocol::{ApiKey, ErrorCode, MetadataRequest};
use runtime::Frozen;
use stdx::Duration;

use crate::fake::{SLOW, SLOW_COMMIT};
use crate::ground::{Seen, Setup, run};
use crate::versions::{batch, values};

#[test]
fn a_fast_answer_waits_for_the_slow_one_before_it() {
    run(Setup::default(), |seen: Seen| async move {
        let client = seen.connect().await;
        let topic = client.create_topic("t", 2, 1, &[]).await.unwrap();
        let began = seen.runtime.now();
        let slow = client
            .start_produce(&topic, SLOW, batch(&["slow"]), Acks::All)
            .await
            .unwrap();
        let fast = client
            .start_produce(&topic, 0, batch(&["fast"]), Acks::All)
            .await
            .unwrap();
        let quick = client.start(MetadataRequest::default()).await.unwrap();
        quick.response().await.unwrap();
        assert!(seen.runtime.now().since(began) >= SLOW_COMMIT);
        assert_eq!(fast.outcome().await.unwrap().base_offset, 0);
        assert_eq!(slow.outcome().await.unwrap().base_offset, 0);
        assert!(client.broken().is_none());
        assert!(kafka::marks::ORDER_WAITED.hits() > 0);
    });
}

#[test]
fn requests_enter_their_partition_before_earlier_ones_are_answered() {
    run(Setup::default(), |seen: Seen| async move {
        let client = seen.connect().await;
        let topic = client.create_topic("t", 2, 1, &[]).await.unwrap();
        let began = seen.runtime.now();
        let mut producing = Vec::new();
        for _ in 0..20 {
            let started = client.start_produce(&topic, SLOW, batch(&["v"]), Acks::All);
            producing.push(started.await.unwrap());
        }
        for (offset, producing) in (0..).zip(producing) {
            assert_eq!(producing.outcome().await.unwrap().base_offset, offset);
        }
        // One after the other they would have taken twenty times as long.
        assert!(seen.runtime.now().since(began) < 2 * SLOW_COMMIT);
    });
}

#[test]
fn a_silent_produce_is_not_answered_and_its_failure_ends_the_connection() {
    run(Setup::default(), |seen: Seen| async move {
        let client = seen.connect().await;
        let topic = client.create_topic("t", 2, 1, &[]).await.unwrap();
        assert_eq!(
            client.produce(&topic, 0, batch(&["a"]), Acks::None).await,
            Ok(None)
        );
        client
            .produce(&topic, 0, batch(&["b"]), Acks::Leader)
            .await
            .unwrap();
        assert_eq!(values(&client, &topic, 0).await, ["a", "b"]);
        client
            .produce(&topic, 7, batch(&["c"]), Acks::None)
            .await
            .unwrap();
        let closed = seen.next_ended(0).await;
        let code = ErrorCode::UnknownTopicOrPartition;
        assert_eq!(closed, Ok(Closed::SilentProduceFailed(code)));
    });
}

#[test]
fn a_bad_batch_is_refused_and_the_connection_lives() {
    run(Setup::default(), |seen: Seen| async move {
        let client = seen.connect().await;
        let topic = client.create_topic("t", 1, 1, &[]).await.unwrap();
        let mut damaged = batch(&["a"]).to_vec();
        damaged[64] ^= 1;
        let refused = client
            .produce(&topic, 0, Frozen::from(damaged), Acks::All)
            .await;
        assert_eq!(refused.unwrap_err().code(), Some(ErrorCode::CorruptMessage));
        client
            .produce(&topic, 0, batch(&["b"]), Acks::All)
            .await
            .unwrap();
        assert_eq!(values(&client, &topic, 0).await, ["b"]);
        assert!(kafka::marks::BATCH_REFUSED.hits() > 0);
    });
}

#[test]
fn a_question_of_an_unknown_version_is_answered_in_the_oldest_layout() {
    run(Setup::default(), |seen: Seen| async move {
        let mut raw = seen.raw().await;
        // size, ApiVersions, version 99, correlation id 7, client id "x", no tags, and a body that nobody knows.
        let body = [0, 18, 0, 99, 0, 0, 0, 7, 0, 1, b'x', 0, 0xde, 0xad];
        let size = i32::try_from(body.len()).unwrap();
        raw.send(&[&size.to_be_bytes()[..], &body].concat())
            .await
            .unwrap();
        let answer = raw.receive_frame(1 << 10).await.unwrap();
        assert_eq!(answer[..6], [0, 0, 0, 7, 0, 35]);
        let served = i32::try_from(protocol::SERVED.len()).unwrap();
        assert_eq!(answer[6..10], served.to_be_bytes());
        // Produce first, from version 0 on.
        assert_eq!(answer[10..16], [0, 0, 0, 0, 0, 13]);
        assert_eq!(answer.len(), 10 + 6 * protocol::SERVED.len());
        // And the connection goes on: the oldest question.
        raw.send(&[0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 8, 0xff, 0xff])
            .await
            .unwrap();
        let answer = raw.receive_frame(1 << 10).await.unwrap();
        assert_eq!(answer[..6], [0, 0, 0, 8, 0, 0]);
    });
}

#[test]
fn other_unknown_versions_end_the_connection() {
    run(Setup::default(), |seen: Seen| async move {
        let client = seen.connect_with(Options::default()).await.unwrap();
        assert_eq!(client.versions().range(ApiKey::Produce), Some((0, 13)));
        let mut raw = seen.raw().await;
        raw.send(&[0, 0, 0, 10, 0, 0, 0, 2, 0, 0, 0, 1, 0xff, 0xff])
            .await
            .unwrap();
        assert!(raw.receive(64).await.unwrap().is_empty());
        let unsupported = Closed::UnsupportedVersion {
            api: ApiKey::Produce,
            version: 2,
        };
        assert_eq!(seen.next_ended(0).await, Ok(unsupported));
        client.metadata(None, false).await.unwrap();
    });
}

#[test]
fn a_drain_answers_what_is_in_flight_and_ends() {
    run(Setup::default(), |seen: Seen| async move {
        let client = seen.connect().await;
        let topic = client.create_topic("t", 2, 1, &[]).await.unwrap();
        let slow = client
            .start_produce(&topic, SLOW, batch(&["v"]), Acks::All)
            .await
            .unwrap();
        seen.runtime.sleep(Duration::from_millis(20)).await;
        seen.drain();
        assert_eq!(slow.outcome().await.unwrap().base_offset, 0);
        assert_eq!(seen.next_ended(0).await, Ok(Closed::Draining));
    });
}
