//! Nothing at or above the high watermark is served, and the high watermark does not go back.
//!
//! A partition of one replica has no fail-over, and its high watermark is what its disk holds: no crash may take
//! it back.

use records::BatchView;

use super::{Violation, named};
use crate::ledger::{Ledger, Place};

/// Checks the batches of one answer against the high watermark in it.
pub fn check(
    place: &Place,
    high_watermark: i64,
    batches: &[BatchView<'_>],
) -> Result<(), Violation> {
    match batches
        .iter()
        .find(|batch| batch.end_offset() > high_watermark)
    {
        Some(batch) => Err(violation(format!(
            "an answer for {} with high watermark {high_watermark} held a batch of {}..={}",
            named(place),
            batch.base_offset(),
            batch.last_offset(),
        ))),
        None => Ok(()),
    }
}

/// Notes a high watermark that a client was told, after `told_before` was the largest when it asked.
pub fn note(
    ledger: &mut Ledger,
    place: &Place,
    told_before: i64,
    high_watermark: i64,
) -> Result<(), Violation> {
    if high_watermark < told_before {
        return Err(violation(format!(
            "{} had a high watermark of {told_before} before this was asked, and answers {high_watermark}",
            named(place),
        )));
    }
    let history = ledger.partition(place);
    history.high_watermark = history.high_watermark.max(high_watermark);
    Ok(())
}

fn violation(witness: String) -> Violation {
    Violation {
        oracle: "NOTHING_ABOVE_HIGH_WATERMARK",
        promise: "what is served lies below the high watermark, and that never goes back",
        witness,
    }
}

/// A fetch was refused as out of range below a mark that was told before.
pub fn refused(place: &Place, offset: i64, told_before: i64) -> Violation {
    violation(format!(
        "{} had a high watermark of {told_before}, and a fetch from {offset} is out of range now",
        named(place),
    ))
}
