//! Helper threads: they carry out what could keep a core waiting and has no place in a ring.
//!
//! ```text
//!   desk of core 0 --\                                          /--> tray of core 0, bell 0
//!                     >-- one queue, at most DESK_JOBS each -->|
//!   desk of core 1 --/          helper, helper                  \--> tray of core 1, bell 1
//! ```
//! A core whose share of the queue is used keeps the rest on its desk; it is woken by the results of its own jobs
//! and moves on then.

use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use runtime::{CoreId, IoError, OperationId, Output};

use crate::doorbell::Doorbell;

pub(crate) mod call;

use call::Call;

/// Jobs of one core in the queue or in work.
const DESK_JOBS: usize = 64;

/// A job's end.
pub(crate) type Outcome = (OperationId, Result<Output, IoError>);

/// One job.
struct Assignment {
    core: CoreId,
    id: OperationId,
    call: Call,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Assignment>,
    closed: bool,
}

/// What one core's jobs brought and the core did not take yet.
#[derive(Debug, Default)]
struct Tray {
    outcomes: Mutex<Vec<Outcome>>,
    /// Whether there are any: read by the core in every turn, so without the lock.
    filled: AtomicBool,
}

/// What cores and helpers share.
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
    trays: Vec<Tray>,
    doorbells: Arc<[Doorbell]>,
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tray(&self, core: CoreId) -> (&Tray, MutexGuard<'_, Vec<Outcome>>) {
        let tray = &self.trays[core.index()];
        let outcomes = tray.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        (tray, outcomes)
    }

    /// The next job; None when there will be no more.
    fn next(&self) -> Option<Assignment> {
        let mut queue = self.queue();
        loop {
            if queue.closed {
                return None;
            }
            if let Some(assignment) = queue.jobs.pop_front() {
                return Some(assignment);
            }
            queue = self
                .changed
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn deliver(&self, core: CoreId, outcome: Outcome) {
        let (tray, mut outcomes) = self.tray(core);
        outcomes.push(outcome);
        tray.filled.store(true, Ordering::Relaxed);
        drop(outcomes);
        // The fence in here stands between the flag above and the look at whether the core sleeps.
        self.doorbells[core.index()].ring_event_if_parked();
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shared({} jobs)", self.queue().jobs.len())
    }
}

/// The helper threads of a node. Dropped, they end with the job that each has in work.
#[derive(Debug)]
pub(crate) struct Helpers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Helpers {
    /// Starts `count` helpers for the cores of `doorbells`.
    pub(crate) fn start(count: u16, doorbells: &Arc<[Doorbell]>) -> Result<Self, IoError> {
        let mut helpers = Self {
            shared: Arc::new(Shared {
                queue: Mutex::default(),
                changed: Condvar::new(),
                trays: doorbells.iter().map(|_| Tray::default()).collect(),
                doorbells: Arc::clone(doorbells),
            }),
            threads: Vec::new(),
        };
        for number in 0..count {
            let shared = Arc::clone(&helpers.shared);
            let thread = std::thread::Builder::new()
                .name(format!("helper-{number}"))
                .spawn(move || {
                    while let Some(Assignment { core, id, call }) = shared.next() {
                        shared.deliver(core, (id, call.carry_out()));
                    }
                })?;
            helpers.threads.push(thread);
        }
        Ok(helpers)
    }

    /// The desk of `core`.
    pub(crate) fn desk(&self, core: CoreId) -> Desk {
        Desk {
            shared: Arc::clone(&self.shared),
            core,
            waiting: VecDeque::new(),
            given: 0,
        }
    }
}

impl Drop for Helpers {
    fn drop(&mut self) {
        self.shared.queue().closed = true;
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            // A helper does not panic: the jobs' panics are caught where they are carried out.
            drop(thread.join());
        }
    }
}

/// One core's end: where it leaves jobs and picks up what came of them.
#[derive(Debug)]
pub(crate) struct Desk {
    shared: Arc<Shared>,
    core: CoreId,
    /// Jobs beyond this core's share of the queue.
    waiting: VecDeque<(OperationId, Call)>,
    /// Jobs in the queue or in work.
    given: usize,
}

impl Desk {
    /// Leaves a job.
    pub(crate) fn give(&mut self, id: OperationId, call: Call) {
        self.waiting.push_back((id, call));
        self.pass_on();
    }

    /// Takes a job back that no helper began. True if that worked.
    pub(crate) fn take_back(&mut self, id: OperationId) -> bool {
        if let Some(index) = self.waiting.iter().position(|(waiting, _)| *waiting == id) {
            self.waiting.remove(index);
            return true;
        }
        let core = self.core;
        let mut queue = self.shared.queue();
        let is_it = |job: &Assignment| job.core == core && job.id == id;
        let Some(index) = queue.jobs.iter().position(is_it) else {
            return false;
        };
        let assignment = queue.jobs.remove(index);
        drop(queue);
        // What the job captured is dropped outside the lock.
        drop(assignment);
        self.given -= 1;
        self.pass_on();
        true
    }

    /// Whether an outcome waits.
    pub(crate) fn has_outcomes(&self) -> bool {
        self.shared.trays[self.core.index()]
            .filled
            .load(Ordering::Relaxed)
    }

    /// Picks all outcomes up.
    pub(crate) fn take_outcomes(&mut self) -> Vec<Outcome> {
        if !self.has_outcomes() {
            return Vec::new();
        }
        let (tray, mut outcomes) = self.shared.tray(self.core);
        let taken = core::mem::take(&mut *outcomes);
        tray.filled.store(false, Ordering::Relaxed);
        drop(outcomes);
        self.given -= taken.len();
        self.pass_on();
        taken
    }

    fn pass_on(&mut self) {
        while self.given < DESK_JOBS {
            let Some((id, call)) = self.waiting.pop_front() else {
                return;
            };
            self.given += 1;
            let core = self.core;
            self.shared
                .queue()
                .jobs
                .push_back(Assignment { core, id, call });
            self.shared.changed.notify_one();
        }
    }
}
