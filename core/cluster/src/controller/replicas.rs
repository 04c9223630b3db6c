//! The replicas of this node, as the controller moves them: many at a time, but not all.

use core::cell::RefCell;
use core::fmt;
use core::future::Future;
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

use model::{PartitionKey, Term};
use partition::{Open, Router};
use runtime::{Class, Either, Runtime, race};

use super::progress::Progress;
use crate::event::{Event, Log};
use crate::topic::Topic;
use crate::update::Leader;

/// Replicas opened or removed at the same time: enough to keep a disk busy, few enough that recovery of one is not
/// held up by all.
const IN_FLIGHT_MAX: usize = 64;

/// Bytes at which a segment may be full at the least: below, a topic would be made of files alone.
const SEGMENT_BYTES_MIN: u64 = 1 << 20;
/// Bytes at which a segment is full at the most: positions in it are 32-bit.
const SEGMENT_BYTES_MAX: u64 = 1 << 31;

/// Opens and removes replicas on their cores.
pub(super) struct Replicas {
    runtime: Runtime,
    router: Router,
    segment_bytes: u64,
    log: Log,
}

impl Replicas {
    pub(super) fn new(runtime: Runtime, router: Router, segment_bytes: u64, log: Log) -> Self {
        Self {
            runtime,
            router,
            segment_bytes,
            log,
        }
    }

    /// Opens the replicas of all partitions of `topics`: those that lead now, and those that could not be opened.
    pub(super) async fn open(&self, topics: &[Topic]) -> (Vec<Leader>, BTreeSet<PartitionKey>) {
        let opens = topics.iter().flat_map(|topic| {
            let segment_bytes = self.segment_bytes_of(topic);
            topic.keys().map(move |key| Open { key, segment_bytes })
        });
        self.open_each(opens.collect()).await
    }

    /// Opens some replicas, as [`Replicas::open`] does.
    pub(super) async fn open_each(
        &self,
        opens: VecDeque<Open>,
    ) -> (Vec<Leader>, BTreeSet<PartitionKey>) {
        let progress = Progress::new(self.runtime.clone(), Rc::clone(&self.log), opens.len());
        let progress = Rc::new(progress);
        let outcomes = self.each(opens, |open| {
            let (router, log) = (self.router.clone(), Rc::clone(&self.log));
            let progress = Rc::clone(&progress);
            async move {
                let outcome = open_one(&router, &log, open).await;
                progress.one_more();
                outcome
            }
        });
        let Either::Left(outcomes) = race(outcomes, progress.tell()).await;
        let (mut leaders, mut unopened) = (Vec::new(), BTreeSet::new());
        for (key, term) in outcomes {
            match term {
                Some(term) => leaders.push((key, term)),
                None => _ = unopened.insert(key),
            }
        }
        leaders.sort_unstable();
        (leaders, unopened)
    }

    /// Removes the replicas of a topic with their files. True when nothing of it is left.
    pub(super) async fn remove(&self, topic: &Topic) -> bool {
        let removed = self.each(topic.keys().collect(), |key| {
            let (router, log) = (self.router.clone(), Rc::clone(&self.log));
            async move {
                let removed = router.remove(key).await;
                removed
                    .map_err(|reason| log(Event::RemoveFailed { key, reason }))
                    .is_ok()
            }
        });
        removed.await.into_iter().all(|removed| removed)
    }

    /// What `open` needs to know of a partition of `topic`.
    pub(super) fn open_of(&self, topic: &Topic, key: PartitionKey) -> Open {
        let segment_bytes = self.segment_bytes_of(topic);
        Open { key, segment_bytes }
    }

    fn segment_bytes_of(&self, topic: &Topic) -> u64 {
        let set = topic
            .config("segment.bytes")
            .and_then(|text| text.parse::<u64>().ok());
        set.map_or(self.segment_bytes, |bytes| {
            bytes.clamp(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX)
        })
    }

    /// Runs `action` on each of `items`, [`IN_FLIGHT_MAX`] at a time. Outcomes come in the order in which they
    /// were there.
    async fn each<I: 'static, T: 'static, F: Future<Output = T> + 'static>(
        &self,
        items: VecDeque<I>,
        action: impl Fn(I) -> F,
    ) -> Vec<T> {
        let scope = self.runtime.scope("replicas");
        let workers = items.len().min(IN_FLIGHT_MAX);
        let outcomes = Rc::new(RefCell::new(Vec::with_capacity(items.len())));
        // The futures are made here, where `action` lives; each runs in the worker that takes it.
        let waiting: VecDeque<F> = items.into_iter().map(action).collect();
        let waiting = Rc::new(RefCell::new(waiting));
        for _ in 0..workers {
            let (waiting, outcomes) = (Rc::clone(&waiting), Rc::clone(&outcomes));
            drop(scope.spawn(Class::Background, "replica", async move {
                loop {
                    let Some(next) = waiting.borrow_mut().pop_front() else {
                        return;
                    };
                    let outcome = next.await;
                    outcomes.borrow_mut().push(outcome);
                }
            }));
        }
        if let Err(fault) = scope.join().await {
            self.runtime.crash(&fault.to_string());
        }
        outcomes.take()
    }
}

async fn open_one(router: &Router, log: &Log, open: Open) -> (PartitionKey, Option<Term>) {
    let key = open.key;
    match router.open(open).await {
        Ok(opened) => {
            let term = opened.watermarks.term;
            log(Event::recovered(key, opened));
            (key, Some(term))
        }
        Err(reason) => {
            log(Event::OpenFailed { key, reason });
            (key, None)
        }
    }
}

impl fmt::Debug for Replicas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Replicas")
    }
}
