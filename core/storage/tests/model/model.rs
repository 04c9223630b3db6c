//! What a log may hold, by what it was told and what it said.

/// Frames are told apart by the numbers that their records carry. Those without records have the number 0.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    /// What was appended and not cut.
    pub(crate) frames: Vec<u64>,
    /// How many of them were said to be durable.
    pub(crate) durable: usize,
    /// How many of them are committed: no more than are durable.
    pub(crate) committed: usize,
    /// What there was before a cut that has not ended.
    before: Option<Vec<u64>>,
    /// The next number.
    next: u64,
}

impl Model {
    /// A number that no frame had yet.
    pub(crate) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// The log says that so many frames are durable.
    pub(crate) fn flushed(&mut self, frames: usize) {
        self.durable = self.durable.max(frames);
    }

    /// All but the first `left` frames are about to be cut off.
    pub(crate) fn cuts(&mut self, left: usize) {
        assert!(left >= self.committed);
        self.before = Some(self.frames.clone());
        self.frames.truncate(left);
        self.durable = self.durable.min(left);
    }

    /// They are, durably.
    pub(crate) fn has_cut(&mut self) {
        self.before = None;
    }

    /// What a start found: so many frames, and the numbers of all records. It counts from now on.
    pub(crate) fn found(&mut self, frames: usize, numbers: &[u64]) -> Result<(), String> {
        if frames < self.durable {
            let durable = self.durable;
            return Err(format!(
                "{durable} frames were durable, and {frames} are there"
            ));
        }
        let before = self.before.take();
        let lists = [Some(&self.frames), before.as_ref()];
        let found = lists.into_iter().flatten();
        let found = found.filter_map(|list| list.get(..frames));
        let found = found.filter(|list| records(list).eq(numbers.iter().copied()));
        let Some(found) = found.map(<[u64]>::to_vec).next() else {
            let all = &self.frames;
            return Err(format!(
                "{frames} frames with {numbers:?} are there, of {all:?}, or, before a cut, {before:?}"
            ));
        };
        self.frames = found;
        self.durable = frames;
        Ok(())
    }

    /// Whether these are the numbers of all records from one on in the frames that are durable.
    pub(crate) fn has(&self, durable: usize, from: usize, numbers: &[u64]) -> bool {
        records(&self.frames[..durable])
            .skip(from)
            .eq(numbers.iter().copied())
    }
}

fn records(frames: &[u64]) -> impl Iterator<Item = u64> + '_ {
    frames.iter().copied().filter(|&number| number > 0)
}
