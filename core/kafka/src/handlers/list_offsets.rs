//! `ListOffsets` (key 2): the ends of a log, or the offset of a time.
//!
//! # Versions
//! 1-11
//!
//! # Behaviour
//! - Latest (-1) is the high watermark, for both isolation levels: there are no open transactions.
//! - Earliest (-2) is the log start. Earliest local (-4) is the same, since nothing is tiered.
//! - A time gives the first record that is not older; none, and the answer is offset -1 and timestamp -1.
//! - Largest timestamp (-3) gives the record that has it.
//! - Latest tiered (-5) and earliest pending upload (-6) give offset -1: nothing is tiered.
//!
//! # Not done
//! - No tiered storage, so no wait for it (`timeout_ms`).
//! - Replicas may not ask: there are none.
//!
//! # Version notes
//! - 2: isolation level [KIP-98].
//! - 4: leader epochs [KIP-320].
//! - 5: a new leader may not know yet what is committed [KIP-207].
//! - 7: largest timestamp [KIP-734].
//! - 8: earliest local [KIP-405].
//! - 9: latest tiered [KIP-1005].
//! - 10: a timeout for remote storage [KIP-1075].
//! - 11: earliest pending upload [KIP-1023].
//!
//! # Errors
//! - `UNKNOWN_TOPIC_OR_PARTITION`: not known here.
//! - `FENCED_LEADER_EPOCH`, `UNKNOWN_LEADER_EPOCH`: the client's epoch is over, or not begun.
//! - `OFFSET_NOT_AVAILABLE`, before version 5 `LEADER_NOT_AVAILABLE`: the leader is new, and does not know yet what is
//!   committed.
//! - `UNSUPPORTED_VERSION`: a special offset that the version does not have.
//! - `INVALID_REQUEST`: a replica asks.
//! - `KAFKA_STORAGE_ERROR`: the replica is fenced.

use std::rc::Rc;

use model::{LeaderEpoch, Offset};
use partition::router::Answer;
use partition::{ReadError, Seek, SeekTarget, Sought};
use protocol::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use protocol::{ErrorCode, ListOffsetsRequest, ListOffsetsResponse, Uuid};

use crate::answer::{Finish, Reply};
use crate::closed::Closed;
use crate::connection::Connection;
use crate::errors::Failure;
use crate::handlers::topics;
use crate::request::Request;

/// What is known of a partition between the stages.
enum State {
    Asked(Answer<Sought, ReadError>),
    /// Nothing is tiered, so nobody need be asked.
    Nowhere,
    Failed(Failure),
}

/// What a client may ask for by a timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Seek(SeekTarget),
    Nowhere,
}

/// Asks the partitions.
pub(crate) async fn dispatch(
    connection: &Rc<Connection>,
    mut request: Request,
) -> Result<Finish, Closed> {
    let asked: ListOffsetsRequest = request.decode()?;
    let context = &connection.door.context;
    let from_replica = asked.replica_id >= 0;
    let mut topics = Vec::with_capacity(asked.topics.len());
    for topic in asked.topics {
        let found = topics::find(&context.cluster, false, &topic.name, Uuid::ZERO);
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for partition in topic.partitions {
            let key = topics::partition(&found, partition.partition_index);
            let target = target(partition.timestamp, request.version);
            let state = match (key, target) {
                _ if from_replica => State::Failed(ErrorCode::InvalidRequest.into()),
                (Err(failure), _) | (_, Err(failure)) => State::Failed(failure),
                (Ok(_), Ok(Target::Nowhere)) => State::Nowhere,
                (Ok(key), Ok(Target::Seek(target))) => {
                    let current_epoch = topics::known_epoch(partition.current_leader_epoch);
                    let seek = Seek {
                        key,
                        target,
                        current_epoch,
                    };
                    State::Asked(context.router.seek(seek).await)
                }
            };
            partitions.push((partition, state));
        }
        topics.push((topic.name, partitions));
    }
    let connection = Rc::clone(connection);
    Ok(Finish::later(request.held(), async move {
        finish(&connection, request, topics).await
    }))
}

type Topics = Vec<(String, Vec<(ListOffsetsPartition, State)>)>;

async fn finish(connection: &Connection, request: Request, asked: Topics) -> Reply {
    let mut topics = Vec::with_capacity(asked.len());
    for (name, asked) in asked {
        let mut partitions = Vec::with_capacity(asked.len());
        for (partition, state) in asked {
            let found = match state {
                State::Asked(answer) => match answer.outcome().await {
                    Err(ReadError::NotReady) => Err(not_known_yet(request.version)),
                    outcome => outcome.map_err(Failure::from),
                },
                State::Nowhere => Ok(Sought {
                    position: None,
                    epoch: LeaderEpoch(NONE_EPOCH),
                    watermarks: partition::Watermarks::default(),
                }),
                State::Failed(failure) => Err(failure),
            };
            connection
                .door
                .instruments
                .errors
                .add(u64::from(found.is_err()));
            partitions.push(answer(partition.partition_index, found, request.version));
        }
        topics.push(ListOffsetsTopicResponse { name, partitions });
    }
    let response = ListOffsetsResponse {
        topics,
        ..ListOffsetsResponse::default()
    };
    Reply::message(request, response, None)
}

const NONE_EPOCH: i32 = -1;

/// The first version that may be answered with `OFFSET_NOT_AVAILABLE` [KIP-207].
const OFFSET_NOT_AVAILABLE_FROM: i16 = 5;

/// The first version that tells the epoch of what was found [KIP-320].
const EPOCH_FROM: i16 = 4;

fn answer(
    partition_index: i32,
    found: Result<Sought, Failure>,
    version: i16,
) -> ListOffsetsPartitionResponse {
    match found {
        Ok(Sought {
            position: Some((Offset(offset), timestamp)),
            epoch,
            ..
        }) => ListOffsetsPartitionResponse {
            partition_index,
            timestamp,
            offset,
            leader_epoch: if version >= EPOCH_FROM {
                epoch.0
            } else {
                NONE_EPOCH
            },
            ..ListOffsetsPartitionResponse::default()
        },
        Ok(Sought { position: None, .. }) => ListOffsetsPartitionResponse {
            partition_index,
            ..ListOffsetsPartitionResponse::default()
        },
        Err(failure) => ListOffsetsPartitionResponse {
            partition_index,
            error_code: failure.code.code(),
            ..ListOffsetsPartitionResponse::default()
        },
    }
}

/// The leader is new, and does not know yet what is committed.
fn not_known_yet(version: i16) -> Failure {
    if version >= OFFSET_NOT_AVAILABLE_FROM {
        ErrorCode::OffsetNotAvailable.into()
    } else {
        ErrorCode::LeaderNotAvailable.into()
    }
}

/// What a timestamp stands for. A negative one that the version does not have is a newer client's mistake.
fn target(timestamp: i64, version: i16) -> Result<Target, Failure> {
    let seek = |target| Ok(Target::Seek(target));
    match timestamp {
        0.. => seek(SeekTarget::Timestamp(timestamp)),
        -1 => seek(SeekTarget::Latest),
        -2 => seek(SeekTarget::Earliest),
        -3 if version >= 7 => seek(SeekTarget::MaxTimestamp),
        -4 if version >= 8 => seek(SeekTarget::Earliest),
        -5 if version >= 9 => Ok(Target::Nowhere),
        -6 if version >= 11 => Ok(Target::Nowhere),
        _ => Err(ErrorCode::UnsupportedVersion.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_offsets_come_with_their_versions() {
        let unsupported = Err(Failure::from(ErrorCode::UnsupportedVersion));
        for (timestamp, from) in [(-1, 1), (-2, 1), (-3, 7), (-4, 8), (-5, 9), (-6, 11)] {
            for version in 1..=11 {
                let known = target(timestamp, version);
                assert_eq!(known.is_ok(), version >= from, "{timestamp} {version}");
            }
        }
        assert_eq!(target(-7, 11), unsupported);
        let time = Target::Seek(SeekTarget::Timestamp(5));
        assert_eq!(target(5, 1), Ok(time));
    }
}
