//! Indexes of segments that are not written any more: read where they are wanted, and few of them kept.

use model::{LogIndex, Offset};
use runtime::{File, OpenOptions};
use stdx::Duration;

use crate::error::{OnPath, PathError, ReadError};
use crate::index::{IndexEntry, SparseIndex};
use crate::log::{Inner, Log, State};
use crate::marks;
use crate::open_segment::Segment;
use crate::recovery::derived::Ignored;
use crate::recovery::scan::Scan;
use crate::recovery::verify::{Verified, verify};
use crate::seal;
use crate::segment::SegmentHeader;
use crate::segments::Unloaded;

/// Indexes that a log keeps at most, besides that of the segment that is written: an index is a thousandth of its
/// segment.
const INDEXES_KEPT: usize = 4;

impl Log {
    /// Looks something up, with the indexes that it takes.
    pub(crate) async fn look_up<R>(
        &self,
        look: impl Fn(&State) -> Result<R, Unloaded>,
    ) -> Result<R, ReadError> {
        loop {
            let found = look(&self.0.state.borrow());
            match found {
                Ok(found) => return Ok(found),
                Err(Unloaded(segment)) => self
                    .0
                    .load_index(segment)
                    .await
                    .map_err(ReadError::Failed)?,
            }
        }
    }
}

impl Inner {
    /// Reads the index of a segment, if it is not in memory. A segment that is cut off meanwhile is none.
    pub(crate) async fn load_index(&self, base_index: LogIndex) -> Result<(), PathError> {
        let (path, file, header, (bytes, end_offset), place) = {
            let state = self.state.borrow();
            let segment = state.segments.get(base_index);
            let Some(segment) = segment.filter(|segment| segment.index.is_none()) else {
                return Ok(());
            };
            let place = segment
                .footer
                .expect("an index that is not in memory is on the disk");
            let ends = (segment.bytes, segment.end_offset);
            let file = segment.file.clone();
            (segment.path.clone(), file, segment.header, ends, place)
        };
        let file = if let Some(file) = file {
            file
        } else {
            let opened = self.runtime.open(&path, OpenOptions::default()).await;
            opened.on("open", &path)?
        };
        let read = seal::read_index(&self.runtime, &file, &place, &header).await;
        stdx::sometimes!(marks::INDEX_LOADED, read.is_ok());
        stdx::sometimes!(marks::INDEX_REBUILT, read.is_err());
        let index = match read {
            Ok(index) => index,
            Err(_) => self.rebuild(&header, &file, (bytes, end_offset)).await,
        };
        let mut state = self.state.borrow_mut();
        let segment = state.segments.get_mut(base_index);
        let same = |segment: &&mut Segment| segment.footer == Some(place);
        if let Some(segment) = segment.filter(same) {
            segment.index = Some(index);
            state.keep_index(base_index);
        }
        Ok(())
    }

    /// What the index of a segment would be, from its frames up to the first whose header is bad.
    async fn rebuild(
        &self,
        header: &SegmentHeader,
        file: &File,
        (bytes, end_offset): (u64, Offset),
    ) -> SparseIndex {
        let scan = Scan {
            runtime: &self.runtime,
            file,
            file_bytes: bytes,
            pause: Duration::ZERO,
        };
        let Verified {
            bad,
            mut segment,
            tip,
        } = verify(&scan, header, (end_offset, None), &mut Ignored).await;
        let mut index = segment.index.take().unwrap_or_default();
        if !bad.is_empty() {
            // Whoever reads there finds what is wrong.
            let rest = (segment.bytes < bytes).then(|| IndexEntry {
                index: tip.index.next(),
                offset: tip.end_offset,
                position: segment.bytes,
                max_timestamp: i64::MAX,
            });
            index.lacks(rest, bytes);
        }
        index
    }
}

impl State {
    /// Notes that the index of a segment is in memory, and lets go of the one that has been there longest.
    pub(crate) fn keep_index(&mut self, base_index: LogIndex) {
        self.indexes.retain(|kept| *kept != base_index);
        self.indexes.push_back(base_index);
        if self.indexes.len() <= INDEXES_KEPT {
            return;
        }
        let Some(oldest) = self.indexes.pop_front() else {
            return;
        };
        if let Some(segment) = self.segments.get_mut(oldest)
            && segment.footer.is_some()
        {
            segment.index = None;
        }
    }
}
