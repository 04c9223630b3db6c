//! One life of a process: what it does with its log, step by step.

use core::cell::RefCell;
use std::fmt::Write;
use std::sync::{Arc, Mutex};

use model::{LogIndex, Offset, Term};
use records::{BatchBuilder, Batches, NewRecord};
use runtime::{Budget, Frozen, OpenOptions, Pieces, Runtime};
use stdx::{Duration, Timestamp};
use storage::{
    Append, AppendError, Batcher, FrameBuilder, FrameKind, Group, Log, LogConfig, ReadRequest,
};

use crate::machine::{DIRECTORY, Wire, path};
use crate::words::Words;

/// What a life is made with.
pub(crate) struct Life {
    pub(crate) segment_bytes: u64,
    pub(crate) claimed: u64,
    pub(crate) budget_bytes: usize,
    pub(crate) steps: Vec<String>,
    pub(crate) wire: Arc<Mutex<Wire>>,
}

/// A file that takes room until it is removed.
const BALLAST: &str = "/ballast";

impl Life {
    pub(crate) async fn live(self, runtime: Runtime) {
        // The folder is there after the first life.
        let _made = runtime.create_directory(DIRECTORY).await;
        runtime.sync_directory("/").await.unwrap();
        let scope = runtime.scope("log");
        let budget = runtime.budget("reads", self.budget_bytes);
        let config = LogConfig {
            directory: DIRECTORY.to_owned(),
            group: Group(7),
            segment_bytes: self.segment_bytes,
            claimed: LogIndex(self.claimed),
        };
        let opened = match Log::open(&runtime, &scope.spawner(), &budget, config).await {
            Ok(opened) => opened,
            Err(error) => return self.say(&format!("cannot open: {error}")),
        };
        let log = opened.log;
        for line in &opened.report.lines {
            self.say(&format!("recovery: {line}"));
        }
        for (index, body) in &opened.configs {
            let body = String::from_utf8_lossy(body);
            self.say(&format!("configuration {index}: {body}"));
        }
        let term = log.last_term().unwrap_or(Term::ZERO).next().unwrap();
        let wire = Arc::clone(&self.wire);
        let batcher = Batcher::new(runtime.clone(), log.dirty().end_offset);
        let session = Session {
            runtime,
            log,
            batcher: RefCell::new(batcher),
            budget,
            term,
            wire,
        };
        for step in &self.steps {
            let said = session.step(step).await;
            self.say(&format!("{step}: {said}"));
        }
    }

    fn say(&self, line: &str) {
        writeln!(self.wire.lock().unwrap().said, "{line}").unwrap();
    }
}

struct Session {
    runtime: Runtime,
    log: Log,
    batcher: RefCell<Batcher>,
    budget: Budget,
    term: Term,
    wire: Arc<Mutex<Wire>>,
}

impl Session {
    async fn step(&self, line: &str) -> String {
        let words = Words::of(line);
        if words.verb() != "append" {
            self.pump();
        }
        match words.verb() {
            "append" => self.append(&words).await,
            "bare" => {
                let kind = if words.has("mark") {
                    FrameKind::CommitMark
                } else {
                    FrameKind::Noop
                };
                self.append_body(kind, &[])
            }
            "config" => self.append_body(FrameKind::Config, words.text("body").as_bytes()),
            "settle" => {
                self.log.settle().await;
                self.state()
            }
            "sleep" => {
                self.runtime
                    .sleep(Duration::from_millis(words.count("ms", 0)))
                    .await;
                self.state()
            }
            "state" => self.state(),
            "read" => self.read(&words).await,
            "seek" => self.seek(&words).await,
            "truncate" => {
                let last = LogIndex(words.count("last", 0));
                self.log.truncate_suffix(last).await.unwrap();
                let end_offset = self.log.dirty().end_offset;
                self.batcher.borrow_mut().restart(end_offset);
                self.state()
            }
            "scrub" => self.scrub().await,
            "fill" => self.fill(words.number("bytes", 0)).await,
            "make-room" => {
                self.runtime.unlink(BALLAST).await.unwrap();
                "done".to_owned()
            }
            "close" => {
                self.log.close().await;
                self.state()
            }
            "tear" => self.tear(&words).await,
            "keep" => self.keep(&words).await,
            "put" => self.put(&words).await,
            "remove" => {
                self.runtime.unlink(&path(&words)).await.unwrap();
                "done".to_owned()
            }
            "create" => {
                let options = OpenOptions {
                    write: true,
                    create: true,
                    ..OpenOptions::default()
                };
                let path = format!("{DIRECTORY}/{}", words.text("name"));
                self.runtime.open(&path, options).await.unwrap();
                "done".to_owned()
            }
            "machine" => self.order(line).await,
            other => panic!("unknown step {other}"),
        }
    }

    fn state(&self) -> String {
        let (dirty, flushed) = (self.log.dirty(), self.log.flushed());
        let space = if self.log.has_no_space() {
            ", no space"
        } else {
            ""
        };
        format!(
            "dirty {} ({}), flushed {} ({}){space}",
            dirty.index, dirty.end_offset, flushed.index, flushed.end_offset
        )
    }

    async fn append(&self, words: &Words<'_>) -> String {
        let mut batches = Vec::new();
        let mut timestamp = words.number("time", 1_000);
        for _ in 0..words.number("batches", 1) {
            let mut batch = BatchBuilder::new();
            for _ in 0..words.number("records", 1) {
                let value = vec![b'v'; usize::try_from(words.number("value", 10)).unwrap()];
                batch.push(&NewRecord::value(timestamp, &value));
                timestamp += 1;
            }
            batches.extend(batch.finish());
        }
        if words.has("broken") {
            batches.truncate(batches.len() - 1);
        }
        let stamped = words.number("stamp", -1);
        let batches = Frozen::from(batches);
        let append = Append {
            term: self.term,
            kind: FrameKind::Data,
            batches: &batches,
            append_time: (stamped >= 0).then(|| Timestamp::from_millis(stamped)),
        };
        let waiting = self.batcher.borrow().bytes();
        let batched = self
            .log
            .admit(waiting, batches.len())
            .and_then(|()| self.batcher.borrow_mut().add(&append));
        match batched {
            Err(error) => format!("refused: {error}"),
            Ok(batched) => {
                let waiting = self.batcher.borrow().len() as u64;
                let index = self.log.dirty().index.0 + waiting;
                if !words.has("no-wait") {
                    self.pump();
                    self.log.settle().await;
                }
                let (base, end) = (batched.base_offset, batched.end_offset);
                format!("frame {index}, offsets {base} to {end}")
            }
        }
    }

    /// Appends what waits.
    fn pump(&self) {
        while let Some((_, frame)) = self.batcher.borrow_mut().take() {
            self.log.append(frame, self.log.flushed().index);
        }
    }

    fn append_body(&self, kind: FrameKind, body: &[u8]) -> String {
        match self.log.admit(0, body.len()) {
            Err(error @ AppendError::NotBatches(_)) => panic!("{error}"),
            Err(error) => format!("refused: {error}"),
            Ok(()) => {
                let end_offset = self.log.dirty().end_offset;
                let frame =
                    FrameBuilder::with_body(&self.runtime, end_offset, (self.term, kind), body);
                let index = self.log.append(frame, self.log.flushed().index);
                format!("frame {index}")
            }
        }
    }

    async fn read(&self, words: &Words<'_>) -> String {
        let request = ReadRequest {
            offset: Offset(words.number("offset", 0)),
            bytes_max: usize::try_from(words.number("max", 1 << 20)).unwrap(),
            upto: Offset(words.number("upto", self.log.flushed().end_offset.0)),
            at_least_one: !words.has("not-one"),
            patient: true,
        };
        let pieces = match self.log.read(&request, &self.budget).await {
            Ok(pieces) => pieces,
            Err(error) => return format!("refused: {error}"),
        };
        let (mut batches, mut bytes, mut offsets) = (0, 0, None);
        for batch in pieces.iter().flat_map(|piece| Batches::new(piece)) {
            let batch = batch.unwrap();
            batch.check_stored().unwrap();
            let (start, end) = offsets.unwrap_or((batch.base_offset(), batch.base_offset()));
            assert_eq!(end, batch.base_offset(), "offsets are contiguous");
            offsets = Some((start, batch.end_offset()));
            batches += 1;
            bytes += batch.len();
        }
        match offsets {
            None => "nothing".to_owned(),
            Some((start, end)) => {
                format!(
                    "offsets {start} to {end}, {batches} batches, {bytes} bytes, {} pieces",
                    pieces.len()
                )
            }
        }
    }

    async fn seek(&self, words: &Words<'_>) -> String {
        let upto = Offset(words.number("upto", self.log.flushed().end_offset.0));
        let found = if words.has("max") {
            self.log.seek_max_timestamp(upto, &self.budget).await
        } else {
            self.log
                .seek_timestamp(words.number("time", 0), upto, &self.budget)
                .await
        };
        match found {
            Err(error) => format!("refused: {error}"),
            Ok(None) => "nothing".to_owned(),
            Ok(Some(found)) => {
                format!(
                    "offset {}, time {}, epoch {}",
                    found.offset, found.timestamp, found.epoch
                )
            }
        }
    }

    async fn scrub(&self) -> String {
        let (mut after, mut said) = (LogIndex::ZERO, String::new());
        while let Some(scrubbed) = self.log.scrub(after, Duration::ZERO).await {
            after = scrubbed.segment;
            let lines: String = scrubbed
                .found
                .iter()
                .flat_map(|line| ["\n  ", line])
                .collect();
            write!(said, "segment {after}, {} bytes{lines}; ", scrubbed.bytes).unwrap();
        }
        said.push_str("no more");
        said
    }

    async fn fill(&self, bytes: i64) -> String {
        let options = OpenOptions {
            write: true,
            create: true,
            ..OpenOptions::default()
        };
        let file = self.runtime.open(BALLAST, options).await.unwrap();
        let mut pieces = Pieces::new();
        pieces.push(Frozen::from(vec![1; usize::try_from(bytes).unwrap()]));
        file.write_at_sync(0, pieces).await.unwrap();
        "done".to_owned()
    }

    /// Makes a part of a file what a power cut may make of it: zero from a place on, or cut off there.
    async fn tear(&self, words: &Words<'_>) -> String {
        let options = OpenOptions {
            write: true,
            create: true,
            ..OpenOptions::default()
        };
        let file = self.runtime.open(&path(words), options).await.unwrap();
        let at = words.count("at", 0);
        match words.count("zeroes", 0) {
            0 => file.truncate(at).await.unwrap(),
            zeroes => {
                let mut pieces = Pieces::new();
                pieces.push(Frozen::from(vec![0; usize::try_from(zeroes).unwrap()]));
                file.write_at(at, pieces).await.unwrap();
            }
        }
        "done".to_owned()
    }

    /// Remembers bytes of a file.
    async fn keep(&self, words: &Words<'_>) -> String {
        let path = path(words);
        let opened = self.runtime.open(&path, OpenOptions::default());
        let bytes = usize::try_from(words.count("bytes", 64)).unwrap();
        let buffer = self.runtime.buffer(bytes);
        let file = opened.await.unwrap();
        let read = file.read_at(words.count("at", 0), bytes, buffer).await;
        self.wire.lock().unwrap().kept = read.unwrap().as_slice().to_vec();
        "done".to_owned()
    }

    /// Writes what was remembered to a place of a file, as a disk that had it there before.
    async fn put(&self, words: &Words<'_>) -> String {
        let options = OpenOptions {
            write: true,
            ..OpenOptions::default()
        };
        let file = self.runtime.open(&path(words), options).await.unwrap();
        let mut pieces = Pieces::new();
        let kept = self.wire.lock().unwrap().kept.clone();
        pieces.push(Frozen::from(kept));
        let written = file.write_at_sync(words.count("at", 0), pieces).await;
        written.unwrap();
        "done".to_owned()
    }

    /// Has something happen to the machine.
    async fn order(&self, line: &str) -> String {
        let order = line.strip_prefix("machine ").unwrap().to_owned();
        self.wire.lock().unwrap().order = Some(order);
        while self.wire.lock().unwrap().order.is_some() {
            self.runtime.sleep(Duration::from_micros(1)).await;
        }
        "done".to_owned()
    }
}
