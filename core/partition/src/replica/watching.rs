//! Waiting for more to be visible.

use std::rc::Rc;

use runtime::{Either, Reply, race};

use super::Replica;
use crate::calls::{ReadError, Watch, Watermarks};
use crate::marks;

pub(super) type WatchReply = Reply<Result<Watermarks, ReadError>>;

impl Replica {
    /// Takes a watch.
    pub(crate) fn watch(&self, watch: Watch, reply: WatchReply) {
        let watermarks = self.watermarks();
        if watermarks.high_watermark > watch.offset || watch.deadline <= self.runtime.now() {
            reply.send(Ok(watermarks));
            return;
        }
        self.watches
            .borrow_mut()
            .add(watch.offset, watch.deadline, reply);
        self.watched.notify();
    }

    /// Answers those for whom the commit is news.
    pub(super) fn watches_passed(&self) {
        if self.watches.borrow().is_empty() {
            return;
        }
        let watermarks = self.watermarks();
        loop {
            let passed = self.watches.borrow_mut().passed(watermarks.high_watermark);
            let Some(reply) = passed else {
                break;
            };
            marks::WATCH_PASSED.hit();
            reply.send(Ok(watermarks));
        }
    }

    /// Task: answers watches at their deadlines.
    pub(super) async fn end_watches(self: Rc<Self>) -> ! {
        loop {
            let seen = self.watched.seen();
            loop {
                let expired = self.watches.borrow_mut().expired(self.runtime.now());
                let Some(reply) = expired else {
                    break;
                };
                marks::WATCH_EXPIRED.hit();
                reply.send(Ok(self.watermarks()));
            }
            let next = self.watches.borrow().next_deadline();
            match next {
                None => self.watched.changed(seen).await,
                Some(deadline) => {
                    match race(
                        self.watched.changed(seen),
                        self.runtime.sleep_until(deadline),
                    )
                    .await
                    {
                        Either::Left(()) | Either::Right(()) => {}
                    }
                }
            }
        }
    }
}
