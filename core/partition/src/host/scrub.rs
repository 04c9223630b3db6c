//! Scrubbing: what no start reads is read in the background, one segment of this core after the other, so that damage is
//! known before anybody asks for what is damaged.
//!
//! A group of one voter has nobody who could repair it: it goes on with the rest, and consensus is not told.

use core::ops::Bound;
use std::rc::Rc;

use model::{LogIndex, PartitionKey};
use stdx::Duration;

use super::{Inner, Slot};
use crate::marks;
use crate::replica::Replica;

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
        while let Some((key, replica)) = inner.next_replica(last) {
            scrub_log(&inner, (key, &replica), pause).await;
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

async fn scrub_log(inner: &Rc<Inner>, (key, replica): (PartitionKey, &Replica), pause: Duration) {
    let mut after = LogIndex::ZERO;
    // A file that cannot be opened was removed, or the system has none to give: it is looked at in the next round.
    while let Ok(Some(scrubbed)) = replica.scrub(after, pause).await {
        after = scrubbed.segment;
        for line in scrubbed.found {
            stdx::sometimes!(marks::DAMAGE_TOLD, true);
            inner.damages.try_push((key, line)).unwrap_or_default();
        }
    }
}

impl Inner {
    /// The first replica behind the one of `last`, in the order of their keys.
    fn next_replica(&self, last: Option<PartitionKey>) -> Option<(PartitionKey, Rc<Replica>)> {
        let behind = last.map_or(Bound::Unbounded, Bound::Excluded);
        let slots = self.slots.borrow();
        let mut slots = slots.range((behind, Bound::Unbounded));
        slots.find_map(|(key, slot)| match slot {
            Slot::Ready(ready) => Some((*key, Rc::clone(&ready.replica))),
            _ => None,
        })
    }
}
