//! What was acknowledged as committed is there, at the offset that was named.
//!
//! By `acks=all` a broker promises that the batch survives whatever its disk survives: power cuts, crashes at any
//! event, restarts. It promises nothing for `acks=1` beyond the append and nothing at all for `acks=0`, so those
//! are only checked for what is claimed of them: one offset, one batch.

use super::{Violation, named};
use crate::ledger::{BatchId, Ledger, Place, Promise};

/// Notes that `id` was acknowledged at `base_offset`, and refuses an offset that another batch was promised.
pub fn note(
    ledger: &mut Ledger,
    id: BatchId,
    promise: Promise,
    base_offset: i64,
) -> Result<(), Violation> {
    let sent = ledger
        .sent
        .get_mut(&id)
        .expect("only what was sent is acknowledged");
    sent.promise = promise;
    sent.base_offset = Some(base_offset);
    let (place, end) = (sent.place.clone(), base_offset + i64::from(sent.records));
    if promise != Promise::Committed {
        // What was only appended may be lost with its offset, which then goes to another batch.
        return Ok(());
    }
    let acknowledged = &ledger.partition(&place).acknowledged;
    let before = acknowledged.range(..end).next_back();
    if let Some((&other_base, &other)) = before {
        let other_end = other_base + i64::from(ledger.sent[&other].records);
        if other_end > base_offset {
            return Err(violation(format!(
                "batch {} was acknowledged at {} {base_offset}..{end}, which overlaps batch {} at {other_base}..{other_end}",
                id.0,
                named(&place),
                other.0,
            )));
        }
    }
    ledger
        .partition(&place)
        .acknowledged
        .insert(base_offset, id);
    Ok(())
}

/// After a last complete read of `place`: each committed batch was seen where it was promised.
pub fn check(ledger: &Ledger, place: &Place) -> Result<(), Violation> {
    let Some(history) = ledger.partitions.get(place) else {
        return Ok(());
    };
    for (&id, &found_at) in &history.places {
        let told = ledger.sent.get(&id).and_then(|sent| sent.base_offset);
        if let Some(base_offset) = told.filter(|&base_offset| base_offset != found_at) {
            return Err(violation(format!(
                "batch {} was acknowledged at {} offset {base_offset} and is at {found_at}",
                id.0,
                named(place),
            )));
        }
    }
    for (&base_offset, &id) in &history.acknowledged {
        let seen = history.seen.get(&base_offset).map(|seen| seen.batch);
        if seen != Some(id) {
            let found = seen.map_or("nothing".to_owned(), |other| format!("batch {}", other.0));
            return Err(violation(format!(
                "batch {} was acknowledged with acks=all at {} offset {base_offset}; a complete read at the end found {found} there",
                id.0,
                named(place),
            )));
        }
    }
    Ok(())
}

fn violation(witness: String) -> Violation {
    Violation {
        oracle: "ACKNOWLEDGED_IS_DURABLE",
        promise: "a record acknowledged with acks=all is readable at its offset after every crash and power cut",
        witness,
    }
}
