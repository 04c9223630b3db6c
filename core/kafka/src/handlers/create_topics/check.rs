//! What can be said about a topic to be made without asking the controller.

use cluster::CreateTopic;
use model::{TopicName, TopicNameError};
use protocol::ErrorCode;
use protocol::create_topics::{CreatableReplicaAssignment, CreatableTopic};

use crate::config::Config;
use crate::errors::Failure;
use crate::settings;

/// A number that is left to the broker.
const DEFAULT: i32 = -1;

/// The topic to be made, with the broker's defaults in their places.
pub(crate) fn check(topic: &CreatableTopic, config: &Config) -> Result<CreateTopic, Failure> {
    let illegal =
        |error: TopicNameError| Failure::new(ErrorCode::InvalidTopicException, error.to_string());
    let name = TopicName::parse(&topic.name).map_err(illegal)?;
    let (partitions, replication_factor) = if topic.assignments.is_empty() {
        numbers(topic, config)
    } else {
        assigned(topic, config)?
    };
    Ok(CreateTopic {
        name,
        partitions,
        replication_factor,
        configs: configs(topic)?,
        validate_only: false,
    })
}

fn numbers(topic: &CreatableTopic, config: &Config) -> (i32, i16) {
    let partitions = match topic.num_partitions {
        DEFAULT => config.default_partitions,
        number => number,
    };
    let replication_factor = match i32::from(topic.replication_factor) {
        DEFAULT => config.default_replication_factor,
        _ => topic.replication_factor,
    };
    (partitions, replication_factor)
}

/// The numbers that an assignment means: partitions without a gap, each on this broker.
fn assigned(topic: &CreatableTopic, config: &Config) -> Result<(i32, i16), Failure> {
    if topic.num_partitions != DEFAULT || i32::from(topic.replication_factor) != DEFAULT {
        let why = "partitions and replicas are either assigned or counted, not both";
        return Err(Failure::new(ErrorCode::InvalidRequest, why));
    }
    let invalid = |why: String| Failure::new(ErrorCode::InvalidReplicaAssignment, why);
    let mut indexes = Vec::with_capacity(topic.assignments.len());
    for CreatableReplicaAssignment {
        partition_index,
        broker_ids,
    } in &topic.assignments
    {
        if *broker_ids != [config.node.0] {
            let (node, asked) = (config.node, broker_ids);
            return Err(invalid(format!(
                "partition {partition_index} is assigned to brokers {asked:?}; broker {node} is the only one"
            )));
        }
        indexes.push(*partition_index);
    }
    indexes.sort_unstable();
    let without_gap = indexes
        .iter()
        .zip(0..)
        .all(|(&index, place)| index == place);
    if !without_gap {
        return Err(invalid(
            "partitions are not numbered from 0 on without a gap".to_owned(),
        ));
    }
    // As many as fit a request of two megabytes.
    let partitions = i32::try_from(indexes.len()).unwrap_or(i32::MAX);
    Ok((partitions, 1))
}

fn configs(topic: &CreatableTopic) -> Result<Vec<(String, String)>, Failure> {
    let mut configs = Vec::with_capacity(topic.configs.len());
    for config in &topic.configs {
        let invalid = |why: String| Failure::new(ErrorCode::InvalidConfig, why);
        let null = || invalid(format!("'{}' has no value", config.name));
        let value = config.value.as_ref().ok_or_else(null)?;
        settings::check(&config.name, value).map_err(invalid)?;
        configs.push((config.name.clone(), value.clone()));
    }
    Ok(configs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::create_topics::CreatableTopicConfig;

    fn topic() -> CreatableTopic {
        CreatableTopic {
            name: "t".to_owned(),
            num_partitions: 3,
            replication_factor: 1,
            ..CreatableTopic::default()
        }
    }

    fn code(topic: &CreatableTopic) -> ErrorCode {
        let checked = check(topic, &Config::default());
        checked.map_or_else(|failure| failure.code, |_create| ErrorCode::None)
    }

    fn assignment(indexes: &[i32], broker: i32) -> CreatableTopic {
        let assign = |&partition_index| CreatableReplicaAssignment {
            partition_index,
            broker_ids: vec![broker],
        };
        CreatableTopic {
            num_partitions: -1,
            replication_factor: -1,
            assignments: indexes.iter().map(assign).collect(),
            ..topic()
        }
    }

    #[test]
    fn minus_one_is_the_default() {
        let asked = CreatableTopic {
            num_partitions: -1,
            replication_factor: -1,
            ..topic()
        };
        let create = check(&asked, &Config::default()).unwrap();
        assert_eq!((create.partitions, create.replication_factor), (1, 1));
    }

    #[test]
    fn an_assignment_to_this_broker_is_honoured_and_no_other() {
        let create = check(&assignment(&[1, 0, 2], 0), &Config::default()).unwrap();
        assert_eq!((create.partitions, create.replication_factor), (3, 1));
        assert_eq!(
            code(&assignment(&[0], 5)),
            ErrorCode::InvalidReplicaAssignment
        );
        assert_eq!(
            code(&assignment(&[0, 2], 0)),
            ErrorCode::InvalidReplicaAssignment
        );
        assert_eq!(
            code(&assignment(&[0, 0], 0)),
            ErrorCode::InvalidReplicaAssignment
        );
        let both = CreatableTopic {
            num_partitions: 1,
            ..assignment(&[0], 0)
        };
        assert_eq!(code(&both), ErrorCode::InvalidRequest);
    }

    #[test]
    fn names_and_settings_are_checked() {
        let named = |name: &str| CreatableTopic {
            name: name.to_owned(),
            ..topic()
        };
        assert_eq!(code(&named("a b")), ErrorCode::InvalidTopicException);
        let set = |name: &str, value: Option<&str>| CreatableTopic {
            configs: vec![CreatableTopicConfig {
                name: name.to_owned(),
                value: value.map(str::to_owned),
            }],
            ..topic()
        };
        assert_eq!(code(&set("retention.ms", Some("1000"))), ErrorCode::None);
        assert_eq!(code(&set("retention.ms", None)), ErrorCode::InvalidConfig);
        assert_eq!(code(&set("no.such", Some("1"))), ErrorCode::InvalidConfig);
    }
}
