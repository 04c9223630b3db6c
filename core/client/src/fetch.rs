//! Reading from one partition.

use protocol::FetchRequest;
use protocol::fetch::{FetchPartition, FetchTopic, PartitionView, ResponseView};
use records::{BatchView, Batches, RecordsError};
use runtime::Frozen;
use stdx::Duration;

use crate::client::Client;
use crate::error::ClientError;
use crate::topics::TopicRef;

/// The first version that names topics by id.
const IDS_FROM: i16 = 13;

/// How to read.
#[derive(Clone, Copy, Debug)]
pub struct FetchOptions {
    /// How long the broker may wait for data.
    pub wait: Duration,
    /// Bytes that are worth an answer.
    pub bytes_min: i32,
    /// Bytes of records that the answer may have, but for a first batch that is larger.
    pub bytes_max: i32,
    /// The newest leader epoch that the reader knows; minus one is none.
    pub leader_epoch: i32,
    /// Whether only committed records are wanted.
    pub read_committed: bool,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            wait: Duration::from_millis(500),
            bytes_min: 1,
            bytes_max: 1 << 20,
            leader_epoch: -1,
            read_committed: false,
        }
    }
}

/// What a fetch found in a partition.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The offset after the last that can be read.
    pub high_watermark: i64,
    /// The offset after the last that readers of committed records can read.
    pub last_stable_offset: i64,
    /// The first offset that can be read; minus one where the version does not tell.
    pub log_start: i64,
    /// Batches, as they came: the last one may be cut off, the first may begin below the offset that was asked for.
    pub records: Frozen,
}

impl Fetched {
    /// The whole batches. A last one that is cut off is not an error: it is to be asked for again.
    pub fn batches(&self) -> impl Iterator<Item = Result<BatchView<'_>, RecordsError>> {
        let whole = |batch: &Result<BatchView<'_>, RecordsError>| !matches!(batch, Err(error) if error.is_cut_off());
        Batches::new(&self.records).take_while(whole)
    }

    /// The offset to read from next: behind the last whole batch; None where there is none.
    pub fn next_offset(&self) -> Option<i64> {
        let last = self.batches().map_while(Result::ok).last();
        last.map(|batch| batch.end_offset())
    }
}

impl Client {
    /// Reads from `offset` on.
    pub async fn fetch(
        &self,
        topic: &TopicRef,
        partition: i32,
        offset: i64,
        options: &FetchOptions,
    ) -> Result<Fetched, ClientError> {
        let version = self
            .versions()
            .choose::<FetchRequest>(topic.version_max(IDS_FROM))?;
        let request = request(topic, partition, offset, options);
        let (frame, body) = self.start_in(request, version).await?.frame().await?;
        let view = ResponseView::parse(&frame, body, version)?;
        ClientError::check(view.error_code, None)?;
        let mut partitions = view.topics().flat_map(|topic| topic.partitions());
        let found = partitions
            .next()
            .ok_or(ClientError::Incomplete("the partition"))?;
        ClientError::check(found.error_code, None)?;
        Ok(fetched(&frame, &found))
    }
}

fn fetched(frame: &Frozen, found: &PartitionView<'_>) -> Fetched {
    let range = found.records_range.clone().unwrap_or_default();
    Fetched {
        high_watermark: found.high_watermark,
        last_stable_offset: found.last_stable_offset,
        log_start: found.log_start_offset,
        records: frame.slice(range),
    }
}

fn request(topic: &TopicRef, partition: i32, offset: i64, options: &FetchOptions) -> FetchRequest {
    FetchRequest {
        max_wait_ms: i32::try_from(options.wait.as_millis()).unwrap_or(i32::MAX),
        min_bytes: options.bytes_min,
        max_bytes: options.bytes_max,
        isolation_level: i8::from(options.read_committed),
        topics: vec![FetchTopic {
            topic: topic.name.clone(),
            topic_id: topic.id,
            partitions: vec![FetchPartition {
                partition,
                current_leader_epoch: options.leader_epoch,
                fetch_offset: offset,
                partition_max_bytes: options.bytes_max,
                ..FetchPartition::default()
            }],
        }],
        ..FetchRequest::default()
    }
}
