//! Notes to oneself do not merge, and neither does a test that is switched off.
//!
//! A note is one of three words in a comment of Rust or anywhere in a manifest. An issue is the place for it. A test
//! asserts what is so today, and says in a comment if that is wrong.

use super::offence::Offence;
use crate::house::{House, Kind, Token, lex};

/// The words that mean "not done".
const NOTES: [&str; 3] = ["TODO", "FIXME", "XXX"];
const NOTE_FIX: &str = "do it now, or file an issue and write down what holds today";

pub(super) fn check(house: &House) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (file, text) in house.texts(".rs") {
        let tokens = lex(text);
        for comment in tokens.iter().filter(|token| token.kind == Kind::Comment) {
            check_notes(&file.path, comment.line, comment.text, &mut offences);
        }
        let code: Vec<_> = tokens
            .into_iter()
            .filter(|token| token.kind != Kind::Comment)
            .collect();
        check_code(&file.path, &code, &mut offences);
    }
    for (file, text) in house.texts(".toml") {
        check_notes(&file.path, 1, text, &mut offences);
    }
    offences
}

/// Looks for the words in `text`, whose first line is number `first`.
fn check_notes(path: &str, first: usize, text: &str, offences: &mut Vec<Offence>) {
    for (index, line) in text.lines().enumerate() {
        let mut words =
            line.split(|character: char| !character.is_alphanumeric() && character != '_');
        if let Some(note) = words.find(|word| NOTES.contains(word)) {
            offences.push(Offence::new(
                path,
                first + index,
                format!("a note: {note}"),
                NOTE_FIX,
            ));
        }
    }
}

fn check_code(path: &str, code: &[Token<'_>], offences: &mut Vec<Offence>) {
    for (index, token) in code.iter().enumerate() {
        let rest = code.get(index..).unwrap_or_default();
        let texts: Vec<&str> = rest.iter().take(2).map(|token| token.text).collect();
        if matches!(texts.as_slice(), ["todo" | "unimplemented", "!"]) {
            let what = format!("a note: {}!", token.text);
            offences.push(Offence::new(path, token.line, what, NOTE_FIX));
        }
        if texts == ["#", "["] && is_ignored(rest) {
            offences.push(Offence::new(
                path,
                token.line,
                "a test that is switched off",
                "assert what holds today, and say in a comment if it is wrong",
            ));
        }
    }
}

/// Whether the attribute that `rest` begins with is `#[ignore]`, or turns into it: `#[cfg_attr(x, ignore)]`.
fn is_ignored(rest: &[Token<'_>]) -> bool {
    let inside: Vec<&str> = rest
        .iter()
        .skip(1)
        .map(|token| token.text)
        .take_while(|text| *text != "]")
        .collect();
    match inside.as_slice() {
        ["[", "ignore", ..] => true,
        ["[", "cfg_attr", inside @ ..] => inside.windows(2).any(|pair| pair == [",", "ignore"]),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::offence::{NOWHERE, places};
    use super::*;

    fn check_text(text: &str) -> Vec<usize> {
        let offences = check(&House::of_files(&[("core/a/src/b.rs", text)]));
        places(&offences).iter().map(|(_, line)| *line).collect()
    }

    #[test]
    fn notes_are_caught_in_comments() {
        for note in NOTES {
            assert_eq!(
                check_text(&format!("//! A.\nlet a = 1; // {note}: later.\n")),
                [2]
            );
            assert_eq!(check_text(&format!("/*\n * {note}(me)\n */\n")), [2]);
        }
        assert_eq!(
            check_text(&format!(
                "let {}_list = \"{}\"; // {}S\n",
                NOTES[0], NOTES[1], NOTES[2]
            )),
            NOWHERE
        );
    }

    #[test]
    fn notes_that_compile_are_caught() {
        assert_eq!(
            check_text("fn a() {\n    todo!()\n}\n// todo! is a macro.\n"),
            [2]
        );
        assert_eq!(check_text("fn a() { unimplemented!(\"x\") }\n"), [1]);
    }

    #[test]
    fn notes_are_caught_in_manifests() {
        let text = format!("[package]\n# {}\n", NOTES[1]);
        let house = House::of_files(&[("core/a/Cargo.toml", text.as_str())]);
        assert_eq!(places(&check(&house)), [("core/a/Cargo.toml", 2)]);
    }

    #[test]
    fn tests_that_are_switched_off_are_caught() {
        assert_eq!(check_text("#[test]\n#[ignore]\nfn a() {}\n"), [2]);
        assert_eq!(check_text("#[ignore = \"slow\"]\nfn a() {}\n"), [1]);
        assert_eq!(check_text("#[cfg_attr(miri, ignore)]\nfn a() {}\n"), [1]);
        assert_eq!(
            check_text("#[expect(x, reason = \"we ignore\")]\nfn ignore() {}\n"),
            NOWHERE
        );
    }
}
