//! Look-ups by timestamp.
//!
//! The index says which stretches may have what is sought; the batches in them say the rest. Records of a batch that
//! is not compressed are looked at one by one. In a compressed one only the header is known: a look-up by timestamp
//! answers with its first record, so a reader misses nothing and may see earlier records; the largest timestamp is
//! taken to be its last record's.

use core::ops::Range;

use model::{LeaderEpoch, Offset};
use records::{BatchView, Batches, TimestampType};
use runtime::Budget;

use crate::error::ReadError;
use crate::log::{Log, State};
use crate::open_segment::Segment;
use crate::read::ReadRequest;
use crate::segments::{Unloaded, index_of};

/// A record that was sought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sought {
    /// Its offset.
    pub offset: Offset,
    /// Its timestamp, milliseconds since 1970.
    pub timestamp: i64,
    /// The epoch of its batch.
    pub epoch: LeaderEpoch,
}

impl Log {
    /// The first record below `upto` that is not older than `timestamp`.
    pub async fn seek_timestamp(
        &self,
        timestamp: i64,
        upto: Offset,
        budget: &Budget,
    ) -> Result<Option<Sought>, ReadError> {
        let mut from = Offset::ZERO;
        while let Some(range) = self
            .look_up(|state| state.stretch_behind(from, upto, timestamp))
            .await?
        {
            let mut found = None;
            self.look_at(&range, upto, budget, |batch| {
                found = first_not_older(batch, timestamp);
                found.is_none()
            })
            .await?;
            if found.is_some() {
                return Ok(found);
            }
            from = range.end;
        }
        Ok(None)
    }

    /// The first of the records below `upto` that have the largest timestamp, as far as batch headers tell the
    /// truth about theirs.
    pub async fn seek_max_timestamp(
        &self,
        upto: Offset,
        budget: &Budget,
    ) -> Result<Option<Sought>, ReadError> {
        let mut best: Option<Sought> = None;
        let ranges = self.look_up(|state| state.largest_stretches(upto)).await?;
        for range in ranges.into_iter().flatten() {
            self.look_at(&range, upto, budget, |batch| {
                let newest = newest(batch);
                if newest
                    .is_some_and(|newest| best.is_none_or(|best| newest.timestamp > best.timestamp))
                {
                    best = newest;
                }
                true
            })
            .await?;
        }
        Ok(best)
    }

    /// The epoch of the batch that has `offset`; None when there is none below `upto`.
    pub async fn epoch_of(
        &self,
        offset: Offset,
        upto: Offset,
        budget: &Budget,
    ) -> Result<Option<LeaderEpoch>, ReadError> {
        let mut epoch = None;
        self.look_at(&(offset..upto), upto, budget, |batch| {
            epoch = Some(LeaderEpoch(batch.partition_leader_epoch()));
            false
        })
        .await?;
        Ok(epoch)
    }

    /// Gives the batches of a range that are below `upto` to `look`, for as long as it wants more.
    async fn look_at(
        &self,
        range: &Range<Offset>,
        upto: Offset,
        budget: &Budget,
        mut look: impl FnMut(BatchView<'_>) -> bool,
    ) -> Result<(), ReadError> {
        let mut offset = range.start;
        while offset < range.end.min(upto) {
            let request = ReadRequest {
                offset,
                bytes_max: LOOK_BYTES,
                upto,
                at_least_one: true,
                patient: true,
            };
            let batches = self.read(&request, budget).await?;
            if batches.is_empty() {
                return Ok(());
            }
            for batch in batches
                .iter()
                .flat_map(|piece| Batches::new(piece))
                .map_while(Result::ok)
            {
                if batch.base_offset() >= range.end.0 || !look(batch) {
                    return Ok(());
                }
                offset = Offset(batch.end_offset());
            }
        }
        Ok(())
    }
}

impl State {
    /// The first stretch behind `from` that may have a record not older than `timestamp` below `upto`.
    fn stretch_behind(
        &self,
        from: Offset,
        upto: Offset,
        timestamp: i64,
    ) -> Result<Option<Range<Offset>>, Unloaded> {
        for segment in self.segments.iter() {
            let base = segment.header.base_offset;
            if segment.max_timestamp < timestamp || segment.end_offset <= from || base >= upto {
                continue;
            }
            let found = ranges(segment)?.find(|(range, newest)| {
                range.end > from && range.start < upto && *newest >= timestamp
            });
            if let Some((range, _)) = found {
                return Ok(Some(range.start.max(from)..range.end));
            }
        }
        Ok(None)
    }

    /// The first stretch with the largest timestamp of those that end below `upto`, and the one that goes on above
    /// it, whose own largest timestamp may be up there. Two indexes at most are wanted.
    fn largest_stretches(&self, upto: Offset) -> Result<[Option<Range<Offset>>; 2], Unloaded> {
        let mut largest: Option<&Segment> = None;
        let mut crossing = None;
        for segment in self.segments.iter() {
            if segment.end_offset <= upto {
                let newer = |largest: &Segment| segment.max_timestamp > largest.max_timestamp;
                if largest.is_none_or(newer) {
                    largest = Some(segment);
                }
            } else if segment.header.base_offset < upto {
                crossing = Some(segment);
            }
        }
        let (mut newest_of_all, mut whole, mut partial) = (i64::MIN, None, None);
        for segment in largest.into_iter().chain(crossing) {
            for (range, newest) in ranges(segment)? {
                if range.start < upto && upto < range.end {
                    partial = Some(range);
                } else if range.end <= upto && newest > newest_of_all {
                    (newest_of_all, whole) = (newest, Some(range));
                }
            }
        }
        Ok([whole, partial])
    }
}

/// The stretches of a segment, as the offsets that they have, and the largest timestamp of each.
fn ranges(segment: &Segment) -> Result<impl Iterator<Item = (Range<Offset>, i64)>, Unloaded> {
    let end_offset = segment.end_offset;
    let stretches = index_of(segment)?.stretches();
    Ok(stretches.map(move |stretch| {
        let end = stretch.end_offset.unwrap_or(end_offset);
        (stretch.first.offset..end, stretch.first.max_timestamp)
    }))
}

/// Bytes that a look-up reads at a time.
const LOOK_BYTES: usize = 64 << 10;

fn sought(batch: BatchView<'_>, offset: i64, timestamp: i64) -> Sought {
    Sought {
        offset: Offset(offset),
        timestamp,
        epoch: LeaderEpoch(batch.partition_leader_epoch()),
    }
}

/// The first record of a batch that is not older than `timestamp`.
fn first_not_older(batch: BatchView<'_>, timestamp: i64) -> Option<Sought> {
    if batch.max_timestamp() < timestamp {
        return None;
    }
    if batch.attributes().timestamp_type() == TimestampType::AppendTime {
        return Some(sought(batch, batch.base_offset(), batch.max_timestamp()));
    }
    let Ok(mut records) = batch.records() else {
        return Some(sought(batch, batch.base_offset(), batch.base_timestamp()));
    };
    // A header that claims more than its records have finds nothing here, and the search goes on.
    let found =
        records.find_map(|record| record.ok().filter(|record| record.timestamp >= timestamp))?;
    Some(sought(batch, found.offset, found.timestamp))
}

/// The first of a batch's records with its largest timestamp.
fn newest(batch: BatchView<'_>) -> Option<Sought> {
    if batch.attributes().timestamp_type() == TimestampType::AppendTime {
        return Some(sought(batch, batch.base_offset(), batch.max_timestamp()));
    }
    let Ok(records) = batch.records() else {
        return Some(sought(batch, batch.last_offset(), batch.max_timestamp()));
    };
    let records = records.map_while(Result::ok);
    let found = records.reduce(|best, next| {
        if next.timestamp > best.timestamp {
            next
        } else {
            best
        }
    })?;
    Some(sought(batch, found.offset, found.timestamp))
}
