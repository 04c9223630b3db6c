//! One replica of a partition on its core: it leads, alone for now, so what is flushed is committed.

use core::cell::{Cell, RefCell};
use core::fmt;
use std::rc::Rc;

use model::{LeaderEpoch, LogIndex, Offset, Term};
use runtime::sync::{Queue, Signal};
use runtime::{Budget, Either, Reply, Runtime, Spawner, race};
use stdx::{Duration, Timestamp, mutant};
use storage::{
    Append, AppendError, FrameKind, Group, Log, LogConfig, Mark, ReadRequest, RecoveryReport,
};

use crate::calls::{
    Ack, Committed, Found, Open, Propose, ProposeError, Read, ReadAnswer, ReadError, Seek,
    SeekTarget, Watch, Watermarks,
};
use crate::marks;
use crate::outcomes::{Outcome, Outcomes};
use crate::watches::Watches;

/// Proposals that may wait to be appended.
const PROPOSALS_MAX: usize = 1024;

/// How long the log rests before a commit mark is appended: without one, nothing on the disk proves that the last
/// frame was committed.
const REST_BEFORE_MARK: Duration = Duration::from_millis(100);

type ProposeReply = Reply<Result<Committed, ProposeError>>;
type WatchReply = Reply<Result<Watermarks, ReadError>>;

/// A replica. Its tasks hold it, and so does the host's table.
pub(crate) struct Replica {
    runtime: Runtime,
    log: Log,
    term: Term,
    budget: Budget,
    report: RecoveryReport,
    proposals: Queue<(Propose, ProposeReply)>,
    outcomes: RefCell<Outcomes<(Committed, ProposeReply)>>,
    watches: RefCell<Watches<WatchReply>>,
    /// A watch with an earlier deadline may have come.
    watched: Signal,
    /// The last frame that says what was committed before it.
    marked: Cell<LogIndex>,
}

impl Replica {
    /// Opens the replica whose folder is `directory`. `spawner` is its scope's.
    pub(crate) async fn open(
        runtime: Runtime,
        spawner: Spawner,
        budget: Budget,
        directory: String,
        open: Open,
    ) -> Result<Rc<Self>, String> {
        let config = LogConfig {
            directory,
            group: Group::of(open.key),
            segment_bytes: open.segment_bytes,
        };
        let opened = Log::open(&runtime, &spawner, &budget, config).await;
        let (log, report) = opened.map_err(|error| error.to_string())?;
        // A term at or above 2^31 is no leader epoch.
        let next = log.last_term().unwrap_or(Term::ZERO).next();
        let term = next.ok_or_else(|| format!("partition {} has used up its terms", open.key))?;
        stdx::sometimes!(marks::OPENED_DAMAGED, report.fenced);
        Ok(Rc::new(Self {
            runtime,
            log,
            term,
            budget,
            report,
            proposals: Queue::new(PROPOSALS_MAX),
            outcomes: RefCell::new(Outcomes::default()),
            watches: RefCell::new(Watches::default()),
            watched: Signal::new(),
            marked: Cell::new(LogIndex::ZERO),
        }))
    }

    /// What recovery found.
    pub(crate) fn report(&self) -> &RecoveryReport {
        &self.report
    }

    /// The marks now.
    pub(crate) fn watermarks(&self) -> Watermarks {
        Watermarks {
            log_start: self.log.log_start(),
            high_watermark: self.commit().end_offset,
            log_end: self.log.dirty().end_offset,
            term: self.term,
        }
    }

    /// With one replica, what is durable here is committed.
    fn commit(&self) -> Mark {
        self.log.flushed()
    }

    /// Takes a proposal; it is appended in the order of these calls.
    pub(crate) fn propose(&self, propose: Propose, reply: ProposeReply) {
        if let Err((_, reply)) = self.proposals.try_push((propose, reply)) {
            marks::PROPOSALS_FULL.hit();
            let stopping = self.proposals.is_closed();
            reply.send(Err(if stopping {
                ProposeError::Stopping
            } else {
                ProposeError::Overloaded
            }));
        }
    }

    /// Task: begins the reign, and appends what is proposed.
    pub(crate) async fn append_proposals(self: Rc<Self>) {
        // The first frame of a reign, with which everything before it is known to be committed [raft §6.4].
        self.append_bare(FrameKind::Noop);
        while let Some((propose, reply)) = self.proposals.pop().await {
            self.append(&propose, reply);
        }
    }

    fn append(&self, propose: &Propose, reply: ProposeReply) {
        if propose
            .expected_term
            .is_some_and(|expected| expected != self.term)
        {
            marks::WRONG_TERM.hit();
            reply.send(Err(ProposeError::WrongTerm { current: self.term }));
            return;
        }
        let append_time = propose.stamp_append_time.then(|| self.runtime.wall());
        let appended = self.log.append(&Append {
            term: self.term,
            kind: FrameKind::Data,
            batches: &propose.batches,
            append_time,
            commit: self.commit().index,
        });
        let appended = match appended {
            Ok(appended) => appended,
            Err(error) => {
                reply.send(Err(refusal(error)));
                return;
            }
        };
        let committed = Committed {
            base_offset: appended.base_offset,
            term: self.term,
            log_start: self.log.log_start(),
            // As it stands in the batches: in milliseconds.
            append_time: append_time.map(|time| Timestamp::from_millis(time.as_millis())),
        };
        match propose.ack {
            Ack::None | Ack::Leader => reply.send(Ok(committed)),
            Ack::Quorum => {
                let mut outcomes = self.outcomes.borrow_mut();
                outcomes.push(appended.index, self.term, (committed, reply));
            }
        }
    }

    /// Task: tells who waits when the commit moved.
    pub(crate) async fn follow_commit(self: Rc<Self>) -> ! {
        let moved = self.log.flushed_moved();
        loop {
            let seen = moved.seen();
            self.tell();
            moved.changed(seen).await;
        }
    }

    fn tell(&self) {
        let commit = self.commit();
        loop {
            let decided = self.log.with_epochs(|epochs| {
                self.outcomes
                    .borrow_mut()
                    .decided(commit.index, |index| epochs.term_at(index))
            });
            let Some(((committed, reply), outcome)) = decided else {
                break;
            };
            reply.send(answer(committed, outcome));
        }
        let watermarks = self.watermarks();
        loop {
            let Some(reply) = self.watches.borrow_mut().passed(commit.end_offset) else {
                break;
            };
            marks::WATCH_PASSED.hit();
            reply.send(Ok(watermarks));
        }
    }

    /// Takes a watch.
    pub(crate) fn watch(&self, watch: Watch, reply: WatchReply) {
        let watermarks = self.watermarks();
        if watermarks.high_watermark > watch.offset || watch.deadline <= self.runtime.now() {
            reply.send(Ok(watermarks));
            return;
        }
        self.watches
            .borrow_mut()
            .add(watch.offset, watch.deadline, reply);
        self.watched.notify();
    }

    /// Task: answers watches at their deadlines.
    pub(crate) async fn end_watches(self: Rc<Self>) -> ! {
        loop {
            let seen = self.watched.seen();
            loop {
                let Some(reply) = self.watches.borrow_mut().expired(self.runtime.now()) else {
                    break;
                };
                marks::WATCH_EXPIRED.hit();
                reply.send(Ok(self.watermarks()));
            }
            let next = self.watches.borrow().next_deadline();
            match next {
                None => self.watched.changed(seen).await,
                Some(deadline) => {
                    match race(
                        self.watched.changed(seen),
                        self.runtime.sleep_until(deadline),
                    )
                    .await
                    {
                        Either::Left(()) | Either::Right(()) => {}
                    }
                }
            }
        }
    }

    /// Task: appends a commit mark when the log has rested.
    pub(crate) async fn mark_rests(self: Rc<Self>) -> ! {
        let moved = self.log.flushed_moved();
        loop {
            let seen = moved.seen();
            if !self.is_unmarked() {
                moved.changed(seen).await;
                continue;
            }
            let before = self.log.dirty();
            self.runtime.sleep(REST_BEFORE_MARK).await;
            if self.log.dirty() == before && self.is_unmarked() {
                if self.append_bare(FrameKind::CommitMark) {
                    marks::COMMIT_MARKED.hit();
                } else {
                    // Refused: whatever ends the refusal moves this.
                    moved.changed(seen).await;
                }
            }
        }
    }

    /// Whether everything is durable and nothing on the disk says so.
    fn is_unmarked(&self) -> bool {
        let dirty = self.log.dirty();
        dirty.index > self.marked.get() && dirty == self.commit()
    }

    fn append_bare(&self, kind: FrameKind) -> bool {
        let appended = self.log.append_bare(self.term, kind, self.commit().index);
        if let Ok(index) = appended {
            self.marked.set(index);
        }
        appended.is_ok()
    }

    /// Reads what is visible.
    pub(crate) async fn read(&self, read: Read) -> Result<ReadAnswer, ReadError> {
        self.check_epoch(read.current_epoch)?;
        let watermarks = self.watermarks();
        if let Some(fence) = self.log.fenced_at(read.offset) {
            return Err(ReadError::Fenced(fence));
        }
        let upto = if mutant!(K01) {
            watermarks.log_end
        } else {
            watermarks.high_watermark
        };
        if read.offset < watermarks.log_start || read.offset > upto {
            return Err(ReadError::OutOfRange(watermarks));
        }
        if read.bytes_max == 0 && !read.at_least_one {
            // Only the marks are wanted: neither memory nor disk is needed for them.
            return Ok(ReadAnswer {
                batches: Vec::new(),
                watermarks,
            });
        }
        let request = ReadRequest {
            offset: read.offset,
            bytes_max: read.bytes_max,
            upto,
            at_least_one: read.at_least_one,
            patient: read.patient,
        };
        let batches = self
            .log
            .read(&request, &self.budget)
            .await
            .map_err(|error| unreadable(&error))?;
        let first = batches
            .first()
            .and_then(|first| records::BatchView::split(first).ok());
        stdx::sometimes!(
            marks::READ_WITHIN_A_BATCH,
            first.is_some_and(|(first, _)| first.base_offset() < read.offset.0)
        );
        Ok(ReadAnswer {
            batches,
            watermarks,
        })
    }

    /// Looks an offset up.
    pub(crate) async fn seek(&self, seek: Seek) -> Result<Found, ReadError> {
        self.check_epoch(seek.current_epoch)?;
        let watermarks = self.watermarks();
        let (upto, budget) = (watermarks.high_watermark, &self.budget);
        let reign = self.term.leader_epoch();
        let (position, epoch) = match seek.target {
            SeekTarget::Latest => (Some((upto, -1)), reign),
            SeekTarget::Earliest => {
                let start = watermarks.log_start;
                let first = self
                    .log
                    .epoch_of(start, upto, budget)
                    .await
                    .map_err(|error| unreadable(&error))?;
                (Some((start, -1)), first.unwrap_or(reign))
            }
            SeekTarget::Timestamp(timestamp) => {
                let sought = self
                    .log
                    .seek_timestamp(timestamp, upto, budget)
                    .await
                    .map_err(|error| unreadable(&error))?;
                position_of(sought, reign)
            }
            SeekTarget::MaxTimestamp => {
                let sought = self
                    .log
                    .seek_max_timestamp(upto, budget)
                    .await
                    .map_err(|error| unreadable(&error))?;
                position_of(sought, reign)
            }
        };
        Ok(Found {
            position,
            epoch,
            watermarks,
        })
    }

    /// Whether the reader's idea of the reign is ours [KIP-320].
    fn check_epoch(&self, known: Option<LeaderEpoch>) -> Result<(), ReadError> {
        let current = self.term.leader_epoch();
        match known {
            Some(known) if known < current => {
                marks::EPOCH_FENCED.hit();
                Err(ReadError::FencedEpoch)
            }
            Some(known) if known > current => {
                marks::EPOCH_UNKNOWN.hit();
                Err(ReadError::UnknownEpoch)
            }
            _ => Ok(()),
        }
    }

    /// Takes no more proposals, makes what there is durable, and ends all waits.
    pub(crate) async fn stop(&self) {
        self.proposals.close();
        self.log.settle().await;
        if self.is_unmarked() {
            self.append_bare(FrameKind::CommitMark);
        }
        self.log.close().await;
        self.tell();
        self.leave(&ReadError::Stopping);
    }

    /// Ends all waits: of watches for this reason, of proposals without an outcome.
    pub(crate) fn leave(&self, why: &ReadError) {
        self.proposals.close();
        while let Some((_, reply)) = self.proposals.try_pop() {
            reply.send(Err(ProposeError::Stopping));
        }
        let abandoned: Vec<_> = self.outcomes.borrow_mut().abandon().collect();
        stdx::sometimes!(marks::STOPPED_WITH_PROPOSALS, !abandoned.is_empty());
        for ((committed, reply), outcome) in abandoned {
            reply.send(answer(committed, outcome));
        }
        let watches: Vec<_> = self.watches.borrow_mut().drain().collect();
        for reply in watches {
            reply.send(Err(why.clone()));
        }
    }
}

fn answer(committed: Committed, outcome: Outcome) -> Result<Committed, ProposeError> {
    match outcome {
        Outcome::Committed => Ok(committed),
        Outcome::Lost => Err(ProposeError::Lost),
        Outcome::Unknown => Err(ProposeError::Unknown),
    }
}

fn refusal(error: AppendError) -> ProposeError {
    match error {
        AppendError::Overloaded => ProposeError::Overloaded,
        AppendError::NoSpace => ProposeError::NoSpace,
        AppendError::Closed => ProposeError::Stopping,
        AppendError::Fenced(why) => ProposeError::Fenced(why),
        // The door validates: this is a bug of ours, and it is refused before anything was appended.
        AppendError::NotBatches(_) => {
            marks::NOT_BATCHES.hit();
            ProposeError::Fenced(format!("the proposal was refused: {error}"))
        }
    }
}

fn unreadable(error: &storage::ReadError) -> ReadError {
    ReadError::Fenced(error.to_string())
}

fn position_of(
    sought: Option<storage::Sought>,
    reign: LeaderEpoch,
) -> (Option<(Offset, i64)>, LeaderEpoch) {
    match sought {
        Some(found) => (Some((found.offset, found.timestamp)), found.epoch),
        None => (None, reign),
    }
}

impl fmt::Debug for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Replica(term {}, {:?})", self.term, self.log)
    }
}
