//! How durable appends are written best on this disk: what `storage` chooses from, measured before it is chosen.
//!
//! `cargo bench -p benches --bench disk [-- WRITES ROUNDS]`. One writer, one write at a time, each durable before the next: it
//! is the file system and the device that is measured, with as little of ours as there can be. All ways take turns in each
//! round, so that a noisy minute is everybody's; the ratio to the first way, which is what the log does, is what to look at.
//!
//! | word | meaning |
//! |---|---|
//! | fresh | a new file that grows with each write |
//! | reserved | blocks are allocated 32 MiB ahead, and the file's length grows with each write |
//! | blank | allocated and as long as it will be, never written |
//! | written | as long as it will be, and written before: a file that is used again |
//! | dsync | one call that writes and syncs (`RWF_DSYNC`) |
//! | fdatasync | two calls |
//! | direct | past the page cache (`O_DIRECT`), whole pages |
//! | tail | pieces that are no pages: the last page is written again with each |
#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use std::fs::{self, File, OpenOptions};
use std::io::IoSlice;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FallocateFlags, fallocate, fdatasync};
use rustix::io::{ReadWriteFlags, pwritev2};

const PAGE: usize = 4096;
const STEP: u64 = 32 << 20;

/// What the file is before it is written to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ground {
    Fresh,
    Reserved,
    Blank,
    Written,
}

/// A way to append.
#[derive(Clone, Copy)]
struct Way {
    name: &'static str,
    ground: Ground,
    direct: bool,
    /// In one call.
    dsync: bool,
    bytes: usize,
}

const fn way(name: &'static str, ground: Ground, direct: bool, dsync: bool, bytes: usize) -> Way {
    Way {
        name,
        ground,
        direct,
        dsync,
        bytes,
    }
}

/// The first of each size is what the others are compared with.
const WAYS: &[Way] = &[
    way("4 KiB reserved dsync", Ground::Reserved, false, true, PAGE),
    way("4 KiB fresh dsync", Ground::Fresh, false, true, PAGE),
    way("4 KiB blank dsync", Ground::Blank, false, true, PAGE),
    way("4 KiB written dsync", Ground::Written, false, true, PAGE),
    way(
        "4 KiB reserved fdatasync",
        Ground::Reserved,
        false,
        false,
        PAGE,
    ),
    way(
        "4 KiB written fdatasync",
        Ground::Written,
        false,
        false,
        PAGE,
    ),
    way(
        "4 KiB reserved direct dsync",
        Ground::Reserved,
        true,
        true,
        PAGE,
    ),
    way("4 KiB blank direct dsync", Ground::Blank, true, true, PAGE),
    way(
        "4 KiB written direct dsync",
        Ground::Written,
        true,
        true,
        PAGE,
    ),
    way(
        "1,200 B tail reserved dsync",
        Ground::Reserved,
        false,
        true,
        1_200,
    ),
    way(
        "1,200 B tail written dsync",
        Ground::Written,
        false,
        true,
        1_200,
    ),
    way(
        "64 KiB reserved dsync",
        Ground::Reserved,
        false,
        true,
        64 << 10,
    ),
    way("64 KiB fresh dsync", Ground::Fresh, false, true, 64 << 10),
    way("64 KiB blank dsync", Ground::Blank, false, true, 64 << 10),
    way(
        "64 KiB written dsync",
        Ground::Written,
        false,
        true,
        64 << 10,
    ),
    way(
        "64 KiB reserved fdatasync",
        Ground::Reserved,
        false,
        false,
        64 << 10,
    ),
    way(
        "64 KiB reserved direct dsync",
        Ground::Reserved,
        true,
        true,
        64 << 10,
    ),
    way(
        "64 KiB written direct dsync",
        Ground::Written,
        true,
        true,
        64 << 10,
    ),
];

fn main() {
    let mut numbers = std::env::args().filter_map(|arg| arg.parse().ok());
    let writes: usize = numbers.next().unwrap_or(200);
    let rounds: usize = numbers.next().unwrap_or(5);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("disk");
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).expect("the build has a directory for tests");
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); WAYS.len()];
    for round in 0..rounds {
        for turn in 0..WAYS.len() {
            // Nobody is always behind the same one.
            let at = (turn + round * 5) % WAYS.len();
            match measure(&folder, &WAYS[at], writes) {
                Ok(more) => times[at].extend(more),
                Err(error) => println!("{}: {error}", WAYS[at].name),
            }
        }
    }
    report(&mut times);
    drop(fs::remove_dir_all(&folder));
}

fn report(times: &mut [Vec<Duration>]) {
    println!(
        "{:<30} {:>9} {:>9} {:>9} {:>7}",
        "way", "p50 us", "p99 us", "mean us", "ratio"
    );
    let mut base = (0, 0.0);
    for (way, times) in WAYS.iter().zip(times) {
        times.sort_unstable();
        let Some(last) = times.len().checked_sub(1) else {
            continue;
        };
        let micros = |at: usize| times[at].as_secs_f64() * 1e6;
        let [middle, high] = [micros(last / 2), micros(last * 99 / 100)];
        let count = f64::from(u32::try_from(times.len()).unwrap_or(u32::MAX));
        let mean = times.iter().sum::<Duration>().as_secs_f64() * 1e6 / count;
        // A size of its own is compared with the first of it; the small pieces with pages.
        let size = way.bytes.max(PAGE);
        if base.0 != size {
            base = (size, middle);
        }
        println!(
            "{:<30} {middle:>9.0} {high:>9.0} {mean:>9.0} {:>7.2}",
            way.name,
            middle / base.1
        );
    }
}

/// How long each write took.
fn measure(folder: &Path, way: &Way, writes: usize) -> Result<Vec<Duration>, String> {
    let path = folder.join("file");
    let told = |error: &dyn std::fmt::Display| error.to_string();
    drop(fs::remove_file(&path));
    let length = (way.bytes * writes).next_multiple_of(PAGE) as u64;
    prepare(&path, way.ground, length).map_err(|error| told(&error))?;
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    if way.direct {
        options.custom_flags(rustix::fs::OFlags::DIRECT.bits().cast_signed());
    }
    let file = options.open(&path).map_err(|error| told(&error))?;
    let memory = vec![7; way.bytes + PAGE];
    let aligned = memory.as_ptr().align_offset(PAGE);
    let bytes = &memory[aligned..aligned + way.bytes];
    let (mut position, mut reserved) = (0, 0);
    let mut times = Vec::with_capacity(writes);
    for _ in 0..writes {
        let begun = Instant::now();
        if way.ground == Ground::Reserved && position + way.bytes as u64 > reserved {
            let step = fallocate(&file, FallocateFlags::KEEP_SIZE, reserved, STEP);
            step.map_err(|error| told(&error))?;
            reserved += STEP;
        }
        append(&file, way, bytes, position).map_err(|error| told(&error))?;
        times.push(begun.elapsed());
        position += way.bytes as u64;
    }
    Ok(times)
}

fn prepare(path: &Path, ground: Ground, length: u64) -> std::io::Result<()> {
    let file = File::create(path)?;
    match ground {
        Ground::Fresh | Ground::Reserved => {}
        Ground::Blank => fallocate(&file, FallocateFlags::empty(), 0, length)?,
        Ground::Written => {
            let old = vec![3; 1 << 20];
            for position in (0..length).step_by(1 << 20) {
                pwritev2(
                    &file,
                    &[IoSlice::new(&old)],
                    position,
                    ReadWriteFlags::empty(),
                )?;
            }
        }
    }
    file.sync_all()?;
    File::open(path.parent().unwrap_or(path))?.sync_all()
}

fn append(file: &File, way: &Way, bytes: &[u8], position: u64) -> rustix::io::Result<()> {
    let flags = if way.dsync {
        ReadWriteFlags::DSYNC
    } else {
        ReadWriteFlags::empty()
    };
    let written = pwritev2(file, &[IoSlice::new(bytes)], position, flags)?;
    assert_eq!(written, bytes.len(), "a short write");
    if way.dsync { Ok(()) } else { fdatasync(file) }
}
