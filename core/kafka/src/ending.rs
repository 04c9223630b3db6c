//! Something is to end: said once, heard by everyone who asks.

use core::cell::Cell;
use std::rc::Rc;

use runtime::sync::Signal;

/// A flag that is set once and can be waited for. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ending {
    begun: Rc<Cell<bool>>,
    changed: Signal,
}

impl Ending {
    /// Says it.
    pub(crate) fn begin(&self) {
        if !self.begun.replace(true) {
            self.changed.notify();
        }
    }

    /// Whether it was said.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun.get()
    }

    /// Waits until it is said.
    pub(crate) async fn begun(&self) {
        while !self.has_begun() {
            self.changed.changed(self.changed.seen()).await;
        }
    }
}
