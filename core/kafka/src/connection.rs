//! One connection: a task that reads and dispatches, a task that finishes and sends, a bounded queue between.

use core::cell::Cell;
use core::net::SocketAddr;
use std::rc::Rc;

use protocol::SIZE_BYTES;
use runtime::operation::pieces_len;
use runtime::sync::Queue;
use runtime::{
    Class, Either, Frozen, Pieces, ReceiveHalf, Runtime, ScopeFault, SendHalf, ShutdownSide,
    Stream, race,
};
use stdx::Instant;

use crate::admission::admit;
use crate::answer::{Finish, Reply};
use crate::closed::Closed;
use crate::config::{IN_FLIGHT_MAX, SEND_BYTES_MAX};
use crate::dispatch::dispatch;
use crate::door::Shared;
use crate::ending::Ending;
use crate::frame::FrameReader;
use crate::instruments::Times;
use crate::marks;
use crate::request::Request;

/// What the tasks and handlers of one connection share.
pub(crate) struct Connection {
    pub(crate) door: Rc<Shared>,
    /// The address on which the client came.
    pub(crate) local: SocketAddr,
    /// Nothing more will be asked on it: who waits for data need not.
    ending: Ending,
    /// Dispatched and not being answered yet, oldest first.
    in_flight: Queue<InFlight>,
    /// Dispatched and not answered whole yet.
    owed: Cell<usize>,
    requests: Cell<u64>,
    /// The first reason to end.
    closed: Cell<Option<Closed>>,
}

/// A request between its two stages.
#[derive(Debug)]
struct InFlight {
    finish: Finish,
    times: Times,
}

/// Serves `stream` to its end: how many requests were dispatched, and why it ended.
pub(crate) async fn serve(door: Rc<Shared>, stream: Stream) -> (u64, Result<Closed, ScopeFault>) {
    let runtime = door.context.runtime.clone();
    let connection = Rc::new(Connection {
        door,
        local: stream.local(),
        ending: Ending::default(),
        in_flight: Queue::new(IN_FLIGHT_MAX),
        owed: Cell::new(0),
        requests: Cell::new(0),
        closed: Cell::new(None),
    });
    // Before the scope, so that it goes after the tasks are over, also where this future is dropped.
    let _unanswered = Unanswered(Rc::clone(&connection));
    let (receive, send) = stream.split();
    let scope = runtime.scope("kafka connection");
    let reading = read_all(Rc::clone(&connection), receive);
    drop(scope.spawn(Class::Produce, "kafka reader", reading));
    let writing = write_all(Rc::clone(&connection), send);
    // The writer ends last: the reader's end closes the queue that it empties.
    let written = scope.spawn(Class::Produce, "kafka writer", writing).await;
    scope.cancel();
    let fault = scope.join().await;
    let closed = connection.closed.get().unwrap_or(Closed::Draining);
    let ended = match (written, fault) {
        (_, Err(fault)) => Err(fault),
        (Ok(()), Ok(())) => Ok(closed),
        // Cancelled from outside: the core is on its way out.
        (Err(_cancelled), Ok(())) => Ok(Closed::Draining),
    };
    (connection.requests.get(), ended)
}

/// Drops what was dispatched and never answered when the connection is over. Each of those futures holds the
/// connection, which holds their queue: left there they would keep each other, and the memory of their requests, for
/// ever.
struct Unanswered(Rc<Connection>);

impl Drop for Unanswered {
    fn drop(&mut self) {
        self.0.in_flight.close();
        while let Some(unanswered) = self.0.in_flight.try_pop() {
            drop(unanswered);
        }
    }
}

impl Connection {
    /// The core's handle.
    pub(crate) fn runtime(&self) -> &Runtime {
        &self.door.context.runtime
    }

    /// Waits until there is no point in waiting for data any more.
    pub(crate) async fn hurried(&self) {
        race(self.ending.begun(), self.door.draining.begun()).await;
    }

    fn close(&self, why: Closed) {
        if self.closed.get().is_none() {
            self.closed.set(Some(why));
        }
    }
}

/// Reads and dispatches until something ends the connection.
async fn read_all(connection: Rc<Connection>, half: ReceiveHalf) {
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

/// One request, from its first byte to the end of its first stage.
async fn read_one(connection: &Rc<Connection>, frames: &mut FrameReader) -> Result<(), Closed> {
    let door = &connection.door;
    let read = read_request(connection, frames);
    let (request, began) = match race(door.draining.begun(), read).await {
        // A request that is not there whole by then was not promised anything.
        Either::Left(()) => return Err(Closed::Draining),
        Either::Right(read) => read?,
    };
    let received = request.received;
    door.instruments.count_request(request.api);
    let finish = dispatch(connection, request).await?;
    connection.requests.set(connection.requests.get() + 1);
    connection.owed.set(connection.owed.get() + 1);
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
    let pushed = connection.in_flight.push(InFlight { finish, times }).await;
    // Closed under us: the writer gave up, and its reason stands already.
    pushed.map_err(|_unanswered| Closed::Draining)
}

/// The next request, and when it began: its head first, then memory, then the rest of it.
async fn read_request(
    connection: &Connection,
    frames: &mut FrameReader,
) -> Result<(Request, Instant), Closed> {
    let head = frames.head(|| connection.owed.get() > 0).await?;
    let began = connection.runtime().now();
    let door = &connection.door;
    let requests = &door.context.requests;
    let admission = admit(&head, requests.limit())?;
    let lease = if let Some(lease) = requests.try_reserve(admission.lease_bytes) {
        lease
    } else {
        marks::FRAME_WAITED.hit();
        door.pressure
            .reserve(connection.runtime(), requests, admission.lease_bytes)
            .await
    };
    let hold = door
        .pressure
        .hold(connection.runtime().now(), admission.lease_bytes);
    let frame = frames.frame(&head, lease, &hold).await?;
    drop(hold);
    door.instruments
        .bytes_received
        .add(counted(head.bytes + SIZE_BYTES));
    let request = Request::open(&admission, frame, connection.runtime().now())?;
    Ok((request, began))
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

/// Finishes and sends in the order of the requests, until the queue is closed and empty or sending fails.
async fn write_all(connection: Rc<Connection>, mut half: SendHalf) {
    while let Some(item) = connection.in_flight.pop().await {
        let early = if stdx::mutant!(K00) {
            connection.in_flight.try_pop()
        } else {
            None
        };
        for item in early.into_iter().chain([item]) {
            if let Err(why) = write_one(&connection, &mut half, item).await {
                connection.close(why);
                connection.in_flight.close();
                return;
            }
            connection.owed.set(connection.owed.get() - 1);
        }
    }
    // What was sent is to arrive before the close; that the client is gone already is no news.
    half.shutdown(ShutdownSide::Send).await.unwrap_or_default();
}

async fn write_one(
    connection: &Connection,
    half: &mut SendHalf,
    item: InFlight,
) -> Result<(), Closed> {
    let runtime = connection.runtime();
    let mut times = item.times;
    let waited_from = runtime.now();
    let reply = item.finish.run().await;
    times.finished = runtime.now();
    stdx::sometimes!(
        marks::ORDER_WAITED,
        times.finished > waited_from && !connection.in_flight.is_empty()
    );
    let answer = match reply {
        Reply::Answer(answer) => answer,
        Reply::Silence => return Ok(()),
        Reply::Close(why) => return Err(why),
    };
    let bytes = pieces_len(&answer.pieces);
    send_all(connection, half, answer.pieces).await?;
    drop(answer.paid_by);
    let instruments = &connection.door.instruments;
    instruments.bytes_sent.add(counted(bytes));
    instruments.count_times(&times, runtime.now());
    Ok(())
}

/// Sends `pieces` a bounded number of bytes at a time, each of which the client has to take in time.
async fn send_all(
    connection: &Connection,
    half: &mut SendHalf,
    mut pieces: Pieces,
) -> Result<(), Closed> {
    let timeout = connection.door.context.config.send_timeout;
    let hold = connection
        .door
        .pressure
        .hold(connection.runtime().now(), pieces_len(&pieces));
    while !pieces.is_empty() {
        let part = split_front(&mut pieces, SEND_BYTES_MAX);
        let bytes = pieces_len(&part);
        let sending = connection.runtime().timeout(timeout, half.send(part));
        let Either::Left(sent) = race(sending, hold.cut()).await else {
            return Err(Closed::TooSlow);
        };
        let Some(sent) = sent else {
            marks::SEND_TIMED_OUT.hit();
            return Err(Closed::SendTimeout);
        };
        sent.map_err(Closed::Network)?;
        hold.moved(connection.runtime().now(), bytes);
    }
    Ok(())
}

/// Takes the first `bytes_max` bytes off `pieces`.
fn split_front(pieces: &mut Pieces, bytes_max: usize) -> Pieces {
    let mut left = bytes_max;
    let whole = pieces.iter().take_while(|piece| {
        let fits = piece.len() <= left;
        left -= if fits { piece.len() } else { 0 };
        fits
    });
    let whole = whole.count();
    let mut front: Pieces = pieces.drain(..whole).collect();
    if let Some(piece) = pieces.first_mut()
        && left > 0
    {
        let cut: Frozen = piece.slice(0..left);
        piece.advance(left);
        front.push(cut);
    }
    front
}

fn counted(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(pieces: &Pieces) -> Vec<usize> {
        pieces.iter().map(|piece| piece.len()).collect()
    }

    #[test]
    fn splitting_keeps_every_byte_in_order() {
        let pieces = || -> Pieces {
            [&b"abc"[..], b"defgh", b"i"]
                .into_iter()
                .map(Frozen::from_static)
                .collect()
        };
        for bytes_max in 1..12 {
            let mut rest = pieces();
            let mut whole = Vec::new();
            while !rest.is_empty() {
                let front = split_front(&mut rest, bytes_max);
                assert!(pieces_len(&front) <= bytes_max);
                assert!(rest.is_empty() || pieces_len(&front) == bytes_max);
                whole.extend(front.iter().flat_map(|piece| piece.to_vec()));
            }
            assert_eq!(whole, b"abcdefghi");
        }
        let mut rest = pieces();
        let front = split_front(&mut rest, 5);
        assert_eq!((lengths(&front), lengths(&rest)), (vec![3, 2], vec![3, 1]));
    }
}
