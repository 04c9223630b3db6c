//! What a fetch asks for, resolved: one entry per partition, in the order of the request.

use cluster::View;
use model::{LeaderEpoch, Offset, PartitionKey};
use protocol::{ErrorCode, FetchRequest, Uuid};

use crate::errors::Failure;
use crate::handlers::fetch::size;
use crate::handlers::topics;

/// All partitions of a fetch.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) topics: Vec<PlannedTopic>,
    pub(crate) entries: Vec<Entry>,
}

/// A topic, as it is named in the answer, and how many entries are its.
#[derive(Debug)]
pub(crate) struct PlannedTopic {
    pub(crate) name: String,
    pub(crate) id: Uuid,
    pub(crate) entries: usize,
}

/// One partition.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) index: i32,
    /// What is to be read, or why nothing can be.
    pub(crate) wanted: Result<Wanted, Failure>,
}

/// What is to be read of a partition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) key: PartitionKey,
    pub(crate) offset: Offset,
    pub(crate) bytes_max: usize,
    pub(crate) current_epoch: Option<LeaderEpoch>,
}

impl Plan {
    /// The plan of a request, by what the cluster knows now.
    pub(crate) fn new(asked: &FetchRequest, by_id: bool, view: &View) -> Self {
        let mut plan = Self {
            topics: Vec::with_capacity(asked.topics.len()),
            entries: Vec::new(),
        };
        for topic in &asked.topics {
            let found = topics::find(view, by_id, &topic.topic, topic.topic_id);
            for partition in &topic.partitions {
                let key = topics::partition(&found, partition.partition);
                let wanted = key.and_then(|key| {
                    Ok(Wanted {
                        key,
                        offset: offset(partition.fetch_offset)?,
                        bytes_max: size(partition.partition_max_bytes),
                        current_epoch: topics::known_epoch(partition.current_leader_epoch),
                    })
                });
                plan.entries.push(Entry {
                    index: partition.partition,
                    wanted,
                });
            }
            plan.topics.push(PlannedTopic {
                name: topic.topic.clone(),
                id: topic.topic_id,
                entries: topic.partitions.len(),
            });
        }
        plan
    }

    /// Whether nothing is asked for.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes that the partitions together may give.
    pub(crate) fn bytes_max(&self) -> usize {
        let wanted = self.entries.iter().flat_map(|entry| &entry.wanted);
        wanted.fold(0, |sum, wanted| sum.saturating_add(wanted.bytes_max))
    }
}

fn offset(offset: i64) -> Result<Offset, Failure> {
    if offset < 0 {
        return Err(ErrorCode::OffsetOutOfRange.into());
    }
    Ok(Offset(offset))
}
