//! `cargo xtask spec`: the specification in `papers/spec`, checked by TLC.
//!
//! Each configuration is checked whole, and each broken rule has to be found by the configuration beside it: a
//! specification that holds whatever one does says nothing. Traces of the code have to be accepted, and altered ones
//! refused. TLC comes in a Python wheel; Java is installed where it is missing.
//!
//! ```text
//!   tlc      the checker, and what it says
//!   traces   what the code did, for it to look at
//! ```

mod tlc;
mod traces;

use crate::failure::Failure;
use crate::house;
use std::path::Path;
use tlc::{Tlc, broken, states, violated};

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
    let tlc = Tlc::install()?;
    let folder = house::root().join("target/spec");
    std::fs::create_dir_all(&folder).map_err(|error| broken(&folder, &error.to_string()))?;
    let night = NIGHT.iter().filter(|_| full);
    let mut checked = 0;
    for check in CHECKS.iter().chain(night) {
        let said = ask(&tlc, &folder, check)?;
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
            None => violates.is_empty() && tlc::holds(&said),
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
    checked += traces::check(&tlc)?;
    println!("{checked} passed, 0 failed");
    Ok(())
}

/// What TLC says of a check.
fn ask(tlc: &Tlc, folder: &Path, check: &Check) -> Result<String, Failure> {
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
    tlc.check(&papers, "raft.tla", &config, &folder.join("states"), false)
}

/// Where the traces of a planted bug of consensus are refused.
pub(crate) fn planted(id: &str) -> Result<Option<String>, Failure> {
    traces::planted(&Tlc::install()?, id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_configuration_is_there() {
        for check in CHECKS.iter().chain(NIGHT) {
            let path = house::root().join("papers/spec").join(check.config);
            assert!(path.with_extension("cfg").exists(), "{}", check.config);
        }
    }
}
