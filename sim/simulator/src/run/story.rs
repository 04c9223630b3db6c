//! What the broker said, and what of it matters to a judge.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use broker::Event;
use stdx::Instant;

use crate::oracles::recovery::Claim;

/// Lines kept.
const LINES_MAX: usize = 500;

/// What was said, with the time of the slice in which it was. The world runs on one thread; the locks are there because a
/// node's log must be `Send`.
#[derive(Debug, Default)]
pub(super) struct Story {
    now_micros: AtomicU64,
    lines: Mutex<Vec<String>>,
    panicked: Mutex<Option<String>>,
    /// What it says that recovery found, each with the number of its start.
    claims: Mutex<Vec<(usize, Claim)>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Story {
    /// Takes what the broker says in its life number `start`.
    pub(super) fn hear(&self, start: usize, event: &Event) {
        if is_panic(event) {
            lock(&self.panicked).get_or_insert(event.to_string());
        }
        if let Some(claim) = claim(event) {
            lock(&self.claims).push((start, claim));
        }
        if !is_everyday(event) {
            self.add(&event.to_string());
        }
    }

    /// Adds a line.
    pub(super) fn add(&self, text: &str) {
        let micros = self.now_micros.load(Ordering::Relaxed);
        let mut lines = lock(&self.lines);
        if lines.len() < LINES_MAX {
            lines.push(format!(
                "{}.{:06}s {text}",
                micros / 1_000_000,
                micros % 1_000_000
            ));
        }
    }

    /// Notes the time.
    pub(super) fn note_time(&self, now: Instant) {
        self.now_micros
            .store(now.as_nanos() / 1_000, Ordering::Relaxed);
    }

    /// What a panic said, once.
    pub(super) fn take_panic(&self) -> Option<String> {
        lock(&self.panicked).take()
    }

    /// What recovery found by its own account, once.
    pub(super) fn take_claims(&self) -> Vec<(usize, Claim)> {
        core::mem::take(&mut lock(&self.claims))
    }

    /// All lines.
    pub(super) fn lines(&self) -> Vec<String> {
        lock(&self.lines).clone()
    }
}

/// Whether something of ours panicked.
fn is_panic(event: &Event) -> bool {
    match event {
        Event::ConnectionEnded { ended, .. } => ended.closed.is_err(),
        Event::ReplicaFenced { .. } => true,
        _ => false,
    }
}

/// What the event says of a partition's recovery.
fn claim(event: &Event) -> Option<Claim> {
    match *event {
        Event::Cluster(cluster::Event::Recovered {
            key,
            end,
            term,
            fenced,
            ..
        }) => Some(Claim {
            key,
            end,
            term,
            fenced,
        }),
        _ => None,
    }
}

/// Whether a reader of the story can do without it.
fn is_everyday(event: &Event) -> bool {
    match event {
        Event::ConnectionEnded { ended, .. } => {
            ended.closed.as_ref().is_ok_and(kafka::Closed::is_ordinary)
        }
        Event::Cluster(event) => event.is_everyday(),
        _ => false,
    }
}
