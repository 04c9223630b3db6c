//! What the replicas of the clusters of this thread decided, in the order in which they did: also when a step panics. Nothing,
//! without the feature `trace`.

use std::cell::RefCell;

use raft::trace::Line;

thread_local! {
    pub(crate) static LINES: RefCell<Vec<Line>> = const { RefCell::new(Vec::new()) };
}

/// Adds what one of them decided.
pub(crate) fn add(mut lines: Vec<Line>) {
    LINES.with_borrow_mut(|all| all.append(&mut lines));
}
