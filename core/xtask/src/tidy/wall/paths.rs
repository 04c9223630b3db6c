//! Paths into the standard library, written out: `use std::{fs, io::{self, Read}}` is three of them.

use crate::house::{Kind, Token};

/// One path as code names it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Path<'a> {
    /// Its names, from the crate on; a glob ends in `*`.
    pub(super) names: Vec<&'a str>,
    /// Whether it is given another name, under which it would not be recognised.
    pub(super) is_renamed: bool,
    /// Where its last name stands.
    pub(super) line: usize,
}

/// The crates that such a path begins with.
const ROOTS: [&str; 3] = ["std", "core", "alloc"];

/// Every path of `code` that begins with one of the crates of the standard library.
pub(super) fn all<'a>(code: &[Token<'a>]) -> Vec<Path<'a>> {
    let mut paths = Vec::new();
    let mut at = 0;
    while let Some(token) = code.get(at) {
        let is_member = at
            .checked_sub(1)
            .and_then(|at| code.get(at))
            .is_some_and(|before| before.text == ".");
        if token.kind == Kind::Word && ROOTS.contains(&token.text) && !is_member {
            let mut tree = Tree {
                code,
                at,
                paths: &mut paths,
            };
            tree.branch(&[]);
            at = tree.at.max(at + 1);
        } else {
            at += 1;
        }
    }
    paths
}

/// A walk over one tree of names.
struct Tree<'a, 'b> {
    code: &'b [Token<'a>],
    at: usize,
    paths: &'b mut Vec<Path<'a>>,
}

impl<'a> Tree<'a, '_> {
    fn text(&self, ahead: usize) -> &'a str {
        self.code
            .get(self.at + ahead)
            .map_or("", |token| token.text)
    }

    /// Walks one branch, `name::name::...`, down to its end or into the group that it ends in.
    fn branch(&mut self, stem: &[&'a str]) {
        let mut names = stem.to_vec();
        let mut line = 0;
        while let Some(token) = self.code.get(self.at) {
            line = token.line;
            match token.text {
                "{" => return self.group(&names),
                "*" => {}
                _ if token.kind == Kind::Word => {}
                // `size_of::<T>()`: the path ended before; what is inside is looked at on its own.
                _ => break,
            }
            names.push(token.text);
            self.at += 1;
            if self.text(0) != "::" {
                break;
            }
            self.at += 1;
        }
        if names.len() == stem.len() {
            return;
        }
        let is_renamed = self.text(0) == "as";
        if is_renamed {
            self.at += 2;
        }
        self.paths.push(Path {
            names,
            is_renamed,
            line,
        });
    }

    /// Walks the branches between braces.
    fn group(&mut self, stem: &[&'a str]) {
        self.at += 1;
        while self.at < self.code.len() {
            match self.text(0) {
                "}" => {
                    self.at += 1;
                    return;
                }
                "," => self.at += 1,
                _ => {
                    let before = self.at;
                    self.branch(stem);
                    if self.at == before {
                        return;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house::lex;

    fn check(source: &str, expected: &[&str]) {
        let tokens = lex(source);
        let found: Vec<String> = all(&tokens)
            .iter()
            .map(|path| {
                format!(
                    "{}{}",
                    path.names.join("::"),
                    if path.is_renamed { " as" } else { "" }
                )
            })
            .collect();
        assert_eq!(found, expected, "{source}");
    }

    #[test]
    fn a_group_is_as_many_paths_as_it_has_leaves() {
        check(
            "use std::{fs, io::{self, Read as _}, fmt};",
            &["std::fs", "std::io::self", "std::io::Read as", "std::fmt"],
        );
        check("use std::{fs,}; std::net::x()", &["std::fs", "std::net::x"]);
    }

    #[test]
    fn an_expression_ends_where_its_names_end() {
        check(
            "std::mem::take(&mut std::env::args())",
            &["std::mem::take", "std::env::args"],
        );
        check(
            "core::mem::size_of::<std::fs::File>()",
            &["core::mem::size_of", "std::fs::File"],
        );
        check("x as std::os::raw", &["std::os::raw"]);
        check("self.core.step(); core.step()", &["core"]);
    }

    #[test]
    fn a_group_that_is_never_closed_ends_with_the_text() {
        check("use std::{fs, (", &["std::fs"]);
    }
}
