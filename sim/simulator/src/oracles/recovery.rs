//! Recovery equals the disk's truth: before each start the files are read by themselves, and what a partition's
//! recovery then says that it found ends exactly where the frames end that continue each other.
//!
//! Not a frame more, which nothing proves, and not one less, which could have been acknowledged. A fence is for
//! damage at rest, and there is none but where it was planted.
//!
//! And each start is a new reign: of a later term than any frame, and than any that a journal has.

use std::collections::{BTreeMap, BTreeSet};

use model::{LogIndex, Offset, PartitionKey, Term};
use storage::journal::records_in;
use storage::segment::parse_file_name;
use storage::{DataPath, Group};
use world::Disk;

use super::Violation;
use super::scan::Scanned;

/// What the files hold before a start.
#[derive(Debug)]
pub struct Truth {
    data: DataPath,
    /// The end of each log, and the term of its last frame, by its folder.
    ends: BTreeMap<String, (Offset, Term)>,
    /// What footers say that is not so, by folder.
    untrue: BTreeMap<String, String>,
    /// The latest term of each group in any journal.
    heard: BTreeMap<Group, Term>,
    /// A log that has a frame of a later term, in words.
    unheard: Option<String>,
}

/// What a broker said of one partition when it opened it.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// The partition.
    pub key: PartitionKey,
    /// The offset after the last record.
    pub end: Offset,
    /// The term that reigns.
    pub term: Term,
    /// Whether it fenced a range.
    pub fenced: bool,
}

impl Truth {
    /// Reads the logs below `data` as a process would that starts now.
    pub fn of(disk: &Disk, data: &str) -> Self {
        let names = |path: &str| disk.cache_names(path).unwrap_or_default();
        let topics = format!("{data}/topics");
        let heard = heard(disk, data);
        let (mut ends, mut untrue, mut unheard) = (BTreeMap::new(), BTreeMap::new(), None);
        for topic in names(&topics) {
            for partition in names(&format!("{topics}/{topic}")) {
                let folder = format!("{topics}/{topic}/{partition}");
                let scanned = scan(disk, &folder);
                let (end, term) = (scanned.end_offset(), scanned.last_term());
                let known = scanned.group().and_then(|group| heard.get(&group));
                if term > known.copied().unwrap_or_default() {
                    unheard = Some(format!(
                        "{folder} has a frame of term {term}, and no journal knows that"
                    ));
                }
                if let Some(why) = scanned.untrue {
                    untrue.insert(folder.clone(), why);
                }
                ends.insert(folder, (end, term));
            }
        }
        Self {
            data: DataPath::new(data),
            ends,
            untrue,
            heard,
            unheard,
        }
    }

    /// That no log had a frame of a term which its journal does not know: that was durable before anything was appended.
    /// Told once.
    pub fn check_terms(&mut self) -> Result<(), Violation> {
        self.unheard.take().map_or(Ok(()), |witness| {
            Err(Violation {
                oracle: "TERM_BEFORE_FRAME",
                promise: "a term is durable in a journal before a frame of it is in a log",
                witness,
            })
        })
    }

    /// Checks a claim. What was not there before the start, or is damaged, is not judged; the first claim of a start
    /// is, as the log grows afterwards.
    pub fn check(&mut self, claim: &Claim, damaged: &BTreeSet<String>) -> Result<(), Violation> {
        let folder = self.data.partition(claim.key);
        let heard = self.heard.get(&Group::of(claim.key)).copied();
        let Some((end, last_term)) = self
            .ends
            .remove(&folder)
            .filter(|_| !damaged.contains(&folder))
        else {
            return Ok(());
        };
        if let Some(why) = self.untrue.remove(&folder) {
            return Err(Violation {
                oracle: "FOOTER_IS_TRUE",
                promise: "a footer says what the frames before it say",
                witness: format!("{folder}: {why}"),
            });
        }
        let before = last_term.max(heard.unwrap_or_default());
        if claim.term <= before && !claim.fenced {
            return Err(Violation {
                oracle: "REIGN_IS_NEW",
                promise: "each start leads in a term in which nobody led before",
                witness: format!(
                    "partition {} leads in term {}; before, its files and journals knew term {before}",
                    claim.key, claim.term
                ),
            });
        }
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

/// The latest terms that journals know, durable or about to be.
fn heard(disk: &Disk, data: &str) -> BTreeMap<Group, Term> {
    let folder = format!("{data}/journal");
    let mut heard = BTreeMap::new();
    for name in disk.cache_names(&folder).unwrap_or_default() {
        let bytes = disk.cache_bytes(&format!("{folder}/{name}"));
        for record in records_in(&bytes.unwrap_or_default()) {
            let known: &mut Term = heard.entry(record.group).or_default();
            *known = record.term.max(*known);
        }
    }
    heard
}

fn scan(disk: &Disk, folder: &str) -> Scanned {
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
    scanned
}
