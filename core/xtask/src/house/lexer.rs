//! Rust cut into words, marks, literals and comments: enough to tell code from what is only said about code.
//!
//! It does not parse and never fails: text that is no Rust comes out as some tokens, and the compiler complains.
//! What it must get right is where a comment, a string or a character begins and ends, since a check that reads
//! the inside of a string as code cries wolf, and one that takes code for a string is blind.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An identifier or keyword. A raw identifier is its bare name: `r#fs` is `fs`.
    Word,
    /// `::`, or any other single character.
    Mark,
    /// A string, a character, a byte string, or the beginning of a number.
    Literal,
    /// A comment, whole, with its slashes.
    Comment,
}

/// One token and where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
    /// The line of its first character, counted from 1.
    pub(crate) line: usize,
}

/// The tokens of `source`. Lifetimes are left out: nothing asks for them.
pub(crate) fn lex(source: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer {
        source,
        at: 0,
        line: 1,
    };
    let mut tokens = Vec::new();
    while let Some(next) = lexer.peek() {
        let (start, line) = (lexer.at, lexer.line);
        if let Some(kind) = lexer.token(next) {
            let text = lexer.since(start);
            let text = if kind == Kind::Word {
                text.trim_start_matches("r#")
            } else {
                text
            };
            tokens.push(Token { kind, text, line });
        }
    }
    tokens
}

struct Lexer<'a> {
    source: &'a str,
    at: usize,
    line: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn since(&self, start: usize) -> &'a str {
        self.source.get(start..self.at).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        self.line += usize::from(next == '\n');
        Some(next)
    }

    fn bump_while(&mut self, mut keep: impl FnMut(char) -> bool) {
        while self.peek().is_some_and(&mut keep) {
            self.bump();
        }
    }

    /// Moves past one token that begins with `next`; none for white space and lifetimes.
    fn token(&mut self, next: char) -> Option<Kind> {
        let rest = self.rest();
        if rest.starts_with("//") {
            self.bump_while(|character| character != '\n');
            return Some(Kind::Comment);
        }
        if rest.starts_with("/*") {
            self.block_comment();
            return Some(Kind::Comment);
        }
        if let Some(hashes) = raw_string_hashes(rest) {
            self.raw_string(hashes);
            return Some(Kind::Literal);
        }
        for prefix in ["", "b", "c"] {
            if rest
                .strip_prefix(prefix)
                .is_some_and(|rest| rest.starts_with('"'))
            {
                self.bump_while(|character| character != '"');
                self.quoted('"');
                return Some(Kind::Literal);
            }
        }
        if rest.starts_with("b'") {
            self.bump();
            self.quoted('\'');
            return Some(Kind::Literal);
        }
        match next {
            '\'' => self.quote(),
            _ if next.is_whitespace() => {
                self.bump();
                None
            }
            _ if is_word(next) => {
                if rest
                    .strip_prefix("r#")
                    .is_some_and(|rest| rest.starts_with(is_word))
                {
                    self.at += 2;
                }
                self.bump_while(is_word);
                Some(if next.is_ascii_digit() {
                    Kind::Literal
                } else {
                    Kind::Word
                })
            }
            _ => {
                self.at += if rest.starts_with("::") {
                    2
                } else {
                    next.len_utf8()
                };
                Some(Kind::Mark)
            }
        }
    }

    /// Rust's block comments nest.
    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        loop {
            if self.rest().starts_with("/*") {
                depth += 1;
                self.at += 2;
            } else if self.rest().starts_with("*/") {
                depth -= 1;
                self.at += 2;
            } else if self.bump().is_none() {
                return;
            }
            if depth == 0 {
                return;
            }
        }
    }

    /// From the opening quote to behind the closing one.
    fn quoted(&mut self, quote: char) {
        self.bump();
        while let Some(character) = self.bump() {
            match character {
                '\\' => {
                    self.bump();
                }
                _ if character == quote => return,
                _ => {}
            }
        }
    }

    fn raw_string(&mut self, hashes: usize) {
        let end = format!("\"{}", "#".repeat(hashes));
        self.bump_while(|character| character != '"');
        self.bump();
        while !self.rest().starts_with(&end) {
            if self.bump().is_none() {
                return;
            }
        }
        self.at += end.len();
    }

    /// A character such as `'a'`, or a lifetime such as `'a`: only what follows tells them apart.
    fn quote(&mut self) -> Option<Kind> {
        let mut ahead = self.rest().chars().skip(1);
        let (first, second) = (ahead.next(), ahead.next());
        if first == Some('\\') || second == Some('\'') {
            self.quoted('\'');
            return Some(Kind::Literal);
        }
        self.bump();
        self.bump_while(is_word);
        None
    }
}

fn is_word(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}

/// How many hashes open the raw string that `rest` begins with, if it begins with one.
fn raw_string_hashes(rest: &str) -> Option<usize> {
    let behind = ["r", "br", "cr"]
        .iter()
        .find_map(|prefix| rest.strip_prefix(prefix))?;
    let quoted = behind.trim_start_matches('#');
    quoted
        .starts_with('"')
        .then_some(behind.len() - quoted.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &[&str]) {
        let found: Vec<String> = lex(source)
            .into_iter()
            .map(|token| match token.kind {
                Kind::Word | Kind::Mark => token.text.to_owned(),
                Kind::Literal => format!("<{}>", token.text),
                Kind::Comment => format!("({})", token.text),
            })
            .collect();
        assert_eq!(found, expected, "{source}");
    }

    #[test]
    fn comments_are_told_from_code() {
        check("a // std::fs\nb", &["a", "(// std::fs)", "b"]);
        check("a /* x /* y */ z */ b", &["a", "(/* x /* y */ z */)", "b"]);
        check("a /* never closed", &["a", "(/* never closed)"]);
    }

    #[test]
    fn strings_hide_what_they_hold() {
        check(
            r#"a "// no \" comment" b"#,
            &["a", r#"<"// no \" comment">"#, "b"],
        );
        check(r##"r#"a " b"# c"##, &[r##"<r#"a " b"#>"##, "c"]);
        check(
            r#"b"x" c"y" br"\" z"#,
            &[r#"<b"x">"#, r#"<c"y">"#, r#"<br"\">"#, "z"],
        );
    }

    #[test]
    fn characters_and_lifetimes_are_told_apart() {
        check(
            r"'a' 'b x '\'' b'\'' '\u{1f}' y",
            &["<'a'>", "x", r"<'\''>", r"<b'\''>", r"<'\u{1f}'>", "y"],
        );
        check(
            "fn f<'a>(x: &'a str)",
            &["fn", "f", "<", ">", "(", "x", ":", "&", "str", ")"],
        );
        check("'\"' std", &["<'\"'>", "std"]);
    }

    #[test]
    fn paths_and_raw_names_are_words_and_marks() {
        check("std :: r#fs::x", &["std", "::", "fs", "::", "x"]);
        check(
            "a: b 1_000u64.max",
            &["a", ":", "b", "<1_000u64>", ".", "max"],
        );
    }

    #[test]
    fn lines_are_counted_through_strings_and_comments() {
        let tokens = lex("/* 1\n2 */ a \"\n\" b\n\nc");
        let lines: Vec<_> = tokens.iter().map(|token| token.line).collect();
        assert_eq!(lines, [1, 2, 2, 3, 5]);
    }
}
