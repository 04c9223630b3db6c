//! Damage to a disk's files: at rest, or by a write that lands elsewhere.
//!
//! One replica alone can only refuse what is damaged, and only where something readable proves that it was
//! committed: a later frame that carries a commit at or above it. What lies between two such proofs is outside the
//! fault model [protocol-aware recovery], so damage is put where there is a proof, once for a partition.

use core::ops::Range;
use std::collections::{BTreeMap, BTreeSet};

use model::{LogIndex, PartitionKey};
use stdx::Prng;
use storage::footer::Trailer;
use storage::frame::{FrameHeader, HEADER_BYTES};
use storage::segment::{SEGMENT_HEADER_BYTES, SegmentHeader, parse_file_name};
use world::{Disk, NodeId, World};

use super::DATA;
use crate::scenario::FaultKind;

/// A frame on the disk.
#[derive(Clone, Debug)]
struct Place {
    file: String,
    at: u64,
    header: FrameHeader,
}

/// Damages a frame of some topic. False when there is none yet whose loss would be noticed.
pub(super) fn damage(
    world: &mut World,
    node: NodeId,
    kind: FaultKind,
    draw: u64,
    rotten: &mut BTreeSet<String>,
) -> bool {
    let mut prng = Prng::from_seed(draw);
    let disk = world.disk(node);
    if !matches!(kind, FaultKind::Unreadable { .. }) && prng.chance(1, 3) {
        let footers = footers(disk, rotten);
        if !footers.is_empty() {
            // Nothing is lost with one, so everything is expected of its partition as before.
            let (file, footer) = prng.choose(&footers).clone();
            let offset = prng.between(footer.start, footer.end - 1);
            return world.disk_mut(node).rot(&file, offset, 1 << prng.below(8));
        }
    }
    let mut proven = Vec::new();
    for folder in partitions(disk)
        .into_iter()
        .filter(|folder| !rotten.contains(folder))
    {
        let frames = frames(disk, &folder);
        let Some(proof) = frames.iter().max_by_key(|place| place.header.commit()) else {
            continue;
        };
        let commit: LogIndex = proof.header.commit();
        let below = frames.iter().filter(|place| {
            place.header.index <= commit && place.header.index < proof.header.index
        });
        proven.extend(below.cloned().map(|place| (folder.clone(), place)));
    }
    if proven.is_empty() {
        return false;
    }
    let (folder, place) = prng.choose(&proven).clone();
    let length = HEADER_BYTES as u64 + u64::from(place.header.body_bytes);
    let offset = place.at + prng.below(length);
    rotten.insert(folder);
    let disk = world.disk_mut(node);
    match kind {
        FaultKind::Unreadable { .. } => disk.make_unreadable(&place.file, offset, 1),
        _ => disk.rot(&place.file, offset, 1 << prng.below(8)),
    }
}

/// Misdirected writes that are to come: to the newest segment of each topic's partition that is whole, until the first
/// of them was hit.
#[derive(Clone, Debug, Default)]
pub(super) struct Misdirection {
    /// Files whose next write is misdirected, by folder.
    files: BTreeMap<String, String>,
}

impl Misdirection {
    /// Whether one has come; its partition is rotten then. Otherwise follows logs that went on to another segment, and
    /// new ones.
    pub(super) fn has_come(
        &mut self,
        world: &mut World,
        node: NodeId,
        rotten: &mut BTreeSet<String>,
    ) -> bool {
        let disk = world.disk(node);
        let hit = |file: &String| disk.misdirects_next(file) == Some(false);
        let hits: Vec<String> = self
            .files
            .iter()
            .filter(|(_, file)| hit(file))
            .map(|(folder, _)| folder.clone())
            .collect();
        if !hits.is_empty() {
            rotten.extend(hits);
            self.take_back(world, node);
            return true;
        }
        for folder in partitions(disk) {
            if !rotten.contains(&folder)
                && let Some(newest) = newest_segment(world.disk(node), &folder)
            {
                self.follow(world, node, folder, &newest);
            }
        }
        false
    }

    /// Takes back those that have not come.
    pub(super) fn take_back(&mut self, world: &mut World, node: NodeId) {
        for file in core::mem::take(&mut self.files).into_values() {
            world.disk_mut(node).misdirect_next(&file, false);
        }
    }

    fn follow(&mut self, world: &mut World, node: NodeId, folder: String, newest: &str) {
        let before = self.files.insert(folder, newest.to_owned());
        if before.as_deref() == Some(newest) {
            return;
        }
        let disk = world.disk_mut(node);
        if let Some(before) = before {
            disk.misdirect_next(&before, false);
        }
        disk.misdirect_next(newest, true);
    }
}

fn newest_segment(disk: &Disk, folder: &str) -> Option<String> {
    let names = disk.cache_names(folder)?.into_iter();
    let newest = names.filter(|name| parse_file_name(name).is_some()).max()?;
    Some(format!("{folder}/{newest}"))
}

/// The folders of all partitions but the controller's: without its decisions there is no broker to ask.
fn partitions(disk: &Disk) -> Vec<String> {
    let topics = format!("{DATA}/topics");
    let controller = PartitionKey::CONTROLLER.topic.to_string();
    let names = |path: &str| disk.durable_names(path).unwrap_or_default();
    let topics = names(&topics)
        .into_iter()
        .filter(|name| *name != controller)
        .map(|name| format!("{topics}/{name}"));
    topics
        .flat_map(|topic| {
            names(&topic)
                .into_iter()
                .map(move |partition| format!("{topic}/{partition}"))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// The footers of segments in partitions that are not rotten, and where they are in their files.
fn footers(disk: &Disk, rotten: &BTreeSet<String>) -> Vec<(String, Range<u64>)> {
    let mut footers = Vec::new();
    for folder in partitions(disk) {
        let names = disk.durable_names(&folder).unwrap_or_default();
        let files = names.iter().filter(|name| parse_file_name(name).is_some());
        for name in files.filter(|_| !rotten.contains(&folder)) {
            let file = format!("{folder}/{name}");
            let bytes = disk.durable_bytes(&file).unwrap_or_default();
            let length = bytes.len() as u64;
            let header = SegmentHeader::decode(&bytes);
            let trailer = header
                .ok()
                .map(|header| Trailer::decode(&bytes, &header, length));
            if let Some(Ok(trailer)) = trailer {
                footers.push((file, trailer.data_bytes..length));
            }
        }
    }
    footers
}

/// The durable frames of a partition, in no order.
fn frames(disk: &Disk, folder: &str) -> Vec<Place> {
    let mut places = Vec::new();
    for name in disk.durable_names(folder).unwrap_or_default() {
        if parse_file_name(&name).is_none() {
            continue;
        }
        let file = format!("{folder}/{name}");
        let bytes = disk.durable_bytes(&file).unwrap_or_default();
        let mut at = SEGMENT_HEADER_BYTES;
        while bytes.len() >= at + HEADER_BYTES {
            let Ok(header) = FrameHeader::decode(&bytes[at..]) else {
                break;
            };
            places.push(Place {
                file: file.clone(),
                at: at as u64,
                header,
            });
            at += usize::try_from(header.frame_bytes()).unwrap_or(usize::MAX - at);
        }
    }
    places
}
