//! `ouzel log`, on files that a real broker left.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use crate::process::{Ended, folder, run};
use crate::{address, guest, start};

/// The value that is in the log.
const VALUE: &[u8] = b"what was written";

/// A data folder that a broker wrote to and left, and the segment with the record.
fn written(name: &str) -> (PathBuf, PathBuf) {
    let data = folder(name);
    let ouzel = start(&data, &[]);
    let lines = ouzel.lines_to("ready: ");
    let read = guest::write_and_read(&address(lines.last().unwrap()), VALUE);
    assert_eq!(read, VALUE);
    ouzel.signal(Signal::TERM);
    assert_eq!(ouzel.end().code, Some(0));
    let has_value = |path: &&PathBuf| {
        let bytes = fs::read(path).unwrap();
        bytes.windows(VALUE.len()).any(|bytes| bytes == VALUE)
    };
    let files: Vec<PathBuf> = tree(&data).into_keys().collect();
    let segment = files.iter().find(has_value).unwrap().clone();
    (data, segment)
}

/// All files of a folder, and what is in them.
fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.append(&mut tree(&path));
        } else {
            let bytes = fs::read(&path).unwrap();
            files.insert(path, bytes);
        }
    }
    files
}

fn log(what: &[&str], path: &Path) -> Ended {
    run(&[&["log"], what, &[path.to_str().unwrap()]].concat())
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

/// Cuts the footer off, as if the broker had been killed: the next start reads all frames.
fn unseal(segment: &Path) {
    let stat = log(&["stat", "--format", "json"], segment.parent().unwrap());
    let stat: serde_json::Value = serde_json::from_str(&stat.stdout[0]).unwrap();
    assert!(stat["footer_bytes"].as_u64().unwrap() > 0, "{stat}");
    let file = fs::OpenOptions::new().write(true).open(segment).unwrap();
    file.set_len(stat["data_bytes"].as_u64().unwrap()).unwrap();
}

/// What a start says of its partitions, as far as it is `line`.
fn start_says(data: &Path, line: &str) {
    let ouzel = start(data, &[]);
    ouzel.lines_to("ready: ");
    ouzel.signal(Signal::TERM);
    let ended = ouzel.end();
    assert!(ended.stderr.contains(line), "{line}\n{}", ended.stderr);
}

#[test]
fn what_a_broker_left_is_sound_and_is_told_and_is_not_touched() {
    let (data, segment) = written("log-sound");
    let before = tree(&data);
    let verified = log(&["verify"], &data);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    let last = verified.stdout.last().unwrap();
    assert!(last.starts_with("2 partitions: 2 sound, 0 "), "{last}");

    let stat = log(&["stat", "--format", "json"], &data);
    let named = segment.to_str().unwrap();
    let line = stat
        .stdout
        .iter()
        .find(|line| line.contains(named))
        .unwrap();
    assert!(line.contains("\"end_offset\":1,"), "{line}");

    let partition = segment.parent().unwrap();
    let dump = log(
        &["dump", "--level", "records", "--format", "json"],
        partition,
    );
    let record = dump
        .stdout
        .iter()
        .find(|line| line.contains("\"record\":0"));
    assert!(record.unwrap().contains("what was written"), "{dump:?}");
    let frames = log(&["dump"], &segment);
    assert_eq!(
        frames.stdout.len(),
        5,
        "who votes, a reign, the record, a mark, and a footer: {frames:?}"
    );
    assert!(tree(&data) == before, "something was touched");

    // A copy whose place does not say whose it is: its segments do, and no journal is beside it.
    let copy = folder("log-copy");
    fs::copy(&segment, copy.join(segment.file_name().unwrap())).unwrap();
    let verified = log(&["verify"], &copy);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    let unclaimed = "no journal says what it once claimed";
    assert!(verified.stdout[0].contains(unclaimed), "{verified:?}");
}

#[test]
fn a_flipped_bit_behind_which_there_is_a_footer_is_found_and_the_rest_is_served() {
    let (data, segment) = written("log-sealed");
    let bytes = fs::read(&segment).unwrap();
    let at = bytes.windows(VALUE.len()).position(|bytes| bytes == VALUE);
    flip(&segment, at.unwrap());
    let verified = log(&["verify"], &data);
    assert_eq!(verified.code, Some(1), "{verified:?}");
    let says = |what: &str| verified.stdout.iter().any(|line| line.contains(what));
    assert!(
        says("frame 3 is bad (its batches do not fit their checksum)")
            && says("records from 0 up to 1 that were acknowledged cannot be read here"),
        "{verified:?}"
    );
    let dump = log(&["dump"], &segment);
    let lines = dump.stdout.len();
    assert_eq!(
        (dump.code, lines),
        (Some(1), 4),
        "two frames, a footer, and why they end"
    );
    // A start does not look, and goes on.
    start_says(&data, "opened data folder");

    // In the footer itself: nothing is lost.
    let (data, segment) = written("log-footer");
    let bytes = fs::read(&segment).unwrap().len();
    flip(&segment, bytes - 30);
    let verified = log(&["verify"], &data);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    let torn = "would be cut off, which were never acknowledged";
    assert!(
        verified.stdout.iter().any(|line| line.contains(torn)),
        "{verified:?}"
    );
}

#[test]
fn a_flipped_bit_is_found_where_it_is_and_a_start_says_the_same() {
    let (data, segment) = written("log-flipped");
    unseal(&segment);
    let bytes = fs::read(&segment).unwrap();
    let at = bytes.windows(VALUE.len()).position(|bytes| bytes == VALUE);
    flip(&segment, at.unwrap());
    let verified = log(&["verify"], &data);
    assert_eq!(verified.code, Some(1), "{verified:?}");
    let fenced = verified
        .stdout
        .iter()
        .find(|line| line.contains("are fenced"));
    let fenced = fenced.unwrap().trim();
    assert!(
        fenced.contains("frame 3 is bad (its batches do not fit their checksum)"),
        "{fenced}"
    );
    assert_eq!(log(&["verify"], &segment).code, Some(1));
    assert_eq!(log(&["stat"], &segment).code, Some(1));
    let dump = log(&["dump"], &segment);
    assert_eq!(
        (dump.code, dump.stdout.len()),
        (Some(1), 3),
        "two frames, and why it ends"
    );
    start_says(&data, fenced);
}

#[test]
fn an_end_that_was_never_acknowledged_is_said_and_is_no_damage() {
    let (data, segment) = written("log-torn");
    unseal(&segment);
    let mut bytes = fs::read(&segment).unwrap();
    bytes.extend_from_slice(b"a write that was cut");
    fs::write(&segment, bytes).unwrap();
    let verified = log(&["verify", "--format", "json"], &data);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    let torn = verified
        .stdout
        .iter()
        .find(|line| line.contains("\"verdict\":\"torn\""));
    assert!(torn.unwrap().contains("20 bytes from"), "{verified:?}");
    assert!(torn.unwrap().contains("would be cut off"), "{verified:?}");
    start_says(&data, "20 bytes from");
    let mended = log(&["verify"], &data);
    assert!(
        mended.stdout.last().unwrap().contains("2 sound, 0 "),
        "{mended:?}"
    );
}

#[test]
fn what_is_missing_or_bad_around_the_logs_is_named() {
    let (data, _) = written("log-around");
    flip(&data.join("identity"), 20);
    flip(&data.join("journal/0.a"), 8);
    flip(&data.join("journal/0.b"), 8);
    let verified = log(&["verify"], &data);
    assert_eq!(verified.code, Some(1), "{verified:?}");
    let says = |what: &str| verified.stdout.iter().any(|line| line.contains(what));
    assert!(says("identity"), "{verified:?}");
    assert!(
        says("0.a is damaged") || says("0.b is damaged"),
        "{verified:?}"
    );

    let (data, segment) = written("log-missing");
    // At an orderly stop all of a log is claimed.
    fs::remove_file(&segment).unwrap();
    let verified = log(&["verify"], &data);
    assert_eq!(verified.code, Some(1), "{verified:?}");
    let missing =
        "records that were acknowledged are missing: put the files back, or delete the topic";
    assert!(
        verified.stdout.iter().any(|line| line.contains(missing)),
        "{verified:?}"
    );

    let (data, segment) = written("log-folder");
    let partition = segment.parent().unwrap();
    // Its header, so that it does not say whose it is.
    flip(&segment, 20);
    assert_eq!(log(&["verify"], partition).code, Some(1));
    assert_eq!(log(&["verify"], &data).code, Some(1));
    fs::remove_dir_all(partition.parent().unwrap()).unwrap();
    let verified = log(&["verify"], &data);
    assert_eq!(verified.code, Some(1), "{verified:?}");
    assert!(
        verified.stdout[0].contains("a partition's folder is missing"),
        "{verified:?}"
    );
}

#[test]
fn a_journal_says_what_is_never_forgotten() {
    let (data, _) = written("log-journal");
    let (one, other) = (data.join("journal/0.a"), data.join("journal/0.b"));
    let newer = log(&["stat"], &one).stdout.concat();
    let newer = if newer.contains("is newer") {
        &other
    } else {
        &one
    };
    let verified = log(&["verify"], newer);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    assert!(
        verified.stdout[0].contains(": sound; generation "),
        "{verified:?}"
    );
    let dump = log(&["dump", "--format", "json"], newer);
    let claims = dump
        .stdout
        .iter()
        .filter(|line| line.contains("\"claimed\":"));
    // The topic's may be on another core.
    assert!(claims.count() > 0, "the controller's: {dump:?}");
    flip(newer, 8);
    let verified = log(&["verify"], newer);
    assert_eq!(verified.code, Some(1), "{verified:?}");
    assert!(
        verified.stdout[0].contains("its beginning is not whole"),
        "{verified:?}"
    );
}

#[test]
fn what_is_no_log_is_refused_with_what_would_be_one() {
    let nothing = folder("log-nothing");
    let missing = log(&["verify"], &nothing.join("not-there"));
    assert_eq!(missing.code, Some(5), "{missing:?}");
    assert!(missing.stderr.contains("no such file"), "{missing:?}");
    let empty = log(&["stat"], &nothing);
    assert_eq!(empty.code, Some(4), "{empty:?}");
    assert!(empty.stderr.contains("A data folder has"), "{empty:?}");
    let other = nothing.join("notes.txt");
    fs::write(&other, b"no log").unwrap();
    let other = log(&["dump"], &other);
    assert_eq!(other.code, Some(4), "{other:?}");
    assert!(other.stderr.contains("is no segment"), "{other:?}");
}
