//! The executor: which task runs next. It knows nothing of what tasks wait for; a waker puts a task's key into
//! the queue of the woken, and the next round sorts them into their classes.

use core::future::Future;
use core::pin::Pin;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::Waker;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Wake;

use crossbeam_queue::SegQueue;

use crate::environment::Environment;
use crate::scope::Scopes;
use crate::table::{Key, Table};
use crate::task::Class;

pub(crate) type BoxedTask = Pin<Box<dyn Future<Output = ()>>>;

/// One task.
pub(crate) struct TaskEntry {
    /// None while it is polled.
    pub(crate) future: Option<BoxedTask>,
    pub(crate) name: &'static str,
    pub(crate) scope: Key,
    pub(crate) cancelled: bool,
    class: Class,
    waker: Arc<TaskWaker>,
}

impl core::fmt::Debug for TaskEntry {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "TaskEntry({}, {:?})", self.name, self.class)
    }
}

/// Puts its task into the queue of the woken, once until the task is polled.
#[derive(Debug)]
struct TaskWaker {
    key: u64,
    queued: AtomicBool,
    woken: Arc<SegQueue<u64>>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::Relaxed) {
            self.woken.push(self.key);
        }
    }
}

/// Tasks, scopes, and who is ready. Owned by one core; only the queue of the woken is shared, because a waker
/// must be `Send`; it is used from the core's own thread.
#[derive(Debug)]
pub(crate) struct Executor {
    pub(crate) tasks: Table<TaskEntry>,
    pub(crate) scopes: Scopes,
    woken: Arc<SegQueue<u64>>,
    ready: [VecDeque<Key>; Class::ALL.len()],
    /// Polls that each class may still have in this round.
    shares: [u32; Class::ALL.len()],
}

impl Default for Executor {
    fn default() -> Self {
        Self {
            tasks: Table::default(),
            scopes: Scopes::default(),
            woken: Arc::new(SegQueue::new()),
            ready: Default::default(),
            shares: Class::ALL.map(Class::share),
        }
    }
}

impl Executor {
    /// Adds a task, ready to run. The future comes back when its scope is over.
    pub(crate) fn spawn(
        &mut self,
        scope: Key,
        class: Class,
        name: &'static str,
        future: BoxedTask,
    ) -> Result<(), BoxedTask> {
        if !self.scopes.is_open(scope) {
            return Err(future);
        }
        let woken = &self.woken;
        let key = self.tasks.insert_with(|key| TaskEntry {
            future: Some(future),
            name,
            scope,
            cancelled: false,
            class,
            waker: Arc::new(TaskWaker {
                key: key.to_bits(),
                queued: AtomicBool::new(true),
                woken: Arc::clone(woken),
            }),
        });
        self.woken.push(key.to_bits());
        self.scopes.enter(scope, key);
        Ok(())
    }

    /// Whether a task is ready.
    pub(crate) fn has_ready(&self) -> bool {
        !self.woken.is_empty() || self.ready.iter().any(|queue| !queue.is_empty())
    }

    /// The task to poll next, with its future taken out and the waker to poll it with.
    pub(crate) fn next(
        &mut self,
        environment: &dyn Environment,
    ) -> Option<(Key, BoxedTask, Waker)> {
        loop {
            self.sort_woken();
            let class = self.next_class()?;
            let queue = &mut self.ready[class.index()];
            let pick = if queue.len() == 1 {
                0
            } else {
                environment.pick(class, queue.len())
            };
            let key = queue
                .remove(pick)
                .expect("an environment picks one of the ready");
            // A task may have ended since it was woken.
            let Some(entry) = self.tasks.get_mut(key) else {
                continue;
            };
            let Some(future) = entry.future.take() else {
                continue;
            };
            entry.waker.queued.store(false, Ordering::Relaxed);
            return Some((key, future, Waker::from(Arc::clone(&entry.waker))));
        }
    }

    /// Puts a pending task's future back. It comes out again, to be dropped, when the task was cancelled.
    pub(crate) fn put_back(&mut self, key: Key, future: BoxedTask) -> Option<BoxedTask> {
        let entry = self
            .tasks
            .get_mut(key)
            .expect("a polled task stays in the table");
        if entry.cancelled {
            self.remove(key);
            return Some(future);
        }
        entry.future = Some(future);
        None
    }

    /// Forgets a task that ended.
    pub(crate) fn remove(&mut self, key: Key) {
        if let Some(entry) = self.tasks.remove(key) {
            self.scopes.leave(entry.scope, key);
        }
    }

    /// Ends the tasks of `scope` and of the scopes within it. Their futures come out, to be dropped by a caller
    /// that holds no borrow: destructors may spawn, wake and cancel.
    pub(crate) fn cancel(&mut self, scope: Key) -> Vec<BoxedTask> {
        let mut futures = Vec::new();
        let (scopes, tasks) = self.scopes.close(scope);
        for key in tasks {
            let Some(entry) = self.tasks.get_mut(key) else {
                continue;
            };
            entry.cancelled = true;
            // None: it is the one being polled; it ends when its poll returns.
            if let Some(future) = entry.future.take() {
                futures.push(future);
                self.remove(key);
            }
        }
        for scope in scopes.into_iter().rev() {
            self.scopes.settle(scope);
        }
        futures
    }

    fn sort_woken(&mut self) {
        while let Some(bits) = self.woken.pop() {
            let key = Key::from_bits(bits);
            if let Some(entry) = self.tasks.get(key) {
                self.ready[entry.class.index()].push_back(key);
            }
        }
    }

    /// The most urgent class that has something ready and polls left; a new round when none has polls left.
    fn next_class(&mut self) -> Option<Class> {
        for _ in 0..2 {
            for class in Class::ALL {
                let index = class.index();
                if !self.ready[index].is_empty() && self.shares[index] > 0 {
                    self.shares[index] -= 1;
                    return Some(class);
                }
            }
            self.shares = Class::ALL.map(Class::share);
        }
        None
    }
}
