//! What is written is read: every message, every version, random values.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops where something is not as it must be"
)]

use protocol::random::{Random, Visitor, each_message};
use protocol::{
    Decode, DecodeErrorKind, Decoder, FetchResponse, Message, ProduceRequest, body, fetch, produce,
};
use stdx::Prng;

const SEEDS: u64 = 64;

/// Every version of `M` with random values of it, and their bytes.
fn each_random<M: Message<Records: AsRef<[u8]>> + Random>(mut check: impl FnMut(i16, M, &[u8])) {
    for version in M::MIN_VERSION..=M::MAX_VERSION {
        let mut prng = Prng::labelled(u64::try_from(version).unwrap(), M::NAME);
        for _ in 0..SEEDS {
            let message = M::random(&mut prng, version);
            let bytes = body(message.clone(), version).unwrap().concat();
            check(version, message, &bytes);
        }
    }
}

#[test]
fn every_message_is_read_as_it_was_written() {
    struct Check;
    impl Visitor for Check {
        fn visit<M: Message<Records: AsRef<[u8]>> + Decode + Random>(&mut self) {
            each_random(|version, message: M, bytes| {
                let budget = bytes.len() * M::memory_bound(version);
                let mut decoder = Decoder::new(bytes, budget);
                assert_eq!(
                    M::decode(&mut decoder, version),
                    Ok(message),
                    "version {version}"
                );
                decoder.finish().unwrap();
            });
        }
    }
    each_message(&mut Check);
}

#[test]
fn a_budget_one_byte_short_is_refused_before_reading() {
    struct Check;
    impl Visitor for Check {
        fn visit<M: Message<Records: AsRef<[u8]>> + Decode + Random>(&mut self) {
            each_random(|version, _message: M, bytes| {
                let needed = bytes.len() * M::memory_bound(version);
                let Some(budget) = needed.checked_sub(1) else {
                    return;
                };
                let error = M::decode(&mut Decoder::new(bytes, budget), version).unwrap_err();
                assert_eq!(error.kind, DecodeErrorKind::Budget { needed, budget });
            });
        }
    }
    each_message(&mut Check);
}

#[test]
fn versions_that_are_not_served_are_refused_both_ways() {
    struct Check;
    impl Visitor for Check {
        fn visit<M: Message<Records: AsRef<[u8]>> + Decode + Random>(&mut self) {
            for version in [i16::MIN, M::MIN_VERSION - 1, M::MAX_VERSION + 1, i16::MAX] {
                assert!(body(M::default(), version).is_err());
                let error = M::decode(&mut Decoder::new(&[0; 64], 1 << 20), version).unwrap_err();
                assert_eq!(error.kind, DecodeErrorKind::Version(version));
            }
        }
    }
    each_message(&mut Check);
}

#[test]
fn the_view_of_a_produce_request_agrees_with_the_owned_one() {
    each_random(|version, owned: ProduceRequest, bytes| {
        let frame = [b"header", bytes].concat();
        let view = produce::RequestView::parse(&frame, 6, version).unwrap();
        assert_eq!(view.transactional_id, owned.transactional_id.as_deref());
        assert_eq!((view.acks, view.timeout_ms), (owned.acks, owned.timeout_ms));
        assert_eq!(view.topics().len(), owned.topic_data.len());
        for (topic, owned) in view.topics().zip(&owned.topic_data) {
            assert_eq!(
                (topic.name, topic.topic_id),
                (owned.name.as_str(), owned.topic_id)
            );
            assert_eq!(topic.partitions().len(), owned.partition_data.len());
            for (partition, owned) in topic.partitions().zip(&owned.partition_data) {
                assert_eq!(partition.index, owned.index);
                assert_eq!(partition.records, owned.records.as_deref());
                assert_eq!(
                    partition.records,
                    partition.records_range.map(|range| &frame[range])
                );
            }
        }
    });
}

#[test]
fn the_view_of_a_fetch_response_agrees_with_the_owned_one() {
    each_random(|version, owned: FetchResponse, bytes| {
        let frame = [b"header", bytes].concat();
        let view = fetch::ResponseView::parse(&frame, 6, version).unwrap();
        let read = FetchResponse {
            throttle_time_ms: view.throttle_time_ms,
            error_code: view.error_code,
            session_id: view.session_id,
            responses: view
                .topics()
                .map(|topic| own_topic(&topic, &frame))
                .collect(),
            node_endpoints: view.node_endpoints().map(own_endpoint).collect(),
        };
        assert_eq!(read, owned, "version {version}");
    });
}

fn own_topic(topic: &fetch::TopicView<'_>, frame: &[u8]) -> fetch::FetchableTopicResponse {
    let partitions = topic.partitions().map(|partition| {
        let range = partition.records_range.clone();
        assert_eq!(partition.records, range.map(|range| &frame[range]));
        fetch::PartitionData {
            partition_index: partition.partition_index,
            error_code: partition.error_code,
            high_watermark: partition.high_watermark,
            last_stable_offset: partition.last_stable_offset,
            log_start_offset: partition.log_start_offset,
            diverging_epoch: partition.diverging_epoch,
            current_leader: partition.current_leader,
            snapshot_id: partition.snapshot_id,
            aborted_transactions: partition.aborted_transactions.map(Iterator::collect),
            preferred_read_replica: partition.preferred_read_replica,
            records: partition.records.map(<[u8]>::to_vec),
        }
    });
    fetch::FetchableTopicResponse {
        topic: topic.topic.to_owned(),
        topic_id: topic.topic_id,
        partitions: partitions.collect(),
    }
}

fn own_endpoint(endpoint: fetch::EndpointView<'_>) -> fetch::NodeEndpoint {
    fetch::NodeEndpoint {
        node_id: endpoint.node_id,
        host: endpoint.host.to_owned(),
        port: endpoint.port,
        rack: endpoint.rack.map(str::to_owned),
    }
}
