//! An epoch that is over ends where it ended, for ever: its records, and those of earlier ones, lie before that, and those
//! of later epochs behind it [KIP-279].
//!
//! Of the epoch that reigns only the high watermark is told, which moves.

use client::EpochEnd;

use super::{Violation, named};
use crate::ledger::{Ledger, Place, Seen};

/// Checks what was answered to whoever sought the end of `asked`, when `known_before` was the latest epoch that anyone
/// knew, and notes it.
pub fn note(
    ledger: &mut Ledger,
    place: &Place,
    (asked, known_before): (i32, i32),
    answer: EpochEnd,
) -> Result<(), Violation> {
    let EpochEnd {
        leader_epoch: epoch,
        end_offset: end,
    } = answer;
    let broken = |what: String| {
        Err(Violation {
            oracle: "EPOCH_END_IS_FINAL",
            promise: "an epoch that is over ends where it ended, behind its records and before those of later epochs",
            witness: format!("asked where epoch {asked} of {} ends: {what}", named(place)),
        })
    };
    if epoch == -1 {
        return if asked <= known_before && asked >= 0 {
            broken(format!(
                "nothing is known, and epoch {known_before} was there before"
            ))
        } else {
            Ok(())
        };
    }
    if epoch > asked {
        return broken(format!("the answer is of the later epoch {epoch}"));
    }
    let history = ledger.partition(place);
    history.epoch = history.epoch.max(epoch);
    if epoch >= known_before {
        return Ok(());
    }
    let before = *history.epoch_ends.entry(epoch).or_insert(end);
    if before != end {
        return broken(format!(
            "epoch {epoch} ends at {end}, and ended at {before} before"
        ));
    }
    let fits = |base_offset: i64, seen: &Seen| {
        if seen.epoch <= epoch {
            seen.end_offset <= end
        } else {
            base_offset >= end
        }
    };
    let wrong = history
        .seen
        .iter()
        .find(|(base_offset, seen)| !fits(**base_offset, seen));
    match wrong {
        None => Ok(()),
        Some((base_offset, seen)) => broken(format!(
            "epoch {epoch} ends at {end}, and the batch of epoch {} at {base_offset}..{} was read",
            seen.epoch, seen.end_offset
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::BatchId;

    fn end(leader_epoch: i32, end_offset: i64) -> EpochEnd {
        EpochEnd {
            leader_epoch,
            end_offset,
        }
    }

    #[test]
    fn what_is_over_does_not_move_and_the_records_agree() {
        let place = ("t".to_owned(), 0);
        let mut ledger = Ledger::default();
        let history = ledger.partition(&place);
        for (base_offset, end_offset, epoch) in [(0, 5, 1), (5, 9, 3)] {
            let seen = Seen {
                batch: BatchId(0),
                end_offset,
                epoch,
                digest: 0,
            };
            history.seen.insert(base_offset, seen);
        }
        let mut ask = |asked, known, answer| note(&mut ledger, &place, (asked, known), answer);
        assert!(ask(3, 3, end(3, 9)).is_ok());
        assert!(ask(3, 3, end(3, 12)).is_ok(), "it reigns");
        assert!(ask(2, 3, end(1, 5)).is_ok());
        assert!(ask(1, 3, end(1, 6)).is_err(), "it moved");
        assert!(
            ask(2, 3, end(2, 7)).is_err(),
            "within a later epoch's batch"
        );
        assert!(ask(0, 3, end(0, 4)).is_err(), "it cuts a batch");
        assert!(ask(1, 3, end(2, 5)).is_err(), "later than asked for");
        assert!(ask(9, 3, end(-1, -1)).is_ok());
        assert!(ask(3, 3, end(-1, -1)).is_err(), "it was there");
    }
}
