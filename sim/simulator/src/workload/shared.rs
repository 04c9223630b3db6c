//! What the clients share with each other and with whoever runs the world.
//!
//! The world runs on one thread, and the lock is never held across a wait: it is there because a node's main must
//! be `Send`.

use core::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::{PartitionKey, TopicId};
use stdx::Prng;
use storage::DataPath;

use crate::ledger::{Ledger, Place};
use crate::oracles::{Violation, visible};
use crate::run::DATA;

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Phase {
    /// Topics are made.
    SettingUp,
    /// Clients work, faults happen.
    Working,
    /// All is healed; everything is written to and read once more.
    Reading,
    /// The clients are done.
    Done,
}

/// Shared by all clients of a run.
#[derive(Debug)]
pub struct Shared {
    phase: AtomicU8,
    beyond_model: AtomicBool,
    ledger: Mutex<Ledger>,
    violation: Mutex<Option<Violation>>,
    /// Partitions of topics that exist.
    places: Mutex<Vec<Place>>,
    /// Identities of topics, learned by the last reader.
    ids: Mutex<BTreeMap<String, TopicId>>,
    /// Folders of partitions with damage at rest.
    rotten: Mutex<BTreeSet<String>>,
    /// What the last reader waits for, in words.
    waiting_for: Mutex<String>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            phase: AtomicU8::new(Phase::SettingUp as u8),
            beyond_model: AtomicBool::new(false),
            ledger: Mutex::default(),
            violation: Mutex::default(),
            places: Mutex::default(),
            ids: Mutex::default(),
            rotten: Mutex::default(),
            waiting_for: Mutex::new("topics to be made".to_owned()),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// How far the run is.
    pub fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            0 => Phase::SettingUp,
            1 => Phase::Working,
            2 => Phase::Reading,
            _ => Phase::Done,
        }
    }

    /// Moves on to `phase`; never back.
    pub fn enter(&self, phase: Phase) {
        self.phase.fetch_max(phase as u8, Ordering::Relaxed);
    }

    /// Something happens that one replica alone need not survive: a range may be refused.
    pub fn expect_beyond_model(&self) {
        self.beyond_model.store(true, Ordering::Relaxed);
    }

    /// Whether a range may be refused.
    pub fn is_beyond_model(&self) -> bool {
        self.beyond_model.load(Ordering::Relaxed)
    }

    /// What the clients know.
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }

    /// Notes the high watermark that a client was told. Where damage is expected it may go back: what is refused has
    /// no end that could be told.
    pub fn note_high_watermark(&self, place: &Place, told_before: i64, high_watermark: i64) {
        if self.is_beyond_model() && high_watermark < told_before {
            return;
        }
        let noted = visible::note(&mut self.ledger(), place, told_before, high_watermark);
        self.judge(noted);
    }

    /// Notes a broken promise; the first one counts.
    pub fn judge(&self, judgement: Result<(), Violation>) {
        if let Err(violation) = judgement {
            lock(&self.violation).get_or_insert(violation);
        }
    }

    /// The first broken promise.
    pub fn violation(&self) -> Option<Violation> {
        lock(&self.violation).clone()
    }

    /// Notes a topic that exists.
    pub fn add_topic(&self, name: &str, partitions: i32) {
        let places = (0..partitions).map(|partition| (name.to_owned(), partition));
        lock(&self.places).extend(places);
    }

    /// All partitions of topics that exist.
    pub fn places(&self) -> Vec<Place> {
        lock(&self.places).clone()
    }

    /// Notes which partitions have damage at rest, by their folders.
    pub fn note_rotten(&self, folders: &BTreeSet<String>) {
        lock(&self.rotten).clone_from(folders);
    }

    /// Whether a partition has damage at rest, so that some of it may be refused.
    pub fn is_rotten(&self, key: PartitionKey) -> bool {
        lock(&self.rotten).contains(&DataPath::new(DATA).partition(key))
    }

    /// Notes the identity of a topic.
    pub fn add_id(&self, name: &str, id: TopicId) {
        lock(&self.ids).insert(name.to_owned(), id);
    }

    /// The identity of a topic, once it is known.
    pub fn id(&self, name: &str) -> Option<TopicId> {
        lock(&self.ids).get(name).copied()
    }

    /// One of them, drawn.
    pub fn draw_place(&self, prng: &mut Prng) -> Place {
        prng.choose(&lock(&self.places)).clone()
    }

    /// Says what the clients wait for.
    pub fn wait_for(&self, what: String) {
        *lock(&self.waiting_for) = what;
    }

    /// What the clients wait for.
    pub fn waiting_for(&self) -> String {
        lock(&self.waiting_for).clone()
    }
}
