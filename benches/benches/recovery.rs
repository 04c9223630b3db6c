//! What a start costs: processor seconds a gigabyte of a log that was not closed, and of one that was; and the time that
//! many small logs take.
//!
//! `cargo bench -p benches --bench recovery [-- MIB LOGS]`. Its control is the checksum over the same files, read in the same
//! way: that is the least a scan can do. Nothing but the files is on the disk; they were synced when they were written, and
//! are read from the page cache.
#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use core::cell::RefCell;
use core::future::Future;
use core::num::NonZeroU16;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use model::{LogIndex, Term};
use records::{BatchBuilder, NewRecord};
use runtime::{Budget, Class, Frozen, Runtime, Scope};
use storage::{Append, Batcher, FrameBuilder, FrameKind, Group, Log, LogConfig};

const SEGMENT_BYTES: u64 = 64 << 20;

/// Logs that are opened at the same time, as a broker does.
const TOGETHER: usize = 64;

fn main() {
    let numbers: Vec<usize> = std::env::args()
        .filter_map(|arg| arg.parse().ok())
        .collect();
    let [mib, logs] = [0, 1].map(|at| numbers.get(at).copied());
    let (mib, logs) = (mib.unwrap_or(256), logs.unwrap_or(1_000));
    let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("recovery");
    let fresh = |name: &str| {
        let folder = root.join(name);
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).expect("the build has a directory for tests");
        folder
    };
    for (name, closes, segment_bytes) in [
        ("not closed", false, u64::MAX),
        ("closed", true, SEGMENT_BYTES),
    ] {
        let folder = fresh("one");
        write(&folder, mib, closes, segment_bytes);
        let control = measured(|| checksum(&folder));
        let spent = measured(|| open(&folder, segment_bytes));
        let gigabytes = bytes_of(&folder) / 1e9;
        let per_gigabyte = spent.cpu / gigabytes;
        let ratio = spent.cpu / control.cpu.max(0.01);
        println!(
            "a log of {mib} MiB that was {name}: {per_gigabyte:.3} CPU s a GB, {:.3} s; its checksum {:.3} CPU s a GB \
             (ratio {ratio:.2})",
            spent.wall,
            control.cpu / gigabytes
        );
    }
    let folder = fresh("many");
    write_many(&folder, logs);
    let spent = measured(|| open_many(&folder, logs));
    let each = |seconds: f64| seconds * 1e3 / f64::from(u32::try_from(logs).unwrap_or(u32::MAX));
    println!(
        "{logs} logs that were closed: {:.3} ms each, {:.3} CPU ms each",
        each(spent.wall),
        each(spent.cpu)
    );
    drop(fs::remove_dir_all(&root));
}

struct Spent {
    wall: f64,
    cpu: f64,
}

fn measured(work: impl FnOnce()) -> Spent {
    let (begun, before) = (Instant::now(), cpu_seconds());
    work();
    Spent {
        wall: begun.elapsed().as_secs_f64(),
        cpu: cpu_seconds() - before,
    }
}

/// Processor seconds of this process, in steps of a hundredth.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = behind_name.split_whitespace().skip(11).take(2);
    ticks
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum::<f64>()
        / 100.0
}

fn on_a_core<F, R>(work: F)
where
    F: FnOnce(Runtime) -> R + Send + 'static,
    R: Future<Output = ()> + 'static,
{
    let work = Mutex::new(Some(work));
    let main = Arc::new(move |runtime: Runtime| {
        let work = work.lock().ok().and_then(|mut work| work.take());
        let future: runtime::LocalFuture<()> = Box::pin(async move {
            if let Some(work) = work {
                work(runtime).await;
            }
        });
        future
    });
    portable::run(portable::Config::new(NonZeroU16::MIN), main).expect("a node of one core runs");
}

struct Ground {
    runtime: Runtime,
    scope: Scope,
    budget: Budget,
}

impl Ground {
    fn new(runtime: Runtime) -> Self {
        Self {
            scope: runtime.scope("logs"),
            budget: runtime.budget("reads", 64 << 20),
            runtime,
        }
    }

    async fn open(&self, folder: &Path, segment_bytes: u64) -> Log {
        let config = LogConfig {
            directory: folder.to_str().expect("made of UTF-8").to_owned(),
            group: Group(7),
            segment_bytes,
            claimed: LogIndex::ZERO,
        };
        let opened = Log::open(&self.runtime, &self.scope.spawner(), &self.budget, config).await;
        let opened = opened.expect("a folder of ours");
        assert!(
            !opened.report.fenced && !opened.report.torn,
            "{}",
            opened.report
        );
        opened.log
    }
}

fn write(folder: &Path, mib: usize, closes: bool, segment_bytes: u64) {
    let folder = folder.to_owned();
    on_a_core(move |runtime| async move {
        let ground = Ground::new(runtime);
        let log = ground.open(&folder, segment_bytes).await;
        append(&ground, &log, mib, 64).await;
        if closes {
            log.close().await;
        }
        ground.scope.cancel();
    });
}

/// Appends so many MiB in batches of so many KiB, 1 KiB a record.
async fn append(ground: &Ground, log: &Log, mib: usize, kib: usize) {
    let mut batcher = Batcher::new(ground.runtime.clone(), log.dirty().end_offset);
    let mut builder = BatchBuilder::new();
    for number in 0..kib {
        builder.push(&NewRecord::value(
            i64::try_from(number).unwrap_or(0),
            &[7; 1_000],
        ));
    }
    let batches = Frozen::from(builder.finish());
    let append = Append {
        term: Term(1),
        kind: FrameKind::Data,
        batches: &batches,
        append_time: None,
    };
    for _ in 0..mib {
        for _ in 0..(1 << 10) / kib {
            batcher.add(&append).expect("whole batches");
        }
        while let Some((_, frame)) = batcher.take() {
            log.append(frame, log.flushed().index);
        }
        log.settle().await;
    }
}

fn open(folder: &Path, segment_bytes: u64) {
    let folder = folder.to_owned();
    on_a_core(move |runtime| async move {
        let ground = Ground::new(runtime);
        let log = ground.open(&folder, segment_bytes).await;
        assert!(log.dirty().index > LogIndex(10));
        ground.scope.cancel();
    });
}

fn many(folder: &Path, logs: usize) -> Vec<PathBuf> {
    (0..logs)
        .map(|number| folder.join(number.to_string()))
        .collect()
}

fn write_many(folder: &Path, logs: usize) {
    let folders = many(folder, logs);
    on_a_core(move |runtime| async move {
        let ground = Ground::new(runtime);
        for folder in folders {
            fs::create_dir_all(&folder).expect("the build has a directory for tests");
            let log = ground.open(&folder, SEGMENT_BYTES).await;
            let config = (Term(1), FrameKind::Config);
            let end = log.dirty().end_offset;
            log.append(
                FrameBuilder::with_body(&ground.runtime, end, config, b"who votes"),
                LogIndex::ZERO,
            );
            log.settle().await;
            log.close().await;
        }
        ground.scope.cancel();
    });
}

fn open_many(folder: &Path, logs: usize) {
    let folders = many(folder, logs);
    on_a_core(move |runtime| async move {
        let ground = Rc::new(Ground::new(runtime.clone()));
        let opening = runtime.scope("opening");
        let waiting = Rc::new(RefCell::new(folders));
        for _ in 0..TOGETHER {
            let (ground, waiting) = (Rc::clone(&ground), Rc::clone(&waiting));
            opening.spawn(Class::Background, "open", async move {
                loop {
                    let Some(folder) = waiting.borrow_mut().pop() else {
                        return;
                    };
                    let log = ground.open(&folder, SEGMENT_BYTES).await;
                    assert_eq!(log.dirty().index, LogIndex(1));
                }
            });
        }
        opening.join().await.expect("all are opened");
        ground.scope.cancel();
    });
}

/// Reads all files in windows of a MiB, and sums them.
fn checksum(folder: &Path) {
    use std::io::Read;
    let mut window = vec![0; 1 << 20];
    for entry in fs::read_dir(folder).expect("it is there") {
        let mut file = fs::File::open(entry.expect("it is listed").path()).expect("it is a file");
        while let Ok(bytes) = file.read(&mut window) {
            if bytes == 0 {
                break;
            }
            std::hint::black_box(stdx::crc32c(&window[..bytes]));
        }
    }
}

fn bytes_of(folder: &Path) -> f64 {
    let entries = fs::read_dir(folder).expect("it is there");
    let lengths = entries.filter_map(|entry| entry.ok()?.metadata().ok());
    let bytes: u64 = lengths.map(|metadata| metadata.len()).sum();
    f64::from(u32::try_from(bytes >> 10).unwrap_or(u32::MAX)) * 1024.0
}
