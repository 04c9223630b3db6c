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

/// Fences that a log keeps at most: behind them the oldest two grow into one.
const FENCES_MAX: usize = 64;

/// All fences of a log.
#[derive(Debug, Default)]
pub(crate) struct Fences {
    /// The one that recovery put up: nothing may be appended behind it.
    refusal: Option<Fence>,
    /// Found later, by reads.
    found: Vec<Fence>,
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
        self.refusal
            .iter()
            .chain(&self.found)
            .find(|fence| fence.covers(offset))
    }

    pub(crate) fn add(&mut self, fence: Fence) {
        if self.found.len() == FENCES_MAX {
            let oldest = self.found.remove(0);
            let grown = &mut self.found[0];
            grown.start = grown.start.min(oldest.start);
            grown.end = grown.end.zip(oldest.end).map(|(end, other)| end.max(other));
        }
        self.found.push(fence);
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
}
