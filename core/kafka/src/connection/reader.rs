//! The task that reads and dispatches.

use std::rc::Rc;

use protocol::SIZE_BYTES;
use runtime::{Budget, Either, Lease, ReceiveHalf, race};
use stdx::Instant;

use super::{Connection, InFlight};
use crate::admission::{Admission, admit};
use crate::closed::Closed;
use crate::config::{CONNECTION_SHARE, IN_FLIGHT_MAX, SMALL_REQUEST_BYTES_MAX};
use crate::dispatch::dispatch;
use crate::door::Shared;
use crate::frame::FrameReader;
use crate::instruments::{Times, counted};
use crate::marks;
use crate::pressure::{Held, Hold, Memory};
use crate::request::Request;

/// Reads and dispatches until something ends the connection.
pub(super) async fn read_all(connection: Rc<Connection>, half: ReceiveHalf) {
    let runtime = connection.runtime().clone();
    let mut frames = FrameReader::new(runtime, half, &connection.door.context.config);
    loop {
        if let Err(why) = read_one(&connection, &mut frames).await {
            mark_refusal(&why);
            connection.close(why);
            break;
        }
    }
    connection.ending.begin();
    connection.in_flight.close();
    // The receiving half stays until the writer is done: what the client still sends must not become a reset
    // that takes answers with it.
}

/// A request that arrived whole.
struct Arrived {
    request: Request,
    reserved: (Memory, usize),
    began: Instant,
}

/// One request, from its first byte to the end of its first stage.
async fn read_one(connection: &Rc<Connection>, frames: &mut FrameReader) -> Result<(), Closed> {
    let door = &connection.door;
    let read = read_request(connection, frames);
    let Arrived {
        request,
        reserved,
        began,
    } = match race(door.draining.begun(), read).await {
        // A request that is not there whole by then was not promised anything.
        Either::Left(()) => return Err(Closed::Draining),
        Either::Right(read) => read?,
    };
    let received = request.received;
    door.instruments.count_request(request.api);
    let finish = dispatch(connection, request).await?;
    connection.owe(reserved);
    let dispatched = connection.runtime().now();
    let times = Times {
        began,
        received,
        dispatched,
        finished: dispatched,
    };
    stdx::sometimes!(
        marks::PIPELINE_FULL,
        connection.in_flight.len() == IN_FLIGHT_MAX
    );
    let in_flight = InFlight {
        finish,
        reserved,
        times,
    };
    let pushed = connection.in_flight.push(in_flight).await;
    // Closed under us: the writer gave up, and its reason stands already.
    pushed.map_err(|_unanswered| Closed::Draining)
}

/// The next request: its head first, then memory, then the rest of it.
async fn read_request(
    connection: &Connection,
    frames: &mut FrameReader,
) -> Result<Arrived, Closed> {
    let head = frames.head(|| connection.owed.get() > 0).await?;
    let began = connection.runtime().now();
    let door = &connection.door;
    let admission = admit(&head, door.context.requests.limit())?;
    let (memory, budget) = lane(door, &admission);
    share(connection, memory, budget, admission.lease_bytes).await?;
    let (mut allowance, hold) = reserve(connection, memory, budget, &admission).await;
    let lease = allowance.split(admission.frame_bytes);
    let frame = frames.frame(&head, lease, &hold).await?;
    drop(hold);
    door.instruments
        .bytes_received
        .add(counted(head.bytes + SIZE_BYTES));
    let received = connection.runtime().now();
    Ok(Arrived {
        request: Request::open(&admission, frame, allowance, received)?,
        reserved: (memory, admission.lease_bytes),
        began,
    })
}

/// The memory from which a request is paid: who only asks something does not stand in line with those who write.
fn lane<'a>(door: &'a Shared, admission: &Admission) -> (Memory, &'a Budget) {
    if admission.lease_bytes <= SMALL_REQUEST_BYTES_MAX {
        (Memory::Small, &door.small)
    } else {
        (Memory::Large, &door.context.requests)
    }
}

/// Waits until the connection may have one more request of `bytes` besides those that are not answered. One may
/// always be there; more are for times in which there is memory: half of it is for those who have none.
async fn share(
    connection: &Connection,
    memory: Memory,
    budget: &Budget,
    bytes: usize,
) -> Result<(), Closed> {
    let share = budget.limit() / CONNECTION_SHARE;
    loop {
        let held = connection.held().get(memory);
        let crowded = budget.used() > budget.limit() / 2;
        if held == 0 || (!crowded && held + bytes <= share) {
            return Ok(());
        }
        if connection.in_flight.is_closed() {
            return Err(Closed::Draining);
        }
        marks::SHARE_USED_UP.hit();
        let answered = &connection.answered;
        answered.changed(answered.seen()).await;
    }
}

async fn reserve<'a>(
    connection: &'a Connection,
    memory: Memory,
    budget: &Budget,
    admission: &Admission,
) -> (Lease, Hold<'a>) {
    let (runtime, pressure) = (connection.runtime(), &connection.door.pressure);
    let bytes = admission.lease_bytes;
    let held = Held::of(memory, bytes);
    if let Some(lease) = budget.try_reserve(bytes) {
        return (lease, pressure.transfer(runtime.now(), held));
    }
    marks::FRAME_WAITED.hit();
    let lease = pressure.reserve(runtime, (memory, budget), bytes).await;
    (lease, pressure.transfer_after_line(runtime.now(), held))
}

fn mark_refusal(why: &Closed) {
    match why {
        Closed::FrameTooLarge { .. } => marks::FRAME_REFUSED.hit(),
        Closed::UnsupportedVersion { .. } | Closed::UnknownApi(_) => marks::VERSION_REFUSED.hit(),
        Closed::Header(_) | Closed::Body { .. } | Closed::TooManyPartitions(_) => {
            marks::MALFORMED_REFUSED.hit();
        }
        _ => {}
    }
}
