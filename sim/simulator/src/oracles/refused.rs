//! What is refused is not written: a damaged batch whoever sends it, and any batch whose sender was told that nothing
//! was done.

use client::ClientError;

use super::{Violation, named};
use crate::ledger::{BatchId, Ledger, Place, Promise};

/// A damaged batch, or one that is too large, was taken at `base_offset`.
pub fn taken(place: &Place, base_offset: i64) -> Violation {
    Violation {
        oracle: "DAMAGE_IS_REFUSED",
        promise: "a batch whose checksum is wrong, or that is too large, is not written",
        witness: format!("{} took one at offset {base_offset}", named(place)),
    }
}

/// Notes why a batch was not acknowledged, where that says that it was not written.
pub fn note(ledger: &mut Ledger, id: BatchId, error: &ClientError) {
    if !error.is_indeterminate() {
        let sent = ledger.sent.get_mut(&id);
        sent.expect("only what was sent is refused").promise = Promise::Refused;
    }
}

/// After a last complete read of `place`: nothing that was refused was ever seen.
pub fn check(ledger: &Ledger, place: &Place) -> Result<(), Violation> {
    let Some(history) = ledger.partitions.get(place) else {
        return Ok(());
    };
    let refused = |id: &BatchId| ledger.sent[id].promise == Promise::Refused;
    match history.places.iter().find(|(id, _)| refused(id)) {
        Some((id, offset)) => Err(Violation {
            oracle: "REFUSED_IS_NOT_WRITTEN",
            promise: "a batch that was refused for a reason that excludes it is not written",
            witness: format!(
                "batch {} was read at {} offset {offset}",
                id.0,
                named(place)
            ),
        }),
        None => Ok(()),
    }
}
