//! Before anything breaks: the topics of the scenario are made.

use core::net::SocketAddr;

use client::{Client, ClientError, Options};
use protocol::ErrorCode;
use runtime::Runtime;
use stdx::Duration;

use super::shared::Shared;
use crate::scenario::{Scenario, TopicShape};

/// Between two tries.
const RETRY_AFTER: Duration = Duration::from_millis(20);

/// Makes all topics, trying again until each is there.
pub(super) async fn topics(
    runtime: &Runtime,
    scenario: &Scenario,
    shared: &Shared,
    broker: SocketAddr,
) {
    for topic in &scenario.topics {
        shared.wait_for(format!("topic {} to be made", topic.name));
        while !make(runtime, topic, broker).await.unwrap_or(false) {
            runtime.sleep(RETRY_AFTER).await;
        }
        shared.add_topic(&topic.name, topic.partitions);
    }
}

async fn make(
    runtime: &Runtime,
    topic: &TopicShape,
    broker: SocketAddr,
) -> Result<bool, ClientError> {
    let options = Options {
        request_timeout: Duration::from_secs(2),
        connect_timeout: Duration::from_secs(1),
        ..Options::named("set-up")
    };
    let client = Client::connect(runtime, broker, options).await?;
    if topic.on_first_use {
        let metadata = client.metadata(Some(&[&topic.name]), true).await?;
        return Ok(metadata
            .topics
            .iter()
            .any(|made| made.error_code == 0 && !made.partitions.is_empty()));
    }
    let bytes_max = topic.message_bytes_max.map(|bytes| bytes.to_string());
    let configs = bytes_max
        .as_deref()
        .map(|bytes| ("max.message.bytes", bytes));
    match client
        .create_topic(&topic.name, topic.partitions, -1, configs.as_slice())
        .await
    {
        Ok(_) => Ok(true),
        Err(error) if error.code() == Some(ErrorCode::TopicAlreadyExists) => Ok(true),
        Err(error) => Err(error),
    }
}
