//! `ouzel log stat`: the segments of logs.

use cli::ExitCode;
use serde_json::json;
use storage::inspect::{self, Health, SegmentFacts};

use super::Look;
use super::target::{Target, unreadable};
use crate::advice::Failure;

/// Prints a line for each segment.
pub(super) async fn run(look: &mut Look, target: &Target) -> Result<ExitCode, Failure> {
    let mut code = ExitCode::Done;
    let partitions = match target {
        Target::Logs { partitions, .. } => partitions,
        Target::File(path) | Target::Journal(path) => {
            let walked = inspect::walk(&look.runtime, path, u64::MAX, |_| {}).await;
            let walked = walked.map_err(|error| unreadable(&error))?;
            let header = walked
                .header
                .map_err(|error| Failure::damaged(format!("{path}: {error}")))?;
            let (first, end, fault) = (header.base_index, walked.end, walked.fault);
            look.say(
                || format!("{path}  {} frames from {first} on  {end} bytes{}", walked.frames,
                    fault.as_ref().map_or_else(String::new, |fault| format!("  and then: {fault}"))),
                || json!({"file": path, "first_frame": first.0, "frames": walked.frames, "data_bytes": end,
                    "fault": fault.as_ref().map(ToString::to_string)}),
            );
            // As for a log, whose damage is said by its code.
            return Ok(if fault.is_none() {
                code
            } else {
                ExitCode::DoesNotHold
            });
        }
    };
    for partition in partitions {
        let found = inspect::inspect(&look.runtime, &look.budget, &partition.config).await;
        let found = found.map_err(|error| unreadable(&error))?;
        for segment in &found.segments {
            say(look, &partition.config.directory, segment);
        }
        if found.health == Health::Damaged {
            code = ExitCode::DoesNotHold;
        }
        if look.closed {
            break;
        }
    }
    Ok(code)
}

fn say(look: &mut Look, partition: &str, segment: &SegmentFacts) {
    let SegmentFacts {
        path,
        frames: (first, last),
        offsets: (offset, end_offset),
        max_timestamp,
        data_bytes,
        footer_bytes,
        file_bytes,
    } = segment;
    look.say(
        || {
            let frames = last.map_or_else(|| "no frame".to_owned(), |last| format!("frames {first} to {last}"));
            let newest = max_timestamp.map(|newest| format!("  newest {newest}")).unwrap_or_default();
            let footer = if *footer_bytes > 0 { format!("  a footer of {footer_bytes}") } else { String::new() };
            format!(
                "{path}  {frames}  offsets {offset} to {end_offset}  {data_bytes} bytes of {file_bytes}{footer}{newest}"
            )
        },
        || {
            json!({
                "partition": partition, "file": path, "first_frame": first.0, "last_frame": last.map(|last| last.0),
                "first_offset": offset.0, "end_offset": end_offset.0, "data_bytes": data_bytes, "footer_bytes": footer_bytes,
                "file_bytes": file_bytes,
                "max_timestamp": max_timestamp,
            })
        },
    );
}
