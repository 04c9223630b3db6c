//! Memory: budgets hold, and who does not read hurts nobody else.

use client::{Acks, FetchOptions, Options};
use kafka::{Closed, Config};
use protocol::{MetadataRequest, request_frame};
use records::{BatchBuilder, NewRecord};
use runtime::Frozen;
use stdx::Duration;

use crate::fake::SLOW;
use crate::ground::{Seen, Setup, run};

fn large(bytes: usize) -> Frozen {
    let mut builder = BatchBuilder::new();
    builder.push(&NewRecord::value(1, &vec![7; bytes]));
    Frozen::from(builder.finish())
}

#[test]
fn frames_wait_for_memory_and_all_arrive() {
    let setup = Setup {
        request_bytes: 1 << 20,
        ..Setup::default()
    };
    run(setup, |seen: Seen| async move {
        let mut clients = Vec::new();
        for _ in 0..4 {
            clients.push(seen.connect().await);
        }
        let topic = clients[0].create_topic("t", 2, 1, &[]).await.unwrap();
        seen.runtime.sleep(Duration::from_millis(10)).await;
        let mut producing = Vec::new();
        for _ in 0..5 {
            for client in &clients {
                let batch = large(300 << 10);
                let started = client.start_produce(&topic, SLOW, batch, Acks::All).await;
                producing.push(started.unwrap());
            }
        }
        let mut offsets = Vec::new();
        for producing in producing {
            offsets.push(producing.outcome().await.unwrap().base_offset);
        }
        offsets.sort_unstable();
        assert_eq!(offsets, (0..20).collect::<Vec<_>>());
        assert!(seen.peaks().0 <= 1 << 20);
        assert!(kafka::marks::FRAME_WAITED.hits() > 0);
    });
}

#[test]
fn a_slow_reader_is_cut_off_and_others_read_on() {
    let config = Config {
        send_timeout: Duration::from_secs(5),
        ..Config::default()
    };
    let setup = Setup {
        config,
        answer_bytes: 16 << 20,
        ..Setup::default()
    };
    run(setup, |seen: Seen| async move {
        let client = seen.connect().await;
        let topic = client.create_topic("t", 1, 1, &[]).await.unwrap();
        for _ in 0..20 {
            client
                .produce(&topic, 0, large(900 << 10), Acks::All)
                .await
                .unwrap();
        }
        let options = FetchOptions {
            bytes_max: 64 << 20,
            ..FetchOptions::default()
        };
        // It asks for more than the network holds, and never reads.
        let mut raw = seen.raw().await;
        let request = protocol::fetch::FetchRequest {
            max_wait_ms: 100,
            topics: vec![protocol::fetch::FetchTopic {
                topic: "t".to_owned(),
                partitions: vec![protocol::fetch::FetchPartition {
                    partition_max_bytes: 64 << 20,
                    ..protocol::fetch::FetchPartition::default()
                }],
                ..protocol::fetch::FetchTopic::default()
            }],
            ..protocol::fetch::FetchRequest::default()
        };
        for id in 0..4 {
            let frame = request_frame(id, None, request.clone(), 12).unwrap();
            raw.send(&frame.into_bytes()).await.unwrap();
        }
        for _ in 0..10 {
            let fetched = client.fetch(&topic, 0, 0, &options).await.unwrap();
            // Where much is held an answer is smaller.
            assert!(fetched.records.len() > 1 << 20);
        }
        assert_eq!(seen.next_ended(0).await, Ok(Closed::SendTimeout));
        assert!(seen.peaks().1 <= 16 << 20);
        drop(raw);
    });
}

#[test]
fn a_full_pipeline_is_not_read_on() {
    run(Setup::default(), |seen: Seen| async move {
        let options = Options {
            in_flight_max: 500,
            ..Options::default()
        };
        let client = seen.connect_with(options).await.unwrap();
        let topic = client.create_topic("t", 2, 1, &[]).await.unwrap();
        let batch = large(10);
        let slow = client
            .start_produce(&topic, SLOW, batch, Acks::All)
            .await
            .unwrap();
        let mut pending = Vec::new();
        for _ in 0..300 {
            pending.push(client.start(MetadataRequest::default()).await.unwrap());
        }
        slow.outcome().await.unwrap();
        for pending in pending {
            pending.response().await.unwrap();
        }
        assert!(kafka::marks::PIPELINE_FULL.hits() > 0);
    });
}
