//! After all faults are healed: a fresh client writes to every partition and reads all of each.

use core::net::SocketAddr;
use std::sync::Arc;

use client::{Acks, Client, ClientError, FetchOptions, Options, TopicRef, list_offsets};
use model::{PartitionIndex, PartitionKey, TopicId};
use protocol::ErrorCode;
use runtime::{Frozen, Runtime};
use stdx::Duration;

use super::act::Act;
use super::shared::Shared;
use crate::ledger::{Place, Promise, batch_bytes};
use crate::oracles::{acknowledged, immutable, refused};

/// Bytes of one fetch: few enough for the slowest network that a scenario draws, many trips rather than a long one.
const FETCH_BYTES: i32 = 32 << 10;

/// Between two tries.
const RETRY_AFTER: Duration = Duration::from_millis(50);

/// Writes to and reads every partition; comes to an end only when all of it succeeded.
pub(super) async fn everything(runtime: &Runtime, shared: &Arc<Shared>, broker: SocketAddr) {
    for place in shared.places() {
        loop {
            match write_and_read(runtime, shared, broker, &place).await {
                Ok(()) => break,
                Err(error) => {
                    shared.wait_for(format!("{}, which failed: {error}", shared.waiting_for()));
                    runtime.sleep(RETRY_AFTER).await;
                }
            }
        }
    }
}

async fn write_and_read(
    runtime: &Runtime,
    shared: &Arc<Shared>,
    broker: SocketAddr,
    place: &Place,
) -> Result<(), ClientError> {
    let options = Options {
        connect_timeout: Duration::from_secs(2),
        request_timeout: Duration::from_secs(10),
        ..Options::named("last")
    };
    let step = |what: &str| shared.wait_for(format!("{what} {}/{}", place.0, place.1));
    step("a last connection to write and read");
    let client = Client::connect(runtime, broker, options).await?;
    step("a last write to");
    let topic = client.topic(&place.0, false).await?;
    shared.add_id(&place.0, TopicId(topic.id.0));
    let key = PartitionKey {
        topic: TopicId(topic.id.0),
        partition: PartitionIndex(place.1),
    };
    // Damage that one replica cannot mend: it takes nothing more, and serves what is whole.
    let rotten = shared.is_rotten(key);
    if !rotten {
        write(runtime, shared, &client, &topic, place).await?;
    }
    step("a last read of");
    let act = Act {
        runtime: runtime.clone(),
        shared: Arc::clone(shared),
        client,
        topic,
        place: place.clone(),
    };
    let end = match read_from_start(&act).await {
        Err(error) if rotten && error.code() == Some(ErrorCode::KafkaStorageError) => return Ok(()),
        read => read?,
    };
    if rotten {
        return Ok(());
    }
    let ledger = shared.ledger();
    shared.judge(acknowledged::check(&ledger, place));
    shared.judge(refused::check(&ledger, place));
    shared.judge(immutable::check(&ledger, place, end));
    Ok(())
}

/// Writes one batch that must be committed.
async fn write(
    runtime: &Runtime,
    shared: &Shared,
    client: &Client,
    topic: &TopicRef,
    place: &Place,
) -> Result<(), ClientError> {
    let id = shared.ledger().send(place, 1, 10);
    let batch = Frozen::from(batch_bytes(id, 1, 10, runtime.wall().as_millis()));
    let producing = client
        .start_produce(topic, place.1, batch, Acks::All)
        .await?;
    let answer = producing.outcome().await?;
    let noted = acknowledged::note(
        &mut shared.ledger(),
        id,
        Promise::Committed,
        answer.base_offset,
    );
    shared.judge(noted);
    Ok(())
}

/// Reads from the first offset to the high watermark, judging every answer. The offset after the last record.
async fn read_from_start(act: &Act) -> Result<i64, ClientError> {
    let options = FetchOptions {
        wait: Duration::ZERO,
        bytes_max: FETCH_BYTES,
        ..FetchOptions::default()
    };
    let first = act
        .client
        .list_offset(&act.topic, act.place.1, list_offsets::EARLIEST)
        .await?;
    let mut offset = first.offset;
    loop {
        let told_before = act.shared.ledger().partition(&act.place).high_watermark;
        let answer = act
            .client
            .fetch(&act.topic, act.place.1, offset, &options)
            .await?;
        let judged = act.judge_fetch(offset, told_before, Ok(answer));
        let (end, high_watermark) = judged.ok_or(ClientError::Incomplete("what can be judged"))?;
        if end >= high_watermark {
            return Ok(end);
        }
        if end == offset {
            return Err(ClientError::Incomplete("records below the high watermark"));
        }
        offset = end;
    }
}
