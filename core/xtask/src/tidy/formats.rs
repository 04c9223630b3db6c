//! The written truth of every byte on disk: each page of `papers/format` states the version that the code states.
//!
//! ```text
//!   version: 0 (experimental)
//!   constant: core/storage/src/segment/header.rs VERSION
//! ```

use super::offence::Offence;
use crate::house::{House, Kind, lex};

const FOLDER: &str = "papers/format/";

pub(super) fn check(house: &House) -> Vec<Offence> {
    let pages = house
        .texts(".md")
        .filter(|(file, _)| file.path.starts_with(FOLDER));
    pages
        .filter_map(|(file, text)| check_page(house, &file.path, text))
        .collect()
}

fn check_page(house: &House, path: &str, text: &str) -> Option<Offence> {
    let Some((line, version)) = field(text, "version: ") else {
        return Some(Offence::new(
            path,
            1,
            "the page states no version",
            "add a line `version: N`",
        ));
    };
    let Some((constant_line, constant)) = field(text, "constant: ") else {
        let fix = "add a line `constant: core/.../file.rs NAME` beside its version";
        return Some(Offence::new(
            path,
            1,
            "the page does not say which constant holds its version",
            fix,
        ));
    };
    let mut words = constant.split_whitespace();
    let (source, name) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let Some(in_code) = value(house.text(source), name) else {
        let what = format!("no number `{name}` in `{source}`");
        return Some(Offence::new(
            path,
            constant_line,
            what,
            "name the file and the constant that hold it",
        ));
    };
    let stated = version.split_whitespace().next().unwrap_or_default();
    (stated != in_code).then(|| {
        let what = format!("version {stated} here, {in_code} in {source}");
        Offence::new(path, line, what, "change both in one commit")
    })
}

/// The first line that begins with `name`, and what follows on it.
fn field<'a>(text: &'a str, name: &str) -> Option<(usize, &'a str)> {
    let mut lines = text.lines().enumerate();
    lines.find_map(|(index, line)| Some((index + 1, line.strip_prefix(name)?)))
}

/// The number that the constant `name` is set to: what stands between its `=` and its `;`, without a suffix.
fn value(source: &str, name: &str) -> Option<String> {
    let code: Vec<_> = lex(source)
        .into_iter()
        .filter(|token| token.kind != Kind::Comment)
        .collect();
    let at = code
        .windows(2)
        .position(|pair| pair.iter().map(|token| token.text).eq(["const", name]))?;
    let mut behind = code
        .iter()
        .skip(at)
        .skip_while(|token| token.text != "=")
        .skip(1);
    let number = behind.find(|token| token.kind == Kind::Literal)?.text;
    let digits: String = number
        .chars()
        .take_while(|digit| digit.is_ascii_digit() || *digit == '_')
        .collect();
    Some(digits.replace('_', "")).filter(|digits| !digits.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::offence::{NOWHERE, places};
    use super::*;

    const SOURCE: (&str, &str) = (
        "core/storage/src/header.rs",
        "//! A header.\n// const VERSION: u8 = 9;\npub const VERSION: u8 = 2_u8;\n",
    );

    fn check_page(page: &str) -> Vec<usize> {
        let offences = check(&House::of_files(&[
            ("papers/format/segment.md", page),
            SOURCE,
        ]));
        places(&offences).iter().map(|(_, line)| *line).collect()
    }

    #[test]
    fn a_page_in_step_with_the_code_is_fine() {
        let constant = "constant: core/storage/src/header.rs VERSION\n";
        assert_eq!(
            check_page(&format!(
                "# Segment\n\nversion: 2 (experimental)\n{constant}"
            )),
            NOWHERE
        );
        assert_eq!(
            check_page(&format!("# Segment\n\nversion: 3\n{constant}")),
            [3]
        );
    }

    #[test]
    fn a_page_that_leaves_something_out_is_caught() {
        assert_eq!(check_page("# Segment\n"), [1]);
        assert_eq!(check_page("# Segment\nversion: 2\n"), [1]);
        assert_eq!(
            check_page("version: 2\nconstant: core/storage/src/header.rs EDITION\n"),
            [2]
        );
        assert_eq!(
            check_page("version: 2\nconstant: core/storage/src/gone.rs VERSION\n"),
            [2]
        );
    }

    #[test]
    fn no_pages_no_offences() {
        assert_eq!(check(&House::default()), []);
    }
}
