//! What consensus knows of its own log: where each reign begins in it, how far it is durable, who votes by it.
//!
//! ```text
//!   1        2 3 4        5 6 7 8        9
//!   |--term 1--|--- term 2 ---|-- term 5 --->
//!              ^ flushed          ^ dirty            reigns: (1,1) (3,2) (7,5)
//! ```
//! It begins behind a prefix, of which the last position and the configuration are kept.
//! The metadata of frames that somebody may still have to be sent at once are kept in `recent`; older frames are asked
//! for when a follower lacks them.

use std::collections::VecDeque;
use std::sync::Arc;

use model::{LogIndex, Term};
use stdx::mutant;

use crate::config::Config;
use crate::frame::{Frame, Frames};
use crate::holes::{Hole, Holes};
use crate::position::Position;
use crate::prefix::Prefix;
use crate::reigns::Reigns;

/// A log that begins behind a prefix.
#[derive(Clone, Debug)]
pub struct LogView {
    reigns: Reigns,
    dirty: LogIndex,
    flushed: LogIndex,
    /// Counts the truncations: what is told of an earlier log does not hold for this one.
    epoch: u64,
    /// Configurations by the index from which they are in force; the first is in force at the prefix.
    configs: Vec<(LogIndex, Arc<Config>)>,
    /// Frames that say where the log is to begin, and where, as far as it does not yet.
    starts: Vec<(LogIndex, LogIndex)>,
    /// Frames that cannot be read.
    holes: Holes,
    /// The last frame that the log itself shows to be committed.
    known_commit: LogIndex,
    recent: VecDeque<Frame>,
}

impl LogView {
    /// An empty log of a group that begins with `config`.
    pub fn new(config: Config) -> Self {
        Self::behind(&Prefix::none(config))
    }

    /// An empty log behind `prefix`, all of it durable.
    fn behind(prefix: &Prefix) -> Self {
        let index = prefix.last.index;
        Self {
            reigns: Reigns::behind(prefix.last),
            dirty: index,
            flushed: index,
            epoch: 0,
            configs: vec![(index, Arc::clone(&prefix.config))],
            starts: Vec::new(),
            holes: Holes::default(),
            known_commit: index,
            recent: VecDeque::new(),
        }
    }

    /// The log that recovery found behind `prefix`, all of it durable: the first index of each reign that begins there,
    /// the last frame, and all configurations in it: whoever begins later has to know the one that was in force there.
    pub fn recovered(
        prefix: &Prefix,
        reigns: impl IntoIterator<Item = (LogIndex, Term)>,
        last: LogIndex,
        configs: impl IntoIterator<Item = (LogIndex, Arc<Config>)>,
    ) -> Self {
        let mut log = Self::behind(prefix);
        log.reigns.extend(reigns);
        log.configs.extend(configs);
        (log.dirty, log.flushed) = (last, last);
        log
    }

    /// With the frames in it that say where it is to begin, each with its own index first.
    #[must_use]
    pub fn with_starts(mut self, starts: impl IntoIterator<Item = (LogIndex, LogIndex)>) -> Self {
        let begins = self.start().index;
        let open = starts.into_iter().filter(|(_, upto)| *upto > begins);
        self.starts.extend(open);
        self
    }

    /// With the last frame that frames in it say to be committed, as each gap does of itself, and the ranges that cannot be
    /// read. There is a frame behind each of them that can; otherwise the log ends before it.
    #[must_use]
    pub fn with_holes(
        mut self,
        known_commit: LogIndex,
        holes: impl IntoIterator<Item = Hole>,
    ) -> Self {
        self.known_commit = known_commit.clamp(self.start().index, self.dirty);
        for hole in holes {
            self.holes.add(hole);
        }
        self
    }

    /// The last frame of the prefix: the log begins behind it.
    pub fn start(&self) -> Position {
        self.reigns.start()
    }

    pub(crate) fn known_commit(&self) -> LogIndex {
        self.known_commit
    }

    pub(crate) fn holes(&self) -> &Holes {
        &self.holes
    }

    /// Whether there may be something in it that it does not know of, such as another configuration.
    pub(crate) fn hides_frames(&self) -> bool {
        !self.holes.are_seen()
    }

    /// What stands for the frames before it.
    pub fn prefix(&self) -> Prefix {
        let last = self.start();
        let config = Arc::clone(self.config_at(last.index));
        Prefix { last, config }
    }

    /// The last frame.
    pub fn dirty(&self) -> LogIndex {
        self.dirty
    }

    /// The last frame up to which all are durable and can be read.
    pub fn flushed(&self) -> LogIndex {
        if mutant!(R22) {
            return self.flushed;
        }
        self.flushed.min(self.whole())
    }

    /// The last frame that is durable, whatever cannot be read before it.
    pub(crate) fn synced(&self) -> LogIndex {
        self.flushed
    }

    /// The last frame up to which all can be read.
    pub(crate) fn whole(&self) -> LogIndex {
        let hole = self.holes.first();
        hole.map_or(self.dirty, |hole| LogIndex(hole.first.0 - 1))
    }

    /// The number of truncations.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The last frame and its term.
    pub fn last(&self) -> Position {
        Position {
            index: self.dirty,
            term: self.reigns.last(),
        }
    }

    /// The term of the frame at `index`, or of the last one before the log; that of index 0 is zero. None beyond the end
    /// and before that, and in a hole that nobody has looked into if the frames around it are not of one reign.
    pub fn term_at(&self, index: LogIndex) -> Option<Term> {
        if index > self.dirty || index < self.start().index {
            return None;
        }
        let term = self.reigns.at(index);
        let hole = self.holes.at(index).filter(|hole| !hole.seen);
        let behind = hole.map(|hole| self.reigns.at(hole.last.next().min(self.dirty)));
        behind.is_none_or(|behind| behind == term).then_some(term)
    }

    /// The last index up to `last` of the reign at `index`.
    pub(crate) fn reign_ends(&self, index: LogIndex, last: LogIndex) -> LogIndex {
        self.reigns.ends(index).map_or(last, |end| end.min(last))
    }

    /// Whether the frame of `position` is the one there; none is at the zero position.
    pub(crate) fn holds(&self, position: Position) -> bool {
        position != Position::ZERO && self.term_at(position.index) == Some(position.term)
    }

    /// The frame at `index` with its term.
    pub fn position(&self, index: LogIndex) -> Option<Position> {
        self.term_at(index).map(|term| Position { index, term })
    }

    /// The first index of the reign to which the frame at `index` belongs, as far as the log is there.
    pub fn reign_begins(&self, index: LogIndex) -> LogIndex {
        self.reigns.begins(index)
    }

    /// The configuration in force, and from where.
    pub fn config(&self) -> (LogIndex, &Arc<Config>) {
        let (index, config) = self
            .configs
            .last()
            .expect("there is one from before the log");
        (*index, config)
    }

    /// The configuration that was in force at `index`.
    pub fn config_at(&self, index: LogIndex) -> &Arc<Config> {
        let after = self.configs.partition_point(|(from, _)| *from <= index);
        &self.configs[after - 1].1
    }

    pub(crate) fn append(&mut self, frames: impl IntoIterator<Item = Frame>) {
        for frame in frames {
            self.dirty = self.dirty.next();
            self.reigns.push(self.dirty, frame.term);
            if let Some(config) = frame.config() {
                // One that says nothing new, as the first of most logs, is kept once.
                let (_, before) = self.config();
                let same = if before == config { before } else { config };
                let config = Arc::clone(same);
                self.configs.push((self.dirty, config));
            }
            if let Some(upto) = frame.start().filter(|upto| *upto > self.start().index) {
                self.starts.push((self.dirty, upto));
            }
            self.recent.push_back(frame);
        }
    }

    /// Cuts off everything above `last`.
    pub(crate) fn truncate(&mut self, last: LogIndex) {
        let cut = self.dirty.0 - last.0;
        let keep = self
            .recent
            .len()
            .saturating_sub(usize::try_from(cut).unwrap_or(usize::MAX));
        self.recent.truncate(keep);
        self.dirty = last;
        self.flushed = self.flushed.min(last);
        self.epoch += 1;
        self.reigns.truncate(last);
        self.configs.retain(|(from, _)| *from <= last);
        self.holes.truncate(last);
        self.starts.retain(|(at, _)| *at <= last);
    }

    /// Drops everything, and begins behind `prefix`, which is not durable yet.
    pub(crate) fn reset(&mut self, prefix: &Prefix) {
        let epoch = self.epoch + 1;
        *self = Self::behind(prefix);
        (self.epoch, self.flushed) = (epoch, LogIndex::ZERO);
    }

    /// Frames from `first` to `last` cannot be read any more. What they said is still known.
    pub(crate) fn lose(&mut self, first: LogIndex, last: LogIndex) {
        self.forget(last);
        self.holes.add(Hole {
            first,
            last,
            chain: None,
            seen: true,
        });
    }

    /// A hole had these frames, chained to what had the checksum `chain`.
    pub(crate) fn fill(&mut self, first: LogIndex, frames: &[Frame], chain: u32) {
        let last = LogIndex(first.0 + frames.len() as u64 - 1);
        for (index, frame) in (first.0..).map(LogIndex).zip(frames) {
            self.reigns.set(index, frame.term);
            if let Some(config) = frame.config() {
                let at = self.configs.partition_point(|(from, _)| *from < index);
                if self.configs.get(at).is_none_or(|(from, _)| *from != index) {
                    self.configs.insert(at, (index, Arc::clone(config)));
                }
            }
            if let Some(upto) = frame.start().filter(|upto| *upto > self.start().index) {
                let at = self.starts.partition_point(|(from, _)| *from < index);
                if self.starts.get(at).is_none_or(|(from, _)| *from != index) {
                    self.starts.insert(at, (index, upto));
                }
            }
        }
        self.holes.fill(first, last, Some(chain));
    }

    /// Begins behind `prefix`, whatever could not be read of it.
    pub(crate) fn lose_prefix(&mut self, prefix: &Prefix) {
        let upto = prefix.last.index;
        self.holes.begin_behind(upto);
        self.reigns.set(upto, prefix.last.term);
        self.begin_behind(upto);
        // What could not be read may have said another one.
        self.configs[0].1 = Arc::clone(&prefix.config);
    }

    /// Whether a frame that moves the start is not committed.
    pub(crate) fn start_is_open(&self, commit: LogIndex) -> bool {
        self.starts.last().is_some_and(|(at, _)| *at > commit)
    }

    /// Where the log is to begin by what is committed, if not there already.
    pub(crate) fn start_due(&self, commit: LogIndex) -> Option<LogIndex> {
        let committed = self.starts.iter().take_while(|(at, _)| *at <= commit);
        committed.map(|(_, upto)| *upto).max()
    }

    /// Begins behind `upto`, which is committed and there.
    pub(crate) fn begin_behind(&mut self, upto: LogIndex) -> Prefix {
        self.forget(upto);
        self.reigns.begin_behind(upto);
        let after = self.configs.partition_point(|(from, _)| *from <= upto);
        self.configs.drain(..after - 1);
        self.starts.retain(|(_, to)| *to > upto);
        self.prefix()
    }

    /// Everything up to `upto` is durable, as was said in `epoch`. False when that is old news.
    pub(crate) fn flush(&mut self, upto: LogIndex, epoch: u64) -> bool {
        let news = epoch == self.epoch && upto > self.flushed && upto <= self.dirty;
        if news {
            self.flushed = upto;
        }
        news
    }

    /// The first index whose metadata are kept.
    pub(crate) fn recent_from(&self) -> LogIndex {
        LogIndex(self.dirty.0 + 1 - self.recent.len() as u64)
    }

    /// Frames from `first` on, `frames_max` at most, as many as have `bytes_max` bytes and one at least. None where they are not
    /// kept.
    pub(crate) fn frames(
        &self,
        first: LogIndex,
        bytes_max: u64,
        frames_max: usize,
    ) -> Option<Frames> {
        let skip = first.0.checked_sub(self.recent_from().0)?;
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let mut bytes = 0;
        let fits = |frame: &&Frame| {
            let before = bytes;
            bytes += u64::from(frame.bytes);
            before == 0 || bytes <= bytes_max
        };
        Some(
            self.recent
                .iter()
                .skip(skip)
                .take(frames_max.max(1))
                .take_while(fits)
                .cloned()
                .collect(),
        )
    }

    /// Bytes of the frames above `index`, as far as they are kept.
    pub(crate) fn bytes_above(&self, index: LogIndex) -> u64 {
        let skip = (index.0 + 1).saturating_sub(self.recent_from().0);
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        self.recent
            .iter()
            .skip(skip)
            .map(|frame| u64::from(frame.bytes))
            .sum()
    }

    /// Gives the memory back that nothing needs now.
    pub(crate) fn give_back(&mut self) {
        self.recent.shrink_to_fit();
        self.reigns.give_back();
        self.configs.shrink_to_fit();
        self.starts.shrink_to_fit();
    }

    /// Forgets the metadata of frames up to `upto`, which is committed.
    pub(crate) fn forget(&mut self, upto: LogIndex) {
        let count = (upto.0 + 1).saturating_sub(self.recent_from().0);
        let count = usize::try_from(count)
            .unwrap_or(usize::MAX)
            .min(self.recent.len());
        self.recent.drain(..count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::FrameKind;
    use crate::replica::ReplicaId;

    fn data(term: u32, bytes: u32) -> Frame {
        Frame {
            term: Term(term),
            kind: FrameKind::Data,
            bytes,
        }
    }

    fn log(terms: &[u32]) -> LogView {
        let mut log = LogView::new(Config::of([ReplicaId::first(1)]));
        log.append(terms.iter().map(|&term| data(term, 10)));
        log.flush(log.dirty(), 0);
        log
    }

    #[test]
    fn terms_are_exact_at_every_index() {
        let terms = [1, 1, 2, 2, 2, 2, 5, 5];
        let log = log(&terms);
        for (index, term) in (1..).zip(terms) {
            assert_eq!(log.term_at(LogIndex(index)), Some(Term(term)));
        }
        assert_eq!(log.term_at(LogIndex(0)), Some(Term::ZERO));
        assert_eq!(log.term_at(LogIndex(9)), None);
        assert_eq!(log.last(), Position::new(8, 5));
        assert_eq!(log.reign_begins(LogIndex(6)), LogIndex(3));
        assert_eq!(log.reign_begins(LogIndex(8)), LogIndex(7));
    }

    #[test]
    fn what_is_told_of_a_log_before_its_truncation_is_old_news() {
        let mut log = log(&[1, 1]);
        log.append([data(1, 10), data(1, 10)]);
        assert_eq!((log.dirty(), log.flushed()), (LogIndex(4), LogIndex(2)));
        log.truncate(LogIndex(1));
        assert_eq!(
            (log.dirty(), log.flushed(), log.epoch()),
            (LogIndex(1), LogIndex(1), 1)
        );
        log.append([data(2, 10), data(2, 10)]);
        assert!(!log.flush(LogIndex(3), 0), "of the log before");
        assert!(log.flush(LogIndex(2), 1));
        assert!(!log.flush(LogIndex(9), 1), "beyond the end");
        assert_eq!(log.flushed(), LogIndex(2));
    }

    #[test]
    fn configurations_are_in_force_from_their_frames_and_go_with_them() {
        let mut log = log(&[1]);
        let config = Arc::new(Config::of([1, 2, 3].map(ReplicaId::first)));
        log.append([Frame {
            term: Term(2),
            kind: FrameKind::Config(Arc::clone(&config)),
            bytes: 1,
        }]);
        assert_eq!(log.config(), (LogIndex(2), &config));
        assert_eq!(log.config_at(LogIndex(1)).voters.len(), 1);
        log.truncate(LogIndex(1));
        assert_eq!(log.config().1.voters.len(), 1);
    }

    #[test]
    fn frames_that_are_kept_are_given_by_bytes_and_one_at_least() {
        let mut log = log(&[1, 1, 1, 1]);
        let count = |log: &LogView, first, bytes| {
            log.frames(LogIndex(first), bytes, 1_000)
                .map(|frames| frames.len())
        };
        assert_eq!(count(&log, 1, 25), Some(2));
        assert_eq!(count(&log, 4, 1), Some(1));
        assert_eq!(count(&log, 5, 100), Some(0));
        assert_eq!(log.bytes_above(LogIndex(1)), 30);
        log.forget(LogIndex(2));
        assert_eq!(count(&log, 2, 100), None);
        assert_eq!(count(&log, 3, 100), Some(2));
        assert_eq!(log.bytes_above(LogIndex(3)), 10);
        assert_eq!(
            log.term_at(LogIndex(1)),
            Some(Term(1)),
            "terms are never forgotten"
        );
    }

    #[test]
    fn a_log_begins_behind_its_prefix() {
        let mut log = log(&[1, 1, 2, 2, 3]);
        log.append([Frame {
            term: Term(3),
            kind: FrameKind::PrefixTruncate(LogIndex(4)),
            bytes: 0,
        }]);
        assert_eq!(log.start_due(LogIndex(5)), None, "it is not committed");
        assert!(log.start_is_open(LogIndex(5)));
        assert_eq!(log.start_due(LogIndex(6)), Some(LogIndex(4)));
        let prefix = log.begin_behind(LogIndex(4));
        assert_eq!(prefix.last, Position::new(4, 2));
        assert_eq!(log.start(), Position::new(4, 2));
        assert_eq!(log.start_due(LogIndex(6)), None, "it is there");
        assert_eq!(log.term_at(LogIndex(3)), None);
        assert_eq!(log.term_at(LogIndex(4)), Some(Term(2)));
        assert_eq!(log.last(), Position::new(6, 3));
        log.reset(&Prefix {
            last: Position::new(9, 3),
            ..prefix
        });
        assert_eq!(log.last(), Position::new(9, 3));
        assert_eq!((log.flushed(), log.epoch()), (LogIndex::ZERO, 1));
        log.append([data(3, 10), data(4, 10)]);
        assert_eq!(log.last(), Position::new(11, 4));
        assert_eq!(log.term_at(LogIndex(10)), Some(Term(3)));
    }
}
