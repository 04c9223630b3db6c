//! Where a leader's reign ended.

use protocol::offset_for_leader_epoch::{OffsetForLeaderPartition, OffsetForLeaderTopic};
use protocol::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};

use crate::client::Client;
use crate::error::ClientError;
use crate::topics::TopicRef;

/// The end of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochEnd {
    /// The latest epoch that is not after the one asked for; minus one where nothing is known.
    pub leader_epoch: i32,
    /// The offset after its last record; minus one where nothing is known.
    pub end_offset: i64,
}

impl Client {
    /// Where `leader_epoch` ended, or the latest epoch before it.
    pub async fn epoch_end(
        &self,
        topic: &TopicRef,
        partition: i32,
        leader_epoch: i32,
    ) -> Result<EpochEnd, ClientError> {
        let request = OffsetForLeaderEpochRequest {
            replica_id: -1,
            topics: vec![OffsetForLeaderTopic {
                topic: topic.name.clone(),
                partitions: vec![OffsetForLeaderPartition {
                    partition,
                    leader_epoch,
                    ..OffsetForLeaderPartition::default()
                }],
            }],
        };
        let answer: OffsetForLeaderEpochResponse = self.call(request).await?;
        let mut partitions = answer.topics.into_iter().flat_map(|topic| topic.partitions);
        let found = partitions
            .next()
            .ok_or(ClientError::Incomplete("the partition"))?;
        ClientError::check(found.error_code, None)?;
        Ok(EpochEnd {
            leader_epoch: found.leader_epoch,
            end_offset: found.end_offset,
        })
    }
}
