//! A read returns batches that follow one another without a hole, beginning with the one that holds the offset
//! asked for.

use records::BatchView;

use super::{Violation, named};
use crate::ledger::Place;

/// Checks one answer to a fetch from `offset`.
pub fn check(place: &Place, offset: i64, batches: &[BatchView<'_>]) -> Result<(), Violation> {
    let Some(first) = batches.first() else {
        return Ok(());
    };
    if first.base_offset() > offset || first.last_offset() < offset {
        return Err(violation(format!(
            "a fetch of {} from {offset} began with a batch of {}..={}",
            named(place),
            first.base_offset(),
            first.last_offset(),
        )));
    }
    for pair in batches.windows(2) {
        if pair[0].end_offset() != pair[1].base_offset() {
            return Err(violation(format!(
                "in a fetch of {} from {offset}, a batch ended at {} and the next began at {}",
                named(place),
                pair[0].end_offset(),
                pair[1].base_offset(),
            )));
        }
    }
    Ok(())
}

fn violation(witness: String) -> Violation {
    Violation {
        oracle: "OFFSETS_CONTIGUOUS",
        promise: "offsets of a partition have no holes, and a fetch begins where it was asked to",
        witness,
    }
}
