//! A file is one noun. One that is past its bound hides a second noun, and grows, unless it is stopped here.

use super::offence::Offence;
use crate::house::House;

/// Long before this, ask what second noun hides in the file.
const LINES_MAX: usize = 800;

pub(super) fn check(house: &House) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (file, text) in house.texts(".rs").filter(|(file, _)| !file.is_generated()) {
        let lines = text.lines().count();
        if lines > LINES_MAX {
            offences.push(Offence::new(
                &file.path,
                LINES_MAX + 1,
                format!("{lines} lines, of {LINES_MAX} at most"),
                "find the second noun and give it a file",
            ));
        }
    }
    offences
}

#[cfg(test)]
mod tests {
    use super::super::offence::places;
    use super::*;

    #[test]
    fn a_file_that_grew_too_long_is_caught_unless_a_program_wrote_it() {
        let long = "//! A.\n".repeat(LINES_MAX + 1);
        let generated = format!("// @generated\n{long}");
        let house = House::of_files(&[
            ("core/a/src/long.rs", long.as_str()),
            ("core/a/src/messages.rs", generated.as_str()),
            ("core/a/src/just.rs", &"//! A.\n".repeat(LINES_MAX)),
        ]);
        assert_eq!(
            places(&check(&house)),
            [("core/a/src/long.rs", LINES_MAX + 1)]
        );
    }
}
