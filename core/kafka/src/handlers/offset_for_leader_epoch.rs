//! `OffsetForLeaderEpoch` (key 23): where the reign of a leader ended in a log, for a consumer that wants to know
//! whether what it read is still there.
//!
//! # Versions
//! 2-4
//!
//! # Behaviour
//! - The answer is the latest epoch that is not after the one asked for, and the offset after its last record [KIP-279].
//! - For the epoch that reigns that is the high watermark: what is behind it may still be taken back. Kafka says its log's
//!   end here.
//! - An epoch before the first one ends where the log begins.
//! - Of an epoch that has not begun nothing is known: epoch -1 and offset -1, without an error.
//!
//! # Not done
//! - Whoever asks is answered alike: the replica's id is not looked at.
//!
//! # Version notes
//! - 3: the replica that asks [KIP-320].
//!
//! # Errors
//! - `UNKNOWN_TOPIC_OR_PARTITION`: not known here.
//! - `FENCED_LEADER_EPOCH`, `UNKNOWN_LEADER_EPOCH`: the client's epoch is over, or not begun.
//! - `NOT_LEADER_OR_FOLLOWER`: the leader is new, and does not know yet what is committed.
//! - `KAFKA_STORAGE_ERROR`: the replica is fenced.

use std::rc::Rc;

use model::{LeaderEpoch, Offset};
use partition::router::Answer;
use partition::{ReadError, Seek, SeekTarget, Sought};
use protocol::offset_for_leader_epoch::{
    EpochEndOffset, OffsetForLeaderPartition, OffsetForLeaderTopicResult,
};
use protocol::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, Uuid};

use crate::answer::{Finish, Reply};
use crate::closed::Closed;
use crate::connection::Connection;
use crate::errors::Failure;
use crate::handlers::topics;
use crate::request::Request;

type Asked = Result<Answer<Sought, ReadError>, Failure>;
type Topics = Vec<(String, Vec<(OffsetForLeaderPartition, Asked)>)>;

/// Asks the partitions.
pub(crate) async fn dispatch(
    connection: &Rc<Connection>,
    mut request: Request,
) -> Result<Finish, Closed> {
    let asked: OffsetForLeaderEpochRequest = request.decode()?;
    let context = &connection.door.context;
    let mut topics = Vec::with_capacity(asked.topics.len());
    for topic in asked.topics {
        let found = topics::find(&context.cluster, false, &topic.topic, Uuid::ZERO);
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for partition in topic.partitions {
            let answer = match topics::partition(&found, partition.partition) {
                Ok(key) => {
                    let seek = Seek {
                        key,
                        target: SeekTarget::EpochEnd(LeaderEpoch(partition.leader_epoch)),
                        current_epoch: topics::known_epoch(partition.current_leader_epoch),
                    };
                    Ok(context.router.seek(seek).await)
                }
                Err(failure) => Err(failure),
            };
            partitions.push((partition, answer));
        }
        topics.push((topic.topic, partitions));
    }
    let connection = Rc::clone(connection);
    Ok(Finish::later(request.held(), async move {
        finish(&connection, request, topics).await
    }))
}

async fn finish(connection: &Connection, request: Request, asked: Topics) -> Reply {
    let mut topics = Vec::with_capacity(asked.len());
    for (topic, asked) in asked {
        let mut partitions = Vec::with_capacity(asked.len());
        for (partition, answer) in asked {
            let found = match answer {
                Ok(answer) => answer.outcome().await.map_err(Failure::from),
                Err(failure) => Err(failure),
            };
            let errors = &connection.door.instruments.errors;
            errors.add(u64::from(found.is_err()));
            partitions.push(answered(partition.partition, found));
        }
        topics.push(OffsetForLeaderTopicResult { topic, partitions });
    }
    let response = OffsetForLeaderEpochResponse {
        topics,
        ..OffsetForLeaderEpochResponse::default()
    };
    Reply::message(request, response, None)
}

fn answered(partition: i32, found: Result<Sought, Failure>) -> EpochEndOffset {
    let unknown = EpochEndOffset {
        partition,
        ..EpochEndOffset::default()
    };
    match found {
        Ok(Sought {
            position: Some((Offset(end_offset), _)),
            epoch,
            ..
        }) => EpochEndOffset {
            leader_epoch: epoch.0,
            end_offset,
            ..unknown
        },
        Ok(Sought { position: None, .. }) => unknown,
        Err(failure) => EpochEndOffset {
            error_code: failure.code.code(),
            ..unknown
        },
    }
}
