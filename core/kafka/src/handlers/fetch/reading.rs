//! Reading all partitions of a fetch within one bound of bytes.

use partition::router::Answer;
use partition::{Read, ReadAnswer, ReadError, Router, Watermarks};
use protocol::ErrorCode;
use runtime::Frozen;
use runtime::operation::pieces_len;
use stdx::Duration;

use crate::door::Context;
use crate::errors::Failure;
use crate::handlers::fetch::plan::{Entry, Plan, Wanted};
use crate::marks;
use crate::pressure;

/// Reads that are on their way at once. More than one hides the way to other cores; few enough that what they may
/// find beyond the bound stays small.
const WINDOW_MAX: usize = 64;

/// How long one read may take. Reads hold memory of their partitions' cores; a fetch that held some and waited for
/// more without end could wait for another one that does the same.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long the marks of one partition may take.
const MARKS_PATIENCE: Duration = Duration::from_millis(250);

/// What was found, entry by entry.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) outcomes: Vec<Result<Found, Failure>>,
    /// Bytes of records in all.
    pub(crate) bytes: usize,
    /// Whether any entry failed.
    pub(crate) failed: bool,
    /// Whether a read took too long, or was not waited for: it is answered with its marks, and at once.
    pub(crate) gave_up: bool,
}

/// What was found in one partition.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) batches: Vec<Frozen>,
    pub(crate) watermarks: Watermarks,
}

impl Reading {
    /// Drops the records and keeps the marks. Returns how many bytes there were.
    pub(crate) fn forget_records(&mut self) -> usize {
        for found in self.outcomes.iter_mut().flatten() {
            found.batches = Vec::new();
        }
        core::mem::take(&mut self.bytes)
    }

    /// Entries that failed.
    pub(crate) fn errors(&self) -> u64 {
        let failed = self.outcomes.iter().filter(|outcome| outcome.is_err());
        u64::try_from(failed.count()).unwrap_or(u64::MAX)
    }

    /// Adds the outcome of the next entry, of whose records only so many fit as are `left`.
    fn add(&mut self, outcome: Result<ReadAnswer, Failure>, left: usize) {
        let found = outcome.map(|answer| self.fit(answer, left));
        self.failed |= found.is_err();
        self.outcomes.push(found);
    }

    fn fit(&mut self, answer: ReadAnswer, left: usize) -> Found {
        let ReadAnswer {
            batches,
            watermarks,
        } = answer;
        let bytes = pieces_len(&batches);
        // The first records always go, or a reader with a small bound would never get past them.
        let fits = bytes <= left || self.bytes == 0;
        stdx::sometimes!(marks::FETCH_CUT, !fits);
        self.bytes += if fits { bytes } else { 0 };
        Found {
            batches: if fits { batches } else { Vec::new() },
            watermarks,
        }
    }
}

/// Reads the partitions of `plan` in order, at most `bytes_max` bytes, but for a first batch that is larger. One that is
/// not `patient` does without what there is no memory for at once.
pub(crate) async fn read_all(
    context: &Context,
    plan: &Plan,
    bytes_max: usize,
    patient: bool,
) -> Reading {
    let mut reading = Reading::default();
    while reading.outcomes.len() < plan.entries.len() {
        // The way there may be full of reads that wait for the very memory that this one holds.
        let starting = start_window(&context.router, plan, &reading, (bytes_max, patient));
        let Some(window) = context.runtime.timeout(PATIENCE, starting).await else {
            give_up(context, plan, &mut reading).await;
            return reading;
        };
        for answer in window {
            let outcome = match answer {
                Ok(answer) => context.runtime.timeout(PATIENCE, answer.outcome()).await,
                Err(failure) => {
                    reading.add(Err(failure), 0);
                    continue;
                }
            };
            let Some(outcome) = outcome else {
                give_up(context, plan, &mut reading).await;
                return reading;
            };
            let left = bytes_max.saturating_sub(reading.bytes);
            let outcome = outcome.map_err(Failure::from);
            let entry = &plan.entries[reading.outcomes.len()];
            // Behind records that were read it may only not have fitted.
            reading.gave_up |= !patient && reading.bytes == 0 && has_more(entry, &outcome);
            reading.add(outcome, left);
        }
    }
    stdx::sometimes!(marks::READ_NOT_WAITED, reading.gave_up);
    reading
}

/// Whether nothing was read of a partition that has something.
fn has_more(entry: &Entry, outcome: &Result<ReadAnswer, Failure>) -> bool {
    match (&entry.wanted, outcome) {
        (Ok(wanted), Ok(answer)) => {
            answer.batches.is_empty() && answer.watermarks.high_watermark > wanted.offset
        }
        _ => false,
    }
}

/// Answers the entries that were not read with their marks alone, which need neither memory nor disk: a client that
/// was told no mark, or an old one, could take the end of what it was given for the end of the partition.
///
/// What the read waited for may be memory that slow clients hold, of any core: they are cut.
async fn give_up(context: &Context, plan: &Plan, reading: &mut Reading) {
    marks::READ_GIVEN_UP.hit();
    pressure::relieve_everywhere(&context.runtime);
    let router = &context.router;
    reading.gave_up = true;
    for entry in plan.entries.iter().skip(reading.outcomes.len()) {
        let outcome = match &entry.wanted {
            Ok(wanted) => {
                let asking = async { router.read(read(wanted, 0, false)).await.outcome().await };
                let answered = context.runtime.timeout(MARKS_PATIENCE, asking);
                // Not even that: its core stands still.
                let answered = answered.await.ok_or(ErrorCode::RequestTimedOut.into());
                answered.and_then(|outcome| outcome.map_err(Failure::from))
            }
            Err(failure) => Err(failure.clone()),
        };
        reading.add(outcome, 0);
    }
}

/// Sends the next reads on their way: as many as may find what is left in all, and one at least.
async fn start_window(
    router: &Router,
    plan: &Plan,
    reading: &Reading,
    (bytes_max, patient): (usize, bool),
) -> Vec<Result<Answer<ReadAnswer, ReadError>, Failure>> {
    let left = bytes_max.saturating_sub(reading.bytes);
    let mut planned = 0_usize;
    let mut window = Vec::new();
    for entry in plan
        .entries
        .iter()
        .skip(reading.outcomes.len())
        .take(WINDOW_MAX)
    {
        let wanted = match &entry.wanted {
            Ok(wanted) => wanted,
            Err(failure) => {
                window.push(Err(failure.clone()));
                continue;
            }
        };
        let entry_bytes = wanted.bytes_max.min(left);
        planned = planned.saturating_add(entry_bytes);
        if planned > left && !window.is_empty() {
            break;
        }
        let read = Read {
            patient,
            ..read(wanted, entry_bytes, reading.bytes == 0)
        };
        window.push(Ok(router.read(read).await));
    }
    window
}

fn read(wanted: &Wanted, bytes_max: usize, at_least_one: bool) -> Read {
    Read {
        key: wanted.key,
        offset: wanted.offset,
        bytes_max,
        at_least_one,
        patient: true,
        current_epoch: wanted.current_epoch,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(bytes: usize) -> ReadAnswer {
        ReadAnswer {
            batches: vec![Frozen::from(vec![0; bytes])],
            watermarks: Watermarks::default(),
        }
    }

    #[test]
    fn the_first_records_go_whatever_the_bound_and_later_ones_must_fit() {
        let mut reading = Reading::default();
        reading.add(Ok(answer(0)), 10);
        reading.add(Ok(answer(30)), 10);
        assert_eq!(reading.bytes, 30);
        reading.add(Ok(answer(1)), 0);
        assert_eq!(reading.bytes, 30);
        reading.add(Ok(answer(5)), 5);
        assert_eq!(reading.bytes, 35);
        assert!(!reading.failed);
        reading.add(Err(ErrorCode::OffsetOutOfRange.into()), 0);
        assert!(reading.failed);
        assert_eq!(reading.errors(), 1);
        assert_eq!(reading.forget_records(), 35);
    }
}
