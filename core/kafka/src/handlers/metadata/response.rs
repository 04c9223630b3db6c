//! The answer to a question for metadata.

use core::net::SocketAddr;

use cluster::{Broker, Topic};
use model::PartitionKey;
use protocol::metadata::{
    MetadataResponse, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use protocol::{ErrorCode, Uuid};

use crate::connection::Connection;
use crate::errors::Failure;
use crate::handlers::metadata::{Looked, current};
use crate::handlers::topics::wire_id;

/// Bytes that a topic takes in the answer, in memory and encoded, with the longest name.
const TOPIC_BYTES_MAX: usize = 800;
/// Bytes that a partition takes in the answer, in memory and encoded.
const PARTITION_BYTES_MAX: usize = 256;

/// Bits of the operations of Kafka's authorizer that there are for a topic: read, write, create, delete, alter,
/// describe, describe configs, alter configs.
const TOPIC_OPERATIONS: i32 = operations(&[3, 4, 5, 6, 7, 8, 10, 11]);
/// And for a cluster: create, alter, describe, cluster action, describe configs, alter configs, idempotent write.
const CLUSTER_OPERATIONS: i32 = operations(&[5, 7, 8, 9, 10, 11, 12]);
/// What stands there when nobody asked.
const NOT_REQUESTED: i32 = i32::MIN;

/// Which topics to tell of.
#[derive(Debug)]
pub(crate) enum Asked {
    All,
    These(Vec<Looked>),
}

const fn operations(bits: &[u32]) -> i32 {
    let (mut sum, mut index) = (0, 0);
    while index < bits.len() {
        sum |= 1 << bits[index];
        index += 1;
    }
    sum
}

/// Bytes of memory that the answer takes at most, by what is known now.
pub(crate) fn memory_bound(connection: &Connection, asked: &Asked) -> usize {
    let view = &connection.door.context.cluster;
    let partitions = |topic: &Topic| usize::try_from(topic.partitions).unwrap_or(0);
    let (topics, partitions): (usize, usize) = match asked {
        Asked::All => {
            let topics = view.topics();
            (topics.len(), topics.iter().map(partitions).sum())
        }
        Asked::These(looked) => {
            let known = looked.iter().flat_map(|looked| current(connection, looked));
            (looked.len(), known.map(|topic| partitions(&topic)).sum())
        }
    };
    topics * TOPIC_BYTES_MAX + partitions * PARTITION_BYTES_MAX
}

/// The answer, and how many topics of it failed.
pub(crate) fn build(
    connection: &Connection,
    asked: Asked,
    (topic_operations, cluster_operations): (bool, bool),
) -> (MetadataResponse, u64) {
    let view = &connection.door.context.cluster;
    let allowed = if topic_operations {
        TOPIC_OPERATIONS
    } else {
        NOT_REQUESTED
    };
    let mut errors = 0;
    let topics = match asked {
        Asked::All => view
            .topics()
            .iter()
            .map(|topic| known(connection, topic, allowed))
            .collect(),
        Asked::These(looked) => {
            let answer = |looked: Looked| match current(connection, &looked) {
                Ok(topic) => known(connection, &topic, allowed),
                Err(failure) => {
                    errors += 1;
                    unknown(looked, &failure)
                }
            };
            looked.into_iter().map(answer).collect()
        }
    };
    let brokers = view.brokers();
    let response = MetadataResponse {
        brokers: brokers
            .into_iter()
            .map(|broker| wire_broker(broker, connection.local))
            .collect(),
        cluster_id: Some(view.cluster_id()),
        controller_id: view.controller().0,
        topics,
        cluster_authorized_operations: if cluster_operations {
            CLUSTER_OPERATIONS
        } else {
            NOT_REQUESTED
        },
        ..MetadataResponse::default()
    };
    (response, errors)
}

/// A broker as this client can reach it.
fn wire_broker(broker: Broker, local: SocketAddr) -> MetadataResponseBroker {
    let (host, port) = if broker.is_advertised() {
        (broker.host, broker.port)
    } else {
        (local.ip().to_canonical().to_string(), local.port())
    };
    MetadataResponseBroker {
        node_id: broker.node.0,
        host,
        port: i32::from(port),
        rack: broker.rack,
    }
}

fn known(connection: &Connection, topic: &Topic, allowed: i32) -> MetadataResponseTopic {
    MetadataResponseTopic {
        name: Some(topic.name.as_str().to_owned()),
        topic_id: wire_id(topic.id),
        is_internal: topic.internal,
        partitions: topic.keys().map(|key| partition(connection, key)).collect(),
        topic_authorized_operations: allowed,
        ..MetadataResponseTopic::default()
    }
}

fn partition(connection: &Connection, key: PartitionKey) -> MetadataResponsePartition {
    let context = &connection.door.context;
    let node = context.config.node.0;
    let epoch = context.cluster.leader_epoch(key);
    let error = match epoch {
        Some(_) => ErrorCode::None,
        None => ErrorCode::LeaderNotAvailable,
    };
    MetadataResponsePartition {
        error_code: error.code(),
        partition_index: key.partition.0,
        leader_id: epoch.map_or(-1, |_led| node),
        leader_epoch: epoch.map_or(-1, |epoch| epoch.0),
        replica_nodes: vec![node],
        isr_nodes: vec![node],
        offline_replicas: Vec::new(),
    }
}

fn unknown(looked: Looked, failure: &Failure) -> MetadataResponseTopic {
    // A null name may stand only where an id was asked for; versions without ids have a text there.
    let by_id = looked.id != Uuid::ZERO && failure.code == ErrorCode::UnknownTopicId;
    let name = if by_id {
        None
    } else {
        Some(looked.name.unwrap_or_default())
    };
    MetadataResponseTopic {
        error_code: failure.code.code(),
        name,
        topic_id: looked.id,
        ..MetadataResponseTopic::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::NodeId;

    #[test]
    fn operations_are_kafkas_numbers() {
        assert_eq!((TOPIC_OPERATIONS, CLUSTER_OPERATIONS), (3576, 8096));
    }

    #[test]
    fn a_broker_is_named_by_the_address_that_worked_unless_another_is_advertised() {
        let broker = |host: &str| Broker {
            node: NodeId(3),
            host: host.to_owned(),
            port: 19_092,
            rack: None,
        };
        let local: SocketAddr = "[::ffff:10.0.0.7]:9092".parse().unwrap();
        let arrived = wire_broker(broker(""), local);
        assert_eq!((arrived.host.as_str(), arrived.port), ("10.0.0.7", 9_092));
        let advertised = wire_broker(broker("kafka.example"), local);
        assert_eq!(
            (advertised.host.as_str(), advertised.port),
            ("kafka.example", 19_092)
        );
    }
}
