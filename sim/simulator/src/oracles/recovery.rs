//! Recovery equals the disk's truth: before each start the files are read by themselves, and what a partition's
//! recovery then says that it found ends exactly where the frames end that continue each other.
//!
//! Not a frame more, which nothing proves, and not one less, which could have been acknowledged. A fence is for
//! damage at rest, and there is none but where it was planted.

use std::collections::{BTreeMap, BTreeSet};

use model::{LogIndex, Offset, PartitionKey};
use storage::DataPath;
use storage::segment::parse_file_name;
use world::Disk;

use super::Violation;
use super::scan::Scanned;

/// What the files hold before a start.
#[derive(Debug)]
pub struct Truth {
    data: DataPath,
    /// The end of each log, by its folder.
    ends: BTreeMap<String, Offset>,
}

/// What a broker said of one partition when it opened it.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// The partition.
    pub key: PartitionKey,
    /// The offset after the last record.
    pub end: Offset,
    /// Whether it fenced a range.
    pub fenced: bool,
}

impl Truth {
    /// Reads the logs below `data` as a process would that starts now.
    pub fn of(disk: &Disk, data: &str) -> Self {
        let names = |path: &str| disk.cache_names(path).unwrap_or_default();
        let topics = format!("{data}/topics");
        let mut ends = BTreeMap::new();
        for topic in names(&topics) {
            for partition in names(&format!("{topics}/{topic}")) {
                let folder = format!("{topics}/{topic}/{partition}");
                let end = end_of(disk, &folder);
                ends.insert(folder, end);
            }
        }
        Self {
            data: DataPath::new(data),
            ends,
        }
    }

    /// Checks a claim. What was not there before the start, or is damaged, is not judged; the first claim of a start
    /// is, as the log grows afterwards.
    pub fn check(&mut self, claim: &Claim, damaged: &BTreeSet<String>) -> Result<(), Violation> {
        let folder = self.data.partition(claim.key);
        let Some(end) = self
            .ends
            .remove(&folder)
            .filter(|_| !damaged.contains(&folder))
        else {
            return Ok(());
        };
        if claim.end == end && !claim.fenced {
            return Ok(());
        }
        Err(Violation {
            oracle: "RECOVERY_IS_DISK",
            promise: "recovery finds the frames that continue each other on the disk, all of them and no more",
            witness: format!(
                "partition {} was said to end at {}{}; its files end at {end}",
                claim.key,
                claim.end,
                if claim.fenced { ", with a fence" } else { "" },
            ),
        })
    }
}

fn end_of(disk: &Disk, folder: &str) -> Offset {
    let names = disk.cache_names(folder).unwrap_or_default();
    let segments = names.into_iter();
    let segments = segments.filter_map(|name| Some((parse_file_name(&name)?, name)));
    let segments: BTreeMap<LogIndex, String> = segments.collect();
    let mut scanned = Scanned::default();
    for (base_index, name) in segments {
        let bytes = disk.cache_bytes(&format!("{folder}/{name}"));
        if scanned
            .segment(base_index, &bytes.unwrap_or_default())
            .is_err()
        {
            break;
        }
    }
    scanned.end_offset()
}
