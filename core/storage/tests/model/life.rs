//! A process that opens the log, says to the model what it finds and does, and ends.

use core::cell::RefCell;
use std::sync::{Arc, Mutex};

use ::model::{LogIndex, Offset, Term};
use records::{BatchBuilder, Batches, NewRecord};
use runtime::{Budget, Frozen, Runtime};
use stdx::Duration;
use storage::{
    Append, AppendError, Batcher, FrameBuilder, FrameKind, Group, Log, LogConfig, ReadError,
    ReadRequest,
};

use world::{Cause, World};

use crate::disk;
use crate::model::Model;
use crate::step::Step;

pub(crate) const DIRECTORY: &str = "/log";

thread_local! {
    /// The log of the life that runs, for whoever looks at it between two events.
    static OPEN: RefCell<Option<Log>> = const { RefCell::new(None) };
}

/// The log that is open, if one is.
pub(crate) fn open() -> Option<Log> {
    OPEN.with_borrow(Option::clone)
}

/// Nobody has it open any more.
pub(crate) fn forget() {
    OPEN.take();
}

/// A process may be ended from outside, and by a device that fails; by nothing else.
pub(crate) fn check_death(world: &World) {
    if let Some(Cause::Own(why)) = world.deaths().last().map(|death| &death.cause) {
        assert!(why.contains("the device failed"), "{why}");
    }
}

/// What a life is made with.
#[derive(Clone)]
pub(crate) struct Life {
    pub(crate) segment_bytes: u64,
    pub(crate) steps: Vec<Step>,
    pub(crate) model: Arc<Mutex<Model>>,
}

impl Life {
    /// Lives it. It ends where the disk does.
    pub(crate) async fn live(self, runtime: Runtime) {
        let _made = runtime.create_directory(DIRECTORY).await;
        if runtime.sync_directory("/").await.is_err() {
            return;
        }
        let scope = runtime.scope("log");
        let budget = runtime.budget("reads", 4 << 20);
        let config = LogConfig {
            directory: DIRECTORY.to_owned(),
            group: Group(7),
            segment_bytes: self.segment_bytes,
            claimed: LogIndex::ZERO,
        };
        let Ok(opened) = Log::open(&runtime, &scope.spawner(), &budget, config).await else {
            return;
        };
        assert!(!opened.report.fenced, "{}", opened.report);
        let log = opened.log;
        OPEN.set(Some(log.clone()));
        let mut session = Session {
            term: log.last_term().unwrap_or(Term::ZERO).next().unwrap(),
            batcher: Batcher::new(runtime.clone(), log.dirty().end_offset),
            runtime,
            log,
            budget,
            model: self.model,
        };
        let has_config = opened.configs.len() == 1;
        session.found(has_config).await;
        for step in &self.steps {
            session.step(step).await;
        }
        forget();
    }
}

struct Session {
    runtime: Runtime,
    log: Log,
    budget: Budget,
    batcher: Batcher,
    term: Term,
    model: Arc<Mutex<Model>>,
}

impl Session {
    /// Tells the model what is there. A log that is empty gets its first frame.
    async fn found(&mut self, has_config: bool) {
        let frames = usize::try_from(self.log.dirty().index.0).unwrap();
        assert_eq!(has_config, frames > 0);
        let numbers = self.records(Offset::ZERO).await;
        let found = self.model.lock().unwrap().found(frames, &numbers);
        found.unwrap();
        if has_config {
            return;
        }
        self.append_bare(FrameKind::Config, b"who votes");
    }

    fn append_bare(&self, kind: FrameKind, body: &[u8]) {
        let end_offset = self.log.dirty().end_offset;
        let kind = (self.term, kind);
        let frame = FrameBuilder::with_body(&self.runtime, end_offset, kind, body);
        let model = &mut *self.model.lock().unwrap();
        model.frames.push(0);
        self.log.append(frame, LogIndex(model.committed as u64));
    }

    async fn step(&mut self, step: &Step) {
        match step {
            Step::Append(sizes) => sizes.iter().for_each(|&size| self.append(size)),
            Step::Mark => {
                if self.log.admit(0, 0).is_ok() {
                    self.append_bare(FrameKind::CommitMark, &[]);
                }
            }
            Step::Settle => self.log.settle().await,
            Step::Sleep(micros) => self.runtime.sleep(Duration::from_micros(*micros)).await,
            Step::Commit => {
                self.flushed();
                let mut model = self.model.lock().unwrap();
                model.committed = model.durable;
            }
            Step::Cut(frames) => self.cut(*frames).await,
            Step::Read => self.read(Offset::ZERO).await,
            Step::Tail(records) => {
                let end = self.log.flushed().end_offset;
                let from = end.0 - i64::try_from(*records).unwrap();
                self.read(Offset(from.max(0))).await;
            }
            Step::Close => self.log.close().await,
        }
        self.flushed();
    }

    fn flushed(&self) -> usize {
        let frames = usize::try_from(self.log.flushed().index.0).unwrap();
        self.model.lock().unwrap().flushed(frames);
        frames
    }

    fn append(&mut self, size: usize) {
        let model = &mut *self.model.lock().unwrap();
        let number = model.number();
        let mut value = number.to_le_bytes().to_vec();
        value.resize(value.len() + size, 0);
        let mut batch = BatchBuilder::new();
        batch.push(&NewRecord::value(1_000 + number.cast_signed(), &value));
        let batches = Frozen::from(batch.finish());
        let append = Append {
            term: self.term,
            kind: FrameKind::Data,
            batches: &batches,
            append_time: None,
        };
        if let Err(error) = self.log.admit(self.batcher.bytes(), batches.len()) {
            assert_eq!(error, AppendError::NoSpace);
            return;
        }
        self.batcher.add(&append).unwrap();
        let (_, frame) = self.batcher.take().unwrap();
        model.frames.push(number);
        let committed = LogIndex(model.committed as u64);
        self.log.append(frame, committed);
    }

    async fn cut(&mut self, frames: usize) {
        self.flushed();
        let left = {
            let mut model = self.model.lock().unwrap();
            let left = model.frames.len().saturating_sub(frames);
            let left = left.max(model.committed).max(1).min(model.frames.len());
            // What waits for the disk is not cut before it is there.
            model.cuts(left);
            left
        };
        if self
            .log
            .truncate_suffix(LogIndex(left as u64))
            .await
            .is_ok()
        {
            self.model.lock().unwrap().has_cut();
            self.batcher.restart(self.log.dirty().end_offset);
        }
    }

    /// Reads all that is durable from an offset on, and compares.
    async fn read(&self, from: Offset) {
        let durable = self.flushed();
        let numbers = self.records(from).await;
        // More may be durable by now.
        let now = self.flushed();
        let from = usize::try_from(from.0).unwrap();
        let model = self.model.lock().unwrap();
        let fits = (durable..=now).any(|durable| model.has(durable, from, &numbers));
        drop(model);
        assert!(fits, "read {numbers:?} from {from} on");
    }

    /// The numbers of the durable records from an offset on.
    async fn records(&self, mut offset: Offset) -> Vec<u64> {
        let mut numbers = Vec::new();
        let upto = self.log.flushed().end_offset;
        while offset < upto {
            let request = ReadRequest {
                offset,
                bytes_max: 10_000,
                upto,
                at_least_one: true,
                patient: true,
            };
            let pieces = match self.log.read(&request, &self.budget).await {
                // A device that fails now and then.
                Err(ReadError::Failed(_)) => continue,
                pieces => pieces.unwrap(),
            };
            assert!(!pieces.is_empty());
            for batch in pieces.iter().flat_map(|piece| Batches::new(piece)) {
                let batch = batch.unwrap();
                assert_eq!(batch.base_offset(), offset.0);
                numbers.push(disk::number(batch.bytes()));
                offset = Offset(batch.end_offset());
            }
        }
        numbers
    }
}
