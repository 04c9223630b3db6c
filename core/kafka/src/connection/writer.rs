//! The task that finishes and sends, in the order of the requests.

use std::rc::Rc;

use runtime::operation::pieces_len;
use runtime::{Either, Frozen, Pieces, SendHalf, ShutdownSide, race};

use super::{Connection, InFlight};
use crate::answer::Reply;
use crate::closed::Closed;
use crate::config::SEND_BYTES_MAX;
use crate::instruments::counted;
use crate::marks;
use crate::memory::Held;

/// Finishes and sends in the order of the requests, until the queue is closed and empty or sending fails.
pub(super) async fn write_all(connection: Rc<Connection>, mut half: SendHalf) {
    while let Some(item) = connection.in_flight.pop().await {
        let early = if stdx::mutant!(K00) {
            connection.in_flight.try_pop()
        } else {
            None
        };
        for item in early.into_iter().chain([item]) {
            let (admitted, held) = (item.admitted, item.finish.held());
            if let Err(why) = write_one(&connection, &mut half, item).await {
                connection.close(why);
                connection.in_flight.close();
                connection.answered.notify();
                return;
            }
            connection.settle(admitted, held);
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
    let held = answer.held();
    send_all(connection, half, answer.pieces, held).await?;
    drop(answer.paid_by);
    let instruments = &connection.door.instruments;
    instruments.bytes_sent.add(counted(bytes));
    instruments.count_times(&times, runtime.now());
    Ok(())
}

/// Sends `pieces` a bounded number of bytes at a time, each of which the client has to take in time. They are paid
/// by `held`.
async fn send_all(
    connection: &Connection,
    half: &mut SendHalf,
    mut pieces: Pieces,
    held: Held,
) -> Result<(), Closed> {
    let timeout = connection.door.context.config.send_timeout;
    let pressure = &connection.door.pressure;
    let hold = pressure.sending(connection.runtime().now(), held, connection.held());
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
