//! Threads that do what would block a core: file operations on one set of them, offloaded jobs on another.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use crate::alarm::Alarm;
use crate::error::{PortableError, last_words};

/// Something to do. It lands its operation itself.
pub(crate) type Work = Box<dyn FnOnce() + Send>;

/// Work that may wait per thread before another thread is started.
const WAITING_PER_THREAD_MAX: usize = 2;

/// A set of threads and the work that waits for one, oldest first.
///
/// The queue itself has no bound, and needs none: each entry is an operation in flight, which was made by a task
/// and holds its memory already. Refusing one here would turn a busy disk into a failed write.
#[derive(Debug)]
pub(crate) struct Workers {
    shared: Arc<Shared>,
}

struct Shared {
    /// What its threads are called.
    name: &'static str,
    threads_max: usize,
    alarm: Arc<Alarm>,
    state: Mutex<State>,
    filled: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Work>,
    threads: Vec<JoinHandle<()>>,
    stopping: bool,
}

impl core::fmt::Debug for Shared {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Shared({})", self.name)
    }
}

impl Workers {
    /// Starts `threads` of them (at least one), to become at most `threads_max`.
    pub(crate) fn start(
        name: &'static str,
        threads: usize,
        threads_max: usize,
        alarm: Arc<Alarm>,
    ) -> Result<Self, PortableError> {
        let threads = threads.max(1);
        let workers = Self {
            shared: Arc::new(Shared {
                name,
                threads_max: threads_max.max(threads),
                alarm,
                state: Mutex::default(),
                filled: Condvar::new(),
            }),
        };
        for _ in 0..threads {
            let started = workers.shared.add_thread(&mut workers.shared.state());
            if let Err(error) = started {
                workers.stop();
                let name = name.to_owned();
                return Err(PortableError::Thread { name, error });
            }
        }
        Ok(workers)
    }

    /// Queues `work`.
    pub(crate) fn submit(&self, work: Work) {
        let shared = &self.shared;
        let mut state = shared.state();
        state.queue.push_back(work);
        let threads = state.threads.len();
        if state.queue.len() > threads * WAITING_PER_THREAD_MAX && threads < shared.threads_max {
            // Without another thread the work waits longer: nothing to report.
            drop(shared.add_thread(&mut state));
        }
        drop(state);
        shared.filled.notify_one();
    }

    /// Ends all threads, each after the work that it is at, and drops the work that still waits: on the caller's
    /// thread, for work may hold pool memory.
    pub(crate) fn stop(&self) {
        let mut state = self.shared.state();
        state.stopping = true;
        let threads = core::mem::take(&mut state.threads);
        drop(state);
        self.shared.filled.notify_all();
        for thread in threads {
            if let Err(payload) = thread.join() {
                self.shared.report(&*payload);
            }
        }
        let left = core::mem::take(&mut self.shared.state().queue);
        drop(left);
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add_thread(self: &Arc<Self>, state: &mut State) -> io::Result<()> {
        let shared = Arc::clone(self);
        let name = format!("{}-{}", self.name, state.threads.len());
        let thread = Builder::new().name(name).spawn(move || shared.run())?;
        state.threads.push(thread);
        Ok(())
    }

    /// The life of one thread.
    fn run(&self) {
        while let Some(work) = self.next() {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(work)) {
                // The operation was lost, and whoever waits for it would wait for ever.
                self.report(&*payload);
            }
        }
    }

    fn next(&self) -> Option<Work> {
        let mut state = self.state();
        loop {
            if state.stopping {
                return None;
            }
            if let Some(work) = state.queue.pop_front() {
                return Some(work);
            }
            state = self
                .filled
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn report(&self, payload: &(dyn core::any::Any + Send)) {
        self.alarm.raise(PortableError::Worker {
            name: self.name.to_owned(),
            message: last_words(payload),
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    fn workers(threads: usize, threads_max: usize) -> (Workers, Arc<Alarm>) {
        let alarm = Arc::new(Alarm::new(Arc::new([])));
        let workers = Workers::start("test", threads, threads_max, Arc::clone(&alarm)).unwrap();
        (workers, alarm)
    }

    #[test]
    fn threads_are_added_when_work_waits_and_only_up_to_the_limit() {
        let (workers, _alarm) = workers(1, 3);
        // Three that end only together, behind three others: one thread alone would never end.
        let together = Arc::new(Barrier::new(4));
        for _ in 0..3 {
            let together = Arc::clone(&together);
            workers.submit(Box::new(move || {
                together.wait();
            }));
        }
        for _ in 0..20 {
            workers.submit(Box::new(|| {}));
        }
        together.wait();
        assert_eq!(workers.shared.state().threads.len(), 3);
    }

    #[test]
    fn what_was_not_begun_is_dropped_by_who_stops_them() {
        struct Guard(Arc<Mutex<Option<thread::ThreadId>>>);
        impl Drop for Guard {
            fn drop(&mut self) {
                *self.0.lock().unwrap() = Some(thread::current().id());
            }
        }
        let (workers, _alarm) = workers(1, 1);
        let dropped = Arc::new(Mutex::new(None));
        let (begun, begins) = std::sync::mpsc::channel();
        let gate = Arc::new(Barrier::new(2));
        let busy = Arc::clone(&gate);
        workers.submit(Box::new(move || {
            begun.send(()).unwrap();
            busy.wait();
        }));
        begins.recv().unwrap();
        let guard = Guard(Arc::clone(&dropped));
        workers.submit(Box::new(move || drop(guard)));
        workers.shared.state().stopping = true;
        gate.wait();
        workers.stop();
        assert_eq!(*dropped.lock().unwrap(), Some(thread::current().id()));
    }

    #[test]
    fn a_panic_raises_the_alarm_and_leaves_the_thread() {
        let (workers, alarm) = workers(1, 1);
        workers.submit(Box::new(|| panic!("planted: a file operation panics")));
        let (done, is_done) = std::sync::mpsc::channel();
        workers.submit(Box::new(move || done.send(()).unwrap()));
        is_done.recv().unwrap();
        assert!(alarm.is_raised());
        let message = alarm.take().unwrap().to_string();
        assert_eq!(
            message,
            "thread test panicked: planted: a file operation panics"
        );
    }
}
