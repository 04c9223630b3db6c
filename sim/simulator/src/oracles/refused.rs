//! A batch that is damaged or too large is refused, whoever sends it.

use super::Violation;
use crate::ledger::Place;

/// One was taken, at `base_offset`.
pub fn taken(place: &Place, base_offset: i64) -> Violation {
    Violation {
        oracle: "DAMAGE_IS_REFUSED",
        promise: "a batch whose checksum is wrong, or that is too large, is not written",
        witness: format!("{}/{} took one at offset {base_offset}", place.0, place.1),
    }
}
