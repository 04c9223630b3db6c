//! `cargo xtask mutants`: plants each known bug and looks whether the simulator finds it.
//!
//! The strength of the checks is measured, not asserted. A mutant is one `mutant!(ID)` in the room that it breaks,
//! compiled in only under the feature `mutants`, which nothing but this command passes. Each is run under the
//! profile that reaches its rule, seed by seed, until the first violation, or by a test of its room: that is its kill.
//! One that survives its seeds or its processor seconds fails the command.

mod table;

use crate::binary;
use crate::failure::Failure;
use crate::house;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use table::{Finder, MUTANTS, Mutant};

/// What became of one mutant.
struct Kill {
    mutant: &'static Mutant,
    /// Seeds until the first violation, and the promise that was broken. None: it survived.
    by: Option<(u64, String)>,
    cpu_seconds: f64,
}

/// Runs the mutants of a room, or all.
pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    let asked = Asked::parse(words)?;
    // In a folder of its own: the feature would otherwise have every other build done again.
    let build = || {
        binary::build(
            "simulator",
            "sim",
            &["--features", "mutants", "--target-dir", "target/mutants"],
        )
    };
    let wants_seeds = MUTANTS.iter().any(|mutant| {
        let in_room = asked.room.is_none_or(|room| room == mutant.room);
        in_room && !mutant.finder.is_test()
    });
    let binary = wants_seeds.then(build).transpose()?;
    if let Some(binary) = &binary {
        check_baseline(binary, asked.room)?;
    }
    let mut kills = Vec::new();
    for mutant in MUTANTS
        .iter()
        .filter(|mutant| asked.room.is_none_or(|room| room == mutant.room))
    {
        let kill = match mutant.finder {
            Finder::Seeds(profile) => {
                let binary = binary.as_ref().expect("built where there are seeds to run");
                try_seeds(binary, mutant, profile)?
            }
            Finder::Test | Finder::TestAndTraces => try_test(mutant)?,
        };
        if !asked.json {
            println!("{}", line(&kill));
        }
        kills.push(kill);
    }
    println!("{}", summary(asked.room.unwrap_or("all"), &kills));
    if kills.iter().all(|kill| kill.by.is_some()) {
        Ok(())
    } else {
        Err(Failure::Check(
            "a planted bug survived: the checks do not see it".to_owned(),
        ))
    }
}

/// Seeds of each profile that must hold without any bug planted: a simulator that always finds something would kill
/// every mutant.
const BASELINE_SEEDS: &str = "60";

fn check_baseline(binary: &Path, room: Option<&str>) -> Result<(), Failure> {
    let mutants = MUTANTS
        .iter()
        .filter(|mutant| room.is_none_or(|room| room == mutant.room));
    let profile = |mutant: &Mutant| match mutant.finder {
        Finder::Seeds(profile) => Some(profile),
        Finder::Test | Finder::TestAndTraces => None,
    };
    let profiles: BTreeSet<&str> = mutants.filter_map(profile).collect();
    for profile in profiles {
        let status = Command::new(binary)
            .args([
                "run",
                "--json",
                "--seeds",
                BASELINE_SEEDS,
                "--profile",
                profile,
            ])
            .args(["--out", "target/mutants/failures"])
            .current_dir(house::root())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .map_err(|error| {
                Failure::Environment(format!("cannot start {}: {error}", binary.display()))
            })?;
        if !status.success() {
            let why = format!("profile {profile} fails without any bug planted: {status}");
            return Err(Failure::Check(why));
        }
    }
    Ok(())
}

struct Asked<'a> {
    room: Option<&'a str>,
    json: bool,
}

impl<'a> Asked<'a> {
    fn parse(words: &[&'a str]) -> Result<Self, Failure> {
        let usage = |text: String| {
            Err(Failure::Usage(format!(
                "{text}; usage: cargo xtask mutants [--room NAME] [--json]"
            )))
        };
        let mut asked = Self {
            room: None,
            json: false,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--json" => asked.json = true,
                "--room" => {
                    let Some(room) = words.next() else {
                        return usage("--room wants a name".to_owned());
                    };
                    if !MUTANTS.iter().any(|mutant| mutant.room == *room) {
                        return usage(format!("no mutant lives in `{room}`"));
                    }
                    asked.room = Some(room);
                }
                other => return usage(format!("mutants does not know `{other}`")),
            }
        }
        Ok(asked)
    }
}

/// Runs the test that is to find a bug, in a process of its own: a bug is planted for the rest of one.
fn try_test(mutant: &'static Mutant) -> Result<Kill, Failure> {
    let name = mutant.id.to_lowercase();
    let output = Command::new("cargo")
        .args(["test", "--quiet", "--release", "--package", mutant.room])
        .args(["--features", "mutants", "--target-dir", "target/mutants"])
        .args(["--test", "mutants", "--", "--exact", &name, "--nocapture"])
        .current_dir(house::root())
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::Environment(format!("cannot start cargo: {error}")))?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !text.contains("running 1 test") {
        let why = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::Environment(format!(
            "the test {name} of {} did not run: {why}",
            mutant.room
        )));
    }
    // `found: cluster: 3 seeds Rough: S11: ...`, and the same of others: not all lines begin with it.
    let said = text.lines().filter_map(|line| line.split_once("found: "));
    let found: Vec<(&str, &str)> = said.filter_map(|(_, said)| said.split_once(": ")).collect();
    let refused = if mutant.finder == Finder::TestAndTraces {
        let refused = crate::spec::planted(mutant.id)?;
        Some(refused.ok_or_else(|| {
            let id = mutant.id;
            let why = format!("the specification accepts traces of {id}, and is to refuse them");
            Failure::Check(why)
        })?)
    } else {
        None
    };
    let refused = refused.map(|how| format!("{how}: refused"));
    let found = found.iter().copied();
    let found: Vec<(&str, &str)> = found
        .chain(refused.iter().map(|how| ("traces", &**how)))
        .collect();
    let by = output.status.success().then(|| told(&found));
    Ok(Kill {
        mutant,
        by,
        cpu_seconds: 0.0,
    })
}

/// Seeds that it took, and everyone who found it with what was broken, as a test said.
fn told(found: &[(&str, &str)]) -> (u64, String) {
    let seeds = found
        .iter()
        .find(|(who, _)| *who == "cluster")
        .and_then(|(_, how)| how.split_once(' ')?.0.parse().ok());
    let short = |(who, how): &(&str, &str)| {
        // How long it took, and the name of what was broken.
        let mut parts = how.split(": ");
        let (took, broken) = (parts.next().unwrap_or_default(), parts.next());
        broken.map_or((*who).to_owned(), |broken| {
            format!("{who} ({broken}, {took})")
        })
    };
    let all: Vec<String> = found.iter().map(short).collect();
    (seeds.unwrap_or_default(), all.join(", "))
}

/// Runs seeds of the simulator until one finds a bug.
fn try_seeds(binary: &Path, mutant: &'static Mutant, profile: &str) -> Result<Kill, Failure> {
    let mut command = Command::new(binary);
    command
        .args(["run", "--json", "--seeds", &table::SEEDS_MAX.to_string()])
        .args(["--profile", profile, "--mutant", mutant.id])
        .args(["--cpu-seconds", &table::CPU_SECONDS.to_string()])
        .args(["--out", "target/mutants/failures"])
        .current_dir(house::root())
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    let output = command.output().map_err(|error| {
        Failure::Environment(format!("cannot start {}: {error}", binary.display()))
    })?;
    let text = String::from_utf8_lossy(&output.stdout);
    let report = text
        .lines()
        .last()
        .and_then(|line| serde_json::from_str::<Value>(line).ok());
    let report = report.ok_or_else(|| {
        Failure::Environment(format!(
            "the simulator ended without a report under {}: {}",
            mutant.id, output.status
        ))
    })?;
    let violation = report["violated"].get(0);
    let by = violation.map(|violation| {
        let seed = violation["seed"].as_u64().unwrap_or_default();
        let oracle = violation["outcome"]["oracle"].as_str().unwrap_or("?");
        (seed + 1, oracle.to_owned())
    });
    Ok(Kill {
        mutant,
        by,
        cpu_seconds: report["cpu_seconds"].as_f64().unwrap_or_default(),
    })
}

fn line(kill: &Kill) -> String {
    let Mutant {
        id, room, breaks, ..
    } = kill.mutant;
    let fate = match &kill.by {
        Some((_, finders)) if kill.mutant.finder.is_test() => format!("killed by {finders}"),
        Some((seeds, oracle)) => format!(
            "killed by {oracle} after {seeds} seeds, {:.1} CPU s",
            kill.cpu_seconds
        ),
        None => "SURVIVED".to_owned(),
    };
    format!("{id:<5}{room:<11}{breaks:<58}{fate}")
}

fn summary(room: &str, kills: &[Kill]) -> String {
    let mut seeds: Vec<u64> = kills
        .iter()
        .filter_map(|kill| Some(kill.by.as_ref()?.0))
        .collect();
    seeds.sort_unstable();
    let survivors: Vec<&str> = kills
        .iter()
        .filter(|kill| kill.by.is_none())
        .map(|kill| kill.mutant.id)
        .collect();
    json!({
        "room": room,
        "total": kills.len(),
        "killed": seeds.len(),
        "survivors": survivors,
        "median_seeds": seeds.get(seeds.len() / 2),
        "cpu_s": kills.iter().map(|kill| kill.cpu_seconds).sum::<f64>(),
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts_what_was_killed() {
        let kills = [
            Kill {
                mutant: &MUTANTS[0],
                by: Some((3, "X".to_owned())),
                cpu_seconds: 1.5,
            },
            Kill {
                mutant: &MUTANTS[1],
                by: None,
                cpu_seconds: 2.0,
            },
        ];
        let object: Value = serde_json::from_str(&summary("storage", &kills)).expect("it is JSON");
        assert_eq!(object["total"], 2);
        assert_eq!(object["killed"], 1);
        assert_eq!(object["survivors"][0], MUTANTS[1].id);
        assert_eq!(object["median_seeds"], 3);
        assert_eq!(object["cpu_s"], 3.5);
    }

    #[test]
    fn everyone_who_found_it_is_told() {
        let found = [
            ("cluster", "30 seeds Rough: S9: a leader commits"),
            ("search", "84 states two replicas: S1: both lead"),
            ("scripts", "one of them"),
        ];
        let (seeds, all) = told(&found);
        assert_eq!(seeds, 30);
        let expected = "cluster (S9, 30 seeds Rough), search (S1, 84 states two replicas), scripts";
        assert_eq!(all, expected);
    }

    #[test]
    fn unknown_words_and_rooms_are_refused() {
        for words in [&["--room"][..], &["--room", "kitchen"], &["--fast"]] {
            let failure = run(words).expect_err("it cannot know them");
            assert_eq!(failure.exit_code(), 4, "{words:?}");
        }
    }

    #[test]
    fn every_mutant_of_the_table_is_planted_in_its_room() {
        for mutant in MUTANTS {
            let folder = house::root().join("core").join(mutant.room).join("src");
            let needle = format!("mutant!({})", mutant.id);
            assert!(
                holds(&folder, &needle),
                "{needle} is nowhere in {}",
                folder.display()
            );
        }
    }

    fn holds(folder: &Path, needle: &str) -> bool {
        let entries = std::fs::read_dir(folder).expect("a room has sources");
        entries.flatten().any(|entry| {
            let path = entry.path();
            if path.is_dir() {
                return holds(&path, needle);
            }
            std::fs::read_to_string(&path).is_ok_and(|text| text.contains(needle))
        })
    }
}
