//! The way out: what is committed is read, and nothing else.

use std::rc::Rc;

use model::{LeaderEpoch, Offset};
use stdx::mutant;
use storage::ReadRequest;

use super::Replica;
use crate::calls::{Read, ReadAnswer, ReadError, Seek, SeekTarget, Sought, Watermarks};
use crate::marks;

impl Replica {
    /// Reads what is visible.
    pub(crate) async fn read(&self, read: Read) -> Result<ReadAnswer, ReadError> {
        self.check_serves()?;
        self.check_epoch(read.current_epoch)?;
        let watermarks = self.watermarks();
        if let Some(fence) = self.log.fenced_at(read.offset) {
            return Err(ReadError::Fenced(fence));
        }
        let upto = if mutant!(K01) {
            watermarks.log_end
        } else {
            watermarks.high_watermark
        };
        if read.offset < watermarks.log_start || read.offset > upto {
            return Err(ReadError::OutOfRange(watermarks));
        }
        if read.bytes_max == 0 && !read.at_least_one {
            // Only the marks are wanted: neither memory nor disk is needed for them.
            return Ok(ReadAnswer {
                batches: Vec::new(),
                watermarks,
            });
        }
        let request = ReadRequest {
            offset: read.offset,
            bytes_max: read.bytes_max,
            upto,
            at_least_one: read.at_least_one,
            patient: read.patient,
        };
        let batches = self
            .log
            .read(&request, &self.budget)
            .await
            .map_err(|error| unreadable(&error))?;
        let first = batches
            .first()
            .and_then(|first| records::BatchView::split(first).ok());
        stdx::sometimes!(
            marks::READ_WITHIN_A_BATCH,
            first.is_some_and(|(first, _)| first.base_offset() < read.offset.0)
        );
        Ok(ReadAnswer {
            batches,
            watermarks,
        })
    }

    /// Looks an offset up, in what was committed before it was asked for: a leader that was deposed and does not know it
    /// must not answer [redpanda 2954].
    pub(crate) async fn seek(self: &Rc<Self>, seek: Seek) -> Result<Sought, ReadError> {
        self.check_serves()?;
        self.check_epoch(seek.current_epoch)?;
        if !self.barrier().await {
            return Err(ReadError::NotReady);
        }
        let watermarks = self.watermarks();
        let (upto, budget) = (watermarks.high_watermark, &self.budget);
        let reign = watermarks.term.leader_epoch();
        let (position, epoch) = match seek.target {
            SeekTarget::Latest => (Some((upto, -1)), reign),
            SeekTarget::Earliest => {
                let start = watermarks.log_start;
                let first = self
                    .log
                    .epoch_of(start, upto, budget)
                    .await
                    .map_err(|error| unreadable(&error))?;
                (Some((start, -1)), first.unwrap_or(reign))
            }
            SeekTarget::Timestamp(timestamp) => {
                let sought = self
                    .log
                    .seek_timestamp(timestamp, upto, budget)
                    .await
                    .map_err(|error| unreadable(&error))?;
                position_of(sought, reign)
            }
            SeekTarget::MaxTimestamp => {
                let sought = self
                    .log
                    .seek_max_timestamp(upto, budget)
                    .await
                    .map_err(|error| unreadable(&error))?;
                position_of(sought, reign)
            }
            SeekTarget::EpochEnd(asked) => self.end_of(asked, &watermarks)?,
        };
        Ok(Sought {
            position,
            epoch,
            watermarks,
        })
    }

    /// Where an epoch ends, and which that is. In a damaged log that is known only of those that end in what is readable: said to
    /// end there, a reader would take for gone what it has read.
    fn end_of(
        &self,
        asked: LeaderEpoch,
        watermarks: &Watermarks,
    ) -> Result<(Option<(Offset, i64)>, LeaderEpoch), ReadError> {
        let fenced = self.log.fenced();
        let later = asked.term().is_some_and(|term| term > watermarks.term);
        if let Some(why) = fenced.clone().filter(|_| later) {
            // Its reign may have been in what cannot be read.
            return Err(ReadError::Fenced(why));
        }
        let Some(term) = asked.term().filter(|_| !later) else {
            marks::EPOCH_END_UNKNOWN.hit();
            return Ok((None, asked));
        };
        let found = self.log.with_epochs(|epochs| {
            let sought = if mutant!(P02) {
                term.next().unwrap_or(term)
            } else {
                term
            };
            epochs.end_of(sought)
        });
        if let (None | Some((_, None)), Some(why)) = (found, fenced) {
            marks::EPOCH_END_FENCED.hit();
            return Err(ReadError::Fenced(why));
        }
        let (term, end) = match found {
            Some((term, end)) => (term, end.unwrap_or(watermarks.high_watermark)),
            // Whoever reigned before the log's first frame appended nothing that is here.
            None => (term, watermarks.log_start),
        };
        stdx::sometimes!(marks::EPOCH_END_OF_ANOTHER, term < watermarks.term);
        Ok((Some((end, -1)), term.leader_epoch()))
    }

    /// A reign serves when it has committed a frame of its own: before, it does not know what is committed.
    fn check_serves(&self) -> Result<(), ReadError> {
        if self.standing.get().serves {
            return Ok(());
        }
        marks::NOT_SERVING.hit();
        Err(ReadError::NotReady)
    }

    /// Whether the reader's idea of the reign is ours [KIP-320].
    fn check_epoch(&self, known: Option<LeaderEpoch>) -> Result<(), ReadError> {
        let current = self.standing.get().term.leader_epoch();
        match known {
            Some(known) if known < current => {
                marks::EPOCH_FENCED.hit();
                Err(ReadError::FencedEpoch)
            }
            Some(known) if known > current => {
                marks::EPOCH_UNKNOWN.hit();
                Err(ReadError::UnknownEpoch)
            }
            _ => Ok(()),
        }
    }
}

fn unreadable(error: &storage::ReadError) -> ReadError {
    ReadError::Fenced(error.to_string())
}

fn position_of(
    sought: Option<storage::Sought>,
    reign: LeaderEpoch,
) -> (Option<(Offset, i64)>, LeaderEpoch) {
    match sought {
        Some(found) => (Some((found.offset, found.timestamp)), found.epoch),
        None => (None, reign),
    }
}
