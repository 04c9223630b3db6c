//! Layers are data: a room states its floor, and a dependency goes down.
//!
//! - A normal dependency on a room goes to a strictly smaller number.
//! - A dev-dependency does too, or to the room itself, or to `world`, so that any room's tests may run under
//!   simulated faults.
//! - The rooms that `world` stands on name it only in `tests/`: a unit test would be compiled against one copy of
//!   its own crate, and `world` against another, whose types are different types.

use super::offence::{Offence, line_of_key};
use crate::house::{DependencyKind, House, Kind, Room, lex};
use std::collections::BTreeSet;

/// The simulated ground, which tests of any room may stand on.
const WORLD: &str = "world";

pub(super) fn check(house: &House) -> Vec<Offence> {
    let mut offences = Vec::new();
    for room in &house.rooms {
        check_room(house, room, &mut offences);
    }
    check_copies(house, &mut offences);
    offences
}

fn check_room(house: &House, room: &Room, offences: &mut Vec<Offence>) {
    let manifest = room.manifest();
    let Some(layer) = room.layer else {
        offences.push(Offence::new(
            &manifest,
            1,
            format!("room `{}` states no layer", room.name),
            "add `layer = N` under [package.metadata.house]",
        ));
        return;
    };
    for line in room.dependencies.iter().filter(|line| line.is_room) {
        let exempt =
            line.kind == DependencyKind::Dev && [WORLD, &room.name].contains(&line.name.as_str());
        let Some(below) = house.rooms.iter().find(|other| other.name == line.name) else {
            continue;
        };
        if !exempt && below.layer.is_some_and(|below| below >= layer) {
            let below = below.layer.unwrap_or_default();
            offences.push(Offence::new(
                &manifest,
                line_of_key(house.text(&manifest), &line.name),
                format!(
                    "`{}` [{layer}] may not depend on `{}` [{below}]",
                    room.name, line.name
                ),
                "a dependency goes to a smaller layer: move the code down, or pass the thing in",
            ));
        }
    }
}

/// Refuses `world` in the sources, as opposed to the `tests/`, of the rooms that it is built from.
fn check_copies(house: &House, offences: &mut Vec<Offence>) {
    let below = rooms_under(house, WORLD);
    for (file, text) in house.texts(".rs") {
        let Some(room) = house.room_of(&file.path) else {
            continue;
        };
        let tests = format!("{}/tests/", room.folder);
        if !below.contains(room.name.as_str()) || file.path.starts_with(&tests) {
            continue;
        }
        let tokens: Vec<_> = lex(text)
            .into_iter()
            .filter(|token| token.kind != Kind::Comment)
            .collect();
        for pair in tokens.windows(2) {
            let [world, behind] = pair else { continue };
            if world.kind == Kind::Word && world.text == WORLD && behind.text == "::" {
                offences.push(Offence::new(
                    &file.path,
                    world.line,
                    format!("`{}` names `world` outside of tests/", room.name),
                    "move the test to tests/: here it would meet two copies of this crate",
                ));
            }
        }
    }
}

/// The rooms that `name` is built from, at any depth.
fn rooms_under<'a>(house: &'a House, name: &'a str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut todo = vec![name];
    while let Some(name) = todo.pop() {
        for room in house.rooms.iter().filter(|room| room.name == name) {
            let lines = room
                .dependencies
                .iter()
                .filter(|line| line.is_room && line.kind == DependencyKind::Normal);
            todo.extend(
                lines
                    .map(|line| line.name.as_str())
                    .filter(|name| found.insert(*name)),
            );
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::offence::places;
    use super::*;
    use crate::house::DependencyKind::{Dev, Normal};

    #[test]
    fn a_dependency_upward_or_sideways_is_caught() {
        let manifest = (
            "core/records/Cargo.toml",
            "[dependencies]\nrpc.workspace = true\n",
        );
        for layer in [2, 3] {
            let house = House::of_files(&[manifest])
                .with(Room::named("records").on(2).needing("rpc", Normal, true))
                .with(Room::named("rpc").on(layer));
            assert_eq!(places(&check(&house)), [("core/records/Cargo.toml", 2)]);
        }
    }

    #[test]
    fn a_dependency_downward_is_fine() {
        let house = House::default()
            .with(
                Room::named("records")
                    .on(2)
                    .needing("model", Normal, true)
                    .needing("model", Dev, true),
            )
            .with(Room::named("model").on(1));
        assert_eq!(check(&house), []);
    }

    #[test]
    fn tests_reach_the_world_and_their_own_room_and_nothing_else_above() {
        let house = House::default()
            .with(
                Room::named("storage")
                    .on(1)
                    .needing("world", Dev, true)
                    .needing("storage", Dev, true),
            )
            .with(Room::named("world").on(2));
        assert_eq!(check(&house), []);
        let house = House::default()
            .with(
                Room::named("storage")
                    .on(1)
                    .needing("broker", Dev, true)
                    .needing("world", Normal, true),
            )
            .with(Room::named("broker").on(10))
            .with(Room::named("world").on(2));
        assert_eq!(check(&house).len(), 2);
    }

    #[test]
    fn a_room_without_a_layer_is_caught() {
        let mut attic = Room::named("attic");
        attic.layer = None;
        assert_eq!(
            places(&check(&House::default().with(attic))),
            [("core/attic/Cargo.toml", 1)]
        );
    }

    #[test]
    fn the_ground_of_the_world_meets_it_only_in_tests() {
        let house = House::of_files(&[
            (
                "core/runtime/src/timers.rs",
                "mod tests {\n    use world::World;\n}\n",
            ),
            (
                "core/runtime/src/home.rs",
                "// world::World is only named here.\n",
            ),
            ("core/runtime/tests/suite.rs", "use world::World;\n"),
            ("core/storage/src/log.rs", "use world::World;\n"),
        ])
        .with(Room::named("runtime").on(1).needing("world", Dev, true))
        .with(Room::named("storage").on(3))
        .with(Room::named("world").on(2).needing("runtime", Normal, true));
        assert_eq!(places(&check(&house)), [("core/runtime/src/timers.rs", 2)]);
    }
}
