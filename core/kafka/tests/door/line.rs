//! The whole line: client, door, partition, log, disk, and back.

use client::list_offsets::{EARLIEST, LATEST, MAX_TIMESTAMP};
use client::{Acks, FetchOptions, Options};
use protocol::{ApiKey, ErrorCode};
use records::{BatchBuilder, NewRecord};
use runtime::Frozen;
use stdx::Duration;

use crate::ground::{Partitions, Seen, Setup, run_seed};
use crate::versions::{batch, values};

fn logs(cores: u16) -> Setup {
    Setup {
        cores,
        choppy: true,
        partitions: Partitions::Logs,
        ..Setup::default()
    }
}

#[test]
fn records_go_to_the_disk_and_come_back() {
    for (seed, cores) in [(0, 1), (1, 2), (2, 4)] {
        run_seed(seed, logs(cores), |seen: Seen| async move {
            let client = seen.connect().await;
            let topic = client.create_topic("t", 4, 1, &[]).await.unwrap();
            for partition in 0..4 {
                client
                    .produce(&topic, partition, batch(&["a"]), Acks::None)
                    .await
                    .unwrap();
                client
                    .produce(&topic, partition, batch(&["b"]), Acks::Leader)
                    .await
                    .unwrap();
                let last = client
                    .produce(&topic, partition, batch(&["c", "d"]), Acks::All)
                    .await;
                assert_eq!(last.unwrap().unwrap().base_offset, 2);
                assert_eq!(
                    values(&client, &topic, partition).await,
                    ["a", "b", "c", "d"]
                );
            }
        });
    }
}

#[test]
fn offsets_are_found_by_time() {
    run_seed(3, logs(2), |seen: Seen| async move {
        let client = seen.connect().await;
        let topic = client.create_topic("t", 1, 1, &[]).await.unwrap();
        for timestamp in [1_000, 5_000, 3_000] {
            let mut builder = BatchBuilder::new();
            builder.push(&NewRecord::value(timestamp, b"v"));
            let batch = Frozen::from(builder.finish());
            client.produce(&topic, 0, batch, Acks::All).await.unwrap();
        }
        for (timestamp, offset) in [
            (EARLIEST, 0),
            (LATEST, 3),
            (MAX_TIMESTAMP, 1),
            (0, 0),
            (1_001, 1),
            (5_001, -1),
        ] {
            let listed = client.list_offset(&topic, 0, timestamp).await.unwrap();
            assert_eq!(listed.offset, offset, "{timestamp}");
        }
    });
}

#[test]
fn the_end_of_an_epoch_is_told_in_every_version() {
    run_seed(3, logs(2), |seen: Seen| async move {
        let first = seen.connect().await;
        let topic = first.create_topic("t", 1, 1, &[]).await.unwrap();
        let written = first.produce(&topic, 0, batch(&["a", "b"]), Acks::All);
        written.await.unwrap();
        for version in 2..=4 {
            let options = Options {
                version_caps: vec![(ApiKey::OffsetForLeaderEpoch, version)],
                ..Options::default()
            };
            let client = seen.connect_with(options).await.unwrap();
            for (asked, epoch, end) in [(1, 1, 2), (0, 0, 0), (2, -1, -1), (-1, -1, -1)] {
                let told = client.epoch_end(&topic, 0, asked).await.unwrap();
                assert_eq!(
                    (told.leader_epoch, told.end_offset),
                    (epoch, end),
                    "{asked}"
                );
            }
            let unknown = client.epoch_end(&topic, 7, 1).await.unwrap_err();
            assert_eq!(unknown.code(), Some(ErrorCode::UnknownTopicOrPartition));
        }
    });
}

#[test]
fn a_reader_follows_a_writer_without_a_gap() {
    run_seed(4, logs(2), |seen: Seen| async move {
        let (reader, writer) = (seen.connect().await, seen.connect().await);
        let topic = writer.create_topic("t", 1, 1, &[]).await.unwrap();
        seen.runtime.sleep(Duration::from_millis(10)).await;
        let target = topic.clone();
        let class = runtime::Class::Produce;
        let writing = seen.runtime.root().spawn(class, "writer", async move {
            let mut producing = Vec::new();
            for number in 0..200 {
                let value = format!("{number}");
                let batch = batch(&[&value]);
                let started = writer.start_produce(&target, 0, batch, Acks::All);
                producing.push(started.await.unwrap());
            }
            for (offset, producing) in (0..).zip(producing) {
                assert_eq!(producing.outcome().await.unwrap().base_offset, offset);
            }
        });
        let mut read = Vec::new();
        while read.len() < 200 {
            let from = i64::try_from(read.len()).unwrap();
            let fetched = reader
                .fetch(&topic, 0, from, &FetchOptions::default())
                .await
                .unwrap();
            for batch in fetched.batches() {
                for record in batch.unwrap().records().unwrap() {
                    let record = record.unwrap();
                    if record.offset >= from {
                        read.push(String::from_utf8(record.value.unwrap().to_vec()).unwrap());
                    }
                }
            }
        }
        writing.await.unwrap();
        let expected: Vec<String> = (0..200).map(|number| number.to_string()).collect();
        assert_eq!(read, expected);
    });
}
