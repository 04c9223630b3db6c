//! What anyone has read at an offset is what everyone reads there for ever, and it is what a client sent.
//!
//! "For ever" holds because nothing is visible before it is durable: a batch that was read and is gone after a
//! power cut was served too early.

use records::{BatchView, RecordsError};

use super::{Violation, named};
use crate::ledger::{Ledger, Place, Seen, recognise};

/// Checks a batch that was read, and notes it.
pub fn note(ledger: &mut Ledger, place: &Place, batch: &BatchView<'_>) -> Result<(), Violation> {
    let base_offset = batch.base_offset();
    let id = recognise(ledger, place, batch)
        .map_err(|wrong| violation(format!("at {} offset {base_offset}: {wrong}", named(place))))?;
    let seen = Seen {
        batch: id,
        end_offset: batch.end_offset(),
        epoch: batch.partition_leader_epoch(),
        digest: runtime::Digest::of(batch.bytes()),
    };
    let history = ledger.partition(place);
    if let Some(before) = history.seen.get(&base_offset) {
        if *before == seen {
            return Ok(());
        }
        return Err(violation(format!(
            "at {} offset {base_offset}, batch {} was read before and batch {} now{}",
            named(place),
            before.batch.0,
            id.0,
            if before.batch == id {
                ", with other bytes"
            } else {
                ""
            },
        )));
    }
    let neighbour = history.seen.range(..seen.end_offset).next_back();
    if let Some((other_base, other)) = neighbour.filter(|(_, other)| other.end_offset > base_offset)
    {
        return Err(violation(format!(
            "at {} offset {base_offset}, batch {} overlaps batch {}, which was read before at {other_base}..{}",
            named(place),
            id.0,
            other.batch.0,
            other.end_offset,
        )));
    }
    if let Some(other_base) = history.places.insert(id, base_offset) {
        return Err(violation(format!(
            "batch {} was sent once and read at {} offsets {other_base} and {base_offset}",
            id.0,
            named(place),
        )));
    }
    history.seen.insert(base_offset, seen);
    history.epoch = history.epoch.max(seen.epoch);
    Ok(())
}

/// An answer held what is no batch.
pub fn unreadable(place: &Place, offset: i64, error: &RecordsError) -> Violation {
    violation(format!(
        "a fetch of {} from {offset} returned what is no batch: {error}",
        named(place)
    ))
}

/// After a last complete read up to `log_end`: nothing that was ever seen lay beyond it.
pub fn check(ledger: &Ledger, place: &Place, log_end: i64) -> Result<(), Violation> {
    let Some(history) = ledger.partitions.get(place) else {
        return Ok(());
    };
    match history.seen.last_key_value() {
        Some((base_offset, seen)) if seen.end_offset > log_end => Err(violation(format!(
            "batch {} was read at {} offset {base_offset}; the partition ends at {log_end} now",
            seen.batch.0,
            named(place),
        ))),
        _ => Ok(()),
    }
}

fn violation(witness: String) -> Violation {
    Violation {
        oracle: "VISIBLE_IS_IMMUTABLE",
        promise: "what was read once at an offset is read there for ever, and is what was sent",
        witness,
    }
}
