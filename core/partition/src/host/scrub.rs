//! Scrubbing: what no start reads is read in the background, one segment of this core after the other, so that damage is
//! known before anybody asks for what is damaged.
//!
//! A group of one voter has nobody who could repair it: it goes on with the rest, and consensus is not told.

use core::ops::Bound;
use std::rc::Rc;

use model::{LogIndex, PartitionKey};
use stdx::Duration;
use storage::Log;

use super::{Inner, Slot};
use crate::marks;

/// When the first round begins after a start, and when the next one at the earliest after the one before began.
const FIRST_ROUND: Duration = Duration::from_secs(5);
const ROUND_EVERY: Duration = Duration::from_hours(1);

/// Looks at all segments again and again, `bytes_per_second` at most, which is not zero.
pub(super) async fn scrub(inner: Rc<Inner>, bytes_per_second: u64) -> ! {
    let pause = pause(bytes_per_second);
    inner.runtime.sleep(FIRST_ROUND).await;
    loop {
        let begun = inner.runtime.now();
        let mut last = None;
        while let Some((key, log)) = inner.next_log(last) {
            scrub_log(&inner, (key, &log), pause).await;
            last = Some(key);
        }
        marks::SCRUBBED_ALL.hit();
        inner.runtime.sleep_until(begun + ROUND_EVERY).await;
    }
}

/// The pause behind each MiB.
fn pause(bytes_per_second: u64) -> Duration {
    let nanos = (1_000_000_000 << 20) / u128::from(bytes_per_second.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

async fn scrub_log(inner: &Inner, (key, log): (PartitionKey, &Log), pause: Duration) {
    let mut after = LogIndex::ZERO;
    while let Some(scrubbed) = log.scrub(after, pause).await {
        after = scrubbed.segment;
        for line in scrubbed.found {
            marks::DAMAGE_TOLD.hit();
            inner.damages.push((key, line)).await.unwrap_or_default();
        }
        if !inner.has(key) {
            // It left this core, or its files are going.
            return;
        }
    }
}

impl Inner {
    /// The log behind the one of `last`, in the order of their keys. Not the replica: who waits for one that is gone is told
    /// by its end.
    fn next_log(&self, last: Option<PartitionKey>) -> Option<(PartitionKey, Log)> {
        let behind = last.map_or(Bound::Unbounded, Bound::Excluded);
        let slots = self.slots.borrow();
        let mut slots = slots.range((behind, Bound::Unbounded));
        slots.find_map(|(key, slot)| match slot {
            Slot::Ready(ready) => Some((*key, ready.replica.log())),
            _ => None,
        })
    }

    fn has(&self, key: PartitionKey) -> bool {
        matches!(self.slots.borrow().get(&key), Some(Slot::Ready(_)))
    }
}
