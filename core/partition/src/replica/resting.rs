//! A log that rests says what is committed of it.

use std::rc::Rc;

use raft::Input;
use stdx::Duration;

use super::Replica;
use crate::marks;

/// How long the log rests before a commit mark is appended: without one, nothing on the disk proves that the last
/// frame was committed.
const REST_BEFORE_MARK: Duration = Duration::from_millis(100);

impl Replica {
    /// Task: has a commit mark appended when the log has rested.
    pub(super) async fn mark_rests(self: Rc<Self>) -> ! {
        let moved = self.log.moved();
        loop {
            let seen = moved.seen();
            if !self.is_unmarked() {
                moved.changed(seen).await;
                continue;
            }
            let before = self.log.dirty();
            self.runtime.sleep(REST_BEFORE_MARK).await;
            if self.log.dirty() == before && self.is_unmarked() {
                self.step(Input::Rest);
                if self.log.dirty() == before {
                    // Refused: whatever ends the refusal moves this.
                    moved.changed(seen).await;
                } else {
                    marks::COMMIT_MARKED.hit();
                }
            }
        }
    }

    /// Whether everything is committed and nothing on the disk says so.
    pub(super) fn is_unmarked(&self) -> bool {
        let dirty = self.log.dirty();
        self.standing.get().serves && dirty.index > self.marked.get() && dirty == self.commit.get()
    }
}
