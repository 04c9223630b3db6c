//! The answer to a fetch.

use protocol::fetch::{FetchResponse, FetchableTopicResponse, PartitionData};

use crate::errors::Failure;
use crate::handlers::fetch::plan::Plan;
use crate::handlers::fetch::reading::{Found, Reading};
use crate::slices::Slices;

/// The isolation level of readers that want committed records only.
const READ_COMMITTED: i8 = 1;

/// An offset that is not known.
const NONE: i64 = -1;

/// The answer: what was found, in the order in which it was asked for.
pub(crate) fn build(plan: Plan, reading: Reading, isolation_level: i8) -> FetchResponse<Slices> {
    let mut entries = plan.entries.into_iter().zip(reading.outcomes);
    let topics = plan.topics.into_iter().map(|topic| {
        let own = entries.by_ref().take(topic.entries);
        let partitions = own.map(|(entry, outcome)| match outcome {
            Ok(found) => read(entry.index, found, isolation_level),
            Err(failure) => failed(entry.index, &failure),
        });
        FetchableTopicResponse {
            topic: topic.name,
            topic_id: topic.id,
            partitions: partitions.collect(),
        }
    });
    FetchResponse {
        responses: topics.collect(),
        ..FetchResponse::default()
    }
}

fn read(partition_index: i32, found: Found, isolation_level: i8) -> PartitionData<Slices> {
    let high_watermark = found.watermarks.high_watermark.0;
    PartitionData {
        partition_index,
        high_watermark,
        last_stable_offset: high_watermark,
        log_start_offset: found.watermarks.log_start.0,
        aborted_transactions: (isolation_level == READ_COMMITTED).then(Vec::new),
        records: Some(Slices(found.batches)),
        ..PartitionData::default()
    }
}

fn failed(partition_index: i32, failure: &Failure) -> PartitionData<Slices> {
    PartitionData {
        partition_index,
        error_code: failure.code.code(),
        high_watermark: NONE,
        last_stable_offset: NONE,
        log_start_offset: NONE,
        records: Some(Slices::default()),
        ..PartitionData::default()
    }
}
