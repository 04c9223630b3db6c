//! A replica's disk: what is durable, what is on its way, and what cannot be read any more.

use core::fmt;
use std::collections::VecDeque;

use model::{LogIndex, Term};
use raft::{Config, Frame, FrameKind, Frames, HardState, Input, Lack, LogView, Position, Prefix};

use crate::log;

/// What a sector gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Good,
    /// Nothing; nobody has tried.
    Bad,
    /// Nothing, and that is known.
    Found,
    /// Nothing, and written again: good as soon as that is durable.
    Rewritten,
}

impl State {
    fn is_readable(self) -> bool {
        matches!(self, Self::Good | Self::Rewritten)
    }
}

/// Something that makes no difference between two states.
#[derive(Clone, Copy, Default)]
pub(crate) struct Aside<T>(pub(crate) T);

impl<T> fmt::Debug for Aside<T> {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

/// A frame where it was written.
#[derive(Clone, Debug)]
struct Slot {
    frame: Frame,
    /// What it says to be committed.
    commit: LogIndex,
    state: State,
}

/// A log and a hard state that become durable bit by bit.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    /// What stands for the frames before those that are here.
    pub(crate) prefix: Prefix,
    slots: Vec<Slot>,
    /// How many of them are in the log, as a process sees it. What comes behind is kept.
    view: usize,
    /// How many of them are durable.
    durable: usize,
    pub(crate) hard: HardState,
    pub(crate) epoch: u64,
    hard_on_its_way: VecDeque<(u64, HardState)>,
    /// Appends that were not said to be durable: the last frame, and of which log.
    flushes: VecDeque<(LogIndex, u64)>,
    repairs: VecDeque<(LogIndex, Frames)>,
    /// What is there if the process dies before the log that was installed is durable.
    before_install: Option<Box<(Prefix, Vec<Slot>)>>,
    /// Counts what happens to the log: what was checked of one state need not be checked again.
    pub(crate) version: Aside<u64>,
    /// What it was told to do and cannot be right.
    pub(crate) broken: Option<String>,
}

impl Disk {
    /// An empty one, of a group that begins with `config`.
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            prefix: Prefix::none(config.clone()),
            slots: Vec::new(),
            view: 0,
            durable: 0,
            hard: HardState::default(),
            epoch: 0,
            hard_on_its_way: VecDeque::new(),
            flushes: VecDeque::new(),
            repairs: VecDeque::new(),
            before_install: None,
            version: Aside(0),
            broken: None,
        }
    }

    /// The last frame of the log.
    pub(crate) fn last(&self) -> LogIndex {
        LogIndex(self.start().0 + self.view as u64)
    }

    /// The last frame before the first.
    pub(crate) fn start(&self) -> LogIndex {
        self.prefix.last.index
    }

    /// The last frame that was made durable, whatever became of it, and whether or not a log that was installed is.
    pub(crate) fn durable(&self) -> LogIndex {
        if let Some(before) = &self.before_install {
            let (prefix, slots) = &**before;
            let last = LogIndex(prefix.last.index.0 + slots.len() as u64);
            return last.min(self.start());
        }
        LogIndex(self.start().0 + self.durable as u64)
    }

    /// The last frame up to which all are durable and can be read.
    pub(crate) fn flushed(&self) -> LogIndex {
        let bad = self.slots[..self.view]
            .iter()
            .position(|slot| matches!(slot.state, State::Found | State::Rewritten));
        let good = LogIndex(self.start().0 + bad.unwrap_or(self.view) as u64);
        self.durable().min(good)
    }

    fn slot(&self, index: LogIndex) -> Option<&Slot> {
        let at = index.0.checked_sub(self.start().0 + 1)?;
        self.slots.get(usize::try_from(at).ok()?)
    }

    /// The last position of the log, whether or not it can be read.
    pub(crate) fn tail(&self) -> Position {
        last_of(&self.prefix, &self.slots[..self.view])
    }

    /// The position that it votes by at least, whatever happens to its process.
    pub(crate) fn promised(&self) -> Position {
        let last = self.before_install.as_ref().map_or_else(
            || last_of(&self.prefix, &self.slots[..self.durable]),
            |before| last_of(&before.0, &before.1),
        );
        if last.is_up_to_date(self.hard.claimed) {
            last
        } else {
            self.hard.claimed
        }
    }

    /// Who votes by the log, whether or not that can be read.
    pub(crate) fn config(&self) -> &Config {
        let mut configs = self.placed().filter_map(|(_, frame)| frame.config());
        configs.next_back().unwrap_or(&self.prefix.config)
    }

    /// What was written at `index`, whether or not it can be read.
    pub(crate) fn written(&self, index: LogIndex) -> Option<&Frame> {
        self.slot(index).map(|slot| &slot.frame)
    }

    /// The frame of the log at `index`, if it can be read.
    pub(crate) fn frame(&self, index: LogIndex) -> Option<&Frame> {
        let slot = self.slot(index).filter(|slot| slot.state.is_readable());
        slot.filter(|_| index <= self.last())
            .map(|slot| &slot.frame)
    }

    /// Whether `frame` is durable at `index` and can be read.
    pub(crate) fn keeps(&self, index: LogIndex, frame: &Frame) -> bool {
        let slot = self.slot(index).filter(|slot| slot.state == State::Good);
        index <= self.durable() && slot.is_some_and(|slot| same(&slot.frame, frame))
    }

    /// All frames of the log behind the prefix with their places, whether or not they can be read.
    pub(crate) fn placed(&self) -> impl DoubleEndedIterator<Item = (LogIndex, &Frame)> + Clone {
        let first = self.start().0 + 1;
        let places = self.slots[..self.view].iter().enumerate();
        places.map(move |(at, slot)| (LogIndex(first + at as u64), &slot.frame))
    }

    /// A number that nothing but the frame at `index` has, as a checksum that is chained.
    pub(crate) fn chain(&self, index: LogIndex) -> u32 {
        let term = if index == self.start() {
            self.prefix.last.term
        } else {
            self.written(index).map_or(Term::ZERO, |frame| frame.term)
        };
        term.0 * 10_000 + u32::try_from(index.0).expect("logs of tests are short")
    }

    /// Frames from `first` on up to the first that cannot be read.
    pub(crate) fn read(&self, first: LogIndex, count: usize) -> Frames {
        let places = (first.0..=self.last().0).map(LogIndex).take(count);
        let frames = places.map_while(|index| self.frame(index));
        frames.cloned().collect()
    }

    /// The same, of what is behind a fence too.
    pub(crate) fn read_kept(&self, first: LogIndex, count: usize) -> Frames {
        let places = (first.0..).map(LogIndex).take(count);
        let readable = |index| self.slot(index).filter(|slot| slot.state.is_readable());
        let frames = places.map_while(|index| readable(index).map(|slot| slot.frame.clone()));
        frames.collect()
    }

    /// Whether the frames that somebody lacks are those that were written here.
    pub(crate) fn proves(&self, lack: &Lack) -> bool {
        let anchor = lack.anchor;
        let there = self.slot(anchor.index);
        let there = there.filter(|slot| slot.state.is_readable());
        lack.chain == Some(self.chain(lack.last))
            || there.is_some_and(|slot| slot.frame.term == anchor.term)
    }

    fn count(&self, last: LogIndex) -> usize {
        count(last) - count(self.start())
    }

    /// Appends, where what is there already and is the same stays.
    pub(crate) fn append(
        &mut self,
        first: LogIndex,
        frames: &[Frame],
        epoch: u64,
        commit: LogIndex,
    ) {
        self.version.0 += 1;
        assert_eq!(first, self.last().next(), "appends go to the end");
        assert_eq!(epoch, self.epoch);
        for frame in frames {
            let at = self.view;
            match self.slots.get_mut(at) {
                Some(slot) if same(&slot.frame, frame) => {
                    if !slot.state.is_readable() {
                        slot.frame = frame.clone();
                        slot.state = State::Rewritten;
                    }
                }
                _ => {
                    self.slots.truncate(at);
                    self.durable = self.durable.min(at);
                    self.slots.push(Slot {
                        frame: frame.clone(),
                        commit,
                        state: State::Good,
                    });
                }
            }
            self.view += 1;
        }
    }

    /// Begins to make durable what was appended.
    pub(crate) fn flush(&mut self, epoch: u64) {
        assert_eq!(epoch, self.epoch);
        self.flushes.push_back((self.last(), epoch));
    }

    /// Cuts, durably.
    pub(crate) fn truncate(&mut self, last: LogIndex, epoch: u64) {
        self.fence(last, epoch);
        self.slots.truncate(self.view);
        self.durable = self.durable.min(self.view);
    }

    /// The log ends at `last`; what comes then is kept.
    pub(crate) fn fence(&mut self, last: LogIndex, epoch: u64) {
        self.version.0 += 1;
        self.view = self.count(last);
        self.epoch = epoch;
    }

    /// Begins later, durably.
    pub(crate) fn begin(&mut self, prefix: Prefix) {
        self.version.0 += 1;
        let gone = self.count(prefix.last.index);
        self.slots.drain(..gone);
        self.view -= gone;
        self.durable = self.durable.saturating_sub(gone);
        self.prefix = prefix;
    }

    /// Begins anew behind `prefix`, which is durable as soon as anything is.
    pub(crate) fn install(&mut self, prefix: Prefix, epoch: u64) {
        self.version.0 += 1;
        let slots = core::mem::take(&mut self.slots);
        let old = core::mem::replace(&mut self.prefix, prefix);
        if self.before_install.is_none() {
            let durable = slots.into_iter().take(self.durable).collect();
            self.before_install = Some(Box::new((old, durable)));
        }
        (self.view, self.durable) = (0, 0);
        self.epoch = epoch;
        self.flushes.push_back((self.start(), epoch));
    }

    pub(crate) fn persist(&mut self, sequence: u64, state: HardState) {
        self.hard_on_its_way.push_back((sequence, state));
    }

    /// Begins to write frames where they were. It comes before whatever is cut later, so what is there now is what counts.
    pub(crate) fn repair(&mut self, first: LogIndex, frames: Frames) {
        for (index, frame) in (first.0..).map(LogIndex).zip(&frames) {
            if self.written(index).is_some_and(|there| !same(there, frame)) {
                self.broken = Some(format!("S25: {index} is repaired with something else"));
            }
        }
        self.repairs.push_back((first, frames));
    }

    /// Whether something is on its way.
    pub(crate) fn is_busy(&self) -> bool {
        self.flushes() || self.persists() || self.repairs()
    }

    /// Whether frames are.
    pub(crate) fn flushes(&self) -> bool {
        !self.flushes.is_empty()
    }

    /// Whether a repair is.
    pub(crate) fn repairs(&self) -> bool {
        !self.repairs.is_empty()
    }

    /// Whether a hard state is.
    pub(crate) fn persists(&self) -> bool {
        !self.hard_on_its_way.is_empty()
    }

    /// Makes the hard state durable that is on its way.
    pub(crate) fn finish_hard(&mut self) -> Option<Input> {
        let (sequence, state) = self.hard_on_its_way.pop_front()?;
        let (before, vote) = (self.hard, self.hard.vote);
        if state.term < before.term {
            self.broken = Some(format!("S3: {state:?} after {before:?}"));
        }
        if state.term == before.term && vote.is_some() && state.vote != vote {
            self.broken = Some(format!("S2: {state:?} after {before:?}"));
        }
        self.hard = state;
        Some(Input::Persisted { sequence })
    }

    /// Makes a repair durable.
    pub(crate) fn finish_repair(&mut self) -> Option<Input> {
        self.version.0 += 1;
        let (first, frames) = self.repairs.pop_front()?;
        for (index, frame) in (first.0..).map(LogIndex).zip(&frames) {
            let start = self.start();
            let Some(at) = index.0.checked_sub(start.0 + 1) else {
                continue;
            };
            let at = usize::try_from(at).expect("logs of tests are short");
            // It may have been cut off since, and another be there.
            let slot = self.slots.get_mut(at);
            if let Some(slot) = slot.filter(|slot| same(&slot.frame, frame)) {
                slot.frame = frame.clone();
                slot.state = State::Good;
            }
        }
        let chain = self.chain(LogIndex(first.0 - 1));
        Some(Input::Repaired {
            first,
            frames,
            chain,
        })
    }

    /// Makes some flush durable, the `choice`-th that is on its way: they may end in any order.
    pub(crate) fn finish_flush(&mut self, choice: usize) -> Option<Input> {
        self.version.0 += 1;
        let (upto, epoch) = self.flushes.remove(choice % self.flushes.len().max(1))?;
        if epoch == self.epoch {
            // One that ends before an earlier one says what is durable only with it: storage tells of a prefix.
            self.flushes
                .retain(|&(other, of)| of != epoch || other > upto);
            self.before_install = None;
            // The log may begin behind it by now.
            let stay = count(LogIndex(upto.0.saturating_sub(self.start().0)));
            self.durable = self.durable.max(stay);
            for slot in &mut self.slots[..stay] {
                if slot.state == State::Rewritten {
                    slot.state = State::Good;
                }
            }
        }
        Some(Input::Flushed { upto, epoch })
    }

    /// The process dies; of what was not durable the first `kept` survive, a log that was installed among them. Returns what
    /// of the log did not.
    pub(crate) fn crash(&mut self, kept: usize) -> Vec<Position> {
        self.version.0 += 1;
        let before: Vec<Position> = self.positions().collect();
        let mut kept = kept;
        if let Some(before) = self.before_install.take() {
            if kept == 0 {
                (self.prefix, self.slots) = *before;
                self.durable = self.slots.len();
            }
            kept = kept.saturating_sub(1);
        }
        let survive = (self.durable + kept).min(self.slots.len());
        self.slots.truncate(survive);
        self.durable = survive;
        self.view = survive;
        for slot in &mut self.slots {
            if slot.state == State::Rewritten {
                slot.state = State::Bad;
            }
        }
        self.hard_on_its_way.clear();
        self.flushes.clear();
        self.repairs.clear();
        self.epoch = 0;
        let lost = before.into_iter();
        lost.filter(|position| !self.holds(*position)).collect()
    }

    fn positions(&self) -> impl Iterator<Item = Position> {
        self.placed().map(|(index, frame)| Position {
            index,
            term: frame.term,
        })
    }

    /// Nobody needs these records any more: gaps take their places, durably.
    pub(crate) fn compact(&mut self, first: LogIndex, last: LogIndex) -> u64 {
        self.version.0 += 1;
        let (from, to) = (self.count(first) - 1, self.count(last));
        let records =
            |slot: &&mut Slot| slot.frame.kind == FrameKind::Data && slot.state == State::Good;
        let gone = self.slots[from..to].iter_mut().filter(records);
        let gone = gone.map(|slot| (slot.frame.kind, slot.frame.bytes) = (FrameKind::Gap, 0));
        gone.count() as u64
    }

    /// What cannot be read any more from now on, if it is there and is durable.
    pub(crate) fn damage(&mut self, index: LogIndex) {
        self.version.0 += 1;
        let at = self.count(index) - 1;
        self.slots[at].state = State::Bad;
    }

    /// Somebody tried to read it.
    pub(crate) fn find(&mut self, index: LogIndex) {
        self.version.0 += 1;
        let at = self.count(index) - 1;
        self.slots[at].state = State::Found;
    }

    /// Whether a frame of the log above `index` is known to be unreadable.
    pub(crate) fn lacks_above(&self, index: LogIndex) -> bool {
        let at = self.count(index).min(self.view);
        let mut slots = self.slots[at..self.view].iter();
        slots.any(|slot| slot.state == State::Found)
    }

    /// Frames of the log that cannot be read.
    pub(crate) fn bad(&self) -> Vec<LogIndex> {
        let places = (self.start().0 + 1..).map(LogIndex);
        let slots = places.zip(&self.slots[..self.view]);
        let bad = slots.filter(|(_, slot)| !slot.state.is_readable());
        bad.map(|(index, _)| index).collect()
    }

    /// What a process finds that starts now, by the table of recovery: what is committed or was claimed and cannot be read
    /// is a hole; anything else never was durable.
    pub(crate) fn recover(&mut self) -> (HardState, LogView) {
        self.version.0 += 1;
        for slot in &mut self.slots {
            if slot.state == State::Bad {
                slot.state = State::Found;
            }
        }
        let said = (self.start().0 + 1..).map(LogIndex).zip(&self.slots);
        let readable = said.filter(|(_, slot)| slot.state.is_readable());
        let said = readable.map(|(index, slot)| {
            // Nothing goes that is not committed.
            let gap = slot.frame.kind == FrameKind::Gap;
            if gap { index } else { slot.commit }
        });
        let said = said.max().unwrap_or_default();
        let known_commit = said.max(self.start());
        self.view = self.slots.len();
        let promised = known_commit.max(self.hard.claimed.index);
        if let Some(torn) = self.bad().into_iter().find(|index| *index > promised) {
            self.slots.truncate(self.count(torn) - 1);
            self.view = self.slots.len();
            self.durable = self.view;
        }
        // A hole has something behind it, or the log ends before it.
        let read = self.slots[..self.view]
            .iter()
            .rposition(|slot| slot.state.is_readable());
        self.view = read.map_or(0, |last| last + 1);
        let slots = self.slots[..self.view].iter();
        let frames = slots.map(|slot| slot.state.is_readable().then_some(&slot.frame));
        let log = log::recovered(&self.prefix, frames, known_commit, |last| {
            Some(self.chain(last))
        });
        (self.hard, log)
    }

    /// Whether `position` is in it, as its last frame before the first or behind that.
    pub(crate) fn holds(&self, position: Position) -> bool {
        let written = self.written(position.index);
        let written = written.filter(|_| position.index <= self.last());
        position == self.prefix.last || written.is_some_and(|frame| frame.term == position.term)
    }
}

/// Whether two frames at one place are the same, or one of them was before a gap came instead.
pub(crate) fn same(one: &Frame, other: &Frame) -> bool {
    let gap = [one, other]
        .iter()
        .any(|frame| frame.kind == FrameKind::Gap);
    one == other || (gap && one.term == other.term)
}

/// The last position of a log.
fn last_of(prefix: &Prefix, slots: &[Slot]) -> Position {
    slots.last().map_or(prefix.last, |slot| Position {
        index: LogIndex(prefix.last.index.0 + slots.len() as u64),
        term: slot.frame.term,
    })
}

/// How many frames there are up to `index`.
pub(crate) fn count(index: LogIndex) -> usize {
    usize::try_from(index.0).expect("logs of tests are short")
}
