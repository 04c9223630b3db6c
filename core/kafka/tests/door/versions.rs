//! Every version of what moves records, from a client that speaks no newer one.

use client::list_offsets::{EARLIEST, LATEST};
use client::{Acks, Client, FetchOptions, Options};
use protocol::{ApiKey, ErrorCode, MetadataRequest};
use records::{BatchBuilder, NewRecord};
use runtime::Frozen;

use crate::ground::{Seen, Setup, run, run_seed};

pub(crate) fn batch(values: &[&str]) -> Frozen {
    let mut builder = BatchBuilder::new();
    for value in values {
        builder.push(&NewRecord::value(1_000, value.as_bytes()));
    }
    Frozen::from(builder.finish())
}

pub(crate) async fn values(
    client: &Client,
    topic: &client::TopicRef,
    partition: i32,
) -> Vec<String> {
    let fetched = client
        .fetch(topic, partition, 0, &FetchOptions::default())
        .await
        .unwrap();
    let mut values = Vec::new();
    for batch in fetched.batches() {
        for record in batch.unwrap().records().unwrap() {
            let value = record.unwrap().value.unwrap().to_vec();
            values.push(String::from_utf8(value).unwrap());
        }
    }
    values
}

#[test]
fn records_come_back_in_every_version() {
    run(Setup::default(), |seen: Seen| async move {
        let first = seen.connect().await;
        let topic = first.create_topic("t", 1, 1, &[]).await.unwrap();
        let mut written = Vec::new();
        for (produce, fetch) in (3..=13)
            .zip(4..=14)
            .chain([(13, 15), (13, 16), (13, 17), (13, 18)])
        {
            let options = Options {
                version_caps: vec![(ApiKey::Produce, produce), (ApiKey::Fetch, fetch)],
                ..Options::default()
            };
            let client = seen.connect_with(options).await.unwrap();
            let value = format!("{produce}/{fetch}");
            let produced = client
                .produce(&topic, 0, batch(&[&value, "b"]), Acks::All)
                .await;
            let produced = produced.unwrap().unwrap();
            assert_eq!(usize::try_from(produced.base_offset), Ok(written.len()));
            written.extend([value, "b".to_owned()]);
            assert_eq!(values(&client, &topic, 0).await, written);
        }
        let latest = first.list_offset(&topic, 0, LATEST).await.unwrap();
        let earliest = first.list_offset(&topic, 0, EARLIEST).await.unwrap();
        assert_eq!((earliest.offset, latest.offset), (0, 30));
    });
}

#[test]
fn topics_are_made_and_told_of_in_every_version() {
    run(Setup::default(), |seen: Seen| async move {
        for metadata in 0..=13 {
            let create = (metadata / 2).clamp(2, 7);
            let options = Options {
                version_caps: vec![(ApiKey::Metadata, metadata), (ApiKey::CreateTopics, create)],
                ..Options::default()
            };
            let client = seen.connect_with(options).await.unwrap();
            let (name, auto) = (format!("t{metadata}"), format!("auto{metadata}"));
            client
                .create_topic(&name, 3, -1, &[("retention.ms", "5")])
                .await
                .unwrap();
            let again = client.create_topic(&name, 3, 1, &[]).await.unwrap_err();
            assert_eq!(again.code(), Some(ErrorCode::TopicAlreadyExists));
            let answer = client.metadata(Some(&[&name, &auto]), true).await.unwrap();
            assert!(
                answer.topics.iter().all(|topic| topic.error_code == 0),
                "{answer:?}"
            );
            let partitions: Vec<_> = answer
                .topics
                .iter()
                .map(|topic| topic.partitions.len())
                .collect();
            assert_eq!(partitions, [3, 1]);
            assert_eq!(
                (answer.brokers[0].host.as_str(), answer.brokers[0].port),
                ("10.0.0.1", 9092)
            );
            if metadata >= 4 {
                let missing = client.metadata(Some(&["missing"]), false).await.unwrap();
                let unknown = ErrorCode::UnknownTopicOrPartition.code();
                assert_eq!(missing.topics[0].error_code, unknown);
            }
            let all = client.call(MetadataRequest {
                topics: if metadata == 0 {
                    Some(Vec::new())
                } else {
                    None
                },
                ..MetadataRequest::default()
            });
            assert!(all.await.unwrap().topics.len() >= 2);
        }
    });
}

#[test]
fn many_partitions_on_several_cores_under_choppy_weather() {
    for seed in 0..5 {
        let setup = Setup {
            choppy: true,
            cores: 4,
            ..Setup::default()
        };
        run_seed(seed, setup, |seen: Seen| async move {
            let client = seen.connect().await;
            let topic = client.create_topic("t", 16, 1, &[]).await.unwrap();
            let mut producing = Vec::new();
            for round in 0..4 {
                for partition in 0..16 {
                    let value = format!("{round}");
                    let batch = batch(&[&value]);
                    let started = client.start_produce(&topic, partition, batch, Acks::All);
                    producing.push((round, started.await.unwrap()));
                }
            }
            for (round, producing) in producing {
                assert_eq!(producing.outcome().await.unwrap().base_offset, round);
            }
            for partition in 0..16 {
                assert_eq!(
                    values(&client, &topic, partition).await,
                    ["0", "1", "2", "3"]
                );
            }
        });
    }
}
