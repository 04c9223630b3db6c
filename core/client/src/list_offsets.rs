//! The ends of a partition, and offsets by time.

use protocol::list_offsets::{ListOffsetsPartition, ListOffsetsTopic};
use protocol::{ListOffsetsRequest, ListOffsetsResponse};

use crate::client::Client;
use crate::error::ClientError;
use crate::topics::TopicRef;

/// Asks for the offset after the last that can be read.
pub const LATEST: i64 = -1;
/// Asks for the first offset that can be read.
pub const EARLIEST: i64 = -2;
/// Asks for the record with the largest timestamp.
pub const MAX_TIMESTAMP: i64 = -3;

/// An offset that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The offset; minus one: there is no such record.
    pub offset: i64,
    /// The timestamp of the record; minus one where it is not one.
    pub timestamp: i64,
    /// The leader epoch of the record; minus one where it is not told.
    pub leader_epoch: i32,
}

impl Client {
    /// The first offset whose record is not older than `timestamp` (milliseconds), or one of the constants here.
    pub async fn list_offset(
        &self,
        topic: &TopicRef,
        partition: i32,
        timestamp: i64,
    ) -> Result<Listed, ClientError> {
        let request = ListOffsetsRequest {
            replica_id: -1,
            topics: vec![ListOffsetsTopic {
                name: topic.name.clone(),
                partitions: vec![ListOffsetsPartition {
                    partition_index: partition,
                    timestamp,
                    ..ListOffsetsPartition::default()
                }],
            }],
            ..ListOffsetsRequest::default()
        };
        let answer: ListOffsetsResponse = self.call(request).await?;
        let mut partitions = answer.topics.into_iter().flat_map(|topic| topic.partitions);
        let found = partitions
            .next()
            .ok_or(ClientError::Incomplete("the partition"))?;
        ClientError::check(found.error_code, None)?;
        Ok(Listed {
            offset: found.offset,
            timestamp: found.timestamp,
            leader_epoch: found.leader_epoch,
        })
    }
}
