//! `ouzel log verify`: what a start would make of logs, without doing it.

use cli::ExitCode;
use serde_json::json;
use storage::inspect::{self, Health, Inspection};

use super::Look;
use super::target::{Partition, Target, unreadable};
use crate::advice::Failure;

/// How many of each.
#[derive(Default)]
struct Count {
    sound: u64,
    torn: u64,
    damaged: u64,
}

/// Prints a verdict for each partition, and one for all.
pub(super) async fn run(look: &mut Look, target: &Target) -> Result<ExitCode, Failure> {
    let (partitions, wrong) = match target {
        Target::Logs { partitions, wrong } => (partitions, wrong),
        Target::File(path) | Target::Journal(path) => return file(look, path).await,
    };
    for line in wrong {
        look.say(
            || format!("DAMAGED: {line}"),
            || json!({"verdict": "damaged", "lines": [line]}),
        );
    }
    let mut count = Count::default();
    for partition in partitions {
        let found = inspect::inspect(&look.runtime, &look.budget, &partition.config).await;
        let found = found.map_err(|error| unreadable(&error))?;
        match found.health {
            Health::Sound => count.sound += 1,
            Health::TornTail => count.torn += 1,
            Health::Damaged => count.damaged += 1,
        }
        say(look, partition, &found);
    }
    let Count {
        sound,
        torn,
        damaged,
    } = count;
    let around = wrong.len();
    look.say(
        || {
            let around = if around == 0 { String::new() } else { format!(", {around} damaged around them") };
            format!(
                "{} partitions: {sound} sound, {torn} with an end that was never acknowledged, {damaged} damaged{around}",
                partitions.len()
            )
        },
        || json!({"partitions": partitions.len(), "sound": sound, "torn": torn, "damaged": damaged, "around": around}),
    );
    let holds = damaged == 0 && around == 0;
    Ok(if holds {
        ExitCode::Done
    } else {
        ExitCode::DoesNotHold
    })
}

fn say(look: &mut Look, partition: &Partition, found: &Inspection) {
    let path = &partition.config.directory;
    let report = &found.report;
    let (word, name) = match found.health {
        Health::Sound => ("sound", "sound"),
        Health::TornTail => ("an end that was never acknowledged", "torn"),
        Health::Damaged => ("DAMAGED", "damaged"),
    };
    look.say(
        || {
            let unknown = if partition.journaled { "" } else { ", and no journal says what it once claimed" };
            let lines = report.lines.iter().flat_map(|line| ["\n  ", line]);
            let lines: String = lines.collect();
            format!(
                "{path}: {word}; {} segments, {} frames, offsets to {}{unknown}{lines}",
                report.segments, report.frames, report.end_offset
            )
        },
        || {
            json!({
                "partition": path, "verdict": name, "segments": report.segments, "frames": report.frames,
                "end_offset": report.end_offset.0, "journaled": partition.journaled, "lines": report.lines,
            })
        },
    );
}

/// A file alone: its frames follow each other, or not. Whether what is bad at its end was ever acknowledged only its log tells.
async fn file(look: &mut Look, path: &str) -> Result<ExitCode, Failure> {
    let (mut padding, runtime) = (None, look.runtime.clone());
    let walked = inspect::walk(&runtime, path, u64::MAX, |frame| {
        let dirty = frame.padding.iter().any(|&byte| byte != 0);
        padding = padding.or(dirty.then_some(frame.position));
    });
    let walked = walked.await.map_err(|error| unreadable(&error))?;
    let fault = match (&walked.header, &walked.fault, padding) {
        (Err(error), ..) => Some(error.to_string()),
        (_, Some(fault), _) => Some(format!(
            "{fault}, at {}: should this be the end of a log that was never acknowledged, its partition's folder tells",
            walked.end
        )),
        (_, None, Some(position)) => Some(format!(
            "the bytes behind the frame at {position} are not zero"
        )),
        (Ok(_), None, None) => None,
    };
    let (frames, end) = (walked.frames, walked.end);
    look.say(
        || {
            let word = fault.as_ref().map_or_else(|| "sound".to_owned(), |fault| format!("DAMAGED: {fault}"));
            format!("{path}: {word}; {frames} frames, {end} bytes")
        },
        || {
            let verdict = if fault.is_none() { "sound" } else { "damaged" };
            json!({"file": path, "verdict": verdict, "frames": frames, "data_bytes": end, "lines": fault.iter().collect::<Vec<_>>()})
        },
    );
    Ok(if fault.is_none() {
        ExitCode::Done
    } else {
        ExitCode::DoesNotHold
    })
}
