//! `cargo xtask tidy`: the rules of the house that neither rustc nor clippy knows.
//!
//! Each check is one file with one function, from the house to its offences, and tests that plant an offence and
//! see it caught. `cargo test` runs them all on the real tree too, so nobody has to remember this command.

mod citations;
mod clippy_lists;
mod floors;
mod formats;
mod guests;
mod lengths;
mod mutants;
mod names;
mod offence;
mod openings;
mod text;
mod wall;
mod words;

use crate::failure::Failure;
use crate::house::{self, House};
use offence::Offence;

/// One check: what it is called, and what it finds.
type Check = (&'static str, fn(&House) -> Vec<Offence>);

/// All of them, in the order of the report.
const CHECKS: &[Check] = &[
    ("floors", floors::check),
    ("guests", guests::check),
    ("names", names::check),
    ("mutants", mutants::check),
    ("wall", wall::check),
    ("clippy lists", clippy_lists::check),
    ("citations", citations::check),
    ("formats", formats::check),
    ("openings", openings::check),
    ("lengths", lengths::check),
    ("words", words::check),
    ("text", text::check),
];

/// Runs every check on the house that this program was built from.
pub(crate) fn run() -> Result<(), Failure> {
    let house = House::read(&house::root())?;
    let report = report(&house);
    if report.is_empty() {
        println!(
            "tidy: {} checks, {} rooms, {} files",
            CHECKS.len(),
            house.rooms.len(),
            house.files.len()
        );
        return Ok(());
    }
    let offences = report.len();
    Err(Failure::Check(format!(
        "{}\ntidy: {offences} offences",
        report.join("\n")
    )))
}

/// Every offence in the house, one line each.
fn report(house: &House) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, check) in CHECKS {
        lines.extend(
            check(house)
                .iter()
                .map(|offence| format!("{offence} [{name}]")),
        );
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole of `cargo xtask tidy`, so that `cargo test` has it.
    #[test]
    fn the_house_is_tidy() {
        let root = house::root();
        if !root.join(".git").exists() {
            // A packed source tree has no list of its files; what is in it was checked before it was packed.
            return;
        }
        let house = House::read(&root).expect("git and cargo list the tree");
        let report = report(&house);
        assert!(
            report.is_empty(),
            "{} offences:\n{}",
            report.len(),
            report.join("\n")
        );
    }
}
