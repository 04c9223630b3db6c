//! The wall of determinism, as far as names show it.
//!
//! No room but the holes may touch the operating system, a clock, a thread or an entropy source: the same code runs
//! in the simulator, where a seed decides all of them. Clippy's lists refuse types and methods; whole modules, and
//! what hides in a macro or behind a feature, are refused here.

mod paths;
mod rules;

use super::offence::Offence;
use crate::house::{File, House, Kind, Room, Token, lex};

/// The rooms that stand outside of the wall, because touching the machine is their job.
pub(super) const HOLES: &[&str] = &[
    "benches",
    "cli",
    "portable",
    "server",
    "simulator",
    "uring",
    "xtask",
];

pub(super) fn check(house: &House) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (file, text) in house.texts(".rs") {
        if house
            .room_of(&file.path)
            .is_some_and(|room| is_walled(room, file))
        {
            check_file(&file.path, text, &mut offences);
        }
    }
    offences
}

/// Folders of a room whose code is never linked into a broker: it may read its scripts and print.
const ASIDE: [&str; 3] = ["tests", "examples", "benches"];

fn is_walled(room: &Room, file: &File) -> bool {
    let is_aside = |folder: &str| file.path.starts_with(&format!("{}/{folder}/", room.folder));
    !HOLES.contains(&room.name.as_str()) && !ASIDE.into_iter().any(is_aside)
}

fn check_file(path: &str, text: &str, offences: &mut Vec<Offence>) {
    let code: Vec<Token<'_>> = lex(text)
        .into_iter()
        .filter(|token| token.kind != Kind::Comment)
        .collect();
    let mut found = rules::words(&code);
    found.extend(paths::all(&code).iter().filter_map(rules::path));
    found.sort();
    // `HashMap` in `std::collections::HashMap` breaks two rules in one place; one line says enough.
    found.dedup_by_key(|(line, _, fix)| (*line, *fix));
    offences.extend(
        found
            .into_iter()
            .map(|(line, what, fix)| Offence::new(path, line, what, fix)),
    );
}

#[cfg(test)]
mod tests {
    use super::super::offence::{NOWHERE, places};
    use super::*;

    /// The lines of the offences in a file of `storage`.
    fn check_text(text: &str) -> Vec<usize> {
        let file = ("core/storage/src/log.rs", text);
        let offences = check(&House::of_files(&[file]).with(Room::named("storage")));
        places(&offences).iter().map(|(_, line)| *line).collect()
    }

    #[test]
    fn every_forbidden_module_is_caught_where_it_is_named() {
        for module in ["env", "fs", "net", "os", "process", "thread", "time"] {
            assert_eq!(
                check_text(&format!("//! A log.\nuse std::{module}::x;\n")),
                [2],
                "{module}"
            );
            assert_eq!(
                check_text(&format!("fn f() {{\n    std::{module}::x()\n}}\n")),
                [2],
                "{module}"
            );
        }
    }

    #[test]
    fn groups_spaces_and_raw_names_do_not_hide_it() {
        assert_eq!(
            check_text("use std::{\n    fmt,\n    fs::{self, File},\n};\n"),
            [3]
        );
        assert_eq!(check_text("use ::std :: r#fs;\n"), [1]);
        assert_eq!(check_text("use {std::rc::Rc, std::thread};\n"), [1]);
        assert_eq!(check_text("type A = Vec<std::net::IpAddr>;\n"), [1]);
        assert_eq!(check_text("size_of::<std::fs::File>()\n"), [1]);
    }

    #[test]
    fn globs_and_renames_of_the_standard_library_are_caught() {
        assert_eq!(check_text("use std::*;\n"), [1]);
        assert_eq!(check_text("use std as s;\nuse std::{self as t};\n"), [1, 2]);
        assert_eq!(check_text("use std::collections::*;\n"), [1]);
        assert_eq!(check_text("extern crate std as s;\n"), [1]);
        assert_eq!(
            check_text("extern crate alloc;\nuse std::io::prelude::*;\n"),
            NOWHERE
        );
    }

    #[test]
    fn hashed_maps_clocks_and_foreign_code_are_caught() {
        assert_eq!(
            check_text("use std::collections::{BTreeMap, HashMap};\n"),
            [1]
        );
        assert_eq!(
            check_text("use std::collections;\ntype A = collections::HashSet<u8>;\n"),
            [2]
        );
        assert_eq!(check_text("let now = Instant::now();\n"), [1]);
        assert_eq!(check_text("let now: SystemTime;\n"), [1]);
        assert_eq!(check_text("extern \"C\" { fn getpid() -> i32; }\n"), [1]);
        assert_eq!(check_text("use std::io;\nio::stdout();\n"), [2]);
        assert_eq!(check_text("core::arch::x86_64::_rdtsc()\n"), [1]);
    }

    #[test]
    fn what_is_only_said_is_not_code() {
        assert_eq!(
            check_text("// std::fs\n/* std::net */\nlet a = \"std::env and Instant::now\";\n"),
            NOWHERE
        );
        assert_eq!(
            check_text("let a = r#\"use std::fs;\"#;\nlet b = '\"';\n"),
            NOWHERE
        );
    }

    #[test]
    fn values_that_only_sound_like_the_machine_are_fine() {
        assert_eq!(
            check_text(
                "use core::net::SocketAddr;\nuse core::time::Duration;\nuse crate::fs::Tree;\n"
            ),
            NOWHERE
        );
        assert_eq!(
            check_text(
                "use std::sync::Arc;\nuse std::io::{self, Error};\nuse stdx::time::Instant;\n"
            ),
            NOWHERE
        );
    }

    #[test]
    fn holes_tests_and_examples_are_outside() {
        let text = "use std::fs;\n";
        let house = House::of_files(&[
            ("core/uring/src/ring.rs", text),
            ("core/storage/tests/scripts.rs", text),
            ("core/storage/examples/dump.rs", text),
        ])
        .with(Room::named("uring"))
        .with(Room::named("storage"));
        assert_eq!(check(&house), []);
    }
}
