//! One topic, as everyone but the controller sees it.

use std::sync::Arc;

use model::{PartitionIndex, PartitionKey, TopicId, TopicName};

/// Topics in which a broker keeps its own things and which clients are told apart by.
const INTERNAL: [&str; 2] = ["__consumer_offsets", "__transaction_state"];

/// A topic. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: TopicName,
    /// Its identity.
    pub id: TopicId,
    /// Its partitions: `0..partitions`. At least one.
    pub partitions: i32,
    /// What was set for it, by Kafka's names, in their order.
    pub configs: Arc<[(String, String)]>,
    /// Whether it is one of the broker's own.
    pub internal: bool,
}

impl Topic {
    /// A topic of these facts. `configs` are sorted by name.
    pub(crate) fn new(
        name: TopicName,
        id: TopicId,
        partitions: i32,
        configs: &[(String, String)],
    ) -> Self {
        let mut configs = configs.to_vec();
        configs.sort();
        Self {
            internal: INTERNAL.contains(&name.as_str()),
            name,
            id,
            partitions,
            configs: configs.into(),
        }
    }

    /// What was set under `name`, if anything was.
    pub fn config(&self, name: &str) -> Option<&str> {
        let found = self
            .configs
            .binary_search_by(|(key, _)| key.as_str().cmp(name))
            .ok()?;
        Some(&self.configs[found].1)
    }

    /// The key of its partition `index`, if it has that.
    pub fn key(&self, index: i32) -> Option<PartitionKey> {
        (0..self.partitions)
            .contains(&index)
            .then_some(PartitionKey {
                topic: self.id,
                partition: PartitionIndex(index),
            })
    }

    /// The keys of all its partitions, in order.
    pub fn keys(&self) -> impl Iterator<Item = PartitionKey> + use<> {
        let topic = self.id;
        (0..self.partitions).map(move |index| PartitionKey {
            topic,
            partition: PartitionIndex(index),
        })
    }
}
