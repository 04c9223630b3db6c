//! `ouzel log` on one file of a core's journal: what replicas must never forget.

use cli::ExitCode;
use serde_json::json;
use storage::journal::record::HardRecord;
use storage::journal::{JournalFacts, read_one};

use super::Look;
use super::target::unreadable;
use crate::advice::Failure;

/// Prints what a file is, and with `records` what is in it.
pub(super) async fn run(look: &mut Look, path: &str, records: bool) -> Result<ExitCode, Failure> {
    let facts = read_one(&look.runtime, path).await;
    let facts = facts.map_err(|error| unreadable(&error))?;
    let Some(facts) = facts else {
        look.say(
            || {
                format!(
                    "{path}: its beginning is not whole: nothing in it counts, and whether the other file of its core does \
                     the data folder tells"
                )
            },
            || json!({"file": path, "verdict": "damaged", "generation": null}),
        );
        return Ok(ExitCode::DoesNotHold);
    };
    if records {
        facts.records.iter().for_each(|record| say(look, record));
    }
    let JournalFacts {
        generation,
        damaged,
        superseded,
        end,
        ..
    } = facts;
    let groups = facts.records.len();
    look.say(
        || {
            let word = if damaged {
                "DAMAGED: something that was acknowledged cannot be read"
            } else {
                "sound"
            };
            let counts = if superseded { ", the other file of its core is newer" } else { "" };
            format!("{path}: {word}; generation {generation}, {groups} groups, {end} bytes{counts}")
        },
        || {
            let verdict = if damaged { "damaged" } else { "sound" };
            json!({
                "file": path, "verdict": verdict, "generation": generation, "groups": groups, "data_bytes": end,
                "superseded": superseded,
            })
        },
    );
    Ok(if damaged {
        ExitCode::DoesNotHold
    } else {
        ExitCode::Done
    })
}

fn say(look: &mut Look, record: &HardRecord) {
    let HardRecord {
        group,
        incarnation,
        term,
        vote,
        claimed: (index, claimed_term),
    } = *record;
    look.say(
        || {
            let vote = vote.map_or_else(|| "no vote".to_owned(), |(node, incarnation)| {
                format!("a vote for node {node} ({incarnation})")
            });
            format!(
                "group {group} copy {incarnation}: term {term}, {vote}, frames to {index} of term {claimed_term} were durable"
            )
        },
        || {
            let vote = vote.map(|(node, incarnation)| json!({"node": node.0, "incarnation": incarnation}));
            json!({
                "group": group.0, "incarnation": incarnation, "term": term.0, "vote": vote,
                "claimed": {"index": index.0, "term": claimed_term.0},
            })
        },
    );
}
