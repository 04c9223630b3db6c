//! What reaches one core from other threads: completions, and the bell that ends its sleep.

use core::future::Future;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::landing::Landing;

/// One core's way in. It outlives the core: what arrives after the core's end waits here, with its memory, until
/// the node is over.
///
/// The bell keeps one ring. Whoever has news puts it in place first and rings then; the core waits for the bell
/// first and looks then. If the news came after the look, so did its ring, and the next wait ends at once.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    landings: Mutex<Vec<Landing>>,
    bell: Notify,
}

impl Arrivals {
    /// Brings an operation's end, and rings.
    pub(crate) fn land(&self, landing: Landing) {
        self.landings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(landing);
        self.ring();
    }

    /// Ends the core's wait, or its next one.
    pub(crate) fn ring(&self) {
        self.bell.notify_one();
    }

    /// Waits for a ring since the last wait.
    pub(crate) fn rung(&self) -> impl Future<Output = ()> {
        self.bell.notified()
    }

    /// Moves what landed behind `landings`.
    pub(crate) fn take(&self, landings: &mut Vec<Landing>) {
        landings.append(&mut self.landings.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
