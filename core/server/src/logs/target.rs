//! What a path names: a data folder, a partition's folder, one segment, or one file of a journal.

use std::collections::BTreeSet;

use model::{LogIndex, PartitionIndex, PartitionKey, TopicId};
use runtime::{EntryKind, IoErrorKind, Runtime};
use storage::inspect;
use storage::segment::parse_file_name;
use storage::{DataPath, Group, IdentityError, LogConfig, PathError, SEGMENT_BYTES_MIN, journal};

use crate::advice::Failure;

/// What was named.
pub(crate) enum Target {
    /// Logs, and what was wrong around them.
    Logs {
        partitions: Vec<Partition>,
        wrong: Vec<String>,
    },
    /// One segment, of which nothing else is known.
    File(String),
    /// One file of a core's journal.
    Journal(String),
}

/// A partition's log, and what is known of it elsewhere.
pub(crate) struct Partition {
    pub(crate) config: LogConfig,
    /// Whether there is a journal that says what it once claimed.
    pub(crate) journaled: bool,
}

/// What is at `path`.
pub(crate) async fn find(runtime: &Runtime, path: &str) -> Result<Target, Failure> {
    let path = if path.len() > 1 {
        path.trim_end_matches('/')
    } else {
        path
    };
    let status = runtime.status(path).await.map_err(|error| {
        Failure::environment(format!("cannot look at {path}: {error}"))
            .advise("Name a data folder, a partition's folder, or a segment's file.")
    })?;
    if status.kind == EntryKind::File {
        let name = path.rsplit('/').next().unwrap_or(path);
        let core = name.strip_suffix(".a").or_else(|| name.strip_suffix(".b"));
        if core.is_some_and(|core| core.parse::<u16>().is_ok()) {
            return Ok(Target::Journal(path.to_owned()));
        }
        if parse_file_name(name).is_none() {
            return Err(Failure::usage(format!(
                "{path} is no segment: those are called <index>.log, with twenty digits; and no journal: <core>.a or <core>.b"
            )));
        }
        return Ok(Target::File(path.to_owned()));
    }
    let names = names(runtime, path, EntryKind::File)
        .await
        .map_err(|error| unreadable(&error))?;
    if names.iter().any(|name| parse_file_name(name).is_some()) {
        return one(runtime, path).await.map_err(|error| unreadable(&error));
    }
    let folders = self::names(runtime, path, EntryKind::Directory)
        .await
        .map_err(|error| unreadable(&error))?;
    if !names.iter().any(|name| name == "identity") && !folders.iter().any(|name| name == "topics")
    {
        return Err(Failure::usage(format!("{path} holds no log: it is no data folder, and has no segment"))
            .advise("A data folder has `identity` and `topics` in it; a partition's is <data>/topics/<topic id>/<partition>."));
    }
    all(runtime, path).await.map_err(|error| unreadable(&error))
}

/// Why nothing can be said.
pub(crate) fn unreadable(error: &PathError) -> Failure {
    Failure::environment(error.to_string())
}

/// All partitions of a data folder.
async fn all(runtime: &Runtime, data: &str) -> Result<Target, PathError> {
    let mut wrong = Vec::new();
    match inspect::identity(runtime, data).await? {
        None => wrong.push(format!(
            "{data}/identity is missing: a start would take the folder for a new one"
        )),
        Some(Err(error)) => wrong.push(identity_line(data, error)),
        Some(Ok(_)) => {}
    }
    let journals = journal::read_all(runtime, &DataPath::new(data)).await?;
    let damaged = journals.damaged.iter();
    wrong.extend(damaged.map(|path| damaged_line(path)));
    let topics = format!("{data}/topics");
    let mut partitions = Vec::new();
    let folders = match names(runtime, &topics, EntryKind::Directory).await {
        Err(error) if error.error.kind() == IoErrorKind::NotFound => Vec::new(),
        folders => folders?,
    };
    for topic in folders {
        let Some(id) = TopicId::parse(&topic.replace('-', "")) else {
            continue;
        };
        let folder = format!("{topics}/{topic}");
        for name in names(runtime, &folder, EntryKind::Directory).await? {
            let Ok(number) = name.parse() else { continue };
            let group = Group::of(PartitionKey {
                topic: id,
                partition: PartitionIndex(number),
            });
            let claimed = journals.get(group).map(|record| record.claimed.0);
            partitions.push(partition(format!("{folder}/{name}"), group, claimed));
        }
    }
    let groups: BTreeSet<Group> = partitions.iter().map(|there| there.config.group).collect();
    for record in journals.records() {
        let (claimed, group) = (record.claimed.0, record.group);
        if claimed > LogIndex::ZERO && !groups.contains(&group) {
            wrong.push(format!(
                "a partition's folder is missing: a journal says that {claimed} frames of group {group} were durable"
            ));
        }
    }
    partitions.sort_by(|one, other| one.config.directory.cmp(&other.config.directory));
    Ok(Target::Logs { partitions, wrong })
}

fn identity_line(data: &str, error: IdentityError) -> String {
    format!("{data}/identity: {error}")
}

/// One partition, wherever its folder lies. Its journal is looked for where it would be in a data folder.
async fn one(runtime: &Runtime, folder: &str) -> Result<Target, PathError> {
    let mut segments = names(runtime, folder, EntryKind::File).await?;
    segments.retain(|name| parse_file_name(name).is_some());
    segments.sort();
    let mut group = named(folder);
    for name in &segments {
        // Of the first that says: a bad one is found later.
        if group.is_some() {
            break;
        }
        let walked = inspect::walk(runtime, &format!("{folder}/{name}"), 0, |_| {}).await?;
        group = walked.header.ok().map(|header| header.group);
    }
    let data = DataPath::new(&format!("{folder}/../../.."));
    let journals = journal::read_all(runtime, &data).await?;
    let damaged = journals.damaged.iter();
    let mut wrong: Vec<String> = damaged.map(|path| damaged_line(path)).collect();
    let mut partitions = Vec::new();
    match group {
        Some(group) => {
            let claimed = journals.get(group).map(|record| record.claimed.0);
            partitions.push(partition(folder.to_owned(), group, claimed));
        }
        None => wrong.push(format!(
            "{folder}: no header of a segment can be read, and the folder's name does not say whose log it is"
        )),
    }
    Ok(Target::Logs { partitions, wrong })
}

/// The group that a folder is of by its place: `<topic id>/<partition>`.
fn named(folder: &str) -> Option<Group> {
    let (topic, partition) = folder.rsplit_once('/')?;
    let topic = topic.rsplit('/').next()?;
    Some(Group::of(PartitionKey {
        topic: TopicId::parse(&topic.replace('-', ""))?,
        partition: PartitionIndex(partition.parse().ok()?),
    }))
}

fn damaged_line(path: &str) -> String {
    format!("{path} is damaged: it may hold a vote, and no start goes on without it")
}

fn partition(directory: String, group: Group, claimed: Option<LogIndex>) -> Partition {
    Partition {
        config: LogConfig {
            directory,
            group,
            segment_bytes: SEGMENT_BYTES_MIN,
            claimed: claimed.unwrap_or_default(),
        },
        journaled: claimed.is_some(),
    }
}

async fn names(runtime: &Runtime, folder: &str, kind: EntryKind) -> Result<Vec<String>, PathError> {
    let entries = runtime.read_directory(folder).await;
    let entries = entries.map_err(|error| PathError::new("list", folder, error))?;
    let of_kind = entries.into_iter().filter(|entry| entry.kind == kind);
    Ok(of_kind.map(|entry| entry.name).collect())
}
