//! One replica of a partition on its core: a log, and a part in the group that decides about it.
//!
//! ```text
//!   proposals --> intake: frames in the making --(the disk wants one)--> consensus --> append --> log
//!                   waiters <------------- committed, lost, unknown -----+   ^  |
//!   reads, watches <------------- high watermark <-------- committed ----+   |  +--> journal
//!                                                    durable, persisted, time +
//! ```

mod consensus;
mod intake;
mod reading;
mod resting;
mod watching;

use core::cell::{Cell, RefCell};
use core::fmt;
use std::rc::Rc;

use model::{LogIndex, Term};
use raft::{Input, ReplicaId};
use runtime::sync::{Queue, Signal};
use runtime::{Budget, Class, Runtime, Spawner};
use stdx::Duration;
use storage::journal::Journal;
use storage::{Group, Log, LogConfig, Mark, Opened, RecoveryReport};

use crate::calls::{Open, ProposeError, ReadError, Watermarks};
use crate::marks;
use crate::watches::Watches;
use consensus::Member;
use intake::{Intake, PROPOSALS_MAX, Proposal};
use watching::WatchReply;

/// How long an orderly stop waits for the journal.
const CLAIM_PATIENCE: Duration = Duration::from_secs(2);

/// What a replica works with.
pub(crate) struct Ground {
    pub(crate) runtime: Runtime,
    /// Of its own scope.
    pub(crate) spawner: Spawner,
    pub(crate) budget: Budget,
    pub(crate) journal: Journal,
    /// Where its segments lie.
    pub(crate) directory: String,
    /// Who it is.
    pub(crate) me: ReplicaId,
}

/// A replica. Its tasks hold it, and so does the host's table.
pub(crate) struct Replica {
    runtime: Runtime,
    spawner: Spawner,
    log: Log,
    budget: Budget,
    report: RecoveryReport,
    /// Its part in consensus. None where its log is damaged: what is readable is read, and nothing is decided any more.
    member: Option<Member>,
    standing: Cell<Standing>,
    /// `standing` changed, or the device became full.
    stood: Signal,
    /// The last frame that is committed.
    commit: Cell<Mark>,
    proposals: Queue<Proposal>,
    intake: RefCell<Intake>,
    watches: RefCell<Watches<WatchReply>>,
    /// A watch with an earlier deadline may have come.
    watched: Signal,
    /// The last frame that says what was committed before it.
    marked: Cell<LogIndex>,
    /// The log takes nothing more.
    closed: Cell<bool>,
    /// Records of the hard state that are on their way to the journal, and that one of them ended.
    persisting: Cell<u32>,
    persisted: Signal,
}

/// What it may do.
#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    /// The reign.
    term: Term,
    /// It is its own.
    leads: bool,
    /// What it knows to be committed is all that is: it may be read.
    serves: bool,
}

impl Replica {
    /// Opens the replica and starts its tasks.
    pub(crate) async fn open(ground: Ground, open: Open) -> Result<Rc<Self>, String> {
        let Ground {
            runtime,
            spawner,
            budget,
            journal,
            directory,
            me,
        } = ground;
        let group = Group::of(open.key);
        let known = journal
            .get(group)
            .filter(|known| known.incarnation == me.incarnation);
        let config = LogConfig {
            directory,
            group,
            segment_bytes: open.segment_bytes,
            claimed: known.map_or(LogIndex::ZERO, |known| known.claimed.0),
        };
        let opened = Log::open(&runtime, &spawner, &budget, config).await;
        let Opened {
            log,
            report,
            configs,
        } = opened.map_err(|error| error.to_string())?;
        stdx::sometimes!(marks::OPENED_DAMAGED, report.fenced);
        let (member, standing) = if report.fenced {
            let heard = known.map_or(Term::ZERO, |known| known.term);
            let standing = Standing {
                term: heard.max(log.last_term().unwrap_or(Term::ZERO)),
                leads: false,
                serves: true,
            };
            (None, standing)
        } else {
            let member = Member::new(&runtime, (me, group), journal, known, (&log, &configs))?;
            (Some(member), Standing::default())
        };
        let intake = Intake::new(runtime.clone(), log.dirty().end_offset);
        let replica = Rc::new(Self {
            commit: Cell::new(log.flushed()),
            runtime,
            spawner,
            log,
            budget,
            report,
            member,
            standing: Cell::new(standing),
            stood: Signal::new(),
            proposals: Queue::new(PROPOSALS_MAX),
            intake: RefCell::new(intake),
            watches: RefCell::new(Watches::default()),
            watched: Signal::new(),
            marked: Cell::new(LogIndex::ZERO),
            closed: Cell::new(false),
            persisting: Cell::new(0),
            persisted: Signal::new(),
        });
        replica.start();
        replica.begun().await;
        Ok(replica)
    }

    /// Starts its tasks.
    fn start(self: &Rc<Self>) {
        let own = || Rc::clone(self);
        let spawner = &self.spawner;
        spawner.spawn(Class::Produce, "take proposals", own().take_proposals());
        spawner.spawn(Class::Fetch, "end watches", own().end_watches());
        if self.member.is_some() {
            self.step(Input::Tick);
            spawner.spawn(Class::Produce, "follow the log", own().follow_log());
            spawner.spawn(Class::Consensus, "keep time", own().keep_time());
            spawner.spawn(Class::Background, "mark rests", own().mark_rests());
        }
    }

    /// Waits until it may serve, or leads and cannot for lack of space.
    async fn begun(&self) {
        loop {
            let seen = self.stood.seen();
            let Standing { leads, serves, .. } = self.standing.get();
            if serves || leads && self.log.has_no_space() {
                return;
            }
            self.stood.changed(seen).await;
        }
    }

    /// What recovery found.
    pub(crate) fn report(&self) -> &RecoveryReport {
        &self.report
    }

    /// Its log, for whoever looks at it and nothing else.
    pub(crate) fn log(&self) -> Log {
        self.log.clone()
    }

    /// The marks now.
    pub(crate) fn watermarks(&self) -> Watermarks {
        let Standing { term, leads, .. } = self.standing.get();
        let log_end = if leads {
            self.intake.borrow().end_offset()
        } else {
            self.log.dirty().end_offset
        };
        Watermarks {
            log_start: self.log.log_start(),
            high_watermark: self.commit.get().end_offset,
            log_end,
            term,
        }
    }

    /// Takes no more proposals, makes what there is durable, and ends all waits.
    pub(crate) async fn stop(self: &Rc<Self>) {
        self.proposals.close();
        self.drain().await;
        self.log.settle().await;
        self.look_at_log();
        if self.is_unmarked() {
            self.step(Input::Rest);
        }
        self.closed.set(true);
        self.log.close().await;
        self.look_at_log();
        // With the last of them all that is there is claimed. A journal that waits for room would wait for ever.
        let writing = self.until_persisted();
        let claimed = self.runtime.timeout(CLAIM_PATIENCE, writing).await;
        stdx::sometimes!(marks::STOPPED_UNCLAIMED, claimed.is_none());
        self.leave(&ReadError::Stopping);
    }

    async fn until_persisted(&self) {
        loop {
            let seen = self.persisted.seen();
            if self.persisting.get() == 0 {
                return;
            }
            self.persisted.changed(seen).await;
        }
    }

    /// Ends all waits: of watches for this reason, of proposals without an outcome.
    pub(crate) fn leave(&self, why: &ReadError) {
        self.proposals.close();
        while let Some((_, reply)) = self.proposals.try_pop() {
            reply.send(Err(ProposeError::Stopping));
        }
        self.intake.borrow_mut().abandon();
        let watches: Vec<_> = self.watches.borrow_mut().drain().collect();
        for reply in watches {
            reply.send(Err(why.clone()));
        }
    }
}

impl fmt::Debug for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Replica({:?}, {:?})", self.standing.get(), self.log)
    }
}
