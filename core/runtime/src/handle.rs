//! The handle through which asynchronous code reaches its core.

use core::any::Any;
use core::cell::{Cell, RefCell, RefMut};
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::time::Duration;
use std::rc::Rc;
use std::sync::Arc;

use stdx::{Instant, Timestamp};

use crate::budget::{Budget, Ledger};
use crate::buffer::{Buf, Pool};
use crate::core_id::CoreId;
use crate::driver::Driver;
use crate::environment::{Environment, TraceEvent};
use crate::error::IoError;
use crate::executor::{BoxedTask, Executor};
use crate::home::Home;
use crate::mail::Mail;
use crate::metrics::Metrics;
use crate::operation::{Descriptor, Job, Operation, OperationId, Output};
use crate::operation_table::{OperationTable, Submitted};
use crate::race::{Either, race};
use crate::record::summary;
use crate::scope::{Scope, Spawner};
use crate::table::Key;
use crate::task::{Cancelled, Class};
use crate::timers::{Sleep, Timers};

/// A boxed future that stays on its core.
pub type LocalFuture<T> = Pin<Box<dyn Future<Output = T>>>;

/// What each core of a node runs: called once on each core; the core ends when the future does.
pub type Main = Arc<dyn Fn(Runtime) -> LocalFuture<()> + Send + Sync>;

/// Everything of one core that tasks share.
pub(crate) struct Inner {
    pub(crate) id: CoreId,
    pub(crate) cores: u16,
    pub(crate) driver: Rc<dyn Driver>,
    pub(crate) environment: Rc<dyn Environment>,
    pub(crate) traces: bool,
    pub(crate) now: Cell<Instant>,
    pub(crate) wall: Cell<Timestamp>,
    pub(crate) root: Cell<Option<Key>>,
    pub(crate) executor: RefCell<Executor>,
    pub(crate) timers: RefCell<Timers>,
    pub(crate) operations: RefCell<OperationTable>,
    pub(crate) pool: RefCell<Pool>,
    pub(crate) ledgers: RefCell<Vec<Ledger>>,
    pub(crate) home: Arc<Home>,
    pub(crate) mail: RefCell<Mail>,
    pub(crate) metrics: Metrics,
}

/// One core, as its tasks see it. Cheap to clone, and bound to the core: it is not `Send`.
#[derive(Clone)]
pub struct Runtime(pub(crate) Rc<Inner>);

impl Runtime {
    /// The core.
    pub fn core(&self) -> CoreId {
        self.0.id
    }

    /// Cores of this node.
    pub fn cores(&self) -> u16 {
        self.0.cores
    }

    /// The monotonic clock, read once per turn.
    pub fn now(&self) -> Instant {
        self.0.now.get()
    }

    /// The wall clock, read once per turn. It may jump and go back.
    pub fn wall(&self) -> Timestamp {
        self.0.wall.get()
    }

    /// 64 random bits of this node's environment.
    pub fn random(&self) -> u64 {
        self.0.environment.random()
    }

    /// Tells the trace that something of a room's own happened: `kind` says what, `value` with what.
    pub fn note(&self, kind: u32, value: u64) {
        self.trace(TraceEvent::Noted { kind, value });
    }

    /// Ends the node: see [`Environment::crash`].
    pub fn crash(&self, why: &str) -> ! {
        self.0.environment.crash(why)
    }

    /// Counters and histograms of this core.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// A scope directly under the core's root.
    pub fn scope(&self, name: &'static str) -> Scope {
        Scope::new(self.clone(), name, self.0.root.get())
    }

    /// Starts tasks that live as long as the core. A panic in one of them ends the node.
    pub fn root(&self) -> Spawner {
        let root = self
            .0
            .root
            .get()
            .expect("a core has its root from its making on");
        Spawner::new(self.clone(), root)
    }

    /// Ready after `duration`.
    pub fn sleep(&self, duration: Duration) -> Sleep {
        self.sleep_until(self.now() + duration)
    }

    /// Ready at `deadline`.
    pub fn sleep_until(&self, deadline: Instant) -> Sleep {
        Sleep::new(self.clone(), deadline)
    }

    /// The result of `future`, or None after `duration`; the future is dropped then.
    pub async fn timeout<F: Future>(&self, duration: Duration, future: F) -> Option<F::Output> {
        match race(future, self.sleep(duration)).await {
            Either::Left(output) => Some(output),
            Either::Right(()) => None,
        }
    }

    /// Lets the others run first.
    pub async fn yield_now(&self) {
        let mut yielded = false;
        core::future::poll_fn(|context| {
            if yielded {
                return core::task::Poll::Ready(());
            }
            yielded = true;
            context.waker().wake_by_ref();
            core::task::Poll::Pending
        })
        .await;
    }

    /// An empty buffer of at least `capacity` bytes. It does not count against any budget: attach a lease where
    /// the size is a stranger's choice.
    pub fn buffer(&self, capacity: usize) -> Buf {
        self.0.pool.borrow_mut().take(capacity)
    }

    /// Opens a new budget of `limit` bytes on this core.
    ///
    /// # Panics
    /// After 65,536 of them: budgets are few and made at start.
    pub fn budget(&self, name: &'static str, limit: usize) -> Budget {
        let mut ledgers = self.ledgers();
        let number = u16::try_from(ledgers.len()).expect("budgets are few");
        ledgers.push(Ledger::new(name, limit));
        drop(ledgers);
        Budget::new(self.clone(), number)
    }

    /// All budgets of this core, in the order of their opening.
    pub fn budgets(&self) -> Vec<Budget> {
        let count = u16::try_from(self.ledgers().len()).expect("budgets are few");
        (0..count)
            .map(|number| Budget::new(self.clone(), number))
            .collect()
    }

    /// Runs pure work off the core. `cost` is what it is expected to take; the simulator lets that pass.
    ///
    /// `work` must not hold pool memory ([`Buf`], [`crate::Frozen`]): give it copies or plain vectors.
    pub async fn offload<R: Send + 'static>(
        &self,
        cost: Duration,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, Cancelled> {
        let job = Job(Box::new(move || Box::new(work()) as Box<dyn Any + Send>));
        match self.operate(Operation::Offload { job, cost }).await {
            Ok(Output::Finished(result)) => Ok(*result
                .downcast()
                .expect("a job returns what it was made to return")),
            Ok(_) => unreachable!("a job completes with its result"),
            Err(_) => Err(Cancelled),
        }
    }

    /// Submits `operation` and waits for its completion.
    pub(crate) fn operate(&self, operation: Operation) -> Submitted {
        Submitted::new(self.clone(), operation)
    }

    /// Submits `operation` and waits until it is done, when that is all there is to know.
    pub(crate) async fn operate_done(&self, operation: Operation) -> Result<(), IoError> {
        self.operate(operation).await.map(drop)
    }

    pub(crate) fn submit(&self, operation: Operation, wanted: bool) -> OperationId {
        let id = self.operations().add(wanted);
        if self.0.traces {
            self.trace(TraceEvent::Submitted {
                id,
                summary: summary::of_operation(&operation),
            });
        }
        self.0.driver.submit(id, operation);
        id
    }

    pub(crate) fn cancel_operation(&self, id: OperationId) {
        self.0.driver.cancel(id);
    }

    /// Closes a descriptor that nobody holds any more.
    pub(crate) fn close_detached(&self, descriptor: Descriptor) {
        self.submit(Operation::Close { descriptor }, false);
    }

    pub(crate) fn spawn_boxed(
        &self,
        scope: Key,
        class: Class,
        name: &'static str,
        future: BoxedTask,
    ) {
        let refused = self.executor().spawn(scope, class, name, future);
        drop(refused);
    }

    pub(crate) fn cancel_scope(&self, scope: Key) {
        let futures = self.executor().cancel(scope);
        drop(futures);
    }

    pub(crate) fn trace(&self, event: TraceEvent) {
        if self.0.traces {
            self.0.environment.trace(event);
        }
    }

    /// Applies what this core returned to itself.
    pub(crate) fn take_own_returns(&self) {
        let own = self.0.id.index();
        while let Some(returned) = self.0.home.take(own) {
            self.apply_return(returned);
        }
    }

    pub(crate) fn apply_return(&self, returned: crate::home::Returned) {
        if let Some(block) = returned.block {
            self.0.pool.borrow_mut().keep(block);
        }
        if let Some((budget, bytes)) = returned.lease {
            let mut woken = Vec::new();
            self.ledgers()[usize::from(budget)].give_back(bytes, &mut woken);
            woken.into_iter().for_each(core::task::Waker::wake);
        }
    }

    pub(crate) fn executor(&self) -> RefMut<'_, Executor> {
        self.0.executor.borrow_mut()
    }

    pub(crate) fn timers(&self) -> RefMut<'_, Timers> {
        self.0.timers.borrow_mut()
    }

    pub(crate) fn operations(&self) -> RefMut<'_, OperationTable> {
        self.0.operations.borrow_mut()
    }

    pub(crate) fn ledgers(&self) -> RefMut<'_, Vec<Ledger>> {
        self.0.ledgers.borrow_mut()
    }

    pub(crate) fn mail(&self) -> RefMut<'_, Mail> {
        self.0.mail.borrow_mut()
    }

    pub(crate) fn home(&self) -> &Arc<Home> {
        &self.0.home
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Runtime(core {})", self.0.id)
    }
}
