//! Writing to one partition.

use protocol::produce::{PartitionProduceData, TopicProduceData};
use protocol::{ProduceRequest, ProduceResponse, Uuid};

use crate::client::Client;
use crate::error::ClientError;
use crate::pending::Pending;
use crate::slices::Slices;
use crate::topics::TopicRef;

/// The first version that names topics by id.
const IDS_FROM: i16 = 13;

/// When a write is to be acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acks {
    /// Never.
    None,
    /// When the leader appended it.
    Leader,
    /// When it is committed.
    All,
}

/// Where a write ended up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Produced {
    /// The offset of its first record.
    pub base_offset: i64,
    /// When it was appended, milliseconds; minus one where the topic does not keep that.
    pub append_time: i64,
    /// The partition's first offset; minus one where the version does not tell.
    pub log_start: i64,
}

/// A write on its way.
#[derive(Debug)]
pub struct Producing(Pending<ProduceRequest<Slices>>);

impl Producing {
    /// Waits for its outcome.
    pub async fn outcome(self) -> Result<Produced, ClientError> {
        let answer: ProduceResponse = self.0.response().await?;
        let mut partitions = answer
            .responses
            .into_iter()
            .flat_map(|topic| topic.partition_responses);
        let partition = partitions
            .next()
            .ok_or(ClientError::Incomplete("the partition"))?;
        ClientError::check(partition.error_code, partition.error_message)?;
        Ok(Produced {
            base_offset: partition.base_offset,
            append_time: partition.log_append_time_ms,
            log_start: partition.log_start_offset,
        })
    }
}

impl Client {
    /// Writes `batches` and waits for the outcome. With [`Acks::None`] there is none: an error says that it was not
    /// sent.
    pub async fn produce(
        &self,
        topic: &TopicRef,
        partition: i32,
        batches: impl Into<Slices>,
        acks: Acks,
    ) -> Result<Option<Produced>, ClientError> {
        match acks {
            Acks::None => {
                self.produce_silent(topic, partition, batches).await?;
                Ok(None)
            }
            Acks::Leader | Acks::All => {
                let producing = self.start_produce(topic, partition, batches, acks).await?;
                producing.outcome().await.map(Some)
            }
        }
    }

    /// Sends `batches` on their way: the next write to the partition is behind this one. With [`Acks::None`] no
    /// answer would come: use [`Client::produce`].
    pub async fn start_produce(
        &self,
        topic: &TopicRef,
        partition: i32,
        batches: impl Into<Slices>,
        acks: Acks,
    ) -> Result<Producing, ClientError> {
        let version = self.produce_version(topic)?;
        let request = self.produce_request(topic, partition, batches.into(), acks, version);
        self.start_records(request, version).await.map(Producing)
    }

    async fn produce_silent(
        &self,
        topic: &TopicRef,
        partition: i32,
        batches: impl Into<Slices>,
    ) -> Result<(), ClientError> {
        let version = self.produce_version(topic)?;
        let request = self.produce_request(topic, partition, batches.into(), Acks::None, version);
        self.send_silent(request, version).await
    }

    fn produce_version(&self, topic: &TopicRef) -> Result<i16, ClientError> {
        self.versions()
            .choose::<ProduceRequest<Slices>>(topic.version_max(IDS_FROM))
    }

    fn produce_request(
        &self,
        topic: &TopicRef,
        partition: i32,
        records: Slices,
        acks: Acks,
        version: i16,
    ) -> ProduceRequest<Slices> {
        let (name, topic_id) = if version >= IDS_FROM {
            (String::new(), topic.id)
        } else {
            (topic.name.clone(), Uuid::ZERO)
        };
        ProduceRequest {
            transactional_id: None,
            acks: match acks {
                Acks::None => 0,
                Acks::Leader => 1,
                Acks::All => -1,
            },
            timeout_ms: i32::try_from(self.options().commit_timeout.as_millis())
                .unwrap_or(i32::MAX),
            topic_data: vec![TopicProduceData {
                name,
                topic_id,
                partition_data: vec![PartitionProduceData {
                    index: partition,
                    records: Some(records),
                }],
            }],
        }
    }
}
