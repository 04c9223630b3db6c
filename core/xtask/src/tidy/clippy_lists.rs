//! Clippy's configuration: the innermost `clippy.toml` replaces the outer ones whole, so each must carry all that
//! is meant to hold there.
//!
//! - The wall is one text in two copies, `core/clippy.toml` and `sim/clippy.toml`.
//! - A hole in it is a copy of the root's file: thresholds, and no lists.
//! - There are no other holes than the rooms that the wall names.

use super::offence::Offence;
use super::wall::HOLES;
use crate::house::House;

const ROOT: &str = "clippy.toml";
const WALL: [&str; 2] = ["core/clippy.toml", "sim/clippy.toml"];

pub(super) fn check(house: &House) -> Vec<Offence> {
    let mut offences = Vec::new();
    let root = house.text(ROOT);
    for path in WALL {
        let text = house.text(path);
        for line in settings(root).filter(|line| !text.lines().any(|other| other == *line)) {
            offences.push(Offence::new(
                path,
                1,
                format!("the root's `{line}` is missing"),
                "copy it: an inner file replaces the outer one whole",
            ));
        }
    }
    if house.text(WALL[0]) != house.text(WALL[1]) {
        offences.push(Offence::new(
            WALL[1],
            1,
            format!("it differs from {}", WALL[0]),
            format!("copy {} over it: the wall is one", WALL[0]),
        ));
    }
    for file in house
        .files
        .iter()
        .filter(|file| file.path.ends_with("/clippy.toml"))
    {
        if !WALL.contains(&file.path.as_str()) {
            offences.extend(check_hole(house, &file.path));
        }
    }
    offences
}

fn check_hole(house: &House, path: &str) -> Option<Offence> {
    let folder = path.trim_end_matches("/clippy.toml");
    let named = HOLES
        .iter()
        .any(|hole| folder.rsplit('/').next() == Some(hole));
    if !named {
        return Some(Offence::new(
            path,
            1,
            "this opens a hole in the wall of determinism",
            "delete it: the holes are named in core/xtask/src/tidy/wall.rs",
        ));
    }
    let same = settings(house.text(path)).eq(settings(house.text(ROOT)));
    (!same).then(|| {
        Offence::new(
            path,
            1,
            "a hole with settings of its own",
            "make it equal to the root's clippy.toml",
        )
    })
}

/// The lines that are neither empty nor a comment.
fn settings(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::super::offence::places;
    use super::*;

    const SAME: &str = "# Why.\ntoo-many-lines-threshold = 70\n\ndisallowed-types = []\n";

    fn check_files(core: &str, sim: &str, other: (&str, &str)) -> Vec<(String, usize)> {
        let house = House::of_files(&[
            (ROOT, "too-many-lines-threshold = 70\n"),
            (WALL[0], core),
            (WALL[1], sim),
            other,
        ]);
        let offences = check(&house);
        places(&offences)
            .iter()
            .map(|(path, line)| ((*path).to_owned(), *line))
            .collect()
    }

    #[test]
    fn copies_that_drifted_apart_are_caught() {
        let other = (
            "core/uring/clippy.toml",
            "# A hole.\ntoo-many-lines-threshold = 70\n",
        );
        assert_eq!(check_files(SAME, SAME, other), []);
        let drifted = format!("{SAME}disallowed-methods = []\n");
        assert_eq!(
            check_files(SAME, &drifted, other),
            [("sim/clippy.toml".to_owned(), 1)]
        );
    }

    #[test]
    fn a_threshold_that_was_not_carried_over_is_caught() {
        let bare = "disallowed-types = []\n";
        let other = ("core/uring/clippy.toml", "too-many-lines-threshold = 90\n");
        assert_eq!(check_files(bare, bare, other).len(), 3);
    }

    #[test]
    fn a_hole_that_nobody_named_is_caught() {
        let other = (
            "core/storage/clippy.toml",
            "too-many-lines-threshold = 70\n",
        );
        assert_eq!(
            check_files(SAME, SAME, other),
            [("core/storage/clippy.toml".to_owned(), 1)]
        );
    }
}
