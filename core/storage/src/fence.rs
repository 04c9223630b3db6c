//! Ranges that are not served, and why.

use core::fmt;

use model::Offset;

/// Damage that was found: where, and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence {
    /// The first offset that is not served.
    pub start: Offset,
    /// The offset after the last; None where nothing behind `start` is served.
    pub end: Option<Offset>,
    /// The file.
    pub path: String,
    /// Where in the file.
    pub position: u64,
    /// What was found there and what it means.
    pub why: String,
}

impl Fence {
    /// Whether `offset` is within.
    pub fn covers(&self, offset: Offset) -> bool {
        offset >= self.start && self.end.is_none_or(|end| offset < end)
    }
}

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            start,
            end,
            path,
            position,
            why,
        } = self;
        match end {
            Some(end) => write!(
                f,
                "offsets {start} to {end} are fenced: {path} at {position}: {why}"
            ),
            None => write!(
                f,
                "offsets from {start} on are fenced: {path} at {position}: {why}"
            ),
        }
    }
}

/// Fences that a log keeps at most: of more, the two that are nearest to each other grow into one.
const FENCES_MAX: usize = 64;

/// All fences of a log.
#[derive(Debug, Default)]
pub(crate) struct Fences {
    /// The one that recovery put up: nothing may be appended behind it.
    refusal: Option<Fence>,
    /// Found later, by reads and by scrubbing, in order; and whether anybody but the reader was told.
    found: Vec<(Fence, bool)>,
}

impl Fences {
    pub(crate) fn new(refusal: Option<Fence>) -> Self {
        Self {
            refusal,
            found: Vec::new(),
        }
    }

    pub(crate) fn refusal(&self) -> Option<&Fence> {
        self.refusal.as_ref()
    }

    /// The fence that covers `offset`.
    pub(crate) fn at(&self, offset: Offset) -> Option<&Fence> {
        let found = self.found.iter().map(|(fence, _)| fence);
        let mut all = self.refusal.iter().chain(found);
        all.find(|fence| fence.covers(offset))
    }

    pub(crate) fn add(&mut self, fence: Fence) {
        let place = self
            .found
            .partition_point(|(other, _)| other.start <= fence.start);
        self.found.insert(place, (fence, false));
        if self.found.len() <= FENCES_MAX {
            return;
        }
        let gap = |pair: &[(Fence, bool)]| {
            let end = pair[0].0.end.unwrap_or(pair[1].0.start);
            pair[1].0.start.0.saturating_sub(end.0)
        };
        let gaps = self.found.windows(2).map(gap).enumerate();
        if let Some((nearest, _)) = gaps.min_by_key(|(_, gap)| *gap) {
            let (next, told) = self.found.remove(nearest + 1);
            let (grown, grown_told) = &mut self.found[nearest];
            grown.end = grown.end.zip(next.end).map(|(end, other)| end.max(other));
            *grown_told &= told;
        }
    }

    /// Notes that the fence at `offset` was told of. Whether it was not, before.
    pub(crate) fn tell(&mut self, offset: Offset) -> bool {
        let mut found = self.found.iter_mut();
        let found = found.find(|(fence, _)| fence.covers(offset));
        found.is_some_and(|(_, told)| !core::mem::replace(told, true))
    }

    /// What is behind `end` was cut off: what comes there is sound.
    pub(crate) fn cut(&mut self, end: Offset) {
        self.found.retain(|(fence, _)| fence.start < end);
        for (fence, _) in &mut self.found {
            fence.end = fence.end.map(|last| last.min(end));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fence(start: i64, end: Option<i64>) -> Fence {
        Fence {
            start: Offset(start),
            end: end.map(Offset),
            path: "x.log".to_owned(),
            position: 64,
            why: "torn".to_owned(),
        }
    }

    #[test]
    fn a_fence_covers_its_range_and_says_so() {
        let mut fences = Fences::new(Some(fence(100, None)));
        fences.add(fence(10, Some(20)));
        for (offset, covered) in [
            (9, false),
            (10, true),
            (19, true),
            (20, false),
            (99, false),
            (1_000, true),
        ] {
            assert_eq!(fences.at(Offset(offset)).is_some(), covered, "{offset}");
        }
        assert_eq!(
            fence(10, Some(20)).to_string(),
            "offsets 10 to 20 are fenced: x.log at 64: torn"
        );
    }

    #[test]
    fn many_fences_grow_together_and_uncover_nothing() {
        let mut fences = Fences::default();
        (0..200).for_each(|number| fences.add(fence(10 * number, Some(10 * number + 1))));
        assert_eq!(fences.found.len(), FENCES_MAX);
        assert!((0..200).all(|number| fences.at(Offset(10 * number)).is_some()));
    }

    #[test]
    fn those_far_apart_stay_apart() {
        let mut fences = Fences::default();
        fences.add(fence(1_000_000, Some(1_000_001)));
        (0..200).for_each(|number| fences.add(fence(2 * number, Some(2 * number + 1))));
        assert!(fences.at(Offset(1_000)).is_none() && fences.at(Offset(999_999)).is_none());
        assert!(fences.at(Offset(1_000_000)).is_some());
    }

    #[test]
    fn a_fence_is_told_of_once_and_ends_where_the_log_is_cut() {
        let mut fences = Fences::default();
        fences.add(fence(10, Some(20)));
        fences.add(fence(30, Some(40)));
        assert_eq!(
            [15, 15, 25, 30].map(|at| fences.tell(Offset(at))),
            [true, false, false, true]
        );
        fences.cut(Offset(15));
        assert!(fences.at(Offset(14)).is_some());
        assert!(fences.at(Offset(15)).is_none() && fences.at(Offset(35)).is_none());
    }
}
