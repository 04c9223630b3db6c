//! A replica's disk: what is durable, and what is on its way.

use std::collections::VecDeque;

use model::LogIndex;
use raft::{Config, Frame, HardState, Input, LogView};

use crate::log;

/// A log and a hard state that become durable bit by bit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    /// All frames that a process sees, durable or not.
    pub(crate) frames: Vec<Frame>,
    /// How many of them are durable.
    pub(crate) durable: usize,
    pub(crate) hard: HardState,
    epoch: u64,
    hard_on_its_way: VecDeque<(u64, HardState)>,
    /// Appends that were not said to be durable: the last frame, and of which log.
    flushes: VecDeque<(LogIndex, u64)>,
}

impl Disk {
    pub(crate) fn append(&mut self, first: LogIndex, frames: &[Frame], epoch: u64) {
        assert_eq!(count(first), self.frames.len() + 1, "appends go to the end");
        assert_eq!(epoch, self.epoch);
        self.frames.extend(frames.iter().cloned());
        self.flushes
            .push_back((LogIndex(self.frames.len() as u64), epoch));
    }

    /// Cuts, durably.
    pub(crate) fn truncate(&mut self, last: LogIndex, epoch: u64) {
        self.frames.truncate(count(last));
        self.durable = self.durable.min(count(last));
        self.epoch = epoch;
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
            self.durable = self.durable.max(count(upto));
        }
        Some(Input::Flushed { upto, epoch })
    }

    /// The process dies; of what was not durable the first `kept` frames survive.
    pub(crate) fn crash(&mut self, kept: usize) {
        let survive = self.durable + kept.min(self.frames.len() - self.durable);
        self.frames.truncate(survive);
        self.durable = survive;
        self.hard_on_its_way.clear();
        self.flushes.clear();
        self.epoch = 0;
    }

    /// What a process finds that starts now.
    pub(crate) fn recover(&self, config: &Config) -> (HardState, LogView) {
        let log = log::recovered(config.clone(), &self.frames);
        (self.hard, log)
    }
}

/// How many frames there are up to `index`.
pub(crate) fn count(index: LogIndex) -> usize {
    usize::try_from(index.0).expect("logs of tests are short")
}
