//! Guests: packages from outside, each let into the rooms that its row names and no other.
//!
//! To let a package in, weigh it in `papers/design/0003-dependencies.md`, give it a version in the root manifest,
//! and add its row, or a room to its row, here.

use super::offence::{Offence, line_of_key};
use crate::house::{Dependency, DependencyKind, House, Room};

/// Which rooms may have a guest.
enum Rooms {
    /// No room at all.
    None,
    /// These, and no other.
    Only(&'static [&'static str]),
    /// Every room.
    All,
}

impl Rooms {
    fn contains(&self, room: &str) -> bool {
        match self {
            Self::None => false,
            Self::Only(rooms) => rooms.contains(&room),
            Self::All => true,
        }
    }
}

/// One row: a package, the rooms that may link it, and the rooms whose tests may.
struct Guest {
    name: &'static str,
    linked: Rooms,
    tests: Rooms,
}

const fn linked(name: &'static str, rooms: &'static [&'static str]) -> Guest {
    Guest {
        name,
        linked: Rooms::Only(rooms),
        tests: Rooms::None,
    }
}

const fn tests(name: &'static str, rooms: Rooms) -> Guest {
    Guest {
        name,
        linked: Rooms::None,
        tests: rooms,
    }
}

/// The list. A room that links a guest may use it in its tests as well.
const GUESTS: &[Guest] = &[
    linked("bytemuck", &["runtime"]),
    tests("bytes", Rooms::Only(&["protocol"])),
    linked("clap", &["cli", "server", "simulator"]),
    linked("crc32c", &["stdx"]),
    linked("criterion", &["benches"]),
    linked("crossbeam-queue", &["runtime"]),
    tests("datadriven", Rooms::All),
    tests("expect-test", Rooms::All),
    linked("io-uring", &["uring"]),
    tests("kafka-protocol", Rooms::Only(&["protocol"])),
    Guest {
        name: "libc",
        linked: Rooms::Only(&["uring"]),
        tests: Rooms::Only(&["server"]),
    },
    linked("madsim", &["simulator"]),
    tests("proptest", Rooms::All),
    linked("rtrb", &["runtime"]),
    linked("rustix", &["benches", "cli", "portable", "server", "uring"]),
    linked("serde", &["cli", "server", "simulator", "xtask"]),
    linked("serde_json", &["cli", "server", "simulator", "xtask"]),
    linked("signal-hook", &["server"]),
    linked(
        "smallvec",
        &[
            "portable", "protocol", "raft", "runtime", "storage", "uring", "world",
        ],
    ),
    linked("stats_alloc", &["benches"]),
    linked("tokio", &["portable"]),
    linked("tracing", &["broker", "cli", "server"]),
    linked("tracing-subscriber", &["cli", "server"]),
    linked("xxhash-rust", &["runtime"]),
];

pub(super) fn check(house: &House) -> Vec<Offence> {
    let mut offences = Vec::new();
    for room in &house.rooms {
        for line in room.dependencies.iter().filter(|line| !line.is_room) {
            offences.extend(check_line(house, room, line));
        }
    }
    offences
}

fn check_line(house: &House, room: &Room, line: &Dependency) -> Option<Offence> {
    let manifest = room.manifest();
    let text = house.text(&manifest);
    let at = |what: String, fix: &str| {
        Some(Offence::new(
            &manifest,
            line_of_key(text, &line.name),
            what,
            fix,
        ))
    };
    let guest = GUESTS.iter().find(|guest| guest.name == line.name);
    let welcome = guest.is_some_and(|guest| {
        let linked = guest.linked.contains(&room.name);
        linked || line.kind == DependencyKind::Dev && guest.tests.contains(&room.name)
    });
    if !welcome {
        return at(
            format!("`{}` may not depend on `{}`", room.name, line.name),
            "do without, or weigh it in papers/design/0003-dependencies.md and list it in core/xtask/src/tidy/guests.rs",
        );
    }
    if !is_in_root(house.text("Cargo.toml"), &line.name) {
        return at(
            format!("the version of `{}` is stated here", line.name),
            "state it in [workspace.dependencies] of the root manifest and write `workspace = true`",
        );
    }
    None
}

/// Whether the root manifest gives the version of this guest.
fn is_in_root(root: &str, name: &str) -> bool {
    let table = root
        .lines()
        .skip_while(|line| *line != "[workspace.dependencies]")
        .skip(1);
    let mut keys = table.take_while(|line| !line.starts_with('['));
    keys.any(|line| line.split([' ', '=', '.']).next() == Some(name))
}

#[cfg(test)]
mod tests {
    use super::super::offence::places;
    use super::*;
    use crate::house::DependencyKind::{Dev, Normal};

    const ROOT: (&str, &str) = (
        "Cargo.toml",
        "[workspace.dependencies]\ntokio = \"1\"\nmadsim = \"0\"\nproptest = \"1\"\n[x]\nrand = \"0\"\n",
    );

    fn house(room: Room) -> House {
        House::of_files(&[
            ROOT,
            (
                "core/kafka/Cargo.toml",
                "[dependencies]\ntokio.workspace = true\n",
            ),
        ])
        .with(room)
    }

    #[test]
    fn a_guest_in_a_room_that_is_not_its_own_is_caught() {
        let offences = check(&house(Room::named("kafka").needing("tokio", Normal, false)));
        assert_eq!(places(&offences), [("core/kafka/Cargo.toml", 2)]);
        assert_eq!(
            check(&house(Room::named("world").needing("madsim", Dev, false))).len(),
            1
        );
        assert_eq!(
            check(&house(
                Room::named("portable").needing("tokio", Normal, false)
            )),
            []
        );
    }

    #[test]
    fn a_stranger_is_caught_even_in_tests() {
        assert_eq!(
            check(&house(Room::named("kafka").needing("left-pad", Dev, false))).len(),
            1
        );
    }

    #[test]
    fn a_guest_of_tests_is_not_linked() {
        assert_eq!(
            check(&house(Room::named("kafka").needing("proptest", Dev, false))),
            []
        );
        assert_eq!(
            check(&house(
                Room::named("kafka").needing("proptest", Normal, false)
            ))
            .len(),
            1
        );
    }

    #[test]
    fn a_version_outside_of_the_root_is_caught() {
        let offences = check(&house(Room::named("stdx").needing("crc32c", Normal, false)));
        assert_eq!(offences.len(), 1);
    }

    #[test]
    fn the_list_is_sorted_and_names_each_guest_once() {
        let names: Vec<_> = GUESTS.iter().map(|guest| guest.name).collect();
        assert!(names.is_sorted_by(|one, other| one < other), "{names:?}");
    }
}
