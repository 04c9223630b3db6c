//! A replica's disk: what is durable, and what is on its way.

use std::collections::VecDeque;

use model::LogIndex;
use raft::{Config, Frame, HardState, Input, LogView, Position, Prefix};

use crate::log;

/// A log and a hard state that become durable bit by bit.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    /// What stands for the frames before those that are here.
    pub(crate) prefix: Prefix,
    /// All frames behind it that a process sees, durable or not.
    pub(crate) frames: Vec<Frame>,
    /// How many of them are durable.
    durable: usize,
    pub(crate) hard: HardState,
    epoch: u64,
    hard_on_its_way: VecDeque<(u64, HardState)>,
    /// Appends that were not said to be durable: the last frame, and of which log.
    flushes: VecDeque<(LogIndex, u64)>,
    /// What is there if the process dies before the log that was installed is durable.
    before_install: Option<Box<(Prefix, Vec<Frame>)>>,
}

impl Disk {
    /// An empty one, of a group that begins with `config`.
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            prefix: Prefix::none(config.clone()),
            frames: Vec::new(),
            durable: 0,
            hard: HardState::default(),
            epoch: 0,
            hard_on_its_way: VecDeque::new(),
            flushes: VecDeque::new(),
            before_install: None,
        }
    }

    /// The last frame.
    pub(crate) fn last(&self) -> LogIndex {
        LogIndex(self.start().0 + self.frames.len() as u64)
    }

    /// The last frame before the first.
    pub(crate) fn start(&self) -> LogIndex {
        self.prefix.last.index
    }

    /// The last frame that is durable, whether or not a log that was installed is.
    pub(crate) fn durable(&self) -> LogIndex {
        if let Some(before) = &self.before_install {
            let (prefix, frames) = &**before;
            let last = LogIndex(prefix.last.index.0 + frames.len() as u64);
            return last.min(self.start());
        }
        LogIndex(self.start().0 + self.durable as u64)
    }

    /// The frame at `index`, if it is there and behind the prefix.
    pub(crate) fn frame(&self, index: LogIndex) -> Option<&Frame> {
        let at = index.0.checked_sub(self.start().0 + 1)?;
        self.frames.get(usize::try_from(at).ok()?)
    }

    /// All frames behind the prefix with their places.
    pub(crate) fn placed(&self) -> impl DoubleEndedIterator<Item = (LogIndex, &Frame)> {
        let first = self.start().0 + 1;
        let places = self.frames.iter().enumerate();
        places.map(move |(at, frame)| (LogIndex(first + at as u64), frame))
    }

    fn count(&self, last: LogIndex) -> usize {
        count(last) - count(self.start())
    }

    pub(crate) fn append(&mut self, first: LogIndex, frames: &[Frame], epoch: u64) {
        assert_eq!(first, self.last().next(), "appends go to the end");
        assert_eq!(epoch, self.epoch);
        self.frames.extend(frames.iter().cloned());
        self.flushes.push_back((self.last(), epoch));
    }

    /// Cuts, durably.
    pub(crate) fn truncate(&mut self, last: LogIndex, epoch: u64) {
        let stay = self.count(last);
        self.frames.truncate(stay);
        self.durable = self.durable.min(stay);
        self.epoch = epoch;
    }

    /// Begins later, durably.
    pub(crate) fn begin(&mut self, prefix: Prefix) {
        let gone = self.count(prefix.last.index);
        assert!(gone <= self.durable, "what is not durable is not deleted");
        let last = self.frame(prefix.last.index).expect("it is there");
        assert_eq!(last.term, prefix.last.term);
        self.frames.drain(..gone);
        self.durable -= gone;
        self.prefix = prefix;
    }

    /// Begins anew behind `prefix`, which is durable as soon as anything is.
    pub(crate) fn install(&mut self, prefix: Prefix, epoch: u64) {
        let frames = core::mem::take(&mut self.frames);
        let old = core::mem::replace(&mut self.prefix, prefix);
        if self.before_install.is_none() {
            let durable = frames.into_iter().take(self.durable).collect();
            self.before_install = Some(Box::new((old, durable)));
        }
        self.durable = 0;
        self.epoch = epoch;
        self.flushes.push_back((self.start(), epoch));
    }

    pub(crate) fn persist(&mut self, sequence: u64, state: HardState) {
        self.hard_on_its_way.push_back((sequence, state));
    }

    /// Whether something is on its way.
    pub(crate) fn is_busy(&self) -> bool {
        self.flushes() || self.persists()
    }

    /// Whether frames are.
    pub(crate) fn flushes(&self) -> bool {
        !self.flushes.is_empty()
    }

    /// Whether a hard state is.
    pub(crate) fn persists(&self) -> bool {
        !self.hard_on_its_way.is_empty()
    }

    /// Makes the hard state durable that is on its way.
    pub(crate) fn finish_hard(&mut self) -> Option<Input> {
        let (sequence, state) = self.hard_on_its_way.pop_front()?;
        self.hard = state;
        Some(Input::Persisted { sequence })
    }

    /// Makes some flush durable, the `choice`-th that is on its way: they may end in any order.
    pub(crate) fn finish_flush(&mut self, choice: usize) -> Option<Input> {
        let (upto, epoch) = self.flushes.remove(choice % self.flushes.len().max(1))?;
        if epoch == self.epoch {
            // One that ends before an earlier one says what is durable only with it: storage tells of a prefix.
            self.flushes
                .retain(|&(other, of)| of != epoch || other > upto);
            self.before_install = None;
            // The log may begin behind it by now.
            let stay = upto.0.saturating_sub(self.start().0);
            self.durable = self.durable.max(count(LogIndex(stay)));
        }
        Some(Input::Flushed { upto, epoch })
    }

    /// The process dies; of what was not durable the first `kept` survive, a log that was installed among them.
    pub(crate) fn crash(&mut self, kept: usize) {
        let mut kept = kept;
        if let Some(before) = self.before_install.take() {
            if kept == 0 {
                (self.prefix, self.frames) = *before;
                self.durable = self.frames.len();
            }
            kept = kept.saturating_sub(1);
        }
        let survive = self.durable + kept.min(self.frames.len() - self.durable);
        self.frames.truncate(survive);
        self.durable = survive;
        self.hard_on_its_way.clear();
        self.flushes.clear();
        self.epoch = 0;
    }

    /// What a process finds that starts now.
    pub(crate) fn recover(&self) -> (HardState, LogView) {
        let log = log::recovered(&self.prefix, &self.frames);
        (self.hard, log)
    }

    /// Whether `position` is in it, as its last frame before the first or behind that.
    pub(crate) fn holds(&self, position: Position) -> bool {
        let frame = self.frame(position.index);
        position == self.prefix.last || frame.is_some_and(|frame| frame.term == position.term)
    }
}

/// How many frames there are up to `index`.
pub(crate) fn count(index: LogIndex) -> usize {
    usize::try_from(index.0).expect("logs of tests are short")
}
