//! The sparse index of one segment: where to begin to read. In memory, and in the footer of a segment that is not
//! written any more; rebuilt by the scan, never trusted over the log: what it points at is a frame whose header says
//! what it is.

use model::{LogIndex, Offset};

/// Bytes of frames for which one entry stands; a frame that is larger has its own.
pub const INDEX_STRIDE_BYTES: u64 = 32 << 10;

/// One entry: the frame at `position`, and the largest timestamp from there up to the next entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// The frame's position in the log.
    pub index: LogIndex,
    /// Its first offset.
    pub offset: Offset,
    /// Where it begins in the file.
    pub position: u64,
    /// The largest timestamp of the stretch; `i64::MIN` where it has no record.
    pub max_timestamp: i64,
}

/// The entries of one segment, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SparseIndex {
    entries: Vec<IndexEntry>,
    /// Where the last frame that was pushed ends.
    end: u64,
    /// Frames stand in it that could not be looked at.
    partial: bool,
}

impl SparseIndex {
    /// One with these entries, whose last frame ends at `end`; none where they are not in order.
    pub(crate) fn from_entries(entries: Vec<IndexEntry>, end: u64) -> Option<Self> {
        let ordered = entries.windows(2).all(|pair| {
            let [one, next] = pair else { return false };
            one.index < next.index && one.offset <= next.offset && one.position < next.position
        });
        let within = entries.last().is_some_and(|last| last.position < end);
        (ordered && within).then_some(Self {
            entries,
            end,
            partial: false,
        })
    }

    /// Whether all frames were looked at.
    pub(crate) fn is_whole(&self) -> bool {
        !self.partial
    }

    /// Frames in it could not be looked at. Those from `rest` on, if it is given, up to `end`, are known by nothing but
    /// that.
    pub(crate) fn lacks(&mut self, rest: Option<IndexEntry>, end: u64) {
        self.partial = true;
        self.entries.extend(rest);
        self.end = end;
    }

    /// Its entries, in order.
    pub(crate) fn entries(&self) -> &[IndexEntry] {
        &self.entries
    }

    /// Where the last frame ends.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// The largest timestamp of all; `i64::MIN` where there is no record.
    pub(crate) fn max_timestamp(&self) -> i64 {
        let timestamps = self.entries.iter().map(|entry| entry.max_timestamp);
        timestamps.max().unwrap_or(i64::MIN)
    }

    /// Notes the next frame, `bytes` long.
    pub fn push(&mut self, frame: IndexEntry, bytes: u64) {
        self.end = frame.position + bytes;
        match self.entries.last_mut() {
            Some(last) if self.end - last.position <= INDEX_STRIDE_BYTES => {
                last.max_timestamp = last.max_timestamp.max(frame.max_timestamp);
            }
            _ => self.entries.push(frame),
        }
    }

    /// The stretch in which the record `offset` is. None before the first entry.
    pub fn by_offset(&self, offset: Offset) -> Option<Stretch> {
        // A frame without records has the offset of the next record: the last entry of those that are equal is
        // not past it.
        self.stretch_before(self.entries.partition_point(|entry| entry.offset <= offset))
    }

    /// The stretch in which the frame `index` is. None before the first entry.
    pub fn by_index(&self, index: LogIndex) -> Option<Stretch> {
        self.stretch_before(self.entries.partition_point(|entry| entry.index <= index))
    }

    /// All stretches, in order.
    pub fn stretches(&self) -> impl Iterator<Item = Stretch> + '_ {
        (1..=self.entries.len()).filter_map(|number| self.stretch_before(number))
    }

    /// Forgets the frames from `position` on; `newest` is the largest timestamp in what is left of the last stretch, if that
    /// is known.
    pub fn cut(&mut self, position: u64, newest: Option<i64>) {
        self.entries.retain(|entry| entry.position < position);
        self.end = self.end.min(position);
        match (self.entries.last_mut(), newest) {
            (Some(last), Some(newest)) => last.max_timestamp = newest,
            (Some(_), None) => self.partial = true,
            (None, _) => {}
        }
    }

    /// Entries in it.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn stretch_before(&self, number: usize) -> Option<Stretch> {
        let first = *self.entries.get(number.checked_sub(1)?)?;
        let next = self.entries.get(number);
        Some(Stretch {
            first,
            end: next.map_or(self.end, |next| next.position),
            end_offset: next.map(|next| next.offset),
        })
    }
}

/// The frames of one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Its entry.
    pub first: IndexEntry,
    /// Where it ends in the file.
    pub end: u64,
    /// The offset with which the next stretch begins; None for the last of its segment.
    pub end_offset: Option<Offset>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// One frame for each of `bytes`, two offsets each, timestamps as they come.
    fn filled(bytes: &[(u64, i64)]) -> (SparseIndex, Vec<IndexEntry>) {
        let (mut index, mut frames, mut position) = (SparseIndex::default(), Vec::new(), 64);
        for (number, &(bytes, max_timestamp)) in (0_u64..).zip(bytes) {
            let frame = IndexEntry {
                index: LogIndex(10 + number),
                offset: Offset(100 + 2 * number.cast_signed()),
                position,
                max_timestamp,
            };
            index.push(frame, bytes);
            frames.push(frame);
            position += bytes;
        }
        (index, frames)
    }

    #[test]
    fn small_frames_share_an_entry_and_a_large_one_has_its_own() {
        let (index, _) = filled(&[(16_000, 5), (16_000, 9), (16_000, 1), (100_000, 2), (64, 3)]);
        let firsts: Vec<_> = index
            .stretches()
            .map(|stretch| (stretch.first.index.0, stretch.first.max_timestamp))
            .collect();
        assert_eq!(firsts, [(10, 9), (12, 1), (13, 2), (14, 3)]);
    }

    #[test]
    fn below_the_first_frame_there_is_nothing() {
        let (index, _) = filled(&[(100, 0)]);
        assert_eq!(index.by_offset(Offset(99)), None);
        assert_eq!(index.by_index(LogIndex(9)), None);
        assert_eq!(SparseIndex::default().by_offset(Offset(0)), None);
    }

    proptest! {
        #[test]
        fn a_look_up_ends_in_the_stretch_of_its_frame(
            frames in proptest::collection::vec((64_u64..60_000, any::<i64>()), 1..60), pick: prop::sample::Index,
        ) {
            let (index, entries) = filled(&frames);
            let number = pick.index(entries.len());
            let (frame, (bytes, _)) = (entries[number], frames[number]);
            for offset in [frame.offset.0, frame.offset.0 + 1] {
                let stretch = index.by_offset(Offset(offset)).unwrap();
                prop_assert!(stretch.first.position <= frame.position);
                prop_assert!(frame.position + bytes <= stretch.end);
                prop_assert!(frame.position - stretch.first.position <= INDEX_STRIDE_BYTES);
                prop_assert!(stretch.end_offset.is_none_or(|end| Offset(offset) < end));
            }
            prop_assert_eq!(index.by_index(frame.index), index.by_offset(frame.offset));
        }

        #[test]
        fn stretches_cover_every_frame_and_their_largest_timestamp(
            frames in proptest::collection::vec((64_u64..60_000, any::<i64>()), 1..60),
        ) {
            let (index, entries) = filled(&frames);
            for stretch in index.stretches() {
                let within = entries.iter().filter(|entry| {
                    (stretch.first.position..stretch.end).contains(&entry.position)
                });
                prop_assert_eq!(within.map(|entry| entry.max_timestamp).max(), Some(stretch.first.max_timestamp));
            }
        }
    }
}
