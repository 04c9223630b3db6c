//! `Produce` (key 0): append record batches to partitions.
//!
//! # Versions
//! 3-13 (0-2 are advertised and end the connection)
//!
//! # Behaviour
//! - Batches are checked on this core (layout, checksum, counts, size) and handed to their partitions as they lie in
//!   the frame, without a copy.
//! - `acks=all` is answered when the batches are durable and committed; `acks=1` when the leader appended them;
//!   `acks=0` never. An `acks=0` that fails ends the connection, as in Kafka: the client has no other way to learn
//!   of it.
//! - Requests of one connection enter each partition in the order in which they came.
//! - Each partition succeeds or fails by itself.
//! - A partition takes one batch per request, as in Kafka.
//!
//! # Not done
//! - Producer ids are stored and not looked at: no batch is recognised as a repetition yet.
//! - No transactions.
//! - Records are not opened: no check of keys for compacted topics, no recompression.
//! - `record_errors` is empty: a batch is refused whole.
//!
//! # Version notes
//! - 3: record batches of layout 2, transactional id [KIP-98].
//! - 7: zstd [KIP-110]; refused in earlier versions.
//! - 8: a message with the error [KIP-467].
//! - 10: the current leader with `NOT_LEADER_OR_FOLLOWER` [KIP-951]; never named, there is one broker.
//! - 13: topics by id [KIP-516].
//!
//! # Errors
//! - `INVALID_REQUIRED_ACKS`: acks is none of -1, 0, 1.
//! - `INVALID_TXN_STATE`: a transactional id, or a batch of a transaction.
//! - `UNKNOWN_TOPIC_OR_PARTITION`, `UNKNOWN_TOPIC_ID`: not known here.
//! - `MESSAGE_TOO_LARGE`: a batch above the topic's `max.message.bytes`.
//! - `CORRUPT_MESSAGE`, `INVALID_RECORD`, `INVALID_TIMESTAMP`, `UNSUPPORTED_COMPRESSION_TYPE`,
//!   `UNSUPPORTED_FOR_MESSAGE_FORMAT`: what is wrong with a batch.
//! - `REQUEST_TIMED_OUT`: the outcome was not known within the request's time; the batch may be written.
//! - `KAFKA_STORAGE_ERROR`: the disk is full, or the replica fenced.
//! - `NOT_ENOUGH_REPLICAS`: too much waits for the disk; nothing was written.
//! - `NOT_LEADER_OR_FOLLOWER`: leadership changed; nothing was written.

use std::rc::Rc;

use partition::router::Answer;
use partition::{Ack, Committed, Propose, ProposeError};
use protocol::produce::{PartitionView, RequestView};
use protocol::{ErrorCode, Uuid};
use runtime::Lease;
use stdx::{Duration, Instant};

use crate::answer::{Finish, Reply};
use crate::closed::Closed;
use crate::connection::Connection;
use crate::errors::Failure;
use crate::handlers::topics;
use crate::marks;
use crate::memory::Memory;
use crate::request::Request;

mod batch;
mod response;

use batch::{BatchRules, check};

/// Bytes of the smallest entry that a client of sense sends: a partition's number and a batch. A request may name
/// no more partitions than its bytes have room for.
const ENTRY_BYTES_MIN: usize = 64;
/// Partitions that any request may name.
const ENTRIES_FREE: usize = 64;
/// Bytes of memory that one partition takes at most, from its proposal to its answer.
const ENTRY_MEMORY: usize = 512;
/// Bytes of memory that one topic takes besides its name.
const TOPIC_MEMORY: usize = 256;

/// One partition of the request between the stages.
struct Entry {
    index: i32,
    state: Result<Answer<Committed, ProposeError>, Failure>,
}

/// One topic of the request between the stages.
struct TopicEntries {
    name: String,
    id: Uuid,
    partitions: Vec<Entry>,
}

/// Checks the batches and brings them on their way to their partitions.
pub(crate) async fn dispatch(
    connection: &Rc<Connection>,
    mut request: Request,
) -> Result<Finish, Closed> {
    let parsed = RequestView::parse(&request.frame, request.body, request.version);
    let view = parsed.map_err(|error| request.malformed(error))?;
    let named: usize = view
        .topics()
        .map(|topic| topic.partitions().len().max(1))
        .sum();
    if named > ENTRIES_FREE.max(request.frame.len() / ENTRY_BYTES_MIN) {
        return Err(Closed::TooManyPartitions(named));
    }
    let entries = lease_entries(connection, &view, named).await?;
    let acks = view.acks;
    let deadline = request.received + millis(view.timeout_ms);
    let mut topics = Vec::new();
    for topic in view.topics() {
        let by_id = request.version >= 13;
        let context = &connection.door.context;
        let found = topics::find(&context.cluster, by_id, topic.name, topic.topic_id);
        let rules = found
            .as_ref()
            .ok()
            .map(|found| BatchRules::of(found, &context.config));
        let mut partitions = Vec::with_capacity(topic.partitions().len());
        for partition in topic.partitions() {
            let propose = topics::partition(&found, partition.index)
                .and_then(|key| propose(&request, &view, &partition, key, rules.as_ref()));
            let state = match propose {
                Ok(propose) => Ok(context.router.propose(propose).await),
                Err(failure) => Err(failure),
            };
            partitions.push(Entry {
                index: partition.index,
                state,
            });
        }
        topics.push(TopicEntries {
            name: topic.name.to_owned(),
            id: topic.topic_id,
            partitions,
        });
    }
    // The batches hold what they need of it: what is written is free, whatever the answer waits for.
    request.forget_frame();
    request.allowance = entries;
    request.memory = Memory::Entries;
    let connection = Rc::clone(connection);
    Ok(Finish::later(request.held(), async move {
        finish(&connection, request, acks, deadline, topics).await
    }))
}

/// Leases what is kept of the request until it is answered: topics' names, twice where they are answered, and something
/// for each partition. It is another kind of memory than the frame's, and who has it waits for nobody who wants it.
async fn lease_entries(
    connection: &Connection,
    view: &RequestView<'_>,
    named: usize,
) -> Result<Lease, Closed> {
    let door = &connection.door;
    let budget = door.budgets.of(Memory::Entries);
    let topics = view
        .topics()
        .map(|topic| TOPIC_MEMORY + 2 * topic.name.len());
    let bytes = topics.sum::<usize>() + named * ENTRY_MEMORY;
    if bytes > budget.limit() {
        return Err(Closed::TooManyPartitions(named));
    }
    if let Some(lease) = budget.try_reserve(bytes) {
        return Ok(lease);
    }
    marks::ENTRIES_WAITED.hit();
    let waited_for = (Memory::Entries, budget);
    Ok(door
        .pressure
        .reserve(connection.runtime(), waited_for, bytes)
        .await)
}

/// The proposal that one partition of the request stands for.
fn propose(
    request: &Request,
    view: &RequestView<'_>,
    partition: &PartitionView<'_>,
    key: model::PartitionKey,
    rules: Option<&BatchRules>,
) -> Result<Propose, Failure> {
    let ack = match view.acks {
        -1 => Ack::Quorum,
        0 => Ack::None,
        1 => Ack::Leader,
        _ => return Err(ErrorCode::InvalidRequiredAcks.into()),
    };
    if view.transactional_id.is_some() {
        let why = "transactions are not served yet";
        return Err(Failure::new(ErrorCode::InvalidTxnState, why));
    }
    let rules = rules.ok_or(ErrorCode::UnknownTopicOrPartition)?;
    let records = partition.records.unwrap_or_default();
    check(records, rules, request.version).inspect_err(|_failure| marks::BATCH_REFUSED.hit())?;
    let range = partition.records_range.clone().unwrap_or_default();
    Ok(Propose {
        key,
        expected_term: None,
        batches: request.frame.slice(range),
        ack,
        stamp_append_time: rules.stamp_append_time,
    })
}

/// Waits for all outcomes and answers.
async fn finish(
    connection: &Connection,
    request: Request,
    acks: i16,
    deadline: Instant,
    topics: Vec<TopicEntries>,
) -> Reply {
    let mut response = response::Builder::new(topics.len());
    for topic in topics {
        response.topic(topic.name, topic.id, topic.partitions.len());
        for Entry { index, state } in topic.partitions {
            let outcome = match state {
                Ok(answer) => in_time(connection, acks, deadline, answer).await,
                Err(failure) => Err(failure),
            };
            response.partition(index, outcome);
        }
    }
    connection.door.instruments.errors.add(response.errors());
    if acks != 0 {
        return Reply::message(request, response.finish(), None);
    }
    match response.first_error() {
        None => Reply::Silence,
        Some(code) => {
            marks::SILENT_PRODUCE_FAILED.hit();
            Reply::Close(Closed::SilentProduceFailed(code))
        }
    }
}

/// An outcome, if it comes before the deadline. Only `acks=all` has one, as in Kafka: the others are answered as
/// soon as the leader has the batch.
async fn in_time(
    connection: &Connection,
    acks: i16,
    deadline: Instant,
    answer: Answer<Committed, ProposeError>,
) -> Result<Committed, Failure> {
    let runtime = connection.runtime();
    if acks != -1 {
        return answer.outcome().await.map_err(Failure::from);
    }
    // At its deadline it is still looked at once: an outcome that is there counts.
    let left = deadline.since(runtime.now());
    let Some(outcome) = runtime.timeout(left, answer.outcome()).await else {
        marks::PRODUCE_TIMED_OUT.hit();
        let why = "the write was not committed in the time given; it may be later";
        return Err(Failure::new(ErrorCode::RequestTimedOut, why));
    };
    outcome.map_err(Failure::from)
}

fn millis(millis: i32) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}
