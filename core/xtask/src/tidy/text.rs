//! Plain hygiene of text, so that a diff shows what changed and nothing else; and a bound on blobs, since a
//! repository never forgets one.

use super::offence::Offence;
use crate::house::{File, House};

/// Nothing that people wrote by hand is larger.
const BLOB_BYTES_MAX: u64 = 512 * 1024;

/// Expected output is kept as it was printed, blanks and all.
const AS_PRINTED: &str = "/testdata/";

pub(super) fn check(house: &House) -> Vec<Offence> {
    let mut offences = Vec::new();
    for file in &house.files {
        if file.bytes > BLOB_BYTES_MAX {
            offences.push(Offence::new(
                &file.path,
                1,
                format!("{} bytes, of {BLOB_BYTES_MAX} at most", file.bytes),
                "generate it, or fetch it in the lane that needs it",
            ));
        }
        if let Some(text) = &file.text {
            check_text(file, text, &mut offences);
        }
    }
    offences
}

fn check_text(file: &File, text: &str, offences: &mut Vec<Offence>) {
    let mut at = |line: usize, what: &str, fix: &str| {
        offences.push(Offence::new(&file.path, line, what, fix));
    };
    let last = text.lines().count();
    if !text.is_empty() && !text.ends_with('\n') {
        at(last, "no newline at the end", "end the last line");
    }
    if text.ends_with("\n\n") || text == "\n" {
        at(
            last,
            "an empty line at the end",
            "end the file with one newline",
        );
    }
    for (index, line) in text.split('\n').enumerate() {
        if line.ends_with('\r') {
            at(
                index + 1,
                "a carriage return",
                "end lines with a newline alone",
            );
        } else if line.ends_with([' ', '\t']) && !file.path.contains(AS_PRINTED) {
            at(index + 1, "a blank at the end of the line", "take it out");
        }
        if line.contains('\t') && file.is_rust() {
            at(index + 1, "a tab", "use spaces");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::offence::{NOWHERE, places};
    use super::*;

    fn check_one(path: &str, text: &str) -> Vec<usize> {
        let offences = check(&House::of_files(&[(path, text)]));
        places(&offences).iter().map(|(_, line)| *line).collect()
    }

    #[test]
    fn ends_of_files_and_lines_are_checked() {
        assert_eq!(check_one("a.md", "a\nb\n"), NOWHERE);
        assert_eq!(check_one("a.md", ""), NOWHERE);
        assert_eq!(check_one("a.md", "a\nb"), [2]);
        assert_eq!(check_one("a.md", "a\n\n"), [2]);
        assert_eq!(check_one("a.md", "a \nb\t\n"), [1, 2]);
        assert_eq!(check_one("a.md", "a\r\n"), [1]);
    }

    #[test]
    fn tabs_are_for_makefiles() {
        assert_eq!(check_one("a.rs", "//! A.\n\tfn b() {}\n"), [2]);
        assert_eq!(check_one("Makefile", "a:\n\techo\n"), NOWHERE);
    }

    #[test]
    fn printed_output_keeps_its_blanks() {
        assert_eq!(check_one("core/a/tests/testdata/append", "a \n"), NOWHERE);
        assert_eq!(check_one("core/a/tests/testdata/append", "a"), [1]);
    }

    #[test]
    fn a_large_blob_is_caught_though_it_is_no_text() {
        let mut house = House::of_files(&[("logo.png", "")]);
        house.files[0].text = None;
        house.files[0].bytes = BLOB_BYTES_MAX;
        assert_eq!(check(&house), []);
        house.files[0].bytes += 1;
        assert_eq!(places(&check(&house)), [("logo.png", 1)]);
    }
}
