//! What the wall refuses, and what to use instead.

use super::paths::Path;
use crate::house::{Kind, Token};

/// Where, what, and the fix.
pub(super) type Finding = (usize, String, &'static str);

const MACHINE: &str = "go through `runtime`: the ground decides what the machine is";
const CLOCK: &str =
    "ask `runtime` for the time, or take it as an argument; values are in `stdx::time`";
const THREAD: &str = "spawn a task, or hand heavy work to the runtime's `offload`";
const ADDRESS: &str = "values such as `SocketAddr` are in `core::net`; sockets are the runtime's";
const ORDER: &str = "its order differs from run to run: use `BTreeMap`, `BTreeSet` or an index";
const STREAM: &str = "declare a typed event; the assembly renders it";
const FOREIGN: &str = "foreign code belongs in a ground (`uring`, `portable`)";
const HIDING: &str = "name what is used, so that it can be seen";

/// Modules and items of the standard library, below `std`, `core` or `alloc`. `core::net` and `core::time` hold
/// values only, so rules for those modules are about `std` alone.
const PATHS: &[(&[&str], &str)] = &[
    (&["std", "env"], MACHINE),
    (&["std", "fs"], MACHINE),
    (&["std", "net"], ADDRESS),
    (&["std", "os"], MACHINE),
    (&["std", "process"], MACHINE),
    (&["std", "thread"], THREAD),
    (&["std", "time"], CLOCK),
    (&["std", "arch"], FOREIGN),
    (&["core", "arch"], FOREIGN),
    (&["std", "collections", "HashMap"], ORDER),
    (&["std", "collections", "HashSet"], ORDER),
    (&["std", "collections", "hash_map"], ORDER),
    (&["std", "collections", "hash_set"], ORDER),
];

/// Words that mean the machine whatever path they came by.
const WORDS: &[(&str, &str)] = &[
    ("HashMap", ORDER),
    ("HashSet", ORDER),
    ("RandomState", ORDER),
    ("SystemTime", CLOCK),
    ("UNIX_EPOCH", CLOCK),
];

/// Two names with `::` between them.
const PAIRS: &[([&str; 2], &str)] = &[
    (["Instant", "now"], CLOCK),
    (["io", "stderr"], STREAM),
    (["io", "stdin"], STREAM),
    (["io", "stdout"], STREAM),
];

/// The rule that a path breaks, if it breaks one.
pub(super) fn path(path: &Path<'_>) -> Option<Finding> {
    let names: Vec<&str> = path
        .names
        .iter()
        .copied()
        .filter(|name| *name != "self")
        .collect();
    let written = path.names.join("::");
    if let Some((_, fix)) = PATHS.iter().find(|(refused, _)| names.starts_with(refused)) {
        return Some((
            path.line,
            format!("`{written}` is behind the wall of determinism"),
            fix,
        ));
    }
    // A glob, or another name, for something that a rule looks into would carry it past the rule.
    let stem: Vec<&str> = names.iter().copied().filter(|name| *name != "*").collect();
    let is_stem = PATHS.iter().any(|(refused, _)| refused.starts_with(&stem));
    let hides = path.is_renamed || names.last() == Some(&"*");
    (hides && is_stem).then(|| {
        (
            path.line,
            format!("`{written}` hides what is used of it"),
            HIDING,
        )
    })
}

/// Every rule that single words and pairs of words break.
pub(super) fn words(code: &[Token<'_>]) -> Vec<Finding> {
    let mut found = Vec::new();
    for (index, token) in code
        .iter()
        .enumerate()
        .filter(|(_, token)| token.kind == Kind::Word)
    {
        let text = |ahead: usize| code.get(index + ahead).map_or("", |token| token.text);
        if let Some((word, fix)) = WORDS.iter().find(|(word, _)| *word == token.text) {
            found.push((
                token.line,
                format!("`{word}` is behind the wall of determinism"),
                *fix,
            ));
        }
        let pair = PAIRS
            .iter()
            .find(|([one, other], _)| token.text == *one && text(1) == "::" && text(2) == *other);
        if let Some(([one, other], fix)) = pair {
            found.push((
                token.line,
                format!("`{one}::{other}` is behind the wall of determinism"),
                *fix,
            ));
        }
        if token.text == "extern" && text(1) == "crate" && text(2) != "alloc" {
            found.push((
                token.line,
                "`extern crate` hides what is used of it".to_owned(),
                HIDING,
            ));
        } else if token.text == "extern" && text(1) != "crate" {
            found.push((
                token.line,
                "foreign functions are behind the wall of determinism".to_owned(),
                FOREIGN,
            ));
        }
    }
    found
}
