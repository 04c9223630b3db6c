//! The segments of a log in order, and which of them has what. Pure look-ups; their edges are exact.

use model::{LogIndex, Offset};
use stdx::mutant;

use crate::index::{SparseIndex, Stretch};
use crate::open_segment::Segment;

/// Contiguous segments, the oldest first.
#[derive(Debug)]
pub(crate) struct Segments(Vec<Segment>);

/// A look-up takes the index of this segment, which is not in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unloaded(pub(crate) LogIndex);

/// A stretch of a segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) segment: LogIndex,
    pub(crate) stretch: Stretch,
}

impl Segments {
    pub(crate) fn new(segments: Vec<Segment>) -> Self {
        Self(segments)
    }

    pub(crate) fn first(&self) -> Option<&Segment> {
        self.0.first()
    }

    pub(crate) fn last_mut(&mut self) -> Option<&mut Segment> {
        self.0.last_mut()
    }

    pub(crate) fn push(&mut self, segment: Segment) {
        self.0.push(segment);
    }

    /// Lets go of all indexes that are on the disk too.
    pub(crate) fn unload(&mut self) {
        let sealed = self.0.iter_mut().filter(|segment| segment.footer.is_some());
        sealed.for_each(|segment| segment.index = None);
    }

    /// The segment that begins with `base_index`.
    pub(crate) fn get(&self, base_index: LogIndex) -> Option<&Segment> {
        self.0.get(self.number(base_index)?)
    }

    /// The segment after the one that begins with `base_index`.
    pub(crate) fn after(&self, base_index: LogIndex) -> Option<&Segment> {
        self.0.get(self.number(base_index)? + 1)
    }

    /// The segment that begins with `base_index`, to be changed.
    pub(crate) fn get_mut(&mut self, base_index: LogIndex) -> Option<&mut Segment> {
        let number = self.number(base_index)?;
        self.0.get_mut(number)
    }

    /// All segments, the oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Segment> {
        self.0.iter()
    }

    /// The segment in which the record `offset` is, if there is one.
    fn with_offset(&self, offset: Offset) -> Option<&Segment> {
        let edge = if mutant!(S05) {
            Offset(offset.0 + 1)
        } else {
            offset
        };
        let after = self
            .0
            .partition_point(|segment| segment.header.base_offset <= edge);
        // A segment without records has the base offset of the one behind it; the record is in the last that has
        // a frame before it.
        let mut candidates = self.0[..after].iter().rev();
        candidates.find(|segment| !segment.is_empty())
    }

    /// Where the record `offset` is.
    pub(crate) fn by_offset(&self, offset: Offset) -> Result<Option<Place>, Unloaded> {
        let Some(segment) = self.with_offset(offset) else {
            return Ok(None);
        };
        let stretch = index_of(segment)?.by_offset(offset.max(segment.header.base_offset));
        Ok(stretch.map(|stretch| Place {
            segment: segment.header.base_index,
            stretch,
        }))
    }

    /// Where the frame `index` is.
    pub(crate) fn by_index(&self, index: LogIndex) -> Result<Option<Place>, Unloaded> {
        let after = self
            .0
            .partition_point(|segment| segment.header.base_index <= index);
        let Some(segment) = after.checked_sub(1).and_then(|number| self.0.get(number)) else {
            return Ok(None);
        };
        let stretch = index_of(segment)?.by_index(index);
        Ok(stretch.map(|stretch| Place {
            segment: segment.header.base_index,
            stretch,
        }))
    }

    /// The files of the segments behind the one that begins with `base_index`, in order.
    pub(crate) fn paths_behind(&self, base_index: LogIndex) -> Vec<String> {
        let behind = |segment: &&Segment| segment.header.base_index > base_index;
        let behind = self.0.iter().filter(behind);
        behind.map(|segment| segment.path.clone()).collect()
    }

    /// Forgets what is behind `position` of the segment that begins with `base_index`, which is the last one then;
    /// the offset and the identity with which it begins. `newest` is the largest timestamp in what is left of its last
    /// stretch, if that is known.
    pub(crate) fn cut(
        &mut self,
        base_index: LogIndex,
        position: u64,
        newest: Option<i64>,
    ) -> (Offset, u32) {
        self.0
            .retain(|segment| segment.header.base_index <= base_index);
        let last = self
            .0
            .last_mut()
            .expect("a cut leaves the segment it is in");
        last.cut(position, newest);
        (last.header.base_offset, last.header.prev_origin)
    }

    fn number(&self, base_index: LogIndex) -> Option<usize> {
        self.0
            .binary_search_by_key(&base_index, |segment| segment.header.base_index)
            .ok()
    }
}

/// The index of a segment, if it is in memory.
pub(crate) fn index_of(segment: &Segment) -> Result<&SparseIndex, Unloaded> {
    let index = segment.index.as_ref();
    index.ok_or(Unloaded(segment.header.base_index))
}
