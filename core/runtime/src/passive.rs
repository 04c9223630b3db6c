//! The passive core: it does nothing until its ground calls [`Core::turn`].

use core::any::Any;
use core::cell::{Cell, RefCell};
use core::fmt;
use core::task::{Context, Poll};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use stdx::{Duration, Instant, Timestamp};

use crate::buffer::Pool;
use crate::core_id::CoreId;
use crate::driver::Driver;
use crate::environment::{Crash, Environment, TraceEvent};
use crate::executor::{BoxedTask, Executor};
use crate::handle::{Inner, Main, Runtime};
use crate::home::{OnCore, take_touched};
use crate::mail::{Links, Mail};
use crate::metrics::Metrics;
use crate::operation::Completion;
use crate::operation_table::{Landed, OperationTable};
use crate::record::{Recorder, summary};
use crate::table::Key;
use crate::task::Class;
use crate::timers::Timers;

/// Polls in one turn: after them the ground gets to look at its kernel again.
pub const POLLS_PER_TURN_MAX: usize = 256;

/// How soon a core looks again whether a full ring has room.
const BACKLOG_LOOK: Duration = Duration::from_micros(20);

/// Bytes of free blocks that a core keeps, unless its configuration says otherwise.
pub const POOL_BYTES_DEFAULT: usize = 64 << 20;

/// What a core is made with.
#[derive(Clone, Copy, Debug)]
pub struct CoreConfig {
    /// Which core of the node.
    pub id: CoreId,
    /// Cores of the node.
    pub cores: u16,
    /// Bytes of free blocks kept for the next buffer.
    pub pool_bytes: usize,
}

impl CoreConfig {
    /// Core `id` of `cores`, with defaults for the rest.
    pub fn new(id: CoreId, cores: u16) -> Self {
        Self {
            id,
            cores,
            pool_bytes: POOL_BYTES_DEFAULT,
        }
    }
}

/// All that a core learns in one turn, but for draws.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// The monotonic clock.
    pub now: Instant,
    /// The wall clock.
    pub wall: Timestamp,
    /// What completed; emptied.
    pub completions: &'a mut Vec<Completion>,
    /// How many messages to take in, by the core that sent them.
    pub messages: &'a [u32],
    /// How many returns of memory to take in, by the core that dropped it; the last is for drops outside a turn.
    pub returns: &'a [u32],
}

/// What waits for a core: counts for the next [`Inputs`]. Sample it *before* the turn is started, so that in a
/// recording whatever a turn sees was sent by a turn that started before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Messages, by the core that sent them.
    pub messages: Vec<u32>,
    /// Returns of memory, by the core that dropped it, and outside.
    pub returns: Vec<u32>,
}

impl Waiting {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.messages
            .iter()
            .chain(&self.returns)
            .all(|&count| count == 0)
    }
}

/// What a core wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Another turn soon: tasks are ready.
    Ready,
    /// A turn when something arrives, at the latest at this time.
    Deadline(Instant),
    /// A turn when something arrives.
    Idle,
    /// No more turns: its main task ended, and no operation is in flight.
    Finished,
}

/// One core: tasks, timers, operations, memory, mail.
pub struct Core {
    runtime: Runtime,
    recorder: Option<Recorder>,
    ended: Rc<Cell<bool>>,
}

impl Core {
    /// A core that does nothing yet. `links` come from [`crate::mesh`].
    pub fn new(
        config: CoreConfig,
        links: Links,
        driver: Rc<dyn Driver>,
        environment: Rc<dyn Environment>,
    ) -> Self {
        Self::with_recorder(config, links, driver, environment, None)
    }

    /// A core whose inputs are recorded.
    pub fn recorded(
        config: CoreConfig,
        links: Links,
        driver: Rc<dyn Driver>,
        environment: Rc<dyn Environment>,
        recorder: Recorder,
    ) -> Self {
        let environment = recorder.wrap(environment);
        Self::with_recorder(config, links, driver, environment, Some(recorder))
    }

    fn with_recorder(
        config: CoreConfig,
        links: Links,
        driver: Rc<dyn Driver>,
        environment: Rc<dyn Environment>,
        recorder: Option<Recorder>,
    ) -> Self {
        let home = links.home();
        let runtime = Runtime(Rc::new(Inner {
            id: config.id,
            cores: config.cores,
            driver,
            traces: environment.traces(),
            environment,
            now: Cell::new(Instant::ZERO),
            wall: Cell::new(Timestamp::default()),
            root: Cell::new(None),
            executor: RefCell::new(Executor::default()),
            timers: RefCell::new(Timers::default()),
            operations: RefCell::new(OperationTable::default()),
            pool: RefCell::new(Pool::new(std::sync::Arc::clone(&home), config.pool_bytes)),
            ledgers: RefCell::new(Vec::new()),
            home,
            mail: RefCell::new(Mail::new(config.id, links)),
            metrics: Metrics::default(),
        }));
        let root = runtime.executor().scopes.open("root", None);
        runtime.0.root.set(Some(root));
        Self {
            runtime,
            recorder,
            ended: Rc::new(Cell::new(false)),
        }
    }

    /// Gives the core its main task; it runs from the first turn on.
    pub fn start(&mut self, main: &Main) {
        let future = main(self.runtime.clone());
        let ended = Rc::clone(&self.ended);
        let main_task = self
            .runtime
            .root()
            .spawn(Class::Consensus, "main", async move {
                future.await;
                ended.set(true);
            });
        drop(main_task);
    }

    /// Tasks that did not end yet.
    pub fn task_count(&self) -> usize {
        self.runtime.executor().tasks.len()
    }

    /// The handle of this core.
    pub fn runtime(&self) -> Runtime {
        self.runtime.clone()
    }

    /// What waits for it.
    pub fn waiting(&self) -> Waiting {
        let mut waiting = Waiting::default();
        self.sample_waiting(&mut waiting);
        waiting
    }

    /// What waits for it, without a new allocation.
    pub fn sample_waiting(&self, waiting: &mut Waiting) {
        let Inner { id, home, .. } = &*self.runtime.0;
        self.runtime.mail().sample(&mut waiting.messages);
        waiting.returns.clear();
        waiting.returns.extend((0..home.sources()).map(|source| {
            // What it returned to itself is applied without being asked for.
            let count = if source == id.index() {
                0
            } else {
                home.waiting(source)
            };
            u32::try_from(count).unwrap_or(u32::MAX)
        }));
    }

    /// One turn: takes the inputs in, then polls what is ready.
    #[expect(clippy::needless_pass_by_value, reason = "a turn uses its inputs up")]
    pub fn turn(&mut self, inputs: Inputs<'_>) -> Turn {
        let runtime = &self.runtime;
        let _on_core = OnCore::enter(runtime.0.id);
        if let Some(recorder) = &self.recorder {
            recorder.begin_turn(&inputs);
        }
        runtime.0.now.set(inputs.now);
        runtime.0.wall.set(inputs.wall);
        runtime.trace(TraceEvent::Turn {
            now: inputs.now.as_nanos(),
            wall: inputs.wall.as_nanos(),
        });
        take_returns(runtime, inputs.returns);
        take_messages(runtime, inputs.messages);
        for completion in inputs.completions.drain(..) {
            take_completion(runtime, completion);
        }
        fire_timers(runtime);
        for _ in 0..POLLS_PER_TURN_MAX {
            if !poll_one(runtime) {
                break;
            }
            runtime.take_own_returns();
            self.end_when_main_ended();
        }
        runtime.take_own_returns();
        runtime.mail().flush(&*runtime.0.driver);
        let own = runtime.0.id;
        take_touched(|core| {
            if core != own {
                runtime.0.driver.wake(core);
            }
        });
        if let Some(recorder) = &self.recorder {
            recorder.end_turn();
        }
        self.next_turn()
    }

    fn end_when_main_ended(&self) {
        if self.ended.get() {
            let root = self
                .runtime
                .0
                .root
                .get()
                .expect("set when the core was made");
            self.runtime.cancel_scope(root);
        }
    }

    fn next_turn(&self) -> Turn {
        if self.runtime.executor().has_ready() {
            return Turn::Ready;
        }
        if self.ended.get() && self.runtime.operations().in_flight() == 0 {
            return Turn::Finished;
        }
        let timer = self.runtime.timers().next_deadline();
        // A full ring: its other core drains it whether or not it has news for us, so look again soon.
        let backlog = self.runtime.mail().has_backlog();
        let look = backlog.then(|| self.runtime.now() + BACKLOG_LOOK);
        match timer.into_iter().chain(look).min() {
            Some(deadline) => Turn::Deadline(deadline),
            None => Turn::Idle,
        }
    }
}

impl Drop for Core {
    /// Ends all tasks. Their destructors may still submit and cancel; the ground ignores or carries that out.
    fn drop(&mut self) {
        let _on_core = OnCore::enter(self.runtime.0.id);
        if let Some(root) = self.runtime.0.root.get() {
            self.runtime.cancel_scope(root);
        }
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Core({})", self.runtime.0.id)
    }
}

fn take_returns(runtime: &Runtime, counts: &[u32]) {
    for (source, &count) in counts.iter().enumerate() {
        for _ in 0..count {
            let returned = runtime
                .0
                .home
                .take(source)
                .expect("as many returns as were counted");
            runtime.trace(TraceEvent::Returned {
                source: u16::try_from(source).expect("a core or outside"),
            });
            runtime.apply_return(returned);
        }
    }
}

fn take_messages(runtime: &Runtime, counts: &[u32]) {
    for (source, &count) in (0_u16..).zip(counts) {
        for _ in 0..count {
            let source = CoreId::new(source);
            let port = runtime.mail().take_in(source);
            runtime.trace(TraceEvent::Delivered {
                source: source.number(),
                port,
            });
        }
    }
}

fn take_completion(runtime: &Runtime, completion: Completion) {
    if runtime.0.traces {
        runtime.trace(TraceEvent::Completed {
            id: completion.id,
            summary: summary::of_result(&completion.result),
        });
    }
    let landed = runtime.operations().land(completion.id, completion.result);
    match landed {
        Landed::Wanted(waker) => {
            if let Some(waker) = waker {
                waker.wake();
            }
        }
        Landed::Unwanted(descriptor) => {
            if let Some(descriptor) = descriptor {
                runtime.close_detached(descriptor);
            }
        }
    }
}

fn fire_timers(runtime: &Runtime) {
    loop {
        let due = runtime.timers().take_due(runtime.now());
        let Some((deadline, waker)) = due else {
            return;
        };
        runtime.trace(TraceEvent::Fired {
            deadline: deadline.as_nanos(),
        });
        waker.wake();
    }
}

/// Polls the next ready task. False when none was ready.
fn poll_one(runtime: &Runtime) -> bool {
    let next = runtime.executor().next(&*runtime.0.environment);
    let Some((key, mut future, waker)) = next else {
        return false;
    };
    runtime.trace(TraceEvent::Polled {
        task: key.to_bits(),
    });
    let mut context = Context::from_waker(&waker);
    let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut context)));
    match polled {
        Ok(Poll::Pending) => {
            let cancelled = runtime.executor().put_back(key, future);
            drop(cancelled);
        }
        Ok(Poll::Ready(())) => {
            drop(future);
            runtime.executor().remove(key);
        }
        Err(payload) => contain(runtime, key, future, payload),
    }
    true
}

/// Ends the scope in which a task panicked, or the node when that is the root scope.
fn contain(runtime: &Runtime, key: Key, future: BoxedTask, payload: Box<dyn Any + Send>) {
    if payload.is::<Crash>() {
        resume_unwind(payload);
    }
    let message = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned());
    let (scope, name, root) = {
        let executor = runtime.executor();
        let entry = executor
            .tasks
            .get(key)
            .expect("a polled task stays in the table");
        (
            entry.scope,
            entry.name,
            executor.scopes.is_root(entry.scope),
        )
    };
    if root {
        runtime.crash(&format!("task {name} panicked: {message}"));
    }
    runtime.executor().scopes.fault(scope, name, message);
    runtime.cancel_scope(scope);
    drop(future);
    runtime.executor().remove(key);
}
