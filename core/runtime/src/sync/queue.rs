//! A bounded queue between tasks of one core.

use core::cell::RefCell;
use core::fmt;
use std::collections::VecDeque;
use std::rc::Rc;

use crate::sync::signal::Signal;

/// Values in order, at most `limit` of them: who pushes into a full one waits. Any clone may push and pop.
pub struct Queue<T>(Rc<State<T>>);

struct State<T> {
    limit: usize,
    inner: RefCell<Inner<T>>,
    /// An item came, or the end.
    filled: Signal,
    /// An item went, or the end.
    emptied: Signal,
}

struct Inner<T> {
    items: VecDeque<T>,
    closed: bool,
}

impl<T> Queue<T> {
    /// An empty queue of at most `limit` items.
    ///
    /// # Panics
    /// When `limit` is zero.
    pub fn new(limit: usize) -> Self {
        assert!(limit > 0);
        Self(Rc::new(State {
            limit,
            inner: RefCell::new(Inner {
                items: VecDeque::new(),
                closed: false,
            }),
            filled: Signal::new(),
            emptied: Signal::new(),
        }))
    }

    /// Appends `item`, waiting for room. It comes back when the queue was closed.
    pub async fn push(&self, mut item: T) -> Result<(), T> {
        loop {
            let seen = self.0.emptied.seen();
            match self.try_push(item) {
                Err(back) if !self.is_closed() => item = back,
                result => return result,
            }
            self.0.emptied.changed(seen).await;
        }
    }

    /// Appends `item` if there is room now.
    pub fn try_push(&self, item: T) -> Result<(), T> {
        {
            let mut inner = self.0.inner.borrow_mut();
            if inner.closed || inner.items.len() >= self.0.limit {
                return Err(item);
            }
            inner.items.push_back(item);
        }
        self.0.filled.notify();
        Ok(())
    }

    /// The oldest item, waiting for one. None when the queue is closed and empty.
    pub async fn pop(&self) -> Option<T> {
        loop {
            let seen = self.0.filled.seen();
            if let Some(item) = self.try_pop() {
                return Some(item);
            }
            if self.is_closed() {
                return None;
            }
            self.0.filled.changed(seen).await;
        }
    }

    /// The oldest item, if there is one now.
    pub fn try_pop(&self) -> Option<T> {
        let item = self.0.inner.borrow_mut().items.pop_front()?;
        self.0.emptied.notify();
        Some(item)
    }

    /// Takes no more items; what is in it can still be popped.
    pub fn close(&self) {
        self.0.inner.borrow_mut().closed = true;
        self.0.filled.notify();
        self.0.emptied.notify();
    }

    /// Whether it takes no more.
    pub fn is_closed(&self) -> bool {
        self.0.inner.borrow().closed
    }

    /// Items in it.
    pub fn len(&self) -> usize {
        self.0.inner.borrow().items.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Queue({} of {})", self.len(), self.0.limit)
    }
}
