//! `ouzel log dump`: what is in logs.

use cli::ExitCode;
use records::{BatchView, Batches, Compression};
use runtime::EntryKind;
use serde_json::{Value, json};
use storage::inspect::{self, Found};
use storage::segment::parse_file_name;

use super::Look;
use super::target::{Target, unreadable};
use crate::advice::Failure;
use crate::args::DumpLevel;

/// Prints frames, and what is in them, up to the first that is bad.
pub(super) async fn run(
    look: &mut Look,
    target: &Target,
    level: DumpLevel,
) -> Result<ExitCode, Failure> {
    let mut code = ExitCode::Done;
    for path in files(look, target).await? {
        let runtime = look.runtime.clone();
        let walked = inspect::walk(&runtime, &path, u64::MAX, |frame| {
            if !look.closed {
                frame_lines(look, &path, &frame, level);
            }
        });
        let walked = walked.await.map_err(|error| unreadable(&error))?;
        let bad = match (walked.header, walked.fault) {
            (Err(error), _) => Some(error.to_string()),
            (_, fault) => fault.map(|fault| fault.to_string()),
        };
        if let Ok(footer) = walked.footer {
            let (at, last, commit) = (footer.data_bytes, footer.last, footer.commit_seen);
            look.say(
                || format!("{path} at {at}: a footer: frames to {last}, offsets to {}, committed to {commit}", footer.end_offset),
                || json!({"file": path, "position": at, "footer": {
                    "last_frame": last.0, "term": footer.term.0, "end_offset": footer.end_offset.0, "commit": commit.0,
                    "max_timestamp": Some(footer.max_timestamp).filter(|&newest| newest != i64::MIN),
                }}),
            );
        }
        if let Some(bad) = bad {
            let at = walked.end;
            look.say(
                || format!("{path} at {at}: {bad}"),
                || json!({"file": path, "position": at, "fault": bad}),
            );
            code = ExitCode::DoesNotHold;
        }
        if look.closed {
            break;
        }
    }
    Ok(code)
}

/// The segments' files, log by log.
async fn files(look: &Look, target: &Target) -> Result<Vec<String>, Failure> {
    let partitions = match target {
        Target::File(path) | Target::Journal(path) => return Ok(vec![path.clone()]),
        Target::Logs { partitions, .. } => partitions,
    };
    let mut files = Vec::new();
    for partition in partitions {
        let folder = &partition.config.directory;
        let entries = look.runtime.read_directory(folder).await;
        let entries = entries
            .map_err(|error| Failure::environment(format!("cannot list {folder}: {error}")))?;
        let segments = entries
            .into_iter()
            .filter(|entry| entry.kind == EntryKind::File);
        let mut names: Vec<String> = segments.map(|entry| entry.name).collect();
        names.retain(|name| parse_file_name(name).is_some());
        names.sort();
        files.extend(names.into_iter().map(|name| format!("{folder}/{name}")));
    }
    Ok(files)
}

fn frame_lines(look: &mut Look, path: &str, frame: &Found<'_>, level: DumpLevel) {
    let Found {
        position,
        header,
        body,
        ..
    } = *frame;
    let kind = header.kind.name();
    look.say(
        || {
            format!(
                "{path} at {position}: frame {} term {} {kind}, offsets {} to {}, {} bytes, committed to {}",
                header.index, header.term, header.base_offset, header.end_offset(), header.body_bytes, header.commit()
            )
        },
        || {
            json!({
                "file": path, "position": position, "frame": header.index.0, "term": header.term.0, "kind": kind,
                "first_offset": header.base_offset.0, "end_offset": header.end_offset().0,
                "body_bytes": header.body_bytes, "commit": header.commit().0,
            })
        },
    );
    if level == DumpLevel::Frames || !header.kind.has_batches() {
        return;
    }
    for batch in Batches::new(body).map_while(Result::ok) {
        batch_lines(look, header.index.0, &batch, level);
    }
}

fn batch_lines(look: &mut Look, frame: u64, batch: &BatchView<'_>, level: DumpLevel) {
    let codec = batch.attributes().compression();
    let name = codec.map_or_else(
        |bits| format!("codec {bits}"),
        |codec| format!("{codec:?}").to_lowercase(),
    );
    let (first, last) = (batch.base_offset(), batch.last_offset());
    look.say(
        || {
            format!(
                "  batch {first} to {last}: {} records, {name}, producer {} epoch {} sequence {}, newest {}",
                batch.record_count(), batch.producer_id(), batch.producer_epoch(), batch.base_sequence(),
                batch.max_timestamp()
            )
        },
        || {
            json!({
                "frame": frame, "batch": first, "last_offset": last, "records": batch.record_count(),
                "compression": name, "producer_id": batch.producer_id(),
                "producer_epoch": batch.producer_epoch(), "base_sequence": batch.base_sequence(),
                "max_timestamp": batch.max_timestamp(), "bytes": batch.payload().len(),
            })
        },
    );
    if level != DumpLevel::Records || codec != Ok(Compression::None) {
        return;
    }
    let Ok(records) = batch.records() else { return };
    for record in records.map_while(Result::ok) {
        let (offset, timestamp) = (record.offset, record.timestamp);
        look.say(
            || format!("    {offset} at {timestamp}: {} = {}", shown(record.key), shown(record.value)),
            || json!({"record": offset, "timestamp": timestamp, "key": value(record.key), "value": value(record.value)}),
        );
    }
}

/// Bytes for people: as text, with what is none escaped.
fn shown(bytes: Option<&[u8]>) -> String {
    bytes.map_or_else(
        || "null".to_owned(),
        |bytes| format!("\"{}\"", bytes.escape_ascii()),
    )
}

/// Bytes in an object: text where they are, and otherwise a list of numbers.
fn value(bytes: Option<&[u8]>) -> Value {
    bytes.map_or(Value::Null, |bytes| match core::str::from_utf8(bytes) {
        Ok(text) => json!(text),
        Err(_) => json!(bytes),
    })
}
