//! Finding the topics and partitions that requests name.

use cluster::{Topic, View};
use model::{LeaderEpoch, PartitionKey, TopicId, TopicName};
use protocol::{ErrorCode, Uuid};

use crate::errors::Failure;

/// The topic that a request names, by id from `ids_from` on.
pub(crate) fn find(view: &View, by_id: bool, name: &str, id: Uuid) -> Result<Topic, Failure> {
    if by_id {
        let found = view.topic_by_id(TopicId(id.0));
        return found.ok_or(ErrorCode::UnknownTopicId.into());
    }
    let unknown = ErrorCode::UnknownTopicOrPartition;
    // A name that is not legal is the name of no topic.
    let name = TopicName::parse(name).map_err(|_illegal| unknown)?;
    view.topic(&name).ok_or(unknown.into())
}

/// The partition `index` of a topic that was found, or why it was not.
pub(crate) fn partition(
    topic: &Result<Topic, Failure>,
    index: i32,
) -> Result<PartitionKey, Failure> {
    let topic = topic.as_ref().map_err(Clone::clone)?;
    topic
        .key(index)
        .ok_or(ErrorCode::UnknownTopicOrPartition.into())
}

/// The epoch that a client knows; minus one is none.
pub(crate) fn known_epoch(epoch: i32) -> Option<LeaderEpoch> {
    (epoch >= 0).then_some(LeaderEpoch(epoch))
}

/// The id of a topic as the wire has it.
pub(crate) fn wire_id(id: TopicId) -> Uuid {
    Uuid(id.0)
}
