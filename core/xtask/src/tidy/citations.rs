//! Citations: a claim in a comment names the work that it stands on, and the index of works knows that name.
//!
//! A citation is a bracket in a `//` comment that holds a key, or a key and a place in the work: `[raft §5.4.2]`,
//! `[KIP-890]`, `[alice p. 7]`. A key is a letter and then letters, digits and hyphens, two at least. The bracket
//! stands at the start of a word, is not followed by `(`, `[` or `:` (those make Markdown links), and is neither in
//! backticks nor in a fenced block. So a link of rustdoc is written with backticks, as the manner of this house is
//! anyway: a bare `[Name]` is taken for a citation.

use super::offence::Offence;
use crate::house::{House, Kind, lex};
use std::collections::BTreeSet;

const INDEX: &str = "papers/README.md";

pub(super) fn check(house: &House) -> Vec<Offence> {
    let known = entries(house.text(INDEX));
    let mut offences = Vec::new();
    for (file, text) in house.texts(".rs") {
        let mut is_fenced = false;
        for comment in lex(text).iter().filter(|token| token.kind == Kind::Comment) {
            if !comment.text.starts_with("//") {
                continue;
            }
            let prose = comment.text.trim_start_matches(['/', '!']).trim_start();
            if prose.starts_with("```") {
                is_fenced = !is_fenced;
            }
            for key in keys(prose).filter(|key| !is_fenced && !known.contains(key)) {
                offences.push(Offence::new(
                    &file.path,
                    comment.line,
                    format!("the citation `{key}` has no entry in {INDEX}"),
                    "add one, or put a link of rustdoc in backticks",
                ));
            }
        }
    }
    offences
}

/// The keys of the index: rows of a table whose first cell is `[key]`.
fn entries(index: &str) -> BTreeSet<&str> {
    let rows = index
        .lines()
        .filter_map(|line| line.strip_prefix("| [")?.split_once(']'));
    rows.map(|(key, _)| key).collect()
}

/// The keys of all citations in one line of a comment.
fn keys(prose: &str) -> impl Iterator<Item = &str> {
    // Every second piece between backticks is code.
    prose
        .split('`')
        .step_by(2)
        .flat_map(brackets)
        .filter_map(key)
}

/// The insides of brackets that begin a word and are no Markdown link.
fn brackets(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    let mut before = None;
    while let Some((ahead, behind)) = rest.split_once('[') {
        before = ahead.chars().next_back().or(before);
        let Some((inside, after)) = behind.split_once(']') else {
            break;
        };
        let begins_word =
            before.is_none_or(|character| character.is_whitespace() || "(,;".contains(character));
        if begins_word && !after.starts_with(['(', '[', ':']) {
            found.push(inside);
        }
        before = Some(']');
        rest = after;
    }
    found
}

/// The key of a citation, if what stands in the bracket is one.
fn key(inside: &str) -> Option<&str> {
    let (key, place) = inside.split_once(' ').unwrap_or((inside, "\u{a7}"));
    let is_key = key.len() >= 2
        && key.starts_with(|first: char| first.is_ascii_alphabetic())
        && key
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || character == '-');
    let is_place = place.starts_with('\u{a7}') || place.starts_with("p. ");
    (is_key && is_place).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::super::offence::{NOWHERE, places};
    use super::*;

    const KNOWN: (&str, &str) = (
        INDEX,
        "| key | work |\n|---|---|\n| [raft] | Raft |\n| [KIP-890] | KIP |\n",
    );

    fn check_text(text: &str) -> Vec<usize> {
        let offences = check(&House::of_files(&[KNOWN, ("core/raft/src/a.rs", text)]));
        places(&offences).iter().map(|(_, line)| *line).collect()
    }

    #[test]
    fn a_work_that_is_not_in_the_index_is_caught() {
        assert_eq!(
            check_text(
                "//! A.\n// By counting [paxos].\n/// Or [paxos \u{a7}2], [KIP-101 p. 3].\n"
            ),
            [2, 3, 3]
        );
        assert_eq!(
            check_text("// By counting [raft \u{a7}5.4.2] and ([KIP-890]), [raft].\n"),
            NOWHERE
        );
    }

    #[test]
    fn links_code_and_drawings_are_no_citations() {
        for text in [
            "/// See [`choose`] and [text](a.md), [text][paxos].\n",
            "/// [paxos]: https://example.org\n",
            "/// `POWERS[digit]`, slots[index], [0], [a, b], [start, end), [u8; 4], [n].\n",
            "/// ```text\n/// [header] [body]\n/// ```\n",
            "let a = \"[paxos]\"; /* [paxos] */\n",
            "#[test]\nfn a() {}\n",
        ] {
            assert_eq!(check_text(text), NOWHERE, "{text}");
        }
    }

    #[test]
    fn a_fence_ends_where_it_is_closed() {
        assert_eq!(
            check_text("/// ```text\n/// [header]\n/// ```\n/// As in [paxos].\n"),
            [4]
        );
    }
}
