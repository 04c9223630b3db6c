//! `Fetch` (key 1): read record batches from an offset on.
//!
//! # Versions
//! 4-18
//!
//! # Behaviour
//! - Serves whole batches below the high watermark, as they lie in the log; nothing is copied on this core.
//! - Waits up to `max_wait_ms` for `min_bytes`: as soon as any partition grows it looks again. An error, an empty
//!   list, the end of the connection or a drain end the wait at once.
//! - `max_bytes` and `partition_max_bytes` bound the answer, and the broker's own bound does; the first batch that is
//!   found is sent even where it is larger than they allow.
//! - Partitions are served in the order of the request; those for which nothing is left are answered empty.
//! - Isolation level 1 reads as level 0 does: there are no open transactions, so the last stable offset is the high
//!   watermark.
//! - Waits for its turn: a later request of the same connection is answered after it.
//!
//! # Not done
//! - No fetch sessions [KIP-227]: whoever asks for one is answered in full with session id 0, and goes on without.
//! - No rack awareness [KIP-392]: there is one replica.
//! - No diverging epochs [KIP-595]: followers do not fetch with this API.
//!
//! # Version notes
//! - 7: fetch sessions [KIP-227].
//! - 9: leader epochs [KIP-320].
//! - 12: flexible.
//! - 13: topics by id [KIP-516].
//! - 15: the state of a replica that asks [KIP-903].
//! - 16: endpoints of new leaders [KIP-951]; never named.
//! - 17: directories of replicas [KIP-853], ignored.
//! - 18: the high watermark that a follower knows [KIP-1166], ignored.
//!
//! # Errors
//! - `OFFSET_OUT_OF_RANGE`: below the log start or above the high watermark.
//! - `UNKNOWN_TOPIC_OR_PARTITION`, `UNKNOWN_TOPIC_ID`: not known here.
//! - `FENCED_LEADER_EPOCH`, `UNKNOWN_LEADER_EPOCH`: the client's epoch is over, or not begun.
//! - `FETCH_SESSION_ID_NOT_FOUND`: a session that was never given out.
//! - `INVALID_REQUEST`: a replica asks.
//! - `KAFKA_STORAGE_ERROR`: the replica is fenced, or the range damaged.

use std::rc::Rc;

use protocol::fetch::FetchResponse;
use protocol::{ErrorCode, FetchRequest};
use stdx::{Duration, Instant};

use crate::answer::{Finish, Reply, lease_answer};
use crate::closed::Closed;
use crate::config::FETCH_BYTES_LEAST;
use crate::connection::Connection;
use crate::marks;
use crate::memory::Memory;
use crate::pressure;
use crate::request::Request;
use crate::slices::Slices;

mod plan;
mod reading;
mod response;
mod waiting;

use plan::Plan;
use reading::read_all;
use waiting::{Woken, wait};

/// How long a fetch that waits for more than any byte lets data gather before it looks again.
const GATHER: Duration = Duration::from_millis(5);

/// How long a fetch that does not wait for memory waits all the same before it says that there is none.
const IMPATIENT_PAUSE: Duration = Duration::from_millis(100);

/// Notes what is asked for. Everything else happens when it is this request's turn, so that a connection holds the
/// records of one answer at a time.
pub(crate) fn dispatch(
    connection: &Rc<Connection>,
    mut request: Request,
) -> Result<Finish, Closed> {
    let asked: FetchRequest = request.decode()?;
    let connection = Rc::clone(connection);
    Ok(Finish::later(request.held(), async move {
        match refusal(&asked) {
            Some(code) => refuse(&connection, request, code),
            None => finish(&connection, request, &asked).await,
        }
    }))
}

/// What is wrong with the request as a whole.
fn refusal(asked: &FetchRequest) -> Option<ErrorCode> {
    let replica_id = asked.replica_id.max(asked.replica_state.replica_id);
    if replica_id >= 0 {
        return Some(ErrorCode::InvalidRequest);
    }
    // Epoch 0 asks for a session and -1 ends one: both are full requests. Others go on with one.
    let goes_on = asked.session_epoch > 0;
    stdx::sometimes!(marks::SESSION_DECLINED, asked.session_epoch == 0);
    (goes_on && asked.session_id != 0).then_some(ErrorCode::FetchSessionIdNotFound)
}

/// An answer that is nothing but an error. Before version 7 it has no place but the partitions, of which there are
/// none then.
fn refuse(connection: &Connection, request: Request, code: ErrorCode) -> Reply {
    connection.door.instruments.errors.add(1);
    let response = FetchResponse::<Slices> {
        error_code: code.code(),
        ..FetchResponse::default()
    };
    Reply::records(request, response, None)
}

async fn finish(connection: &Connection, request: Request, asked: &FetchRequest) -> Reply {
    let context = &connection.door.context;
    let by_id = request.version >= 13;
    let plan = Plan::new(asked, by_id, &context.cluster);
    let deadline = deadline(connection, asked, request.received);
    let bytes_max = size(asked.max_bytes).min(context.config.fetch_bytes_max);
    let least = FETCH_BYTES_LEAST;
    let lease_bytes = bytes_max.min(plan.bytes_max()).max(least);
    let mut over = false;
    let (reading, lease) = loop {
        let lease = lease_answer(&connection.door, Memory::Answers, lease_bytes, least).await;
        let bytes_max = bytes_max.min(lease.bytes());
        // What the answer cannot hold is not waited for.
        let bytes_min = size(asked.min_bytes).min(bytes_max);
        // Who has more requests behind this one may ask again: beside those who have not, it does not wait for memory.
        let patient = connection.owes_one();
        let mut reading = read_all(context, &plan, bytes_max, patient).await;
        if reading.gave_up && !patient && reading.bytes == 0 {
            // It would only ask again at once; whoever holds the memory is looked at meanwhile.
            pressure::relieve_everywhere(connection.runtime());
            connection.runtime().sleep(IMPATIENT_PAUSE).await;
        }
        over |= connection.runtime().now() >= deadline || plan.is_empty();
        if over || reading.bytes >= bytes_min || reading.failed || reading.gave_up {
            break (reading, Some(lease));
        }
        // Nothing is held while nothing happens: what was found is read again.
        drop(lease);
        let found = reading.forget_records();
        match wait(connection, &plan, &reading, deadline, request.held()).await {
            Woken::Grown if bytes_min > 1 => gather(connection, deadline).await,
            Woken::Grown => {}
            // Nothing was there and nothing came: the marks that were seen are the answer.
            Woken::Over if found == 0 => break (reading, None),
            Woken::Over => over = true,
        }
    };
    // A first batch may be larger than the lease: the memory that it was read into pays for it, as for all records.
    let lease = lease.map(|mut lease| {
        lease.shrink_to(reading.bytes);
        lease
    });
    connection.door.instruments.errors.add(reading.errors());
    let response = response::build(plan, reading, asked.isolation_level);
    Reply::records(request, response, lease)
}

/// When the wait is over at the latest.
fn deadline(connection: &Connection, asked: &FetchRequest, received: Instant) -> Instant {
    let asked = u64::try_from(asked.max_wait_ms).unwrap_or(0);
    let wait = Duration::from_millis(asked).min(connection.door.context.config.fetch_wait_max);
    received + wait
}

/// Lets more data come, so that a slow trickle is not read again for each record.
async fn gather(connection: &Connection, deadline: Instant) {
    let runtime = connection.runtime();
    runtime
        .sleep_until(deadline.min(runtime.now() + GATHER))
        .await;
}

/// A size on the wire; a negative one is none.
fn size(bytes: i32) -> usize {
    usize::try_from(bytes).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_declined_and_unknown_ones_named() {
        let code = |session_id, session_epoch| {
            refusal(&FetchRequest {
                session_id,
                session_epoch,
                ..FetchRequest::default()
            })
        };
        assert_eq!(code(0, -1), None);
        assert_eq!(code(0, 0), None);
        assert_eq!(code(9, -1), None);
        assert_eq!(code(9, 4), Some(ErrorCode::FetchSessionIdNotFound));
    }
}
