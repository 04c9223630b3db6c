//! What is served is what the disk holds: after the broker stopped in good order, its files, read by themselves,
//! hold exactly the batches that clients read, durably, in order and without a hole.
//!
//! It is the simulated disk's truth, not the broker's claim: durable bytes under durable names. The frames are told
//! apart by storage's own codec, but nothing of its recovery, index or reading takes part.

use std::collections::BTreeMap;

use model::{LogIndex, PartitionKey};
use storage::DataPath;
use storage::segment::parse_file_name;
use world::Disk;

use super::scan::Scanned;
use super::{Violation, named};
use crate::ledger::{Ledger, Place};

/// Checks one partition against what was seen of it up to its end.
pub fn check(
    disk: &Disk,
    data: &str,
    key: PartitionKey,
    place: &Place,
    ledger: &Ledger,
) -> Result<(), Violation> {
    let folder = DataPath::new(data).partition(key);
    let mut found = scan(disk, &folder, place)?;
    let seen = ledger.partitions.get(place).map(|history| &history.seen);
    // What a client sent last of all may have been appended after the last read.
    let end = seen
        .and_then(|seen| seen.last_key_value())
        .map_or(0, |(_, last)| last.end_offset);
    found.retain(|&base_offset, _| base_offset < end);
    let seen: BTreeMap<i64, u64> = seen
        .into_iter()
        .flatten()
        .map(|(&base_offset, seen)| (base_offset, seen.digest))
        .collect();
    if found == seen {
        return Ok(());
    }
    let differing = found
        .iter()
        .find(|(base_offset, digest)| seen.get(base_offset) != Some(digest));
    let missing = seen
        .keys()
        .find(|base_offset| !found.contains_key(base_offset));
    Err(violation(format!(
        "the files of {} hold {} batches and clients read {}; not read as it is on disk: {:?}; read and not on disk: {missing:?}",
        named(place),
        found.len(),
        seen.len(),
        differing.map(|(base_offset, _)| base_offset),
    )))
}

/// The digests of all batches in the durable segments of a folder, by base offset.
fn scan(disk: &Disk, folder: &str, place: &Place) -> Result<BTreeMap<i64, u64>, Violation> {
    let broken = |what: String| violation(format!("the files of {}: {what}", named(place)));
    let names = disk
        .durable_names(folder)
        .ok_or_else(|| broken(format!("there is no folder {folder}")))?;
    let mut segments: Vec<(LogIndex, String)> = names
        .into_iter()
        .filter_map(|name| Some((parse_file_name(&name)?, name)))
        .collect();
    segments.sort();
    let mut scanned = Scanned::with_batches();
    for (base_index, name) in segments {
        let bytes = disk.durable_bytes(&format!("{folder}/{name}"));
        let bytes = bytes.ok_or_else(|| broken(format!("{name} has no durable bytes")))?;
        scanned
            .segment(base_index, &bytes)
            .map_err(|what| broken(format!("{name}: {what}")))?;
    }
    Ok(scanned.batches)
}

fn violation(witness: String) -> Violation {
    Violation {
        oracle: "SERVED_IS_ON_DISK",
        promise: "what is served is what the disk holds, durably, without a hole",
        witness,
    }
}
