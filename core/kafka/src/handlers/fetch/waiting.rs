//! The long poll: waiting until any partition of a fetch has more.

use core::future::poll_fn;
use core::task::{Context, Poll};

use model::Offset;
use partition::{ReadError, Watch, Watermarks};
use runtime::{Either, LocalFuture, race};
use stdx::Instant;

use crate::connection::Connection;
use crate::handlers::fetch::plan::Plan;
use crate::handlers::fetch::reading::Reading;
use crate::marks;
use crate::memory::Held;

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    /// A partition has more, or fails now.
    Grown,
    /// The time is over, or there is nobody to wait for.
    Over,
}

/// A watch on its way, and the mark above which it is news.
struct Watching {
    seen: Offset,
    answer: LocalFuture<Result<Watermarks, ReadError>>,
}

/// Waits until a partition grew beyond what `reading` saw, the deadline, the end of the connection, or somebody who
/// wants what the request has `held` meanwhile.
pub(crate) async fn wait(
    connection: &Connection,
    plan: &Plan,
    reading: &Reading,
    deadline: Instant,
    held: Held,
) -> Woken {
    let runtime = connection.runtime();
    let pressure = &connection.door.pressure;
    let hold = pressure.polling(runtime.now(), held, connection.held());
    let over = race(
        race(connection.hurried(), hold.cut()),
        runtime.sleep_until(deadline),
    );
    match race(grown(connection, plan, reading, deadline), over).await {
        Either::Left(()) => {
            marks::POLL_WOKEN.hit();
            Woken::Grown
        }
        Either::Right(Either::Left(_)) => {
            marks::POLL_CUT_SHORT.hit();
            Woken::Over
        }
        Either::Right(Either::Right(())) => {
            marks::POLL_EXPIRED.hit();
            Woken::Over
        }
    }
}

/// Waits until a partition grew. Watches are bounded by the credits of their port: where those are used up, this
/// waits for one, and the deadline ends that too.
async fn grown(connection: &Connection, plan: &Plan, reading: &Reading, deadline: Instant) {
    let mut watching = Vec::with_capacity(plan.entries.len());
    for (entry, outcome) in plan.entries.iter().zip(&reading.outcomes) {
        let (Ok(wanted), Ok(found)) = (&entry.wanted, outcome) else {
            continue;
        };
        let seen = found.watermarks.high_watermark;
        let watch = Watch {
            key: wanted.key,
            offset: seen,
            deadline,
        };
        let answer = connection.door.context.router.watch(watch).await;
        watching.push(Watching {
            seen,
            answer: Box::pin(answer.outcome()),
        });
    }
    poll_fn(|context| poll_any(&mut watching, context)).await;
}

/// Ready once a watch has news. One that ran out of time without any leaves the list.
fn poll_any(watching: &mut Vec<Watching>, context: &mut Context<'_>) -> Poll<()> {
    let mut news = false;
    watching.retain_mut(|watch| match watch.answer.as_mut().poll(context) {
        Poll::Pending => true,
        Poll::Ready(outcome) => {
            news |= outcome.map_or(true, |marks| marks.high_watermark > watch.seen);
            false
        }
    });
    if news { Poll::Ready(()) } else { Poll::Pending }
}
