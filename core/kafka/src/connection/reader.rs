//! The task that reads and dispatches.

use std::rc::Rc;

use protocol::SIZE_BYTES;
use runtime::{Either, Lease, ReceiveHalf, race};
use stdx::Instant;

use super::{Connection, InFlight};
use crate::admission::{Admission, admit};
use crate::closed::Closed;
use crate::config::{CONNECTION_SHARE, IN_FLIGHT_MAX};
use crate::dispatch::dispatch;
use crate::frame::FrameReader;
use crate::instruments::{Times, counted};
use crate::marks;
use crate::memory::Held;
use crate::pressure::Hold;
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
    admitted: Held,
    began: Instant,
}

/// One request, from its first byte to the end of its first stage.
async fn read_one(connection: &Rc<Connection>, frames: &mut FrameReader) -> Result<(), Closed> {
    let door = &connection.door;
    let read = read_request(connection, frames);
    let Arrived {
        request,
        admitted,
        began,
    } = match race(door.draining.begun(), read).await {
        // A request that is not there whole by then was not promised anything.
        Either::Left(()) => return Err(Closed::Draining),
        Either::Right(read) => read?,
    };
    let received = request.received;
    door.instruments.count_request(request.api);
    let finish = dispatch(connection, request).await?;
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
        admitted,
        times,
    };
    connection.owe(&in_flight);
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
    let admission = admit(&head, &door.budgets)?;
    let held = Held::of(admission.memory, admission.lease_bytes);
    share(connection, &admission).await?;
    let (mut allowance, hold) = reserve(connection, held, &admission).await;
    let lease = allowance.split(admission.frame_bytes);
    let frame = frames.frame(&head, lease, &hold).await?;
    drop(hold);
    door.instruments
        .bytes_received
        .add(counted(head.bytes + SIZE_BYTES));
    let received = connection.runtime().now();
    Ok(Arrived {
        request: Request::open(&admission, frame, allowance, received)?,
        admitted: held,
        began,
    })
}

/// Waits until the connection may have one more request besides those that are not answered. One may always be there;
/// more are for times in which there is memory: half of it is for those who have none.
async fn share(connection: &Connection, admission: &Admission) -> Result<(), Closed> {
    let budget = connection.door.budgets.of(admission.memory);
    let share = budget.limit() / CONNECTION_SHARE;
    loop {
        let admitted = connection.admitted.get().get(admission.memory);
        let crowded = budget.used() > budget.limit() / 2;
        let fits = admitted + admission.lease_bytes <= share;
        if admitted == 0 || (!crowded && fits) {
            return Ok(());
        }
        if connection.in_flight.is_closed() {
            return Err(Closed::Draining);
        }
        marks::SHARE_USED_UP.hit();
        connection.answered().await;
    }
}

async fn reserve<'a>(
    connection: &'a Connection,
    held: Held,
    admission: &Admission,
) -> (Lease, Hold<'a>) {
    let (runtime, pressure) = (connection.runtime(), &connection.door.pressure);
    let budget = connection.door.budgets.of(admission.memory);
    if let Some(lease) = budget.try_reserve(admission.lease_bytes) {
        return (lease, pressure.receiving(runtime.now(), held));
    }
    marks::FRAME_WAITED.hit();
    let lease = pressure
        .reserve(runtime, (admission.memory, budget), admission.lease_bytes)
        .await;
    (lease, pressure.receiving_after_line(runtime.now(), held))
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
