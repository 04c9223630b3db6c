//! Scopes: tasks that end together, and the border at which a panic stops.
//!
//! ```text
//!   root ------ connection 17 ---- reader, writer          a panic in `reader` ends `connection 17`
//!          \--- partition 3 ------ appender, flusher       and is its owner's news, not the node's end
//! ```

use core::fmt;
use core::future::{Future, poll_fn};
use core::task::{Poll, Waker};
use std::collections::BTreeSet;

use crate::handle::Runtime;
use crate::sync::oneshot;
use crate::table::{Key, Table};
use crate::task::{Class, Task};

/// What a panic in a scope left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeFault {
    /// The scope.
    pub scope: &'static str,
    /// The task that panicked.
    pub task: &'static str,
    /// What it said.
    pub message: String,
}

impl fmt::Display for ScopeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "task {} of {} panicked: {}",
            self.task, self.scope, self.message
        )
    }
}

impl core::error::Error for ScopeFault {}

#[derive(Debug)]
struct ScopeEntry {
    name: &'static str,
    parent: Option<Key>,
    tasks: BTreeSet<Key>,
    children: BTreeSet<Key>,
    open: bool,
    /// The handle is gone: the entry goes with its last task.
    released: bool,
    fault: Option<ScopeFault>,
    waiter: Option<Waker>,
}

/// The scopes of one core.
#[derive(Debug, Default)]
pub(crate) struct Scopes {
    table: Table<ScopeEntry>,
}

impl Scopes {
    pub(crate) fn open(&mut self, name: &'static str, parent: Option<Key>) -> Key {
        let open = parent.is_none_or(|parent| self.is_open(parent));
        let key = self.table.insert(ScopeEntry {
            name,
            parent,
            tasks: BTreeSet::new(),
            children: BTreeSet::new(),
            open,
            released: false,
            fault: None,
            waiter: None,
        });
        if let Some(parent) = parent.and_then(|parent| self.table.get_mut(parent)) {
            parent.children.insert(key);
        }
        key
    }

    pub(crate) fn is_open(&self, scope: Key) -> bool {
        self.table.get(scope).is_some_and(|entry| entry.open)
    }

    pub(crate) fn is_root(&self, scope: Key) -> bool {
        self.table
            .get(scope)
            .is_some_and(|entry| entry.parent.is_none())
    }

    pub(crate) fn name(&self, scope: Key) -> &'static str {
        self.table
            .get(scope)
            .map_or("a scope that is over", |entry| entry.name)
    }

    pub(crate) fn enter(&mut self, scope: Key, task: Key) {
        if let Some(entry) = self.table.get_mut(scope) {
            entry.tasks.insert(task);
        }
    }

    pub(crate) fn leave(&mut self, scope: Key, task: Key) {
        if let Some(entry) = self.table.get_mut(scope) {
            entry.tasks.remove(&task);
        }
        self.settle(scope);
    }

    /// Lets no task in any more, here and in the scopes within; returns those scopes, the outer before the inner,
    /// and the tasks that are still in them. When those are dealt with, the scopes are to be settled.
    pub(crate) fn close(&mut self, scope: Key) -> (Vec<Key>, Vec<Key>) {
        let mut tasks = Vec::new();
        let mut scopes = vec![scope];
        let mut next = 0;
        while let Some(&key) = scopes.get(next) {
            next += 1;
            if let Some(entry) = self.table.get_mut(key) {
                entry.open = false;
                tasks.extend(entry.tasks.iter().copied());
                scopes.extend(entry.children.iter().copied());
            }
        }
        (scopes, tasks)
    }

    /// Remembers the first fault of a scope.
    pub(crate) fn fault(&mut self, scope: Key, task: &'static str, message: String) {
        if let Some(entry) = self.table.get_mut(scope) {
            let scope = entry.name;
            entry.fault.get_or_insert(ScopeFault {
                scope,
                task,
                message,
            });
        }
    }

    /// The handle of `scope` is gone.
    pub(crate) fn release(&mut self, scope: Key) {
        if let Some(entry) = self.table.get_mut(scope) {
            entry.released = true;
        }
        self.settle(scope);
    }

    /// Whether nothing runs in `scope`, and nothing can start in the scopes within it: those may still have their
    /// handles, but they are closed and over themselves.
    fn is_over(&self, scope: Key) -> bool {
        let Some(entry) = self.table.get(scope) else {
            return true;
        };
        let child_is_over = |&child: &Key| !self.is_open(child) && self.is_over(child);
        entry.tasks.is_empty() && entry.children.iter().all(child_is_over)
    }

    /// Wakes who waits for `scope` and for those around it, where nothing is left in them, and removes those whose
    /// handle is gone.
    pub(crate) fn settle(&mut self, scope: Key) {
        let mut next = Some(scope);
        while let Some(key) = next.take() {
            if !self.is_over(key) {
                return;
            }
            let Some(entry) = self.table.get_mut(key) else {
                return;
            };
            if let Some(waker) = entry.waiter.take() {
                waker.wake();
            }
            next = entry.parent;
            let gone = entry.released && entry.children.is_empty();
            if gone {
                self.table.remove(key);
                if let Some(parent) = next.and_then(|parent| self.table.get_mut(parent)) {
                    parent.children.remove(&key);
                }
            }
        }
    }

    fn poll_done(&mut self, scope: Key, waker: &Waker) -> Poll<Result<(), ScopeFault>> {
        let over = self.is_over(scope);
        let Some(entry) = self.table.get_mut(scope) else {
            return Poll::Ready(Ok(()));
        };
        if !over {
            entry.waiter = Some(waker.clone());
            return Poll::Pending;
        }
        Poll::Ready(entry.fault.clone().map_or(Ok(()), Err))
    }
}

/// Owns tasks: dropping it cancels them all, a panic in one of them cancels the others.
pub struct Scope {
    spawner: Spawner,
}

impl Scope {
    pub(crate) fn new(runtime: Runtime, name: &'static str, parent: Option<Key>) -> Self {
        let key = runtime.executor().scopes.open(name, parent);
        Self {
            spawner: Spawner { runtime, key },
        }
    }

    /// A handle that starts tasks in this scope and does not own it.
    pub fn spawner(&self) -> Spawner {
        self.spawner.clone()
    }

    /// Starts a task in it.
    pub fn spawn<T: 'static>(
        &self,
        class: Class,
        name: &'static str,
        future: impl Future<Output = T> + 'static,
    ) -> Task<T> {
        self.spawner.spawn(class, name, future)
    }

    /// A scope within this one: it ends at the latest when this one does.
    #[must_use = "a scope that is dropped is cancelled"]
    pub fn child(&self, name: &'static str) -> Scope {
        self.spawner.child(name)
    }

    /// Cancels everything in it; returns at once, and [`Scope::join`] says when all is over.
    pub fn cancel(&self) {
        self.spawner.runtime.cancel_scope(self.spawner.key);
    }

    /// Waits until its last task, and the last scope within it, ended. The fault, when a task panicked.
    pub async fn join(&self) -> Result<(), ScopeFault> {
        let Spawner { runtime, key } = &self.spawner;
        poll_fn(|context| runtime.executor().scopes.poll_done(*key, context.waker())).await
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        self.cancel();
        self.spawner
            .runtime
            .executor()
            .scopes
            .release(self.spawner.key);
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({})", self.spawner.name())
    }
}

/// Starts tasks in a scope that someone else owns.
#[derive(Clone)]
pub struct Spawner {
    runtime: Runtime,
    key: Key,
}

impl Spawner {
    pub(crate) fn new(runtime: Runtime, key: Key) -> Self {
        Self { runtime, key }
    }

    /// Starts a task. In a scope that is over it ends at once as cancelled.
    pub fn spawn<T: 'static>(
        &self,
        class: Class,
        name: &'static str,
        future: impl Future<Output = T> + 'static,
    ) -> Task<T> {
        let (sender, receiver) = oneshot::channel();
        let task = Box::pin(async move { sender.send(future.await) });
        // A refused task's future is dropped inside `spawn_boxed`, after the executor's borrow ended.
        self.runtime.spawn_boxed(self.key, class, name, task);
        Task(receiver)
    }

    /// A scope within this one.
    #[must_use = "a scope that is dropped is cancelled"]
    pub fn child(&self, name: &'static str) -> Scope {
        Scope::new(self.runtime.clone(), name, Some(self.key))
    }

    /// Whether it still takes tasks.
    pub fn is_open(&self) -> bool {
        self.runtime.executor().scopes.is_open(self.key)
    }

    fn name(&self) -> &'static str {
        self.runtime.executor().scopes.name(self.key)
    }
}

impl fmt::Debug for Spawner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Spawner({})", self.name())
    }
}
