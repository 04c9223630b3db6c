//! What the journals of a node hold, before any of them is begun anew.

use std::collections::BTreeMap;

use runtime::{CoreId, IoErrorKind, OpenOptions, Runtime};

use super::paths;
use super::record::{HardRecord, Placed};
use super::scan::{Scanned, scan};
use crate::error::{OnPath, PathError};
use crate::folder::DataPath;
use crate::group::Group;
use crate::read::read_upto;

/// Bytes of a file that is read. A core's groups fit in a small part of it.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// All records of a node, as its journals have them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    records: BTreeMap<Group, Placed>,
    /// What each core's journal had.
    of_core: BTreeMap<u16, BTreeMap<Group, Placed>>,
    /// Files in which something that was acknowledged cannot be read.
    pub damaged: Vec<String>,
}

impl Found {
    /// The record of a group.
    pub fn get(&self, group: Group) -> Option<&HardRecord> {
        self.records.get(&group).map(|placed| &placed.record)
    }

    /// All of them.
    pub fn records(&self) -> impl Iterator<Item = &HardRecord> {
        self.records.values().map(|placed| &placed.record)
    }

    /// How many groups have one.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether none has.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    fn take_in(&mut self, core: CoreId, scanned: Scanned, path: &str) {
        if scanned.damaged {
            self.damaged.push(path.to_owned());
        }
        for (&group, &placed) in &scanned.records {
            let known = self.records.entry(group).or_insert(placed);
            if placed.revision >= known.revision {
                *known = placed;
            }
        }
        self.of_core.insert(core.number(), scanned.records);
    }

    /// The largest revision in any journal.
    pub(super) fn revision(&self) -> u64 {
        let of_core = self.of_core.values().flat_map(BTreeMap::values);
        let all = of_core.chain(self.records.values());
        all.map(|placed| placed.revision).max().unwrap_or(0)
    }

    /// What `core` begins its journal with: what it had, but for what another core has written since.
    pub(super) fn for_core(&self, core: CoreId) -> BTreeMap<Group, Placed> {
        let had = self.of_core.get(&core.number()).into_iter().flatten();
        let is_latest =
            |(group, placed): &(&Group, &Placed)| placed.revision >= self.records[group].revision;
        had.filter(is_latest)
            .map(|(&group, &placed)| (group, placed))
            .collect()
    }
}

/// Reads the journals of all cores that there ever were. Nothing is changed.
pub async fn read_all(runtime: &Runtime, data: &DataPath) -> Result<Found, PathError> {
    let folder = data.journals();
    let entries = match runtime.read_directory(&folder).await {
        Err(error) if error.kind() == IoErrorKind::NotFound => return Ok(Found::default()),
        entries => entries.on("list", &folder)?,
    };
    let mut found = Found::default();
    let cores = entries
        .iter()
        .filter_map(|entry| entry.name.strip_suffix(".a")?.parse().ok());
    for core in cores.map(CoreId::new) {
        let mut newest: Option<(Scanned, String)> = None;
        let mut unreadable = Vec::new();
        for path in paths(data, core) {
            match read_file(runtime, &path).await? {
                Contents::Scanned(scanned) => {
                    if newest
                        .as_ref()
                        .is_none_or(|(other, _)| scanned.generation > other.generation)
                    {
                        newest = Some((scanned, path));
                    }
                }
                Contents::NothingYet => {}
                Contents::Unreadable => unreadable.push(path),
            }
        }
        match newest {
            // The one after it was begun, and is not readable any more.
            Some((scanned, _)) if scanned.superseded => {
                found.take_in(core, scanned, "");
                found.damaged.append(&mut unreadable);
            }
            Some((scanned, path)) => found.take_in(core, scanned, &path),
            // Neither begins well: with one of them not begun yet nothing was ever acknowledged.
            None if unreadable.len() < 2 => {}
            None => found.damaged.append(&mut unreadable),
        }
    }
    Ok(found)
}

/// What one file of a journal says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalFacts {
    /// Which of the files of its core it is, in the order in which they were begun.
    pub generation: u32,
    /// The latest record of each group.
    pub records: Vec<HardRecord>,
    /// Something that was acknowledged cannot be read.
    pub damaged: bool,
    /// The next file is begun, and this one does not count any more.
    pub superseded: bool,
    /// Where the records end, in bytes.
    pub end: u64,
}

/// Reads one file of a journal. None where its beginning is not whole.
///
/// # Errors
/// When it cannot be opened or read.
pub async fn read_one(runtime: &Runtime, path: &str) -> Result<Option<JournalFacts>, PathError> {
    Ok(match read_file(runtime, path).await? {
        Contents::Scanned(scanned) => Some(JournalFacts {
            generation: scanned.generation,
            damaged: scanned.damaged,
            superseded: scanned.superseded,
            end: scanned.end,
            records: scanned
                .records
                .into_values()
                .map(|placed| placed.record)
                .collect(),
        }),
        Contents::NothingYet | Contents::Unreadable => None,
    })
}

enum Contents {
    Scanned(Scanned),
    /// Not there, or empty.
    NothingYet,
    /// Something, and not a beginning.
    Unreadable,
}

async fn read_file(runtime: &Runtime, path: &str) -> Result<Contents, PathError> {
    let file = match runtime.open(path, OpenOptions::default()).await {
        Err(error) if error.kind() == IoErrorKind::NotFound => return Ok(Contents::NothingYet),
        file => file.on("open", path)?,
    };
    let length = runtime.status(path).await.on("look at", path)?.length;
    let length = usize::try_from(length.min(FILE_BYTES_MAX)).unwrap_or(0);
    if length == 0 {
        return Ok(Contents::NothingYet);
    }
    let buffer = runtime.buffer(length);
    let buffer = match read_upto(&file, 0, length, buffer).await {
        Err(error) if error.kind() == IoErrorKind::Device => return Ok(Contents::Unreadable),
        buffer => buffer.on("read", path)?,
    };
    let scanned = scan(buffer.as_slice());
    Ok(scanned.map_or(Contents::Unreadable, Contents::Scanned))
}

/// The generation of a file, and where its records end.
pub(super) async fn newest(runtime: &Runtime, path: &str) -> Result<(u32, u64), PathError> {
    Ok(match read_file(runtime, path).await? {
        Contents::Scanned(scanned) => (scanned.generation, scanned.end),
        Contents::NothingYet | Contents::Unreadable => (0, 0),
    })
}
