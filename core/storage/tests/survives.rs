//! What was seen durable stays, whatever happens to the machine: random lives of one log, each ended by a power cut,
//! a kill, a failed sync or a clean exit, on a disk that loses, tears and reorders what was not synced.

#![expect(clippy::unwrap_used, reason = "a test ends where it is surprised")]

use std::sync::{Arc, Mutex};

use model::{LogIndex, Offset, Term};
use records::{BatchBuilder, Batches, NewRecord};
use runtime::{Frozen, Runtime};
use stdx::{Duration, Prng};
use storage::{Append, AppendError, Batcher, FrameKind, Group, Log, LogConfig, ReadRequest};
use world::{Cause, Crash, DiskFaults, NodeConfig, Rate, World, WorldConfig};

const DIRECTORY: &str = "/log";
const SEEDS: u64 = 150;
const LIVES: u64 = 8;

/// The numbers that the records carry, by offset, as far as anybody was told that they are durable.
type Seen = Arc<Mutex<Vec<u64>>>;

#[test]
fn what_was_seen_durable_survives() {
    let (mut lives, mut records) = (0, 0);
    for seed in 0..SEEDS {
        let (more_lives, more_records) = run(seed);
        lives += more_lives;
        records += more_records;
    }
    assert!(
        lives > SEEDS * LIVES / 2,
        "{lives} lives got as far as to append"
    );
    assert!(records > 10 * lives, "{records} records in {lives} lives");
}

fn run(seed: u64) -> (u64, u64) {
    let mut prng = Prng::labelled(seed, "survives");
    let mut world = World::new(seed, WorldConfig::default());
    let mut config = NodeConfig::default();
    config.disk.faults = faults(&mut prng);
    let node = world.add_machine(config);
    let (seen, mut opened) = (Seen::default(), 0);
    for life in 0..LIVES {
        if prng.chance(2, 3) {
            let crash = if prng.chance(1, 2) {
                Crash::PowerCut
            } else {
                Crash::Kill
            };
            world.crash_after_events(node, prng.between(1, 400), crash);
        }
        // Sometimes the disk is nearly full.
        let room = if prng.chance(1, 6) {
            prng.below(100_000)
        } else {
            1 << 40
        };
        let used = world.disk(node).used();
        world.set_quota(node, used + room);
        let plan = Plan {
            prng: Prng::labelled(seed, &format!("life {life}")),
            segment_bytes: 1 << prng.between(13, 19),
            seen: Arc::clone(&seen),
        };
        opened += u64::from(
            world
                .try_block_on(node, move |runtime| plan.live(runtime))
                .is_some(),
        );
        world.clear_crash_point(node);
        if let Some(Cause::Own(why)) = world.deaths().last().map(|death| &death.cause) {
            assert!(
                why.contains("the device failed"),
                "seed {seed}, life {life}: {why}"
            );
        }
        if prng.chance(1, 3) {
            world.power_cut(node);
        }
    }
    // On a disk that has become well, everything is there.
    world.set_disk_faults(node, DiskFaults::default());
    world.set_quota(node, 1 << 40);
    let plan = Plan {
        prng: Prng::from_seed(seed),
        segment_bytes: 1 << 14,
        seen: Arc::clone(&seen),
    };
    world.block_on(node, move |runtime| plan.live(runtime));
    let records = seen.lock().unwrap().len() as u64;
    (opened, records)
}

fn faults(prng: &mut Prng) -> DiskFaults {
    let mut faults = DiskFaults::default();
    if prng.chance(1, 2) {
        faults.short_write = Rate::per_million(100_000);
        faults.short_read = Rate::per_million(100_000);
    }
    if prng.chance(1, 3) {
        faults.sync_error = Rate::per_million(25_000);
    }
    if prng.chance(1, 4) {
        faults.write_error = Rate::per_million(16_666);
    }
    if prng.chance(1, 3) {
        faults.slow = Rate::per_million(100_000);
    }
    faults
}

struct Plan {
    prng: Prng,
    segment_bytes: u64,
    seen: Seen,
}

impl Plan {
    async fn live(mut self, runtime: Runtime) {
        // There already in every life but the first.
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
        let (log, report) = (opened.log, opened.report);
        assert!(!report.fenced, "{report}");
        let all = read_all(&log, &budget).await;
        self.saw(&all);
        let term = log.last_term().unwrap_or(Term::ZERO).next().unwrap();
        let mut appended = all;
        let mut batcher = Batcher::new(runtime.clone(), log.dirty().end_offset);
        for _ in 0..self.prng.between(1, 30) {
            self.append(&log, &mut batcher, term, &mut appended);
            match self.prng.below(4) {
                0 => log.settle().await,
                1 => {
                    let pause = Duration::from_micros(self.prng.below(300));
                    runtime.sleep(pause).await;
                }
                _ => {}
            }
            let flushed = usize::try_from(log.flushed().end_offset.0).unwrap();
            self.saw(&appended[..flushed]);
        }
        if self.prng.chance(1, 2) {
            log.close().await;
            let all = read_all(&log, &budget).await;
            assert!(log.has_no_space() || all == appended);
            self.saw(&all);
        }
    }

    fn append(&mut self, log: &Log, batcher: &mut Batcher, term: Term, appended: &mut Vec<u64>) {
        let mut bytes = Vec::new();
        let first = appended.len();
        for _ in 0..self.prng.between(1, 3) {
            let mut batch = BatchBuilder::new();
            for _ in 0..self.prng.between(1, 5) {
                let number = self.prng.next_u64();
                let mut value = number.to_le_bytes().to_vec();
                let more = if self.prng.chance(1, 3) { 9_000 } else { 300 };
                value.resize(8 + self.prng.index(more), 0);
                batch.push(&NewRecord::value(1, &value));
                appended.push(number);
            }
            bytes.extend(batch.finish());
        }
        let batches = Frozen::from(bytes);
        let append = Append {
            term,
            kind: FrameKind::Data,
            batches: &batches,
            append_time: None,
        };
        if let Err(error) = log.admit(batcher.bytes(), batches.len()) {
            assert_eq!(error, AppendError::NoSpace);
            appended.truncate(first);
            return;
        }
        let place = batcher.add(&append).unwrap();
        while let Some((_, frame)) = batcher.take() {
            log.append(frame, log.flushed().index);
        }
        assert_eq!(place.base_offset.0, i64::try_from(first).unwrap());
        assert_eq!(place.end_offset.0, i64::try_from(appended.len()).unwrap());
    }

    /// Notes what is durable now: it begins with all that was before.
    fn saw(&self, durable: &[u64]) {
        let mut seen = self.seen.lock().unwrap();
        assert!(
            durable.starts_with(&seen),
            "{} of {} records are there",
            durable.len(),
            seen.len()
        );
        *seen = durable.to_vec();
    }
}

/// The numbers of all records that are durable.
async fn read_all(log: &Log, budget: &runtime::Budget) -> Vec<u64> {
    let mut numbers = Vec::new();
    loop {
        let request = ReadRequest {
            offset: Offset(i64::try_from(numbers.len()).unwrap()),
            bytes_max: 10_000,
            upto: log.flushed().end_offset,
            at_least_one: true,
            patient: true,
        };
        let pieces = log.read(&request, budget).await.unwrap();
        if pieces.is_empty() {
            assert_eq!(request.offset, request.upto);
            return numbers;
        }
        for batch in pieces.iter().flat_map(|piece| Batches::new(piece)) {
            let batch = batch.unwrap();
            batch.check_stored().unwrap();
            for record in batch.records().unwrap() {
                let record = record.unwrap();
                assert_eq!(record.offset, i64::try_from(numbers.len()).unwrap());
                numbers.push(u64::from_le_bytes(
                    *record.value.unwrap().first_chunk().unwrap(),
                ));
            }
        }
    }
}
