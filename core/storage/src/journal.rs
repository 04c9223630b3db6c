//! The journal of a core: what its replicas must never forget, in two files that take turns.
//!
//! ```text
//!   write --> waiting --> one write and sync at a time --> answered
//!                              |
//!            journal/0.a  [header|all records then|write 1|write 2 ...
//!            journal/0.b  [header|all records then|            <-- when the other grew too long, or at a start
//! ```
//!
//! A file begins with all records that there are, so the other one is not needed any more once that is durable; until
//! then it holds everything. Then the other one says so, before anything is answered by the new one: a new file that
//! cannot be read is told from one that was never begun.
//!
//! At a start the journals of all cores that there were are read before any is begun anew. A core goes on with what its
//! own journal had, but for groups of which another one has a later record. A group that comes to another core is found
//! where it was until it is written here, which each start does; from the next start on it is here alone.
//!
//! Invariants: a record is answered when it is durable; one write is on its way at a time, so behind a torn one there is
//! none that was answered; the file that is not written to holds everything that was durable when the other began, until
//! the other's beginning is durable; a file is never made shorter, so that it has room where the device has none.

use core::cell::RefCell;
use core::fmt;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use runtime::sync::{Signal, oneshot};
use runtime::{Class, CoreId, File, Frozen, IoErrorKind, OpenOptions, Pieces, Runtime, Spawner};

use crate::error::{JournalError, OnPath, PathError};
use crate::fatal;
use crate::folder::DataPath;
use crate::group::Group;

mod found;
pub mod record;
mod scan;

use found::newest;
pub use found::{Found, JournalFacts, read_all, read_one};
use record::{HardRecord, Header, Placed, RECORD_BYTES};
pub use scan::records_in;

/// Bytes that a file has at least before the other one takes over.
const TURN_BYTES: u64 = 64 << 10;

/// A file takes no more than this many times what it began with.
const TURN_FACTOR: u64 = 4;

/// Records that wait for one write, at most; more of them wait for the next.
const WRITE_RECORDS_MAX: usize = 1_024;

/// The two files of a core.
fn paths(data: &DataPath, core: CoreId) -> [String; 2] {
    ["a", "b"].map(|half| format!("{}/{core}.{half}", data.journals()))
}

/// The journal of one core. Cheap to clone.
#[derive(Clone)]
pub struct Journal(Rc<Inner>);

struct Inner {
    runtime: Runtime,
    found: Arc<Found>,
    files: [(File, String); 2],
    state: RefCell<State>,
    work: Signal,
}

struct State {
    /// The latest of each group, durable or on its way.
    records: BTreeMap<Group, Placed>,
    waiting: Vec<(Placed, oneshot::Sender<()>)>,
    generation: u32,
    write: u32,
    /// Of the last record: grows over all groups, and above all that was found in any journal.
    revision: u64,
    /// Where the next write goes.
    end: u64,
    /// What the file began with.
    began: u64,
}

impl Journal {
    /// Begins the journal of the core of `runtime`, durably. Its writer runs as long as `spawner`'s scope. All journals are
    /// read before any core does this.
    ///
    /// # Errors
    /// When a file cannot be made or synced, or when one is damaged: what cannot be read may be a vote, and nothing is
    /// begun over it.
    pub async fn open(
        runtime: &Runtime,
        spawner: &Spawner,
        data: &DataPath,
        found: Arc<Found>,
    ) -> Result<Self, JournalError> {
        if let Some(path) = found.damaged.first() {
            return Err(JournalError::Damaged(path.clone()));
        }
        data.create_journals(runtime).await?;
        let [first, second] = paths(data, runtime.core());
        // The older one is written over; the newer one holds everything until that is durable.
        let newest = [
            newest(runtime, &first).await?,
            newest(runtime, &second).await?,
        ];
        let (generation, end) = newest.into_iter().max().unwrap_or_default();
        let files = [
            open_file(runtime, first).await?,
            open_file(runtime, second).await?,
        ];
        fatal::sync_directory(runtime, &data.journals()).await?;
        let inner = Rc::new(Inner {
            runtime: runtime.clone(),
            files,
            state: RefCell::new(State {
                records: found.for_core(runtime.core()),
                waiting: Vec::new(),
                generation,
                write: 0,
                revision: found.revision(),
                end,
                began: 0,
            }),
            found,
            work: Signal::new(),
        });
        if generation == 0 {
            // Twice, so that a file says of the other that it is begun before anything is answered.
            inner.turn().await?;
        } else {
            // It may only be in the system's cache: it is durable before the other one goes.
            let (file, path) = &inner.files[half(generation)];
            fatal::sync(runtime, file, path).await?;
        }
        inner.turn().await?;
        let writing = Rc::clone(&inner);
        spawner.spawn(Class::Consensus, "write the journal", async move {
            writing.write_on().await;
        });
        Ok(Self(inner))
    }

    /// The latest record of a group: of this life, or found at its start in the journal of any core.
    pub fn get(&self, group: Group) -> Option<HardRecord> {
        let own = self.0.state.borrow().records.get(&group).copied();
        own.map(|placed| placed.record)
            .or_else(|| self.0.found.get(group).copied())
    }

    /// Forgets a group that is gone for ever. It may be found again after a crash, which does no harm: no other group
    /// ever has its identity.
    pub fn forget(&self, group: Group) {
        self.0.state.borrow_mut().records.remove(&group);
    }

    /// Writes a record; it is durable when this returns. False when the writer is gone, and nobody knows.
    pub async fn write(&self, record: HardRecord) -> bool {
        let (sender, receiver) = oneshot::channel();
        {
            let mut state = self.0.state.borrow_mut();
            state.revision += 1;
            let placed = Placed {
                record,
                revision: state.revision,
                write: 0,
                generation: 0,
                place: (0, 1),
            };
            state.records.insert(record.group, placed);
            state.waiting.push((placed, sender));
        }
        self.0.work.notify();
        receiver.await.is_ok()
    }
}

impl Inner {
    async fn write_on(&self) -> ! {
        loop {
            let seen = self.work.seen();
            if self.state.borrow().waiting.is_empty() {
                self.work.changed(seen).await;
                continue;
            }
            self.write_waiting().await;
            let long = {
                let state = self.state.borrow();
                state.end > TURN_BYTES.max(state.began * TURN_FACTOR)
            };
            if long {
                let path = &self.files[0].1;
                if let Err(error) = self.turn().await {
                    self.runtime
                        .crash(&format!("cannot begin a journal beside {path}: {error}"));
                }
            }
        }
    }

    /// Writes what waits, at once, and answers.
    async fn write_waiting(&self) {
        let (file, path, position, bytes, answered) = {
            let mut state = self.state.borrow_mut();
            let count = state.waiting.len().min(WRITE_RECORDS_MAX);
            state.write += 1;
            let (write, generation) = (state.write, state.generation);
            let taken: Vec<_> = state.waiting.drain(..count).collect();
            let mut bytes = Vec::with_capacity(count * RECORD_BYTES);
            let mut answered = Vec::with_capacity(count);
            let records = u16::try_from(count).expect("bounded by WRITE_RECORDS_MAX");
            for (place, (placed, sender)) in (0..).zip(taken) {
                let placed = Placed {
                    write,
                    generation,
                    place: (place, records),
                    ..placed
                };
                bytes.extend_from_slice(&placed.encode());
                answered.push(sender);
            }
            let position = state.end;
            state.end += bytes.len() as u64;
            let (file, path) = &self.files[half(generation)];
            (file.clone(), path.clone(), position, bytes, answered)
        };
        self.write_durably(&file, &path, position, bytes).await;
        for sender in answered {
            sender.send(());
        }
    }

    /// Begins the other file with all records, and goes on there.
    async fn turn(&self) -> Result<(), PathError> {
        let (generation, bytes) = {
            let state = self.state.borrow();
            let generation = state.generation + 1;
            let records = u32::try_from(state.records.len()).unwrap_or(u32::MAX);
            let header = Header {
                generation,
                records,
            };
            let mut bytes = header.encode().to_vec();
            for placed in state.records.values() {
                let placed = Placed {
                    write: 0,
                    generation,
                    place: (0, 1),
                    ..*placed
                };
                bytes.extend_from_slice(&placed.encode());
            }
            (generation, bytes)
        };
        let length = bytes.len() as u64;
        let (file, path) = &self.files[half(generation)];
        // What was written there in an earlier turn keeps its place on the device, and its generation tells it apart.
        let room = TURN_BYTES.max(length * TURN_FACTOR) + (WRITE_RECORDS_MAX * RECORD_BYTES) as u64;
        let _hinted = file.allocate(0, room, true).await;
        self.write_durably(file, path, 0, bytes).await;
        let (before, end) = {
            let state = self.state.borrow();
            (state.generation, state.end)
        };
        if before > 0 {
            let (file, path) = &self.files[half(before)];
            let records = 0;
            let next = Header {
                generation,
                records,
            };
            self.write_durably(file, path, end, next.encode().to_vec())
                .await;
        }
        let mut state = self.state.borrow_mut();
        state.generation = generation;
        state.write = 0;
        state.end = length;
        state.began = length;
        Ok(())
    }

    /// Writes and syncs. A device that is full is waited for; any other failure ends the process.
    async fn write_durably(&self, file: &File, path: &str, position: u64, bytes: Vec<u8>) {
        let piece = Frozen::from(bytes);
        loop {
            let pieces: Pieces = core::iter::once(piece.clone()).collect();
            match file.write_at_sync(position, pieces).await {
                Ok(()) => return,
                Err(error) if error.kind() == IoErrorKind::NoSpace => {
                    self.runtime.sleep(crate::writer::NO_SPACE_PAUSE).await;
                }
                Err(error) => fatal::stop(&self.runtime, "write and sync in", path, error),
            }
        }
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Journal({} groups)", self.0.state.borrow().records.len())
    }
}

/// Which of the two files has a generation.
fn half(generation: u32) -> usize {
    usize::from(generation.is_multiple_of(2))
}

async fn open_file(runtime: &Runtime, path: String) -> Result<(File, String), PathError> {
    let options = OpenOptions {
        write: true,
        create: true,
        ..OpenOptions::default()
    };
    let file = runtime.open(&path, options).await.on("open", &path)?;
    Ok((file, path))
}
