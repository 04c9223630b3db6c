//! `Metadata` (key 3): which brokers there are, and who leads which partition.
//!
//! # Versions
//! 0-13
//!
//! # Behaviour
//! - A null list asks for all topics; in version 0 an empty one does. An empty list asks for brokers only.
//! - A broker without an advertised address is named by the address on which the client came, so that every network
//!   path to it works by itself.
//! - A topic that does not exist is created where both the broker and the client allow it, and is there in the same
//!   answer.
//! - A topic that is named twice is answered once.
//! - Authorized operations are all there are, where they were asked for: nobody is forbidden anything yet.
//!
//! # Not done
//! - No listener names: each connection sees its own address.
//!
//! # Version notes
//! - 4: the client says whether topics may be created.
//! - 5: offline replicas; there are none.
//! - 7: leader epochs [KIP-320].
//! - 8: authorized operations [KIP-430].
//! - 10: topic ids in the answer [KIP-516].
//! - 12: topics by id [KIP-516].
//! - 13: an error for the whole [KIP-1102]; never given.
//!
//! # Errors
//! - `UNKNOWN_TOPIC_OR_PARTITION`, `UNKNOWN_TOPIC_ID`: not known, and not created.
//! - `INVALID_TOPIC_EXCEPTION`: the name is not legal.
//! - `LEADER_NOT_AVAILABLE`: the partition's replica is not open yet, or the topic's turn to be created has not come.
//! - `INVALID_REQUEST`: an id where the version has none.
//! - those of `CreateTopics`, where a topic is created.

use std::collections::BTreeSet;
use std::rc::Rc;

use cluster::{CreateTopic, Topic};
use model::{TopicId, TopicName, TopicNameError};
use protocol::metadata::MetadataRequestTopic;
use protocol::{ErrorCode, MetadataRequest, Uuid};

use crate::answer::{Finish, Reply, lease_answer};
use crate::closed::Closed;
use crate::connection::Connection;
use crate::errors::Failure;
use crate::marks;
use crate::memory::Memory;
use crate::request::Request;

mod response;

use response::Asked;

/// Topics that one request may create; the others are to be asked for again.
const CREATED_MAX: usize = 64;

/// The first version in which a topic may be asked for by id.
const IDS_FROM: i16 = 12;

/// One topic of the request, looked up.
#[derive(Debug)]
pub(crate) struct Looked {
    pub(crate) name: Option<String>,
    pub(crate) id: Uuid,
    /// What to say instead of what the cluster knows when it is this request's turn.
    pub(crate) failure: Option<Failure>,
}

/// Creates what is missing. The answer is built when it is its turn, of what is known then.
pub(crate) async fn dispatch(
    connection: &Rc<Connection>,
    mut request: Request,
) -> Result<Finish, Closed> {
    let mut asked: MetadataRequest = request.decode()?;
    let all = match &asked.topics {
        None => true,
        Some(topics) => topics.is_empty() && request.version == 0,
    };
    let named = asked.topics.take().filter(|_| !all);
    let looked = match named {
        None => None,
        Some(topics) => Some(look_up(connection, topics, &asked, request.version).await),
    };
    let connection = Rc::clone(connection);
    Ok(Finish::later(request.held(), async move {
        let topics = looked.map_or(Asked::All, Asked::These);
        let operations = (
            asked.include_topic_authorized_operations,
            asked.include_cluster_authorized_operations,
        );
        finish(&connection, request, topics, operations).await
    }))
}

async fn finish(
    connection: &Connection,
    request: Request,
    asked: Asked,
    operations: (bool, bool),
) -> Reply {
    let bytes = response::memory_bound(connection, &asked);
    let lease = lease_answer(&connection.door, Memory::Lists, bytes, bytes).await;
    let (answer, errors) = response::build(connection, asked, operations);
    connection.door.instruments.errors.add(errors);
    Reply::message(request, answer, Some(lease))
}

/// Looks each topic up once, creating it where that is allowed.
async fn look_up(
    connection: &Connection,
    topics: Vec<MetadataRequestTopic>,
    asked: &MetadataRequest,
    version: i16,
) -> Vec<Looked> {
    let config = &connection.door.context.config;
    let may_create = config.auto_create_topics && asked.allow_auto_topic_creation;
    let mut seen = BTreeSet::new();
    let mut creations_left = CREATED_MAX;
    let mut looked = Vec::with_capacity(topics.len());
    for MetadataRequestTopic { topic_id, name } in topics {
        // An id counts where both are given, as in Kafka.
        let name = if topic_id.is_zero() { name } else { None };
        if !seen.insert((topic_id, name.clone())) {
            continue;
        }
        let failure = match &name {
            None if version < IDS_FROM => Some(ErrorCode::InvalidRequest.into()),
            None => None,
            Some(name) => {
                let creations = may_create.then_some(&mut creations_left);
                ensure(connection, name, creations).await.err()
            }
        };
        looked.push(Looked {
            name,
            id: topic_id,
            failure,
        });
    }
    looked
}

/// Sees to it that a topic of this name is there, where it may be created.
async fn ensure(
    connection: &Connection,
    name: &str,
    creations_left: Option<&mut usize>,
) -> Result<(), Failure> {
    let context = &connection.door.context;
    let illegal =
        |error: TopicNameError| Failure::new(ErrorCode::InvalidTopicException, error.to_string());
    let name = TopicName::parse(name).map_err(illegal)?;
    let Some(creations_left) = creations_left else {
        return Ok(());
    };
    if context.cluster.topic(&name).is_some() {
        return Ok(());
    }
    *creations_left = creations_left
        .checked_sub(1)
        .ok_or(ErrorCode::LeaderNotAvailable)?;
    let create = CreateTopic {
        name,
        partitions: context.config.default_partitions,
        replication_factor: context.config.default_replication_factor,
        configs: Vec::new(),
        validate_only: false,
    };
    let created: Result<Topic, Failure> = context
        .cluster
        .create_topic(create)
        .await
        .map_err(Failure::from);
    match created {
        Ok(_topic) => {
            marks::TOPIC_AUTO_CREATED.hit();
            Ok(())
        }
        // Somebody else was faster: that is as good.
        Err(failure) if failure.code == ErrorCode::TopicAlreadyExists => Ok(()),
        Err(failure) => Err(failure),
    }
}

/// The topic that was looked up, as it is known now.
pub(crate) fn current(connection: &Connection, looked: &Looked) -> Result<Topic, Failure> {
    if let Some(failure) = &looked.failure {
        return Err(failure.clone());
    }
    let view = &connection.door.context.cluster;
    match &looked.name {
        None => view
            .topic_by_id(TopicId(looked.id.0))
            .ok_or(ErrorCode::UnknownTopicId.into()),
        Some(name) => {
            let name = TopicName::parse(name).ok();
            let found = name.and_then(|name| view.topic(&name));
            found.ok_or(ErrorCode::UnknownTopicOrPartition.into())
        }
    }
}
