//! Topics: how they are named to a broker, looked up and made.

use protocol::create_topics::{CreatableTopic, CreatableTopicConfig};
use protocol::metadata::MetadataRequestTopic;
use protocol::{
    CreateTopicsRequest, CreateTopicsResponse, MetadataRequest, MetadataResponse, Uuid,
};

use crate::client::Client;
use crate::error::ClientError;

/// The first version in which null, not an empty list, means all topics.
const NULL_IS_ALL_FROM: i16 = 1;

/// The first version that says whether missing topics may be made.
const CREATION_IS_SAID_FROM: i16 = 4;

/// How long the controller may take to make a topic, in milliseconds.
const CREATE_TIMEOUT_MS: i32 = 30_000;

/// A topic as requests name it: by name, and by id where that is known and the version has a place for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicRef {
    /// Its name.
    pub name: String,
    /// Its id; zero while it is not known.
    pub id: Uuid,
}

impl TopicRef {
    /// A topic of which only the name is known: it is never named by id.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            id: Uuid::ZERO,
        }
    }

    /// The newest version in which it can be named, where ids come with version `ids_from`.
    pub(crate) fn version_max(&self, ids_from: i16) -> i16 {
        if self.id.is_zero() {
            ids_from - 1
        } else {
            i16::MAX
        }
    }
}

impl Client {
    /// What the broker knows of `topics`, or of all of them. `create` lets it make the ones that are missing.
    pub async fn metadata(
        &self,
        topics: Option<&[&str]>,
        create: bool,
    ) -> Result<MetadataResponse, ClientError> {
        let named = |name: &&str| MetadataRequestTopic {
            name: Some((*name).to_owned()),
            ..MetadataRequestTopic::default()
        };
        let version = self.versions().choose::<MetadataRequest>(i16::MAX)?;
        let mut topics: Option<Vec<_>> = topics.map(|topics| topics.iter().map(named).collect());
        if version < NULL_IS_ALL_FROM {
            // In the first version an empty list is what null is later: all topics.
            topics = Some(topics.unwrap_or_default());
        }
        let request = MetadataRequest {
            topics,
            // Older versions cannot say it; they always allow it.
            allow_auto_topic_creation: create || version < CREATION_IS_SAID_FROM,
            ..MetadataRequest::default()
        };
        self.start_in(request, version).await?.response().await
    }

    /// Looks a topic up, with its id where the broker tells it.
    pub async fn topic(&self, name: &str, create: bool) -> Result<TopicRef, ClientError> {
        let mut answer = self.metadata(Some(&[name]), create).await?;
        let topic = answer
            .topics
            .pop()
            .ok_or(ClientError::Incomplete("the topic"))?;
        ClientError::check(topic.error_code, None)?;
        Ok(TopicRef {
            name: name.to_owned(),
            id: topic.topic_id,
        })
    }

    /// Makes a topic; minus one leaves a number to the broker.
    pub async fn create_topic(
        &self,
        name: &str,
        partitions: i32,
        replication_factor: i16,
        configs: &[(&str, &str)],
    ) -> Result<TopicRef, ClientError> {
        let config = |(name, value): &(&str, &str)| CreatableTopicConfig {
            name: (*name).to_owned(),
            value: Some((*value).to_owned()),
        };
        let request = CreateTopicsRequest {
            topics: vec![CreatableTopic {
                name: name.to_owned(),
                num_partitions: partitions,
                replication_factor,
                configs: configs.iter().map(config).collect(),
                ..CreatableTopic::default()
            }],
            timeout_ms: CREATE_TIMEOUT_MS,
            validate_only: false,
        };
        let mut answer: CreateTopicsResponse = self.call(request).await?;
        let topic = answer
            .topics
            .pop()
            .ok_or(ClientError::Incomplete("the topic"))?;
        ClientError::check(topic.error_code, topic.error_message)?;
        Ok(TopicRef {
            name: name.to_owned(),
            id: topic.topic_id,
        })
    }
}
