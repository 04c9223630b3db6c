//! Our codec against `kafka-protocol`, an independent one: random messages of every version that it knows.
//!
//! Ours are written, read there, and written again there: the bytes are equal, so each side reads what the other
//! wrote. It never sees bytes that we did not write: it trusts counts, and hostile ones abort the process.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops where something is not as it must be"
)]

use kafka_protocol::messages as theirs;
use kafka_protocol::protocol::{Decodable, Encodable, Message as TheirMessage};
use proptest::prelude::*;
use protocol::{Decode, Decoder, Message, Random, body};
use stdx::Prng;

/// One random message of `Ours` in each version that both know.
fn agree<Ours, Theirs>(seed: u64)
where
    Ours: Message<Records: AsRef<[u8]>> + Decode + Random,
    Theirs: TheirMessage + Encodable + Decodable,
{
    let first = Ours::MIN_VERSION.max(Theirs::VERSIONS.min);
    let last = Ours::MAX_VERSION.min(Theirs::VERSIONS.max);
    assert!(first <= last);
    for version in first..=last {
        let mut prng = Prng::labelled(seed, Ours::NAME);
        let message = Ours::random(&mut prng, version);
        let ours = body(message.clone(), version).unwrap().concat();

        let mut unread = ours.as_slice();
        let name = Ours::NAME;
        let read = Theirs::decode(&mut unread, version)
            .unwrap_or_else(|error| panic!("{name} {version}: {error}\n{message:?}"));
        assert!(
            unread.is_empty(),
            "{name} {version}: {} bytes left",
            unread.len()
        );
        let mut written = Vec::new();
        read.encode(&mut written, version)
            .unwrap_or_else(|error| panic!("{name} {version}: {error}\n{message:?}"));
        assert_eq!(ours, written, "{name} {version}\n{message:?}");

        let budget = written.len() * Ours::memory_bound(version);
        let back = Ours::decode(&mut Decoder::new(&written, budget), version);
        assert_eq!(back, Ok(message), "{name} {version}");
    }
}

/// Versions that only golden bytes can check: see `golden.rs`.
#[test]
fn the_oracle_lacks_two_versions() {
    fn last<Theirs: TheirMessage>() -> i16 {
        Theirs::VERSIONS.max
    }
    assert_eq!(
        last::<theirs::ProduceRequest>(),
        protocol::ProduceRequest::<Vec<u8>>::MAX_VERSION
    );
    assert_eq!(
        last::<theirs::FetchRequest>(),
        protocol::FetchRequest::MAX_VERSION
    );
    assert_eq!(
        last::<theirs::ListOffsetsRequest>(),
        protocol::ListOffsetsRequest::MAX_VERSION - 1
    );
    assert_eq!(
        last::<theirs::OffsetForLeaderEpochRequest>(),
        protocol::OffsetForLeaderEpochRequest::MAX_VERSION
    );
    assert_eq!(
        last::<theirs::MetadataRequest>(),
        protocol::MetadataRequest::MAX_VERSION
    );
    assert_eq!(
        last::<theirs::CreateTopicsRequest>(),
        protocol::CreateTopicsRequest::MAX_VERSION
    );
    assert_eq!(
        last::<theirs::ApiVersionsRequest>(),
        protocol::ApiVersionsRequest::MAX_VERSION - 1
    );
}

proptest! {
    #[test]
    fn produce(seed: u64) {
        agree::<protocol::ProduceRequest, theirs::ProduceRequest>(seed);
        agree::<protocol::ProduceResponse, theirs::ProduceResponse>(seed);
    }

    #[test]
    fn fetch(seed: u64) {
        agree::<protocol::FetchRequest, theirs::FetchRequest>(seed);
        agree::<protocol::FetchResponse, theirs::FetchResponse>(seed);
    }

    #[test]
    fn list_offsets(seed: u64) {
        agree::<protocol::ListOffsetsRequest, theirs::ListOffsetsRequest>(seed);
        agree::<protocol::ListOffsetsResponse, theirs::ListOffsetsResponse>(seed);
    }

    #[test]
    fn offset_for_leader_epoch(seed: u64) {
        agree::<protocol::OffsetForLeaderEpochRequest, theirs::OffsetForLeaderEpochRequest>(seed);
        agree::<protocol::OffsetForLeaderEpochResponse, theirs::OffsetForLeaderEpochResponse>(seed);
    }

    #[test]
    fn metadata(seed: u64) {
        agree::<protocol::MetadataRequest, theirs::MetadataRequest>(seed);
        agree::<protocol::MetadataResponse, theirs::MetadataResponse>(seed);
    }

    #[test]
    fn api_versions(seed: u64) {
        agree::<protocol::ApiVersionsRequest, theirs::ApiVersionsRequest>(seed);
        agree::<protocol::ApiVersionsResponse, theirs::ApiVersionsResponse>(seed);
    }

    #[test]
    fn create_topics(seed: u64) {
        agree::<protocol::CreateTopicsRequest, theirs::CreateTopicsRequest>(seed);
        agree::<protocol::CreateTopicsResponse, theirs::CreateTopicsResponse>(seed);
    }
}
