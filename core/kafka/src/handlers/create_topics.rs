//! `CreateTopics` (key 19): make topics.
//!
//! # Versions
//! 2-7
//!
//! # Behaviour
//! - A topic is there for every later request of the connection, and committed, when its answer comes.
//! - Minus one as the number of partitions or replicas is the broker's default.
//! - A manual assignment is honoured where it names this broker alone.
//! - Known settings are kept and answered; whether each does something is said where topics' settings are listed.
//! - `validate_only` checks everything and makes nothing.
//! - A topic that is named twice is refused and not made.
//!
//! # Not done
//! - The answer lists the settings that were given, not the defaults of the others.
//!
//! # Version notes
//! - 4: defaults by minus one [KIP-464].
//! - 5: partitions, replicas and settings in the answer [KIP-525].
//! - 7: topic ids in the answer [KIP-516].
//!
//! # Errors
//! - `TOPIC_ALREADY_EXISTS`: the name is taken.
//! - `INVALID_TOPIC_EXCEPTION`: the name is not legal, or differs from another only in `.` and `_`.
//! - `INVALID_PARTITIONS`, `INVALID_REPLICATION_FACTOR`: a number that is not possible here.
//! - `INVALID_REPLICA_ASSIGNMENT`: partitions with a gap, or other brokers than this one.
//! - `INVALID_CONFIG`: an unknown setting, an impossible value, or one that is given twice.
//! - `INVALID_REQUEST`: a topic named twice, or an assignment beside numbers.
//! - `POLICY_VIOLATION`: the cluster has all that it may have.
//! - `REQUEST_TIMED_OUT`: the outcome was not known in time; the topic may be made.
//! - `NOT_CONTROLLER`, `KAFKA_STORAGE_ERROR`: the controller's disk is behind, or full.

use std::collections::BTreeMap;
use std::rc::Rc;

use cluster::{CreateTopic, Topic};
use protocol::create_topics::{CreatableTopic, CreatableTopicConfigs, CreatableTopicResult};
use protocol::{CreateTopicsRequest, CreateTopicsResponse, ErrorCode};
use stdx::{Duration, Instant};

use crate::answer::{Finish, Reply};
use crate::closed::Closed;
use crate::connection::Connection;
use crate::errors::Failure;
use crate::handlers::topics::wire_id;
use crate::request::Request;

mod check;

/// The source of a setting that was given for its topic, in Kafka's numbers.
const SOURCE_TOPIC: i8 = 1;

/// Makes the topics, one after the other.
pub(crate) async fn dispatch(
    connection: &Rc<Connection>,
    mut request: Request,
) -> Result<Finish, Closed> {
    let asked: CreateTopicsRequest = request.decode()?;
    let millis = u64::try_from(asked.timeout_ms).unwrap_or(0);
    let deadline = request.received + Duration::from_millis(millis);
    let mut results = Vec::with_capacity(asked.topics.len());
    for (topic, repeated) in once_each(asked.topics) {
        let outcome = if repeated {
            let why = "the topic is named twice";
            Err(Failure::new(ErrorCode::InvalidRequest, why))
        } else {
            create(connection, &topic, asked.validate_only, deadline).await
        };
        connection
            .door
            .instruments
            .errors
            .add(u64::from(outcome.is_err()));
        results.push(match outcome {
            Ok((create, made)) => created(create, &made),
            Err(failure) => refused(topic.name, failure),
        });
    }
    let response = CreateTopicsResponse {
        topics: results,
        ..CreateTopicsResponse::default()
    };
    Ok(Finish::later(request.held(), async move {
        Reply::message(request, response, None)
    }))
}

/// Each topic once, in the order of their first mention, and whether it was named again.
fn once_each(topics: Vec<CreatableTopic>) -> Vec<(CreatableTopic, bool)> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut each: Vec<(CreatableTopic, bool)> = Vec::with_capacity(topics.len());
    for topic in topics {
        if let Some(&place) = places.get(&topic.name) {
            each[place].1 = true;
        } else {
            places.insert(topic.name.clone(), each.len());
            each.push((topic, false));
        }
    }
    each
}

/// Makes one topic, or only says whether it could be made.
async fn create(
    connection: &Connection,
    topic: &CreatableTopic,
    validate_only: bool,
    deadline: Instant,
) -> Result<(CreateTopic, Topic), Failure> {
    let context = &connection.door.context;
    let mut create = check::check(topic, &context.config)?;
    create.validate_only = validate_only;
    let left = deadline.since(context.runtime.now());
    let made = context.cluster.create_topic(create.clone());
    match context.runtime.timeout(left, made).await {
        Some(made) => Ok((create, made?)),
        None => Err(Failure::new(
            ErrorCode::RequestTimedOut,
            "the outcome was not known in time; the topic may be made",
        )),
    }
}

fn created(create: CreateTopic, made: &Topic) -> CreatableTopicResult {
    let configs = create
        .configs
        .into_iter()
        .map(|(name, value)| CreatableTopicConfigs {
            name,
            value: Some(value),
            read_only: false,
            config_source: SOURCE_TOPIC,
            is_sensitive: false,
        });
    let id = if create.validate_only {
        model::TopicId::NONE
    } else {
        made.id
    };
    CreatableTopicResult {
        name: made.name.as_str().to_owned(),
        topic_id: wire_id(id),
        num_partitions: made.partitions,
        replication_factor: create.replication_factor,
        configs: Some(configs.collect()),
        ..CreatableTopicResult::default()
    }
}

fn refused(name: String, failure: Failure) -> CreatableTopicResult {
    CreatableTopicResult {
        name,
        error_code: failure.code.code(),
        error_message: Some(failure.into_message()),
        configs: Some(Vec::new()),
        ..CreatableTopicResult::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_named_twice_is_told_of_once() {
        let named = |name: &str| CreatableTopic {
            name: name.to_owned(),
            ..CreatableTopic::default()
        };
        let each = once_each(vec![named("a"), named("b"), named("a"), named("a")]);
        let each: Vec<_> = each
            .iter()
            .map(|(topic, again)| (topic.name.as_str(), *again))
            .collect();
        assert_eq!(each, [("a", true), ("b", false)]);
    }
}
