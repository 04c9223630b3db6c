//! The table of topics: the pure heart of the controller.

use std::collections::BTreeMap;

use model::{TopicId, TopicName};

use crate::cluster_id::ClusterId;
use crate::command::Command;
use crate::refusal::{Limits, Refusal};
use crate::topic::Topic;

/// Which topics there are, and which are on their way out. A value: the controller has one, and each core a copy.
///
/// ```text
///   CreateTopic        DeleteTopic            ForgetTopic
///   ---------> live -------------> deleting -------------> gone, its identity with it
///              has its name         name is free again, files are being removed
/// ```
///
/// Invariants:
/// - `by_name` and `by_collision` hold exactly the live topics, each once;
/// - `partitions` counts those of all entries;
/// - two equal sequences of commands give equal tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicTable {
    cluster_id: Option<ClusterId>,
    topics: BTreeMap<TopicId, Entry>,
    by_name: BTreeMap<TopicName, TopicId>,
    /// By the name with each `.` made a `_`.
    by_collision: BTreeMap<String, TopicId>,
    partitions: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    topic: Topic,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Live,
    Deleting,
}

impl TopicTable {
    /// A table of a cluster without a name.
    pub fn new() -> Self {
        Self::default()
    }

    /// The name of the cluster, once it has one.
    pub fn cluster_id(&self) -> Option<ClusterId> {
        self.cluster_id
    }

    /// The live topic of this name.
    pub fn topic(&self, name: &TopicName) -> Option<&Topic> {
        self.by_name.get(name).and_then(|id| self.topic_by_id(*id))
    }

    /// The live topic of this identity.
    pub fn topic_by_id(&self, id: TopicId) -> Option<&Topic> {
        let entry = self.topics.get(&id)?;
        (entry.state == State::Live).then_some(&entry.topic)
    }

    /// The live topics by name.
    pub fn topics(&self) -> impl ExactSizeIterator<Item = &Topic> {
        self.by_name.values().map(|id| &self.topics[id].topic)
    }

    /// The topics whose files are being removed.
    pub fn deleting(&self) -> impl Iterator<Item = &Topic> {
        let deleting = self
            .topics
            .values()
            .filter(|entry| entry.state == State::Deleting);
        deleting.map(|entry| &entry.topic)
    }

    /// Whether `command` may be proposed now: it contradicts nothing, and keeps `limits`.
    pub fn check(&self, command: &Command, limits: &Limits) -> Result<(), Refusal> {
        self.check_facts(command)?;
        if !command.is_encodable() {
            return Err(Refusal::TooLarge {
                bytes: command.encoded_bytes(),
            });
        }
        match command {
            Command::CreateTopic {
                partitions,
                replication_factor,
                ..
            } => self.check_limits(*partitions, *replication_factor, limits),
            Command::ClusterNamed { .. }
            | Command::DeleteTopic { .. }
            | Command::ForgetTopic { .. } => Ok(()),
        }
    }

    /// Applies a committed command. Limits are not looked at: they may have been higher when it was proposed. An
    /// error says that the command contradicts the ones before it, and changes nothing.
    pub fn apply(&mut self, command: &Command) -> Result<(), Refusal> {
        self.check_facts(command)?;
        match command {
            Command::ClusterNamed { cluster_id } => self.cluster_id = Some(*cluster_id),
            Command::CreateTopic {
                name,
                id,
                partitions,
                replication_factor: _,
                configs,
            } => self.insert(Topic::new(name.clone(), *id, *partitions, configs)),
            Command::DeleteTopic { id } => self.begin_delete(*id),
            Command::ForgetTopic { id } => self.forget(*id),
        }
        stdx::paranoid!(self.is_consistent());
        Ok(())
    }

    /// What holds whatever the limits are.
    fn check_facts(&self, command: &Command) -> Result<(), Refusal> {
        match command {
            Command::ClusterNamed { .. } if self.cluster_id.is_some() => {
                Err(Refusal::ClusterIsNamed)
            }
            Command::ClusterNamed { .. } => Ok(()),
            Command::CreateTopic {
                name,
                id,
                partitions,
                configs,
                ..
            } => {
                self.check_identity(name, *id)?;
                check_configs(configs)?;
                check_partitions(*partitions, i32::MAX)
            }
            Command::DeleteTopic { id } => match self.topic_by_id(*id) {
                Some(_) => Ok(()),
                None => Err(Refusal::UnknownTopic(*id)),
            },
            Command::ForgetTopic { id } => match self.topics.get(id).map(|entry| entry.state) {
                Some(State::Deleting) => Ok(()),
                Some(State::Live) => Err(Refusal::TopicIsLive(*id)),
                None => Err(Refusal::UnknownTopic(*id)),
            },
        }
    }

    fn check_identity(&self, name: &TopicName, id: TopicId) -> Result<(), Refusal> {
        if self.by_name.contains_key(name) {
            return Err(Refusal::TopicExists);
        }
        if let Some(other) = self.by_collision.get(&collision_key(name)) {
            return Err(Refusal::TopicNameCollides(
                self.topics[other].topic.name.clone(),
            ));
        }
        if id == TopicId::NONE || self.topics.contains_key(&id) {
            return Err(Refusal::TopicIdExists(id));
        }
        Ok(())
    }

    fn check_limits(
        &self,
        partitions: i32,
        replication_factor: i16,
        limits: &Limits,
    ) -> Result<(), Refusal> {
        check_partitions(partitions, limits.topic_partitions_max)?;
        if !(1..=limits.brokers).contains(&replication_factor) {
            return Err(Refusal::ReplicationFactor {
                asked: replication_factor,
                brokers: limits.brokers,
            });
        }
        if self.topics.len() >= limits.topics_max {
            return Err(Refusal::TooManyTopics {
                max: limits.topics_max,
            });
        }
        if self.partitions + count(partitions) > limits.partitions_max {
            return Err(Refusal::TooManyPartitions {
                max: limits.partitions_max,
            });
        }
        Ok(())
    }

    fn insert(&mut self, topic: Topic) {
        self.partitions += count(topic.partitions);
        self.by_name.insert(topic.name.clone(), topic.id);
        self.by_collision
            .insert(collision_key(&topic.name), topic.id);
        let state = State::Live;
        self.topics.insert(topic.id, Entry { topic, state });
    }

    fn begin_delete(&mut self, id: TopicId) {
        let entry = self.topics.get_mut(&id).expect("checked above");
        entry.state = State::Deleting;
        self.by_name.remove(&entry.topic.name);
        self.by_collision.remove(&collision_key(&entry.topic.name));
    }

    fn forget(&mut self, id: TopicId) {
        let entry = self.topics.remove(&id).expect("checked above");
        self.partitions -= count(entry.topic.partitions);
    }

    fn is_consistent(&self) -> bool {
        let entries = self.topics.values();
        let live = entries
            .clone()
            .filter(|entry| entry.state == State::Live)
            .count();
        live == self.by_name.len()
            && live == self.by_collision.len()
            && self.by_name.iter().all(|(name, id)| {
                let topic = self.topic_by_id(*id);
                topic.is_some_and(|topic| topic.name == *name)
            })
            && self.partitions
                == entries
                    .map(|entry| count(entry.topic.partitions))
                    .sum::<u64>()
    }
}

fn check_partitions(asked: i32, max: i32) -> Result<(), Refusal> {
    if (1..=max).contains(&asked) {
        Ok(())
    } else {
        Err(Refusal::Partitions { asked, max })
    }
}

fn check_configs(configs: &[(String, String)]) -> Result<(), Refusal> {
    let mut names: Vec<&String> = configs.iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Refusal::DuplicateConfig(pair[0].clone())),
        None => Ok(()),
    }
}

/// Kafka refuses two names that its metrics, which write `.` as `_`, could not tell apart.
fn collision_key(name: &TopicName) -> String {
    name.as_str().replace('.', "_")
}

fn count(partitions: i32) -> u64 {
    u64::try_from(partitions).expect("a topic in the table has at least one partition")
}

#[cfg(test)]
mod tests;
