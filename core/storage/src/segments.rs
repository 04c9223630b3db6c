//! The segments of a log in order, and which of them has what. Pure look-ups; their edges are exact.

use model::{LogIndex, Offset};
use stdx::mutant;

use crate::index::Stretch;
use crate::segment::Segment;

/// Contiguous segments, the oldest first.
#[derive(Debug)]
pub(crate) struct Segments(Vec<Segment>);

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

    /// The segment that begins with `base_index`.
    pub(crate) fn get(&self, base_index: LogIndex) -> Option<&Segment> {
        self.0.get(self.number(base_index)?)
    }

    /// The segment after the one that begins with `base_index`.
    pub(crate) fn after(&self, base_index: LogIndex) -> Option<&Segment> {
        self.0.get(self.number(base_index)? + 1)
    }

    /// Where the record `offset` is.
    pub(crate) fn by_offset(&self, offset: Offset) -> Option<Place> {
        let edge = if mutant!(S05) {
            Offset(offset.0 + 1)
        } else {
            offset
        };
        let after = self
            .0
            .partition_point(|segment| segment.header.base_offset <= edge);
        // A segment without records has the base offset of the one behind it; the record is in the last that has
        // a stretch before it.
        let mut candidates = self.0[..after].iter().rev();
        candidates.find_map(|segment| {
            let stretch = segment
                .index
                .by_offset(offset.max(segment.header.base_offset))?;
            Some(Place {
                segment: segment.header.base_index,
                stretch,
            })
        })
    }

    /// Where the frame `index` is.
    pub(crate) fn by_index(&self, index: LogIndex) -> Option<Place> {
        let after = self
            .0
            .partition_point(|segment| segment.header.base_index <= index);
        let segment = self.0.get(after.checked_sub(1)?)?;
        let stretch = segment.index.by_index(index)?;
        Some(Place {
            segment: segment.header.base_index,
            stretch,
        })
    }

    /// The files of the segments behind the one that begins with `base_index`, in order.
    pub(crate) fn paths_behind(&self, base_index: LogIndex) -> Vec<String> {
        let behind = |segment: &&Segment| segment.header.base_index > base_index;
        let behind = self.0.iter().filter(behind);
        behind.map(|segment| segment.path.clone()).collect()
    }

    /// Forgets what is behind `position` of the segment that begins with `base_index`, which is the last one then;
    /// the offset and the identity with which it begins.
    pub(crate) fn cut(&mut self, base_index: LogIndex, position: u64) -> (Offset, u32) {
        self.0
            .retain(|segment| segment.header.base_index <= base_index);
        let last = self
            .0
            .last_mut()
            .expect("a cut leaves the segment it is in");
        last.index.cut(position);
        last.bytes = position;
        last.reserved = position;
        (last.header.base_offset, last.header.prev_origin)
    }

    /// All stretches in order.
    pub(crate) fn stretches(&self) -> impl Iterator<Item = Place> + '_ {
        self.0.iter().flat_map(|segment| {
            let segment_base = segment.header.base_index;
            segment.index.stretches().map(move |stretch| Place {
                segment: segment_base,
                stretch,
            })
        })
    }

    /// The offset after the last record of a stretch.
    pub(crate) fn end_offset(&self, place: &Place) -> Offset {
        let segment_end = || {
            self.get(place.segment)
                .map_or(place.stretch.first.offset, |segment| segment.end_offset)
        };
        place.stretch.end_offset.unwrap_or_else(segment_end)
    }

    fn number(&self, base_index: LogIndex) -> Option<usize> {
        self.0
            .binary_search_by_key(&base_index, |segment| segment.header.base_index)
            .ok()
    }
}
