//! The answer to a produce, partition by partition.

use partition::Committed;
use protocol::produce::{PartitionProduceResponse, ProduceResponse, TopicProduceResponse};
use protocol::{ErrorCode, Uuid};

use crate::errors::Failure;

/// An offset or a time that there is none of.
const NONE: i64 = -1;

/// The answer in the making.
#[derive(Debug)]
pub(crate) struct Builder {
    response: ProduceResponse,
    errors: u64,
    first_error: Option<ErrorCode>,
}

impl Builder {
    pub(crate) fn new(topics: usize) -> Self {
        Self {
            response: ProduceResponse {
                responses: Vec::with_capacity(topics),
                ..ProduceResponse::default()
            },
            errors: 0,
            first_error: None,
        }
    }

    /// Begins the next topic.
    pub(crate) fn topic(&mut self, name: String, topic_id: Uuid, partitions: usize) {
        self.response.responses.push(TopicProduceResponse {
            name,
            topic_id,
            partition_responses: Vec::with_capacity(partitions),
        });
    }

    /// Adds a partition to the topic that was begun last.
    pub(crate) fn partition(&mut self, index: i32, outcome: Result<Committed, Failure>) {
        let partition = match outcome {
            Ok(committed) => committed_at(index, &committed),
            Err(failure) => {
                self.errors += 1;
                self.first_error.get_or_insert(failure.code);
                failed(index, failure)
            }
        };
        let topic = self.response.responses.last_mut();
        topic
            .expect("a topic was begun")
            .partition_responses
            .push(partition);
    }

    /// Partitions that failed.
    pub(crate) const fn errors(&self) -> u64 {
        self.errors
    }

    /// Why the first of them failed.
    pub(crate) const fn first_error(&self) -> Option<ErrorCode> {
        self.first_error
    }

    pub(crate) fn finish(self) -> ProduceResponse {
        self.response
    }
}

fn committed_at(index: i32, committed: &Committed) -> PartitionProduceResponse {
    PartitionProduceResponse {
        index,
        base_offset: committed.base_offset.0,
        log_append_time_ms: committed
            .append_time
            .map_or(NONE, stdx::Timestamp::as_millis),
        log_start_offset: committed.log_start.0,
        ..PartitionProduceResponse::default()
    }
}

fn failed(index: i32, failure: Failure) -> PartitionProduceResponse {
    PartitionProduceResponse {
        index,
        error_code: failure.code.code(),
        base_offset: NONE,
        log_append_time_ms: NONE,
        log_start_offset: NONE,
        error_message: failure.message,
        ..PartitionProduceResponse::default()
    }
}
