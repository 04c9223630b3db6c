//! Planted bugs stay out of what ships: the feature `mutants` is passed on a command line and by nothing else.
//!
//! Features unify: one line that asks for it would plant the bugs in every binary of the build.

use super::offence::{Offence, line_of_key};
use crate::house::{House, Room};

const FEATURE: &str = "mutants";

pub(super) fn check(house: &House) -> Vec<Offence> {
    let mut offences = Vec::new();
    for room in &house.rooms {
        check_lines(house, room, &mut offences);
        check_features(house, room, &mut offences);
    }
    offences
}

fn check_lines(house: &House, room: &Room, offences: &mut Vec<Offence>) {
    let manifest = room.manifest();
    for line in &room.dependencies {
        if line.features.iter().any(|feature| feature == FEATURE) {
            offences.push(Offence::new(
                &manifest,
                line_of_key(house.text(&manifest), &line.name),
                format!("the dependency on `{}` plants bugs", line.name),
                "take `mutants` out of this line and forward it as a feature of the same name",
            ));
        }
    }
}

fn check_features(house: &House, room: &Room, offences: &mut Vec<Offence>) {
    let manifest = room.manifest();
    for (feature, turns_on) in room
        .features
        .iter()
        .filter(|(feature, _)| *feature != FEATURE)
    {
        if turns_on
            .iter()
            .any(|name| name.rsplit('/').next() == Some(FEATURE))
        {
            offences.push(Offence::new(
                &manifest,
                line_of_key(house.text(&manifest), feature),
                format!("the feature `{feature}` plants bugs"),
                "let only the feature `mutants` turn on `mutants`",
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::offence::places;
    use super::*;
    use crate::house::{DependencyKind, Room};

    #[test]
    fn a_line_that_plants_bugs_is_caught() {
        let text = "[dependencies]\nstdx = { workspace = true, features = [\"mutants\"] }\n";
        let mut room = Room::named("storage").needing("stdx", DependencyKind::Normal, true);
        room.dependencies[0].features.push(FEATURE.to_owned());
        let house = House::of_files(&[("core/storage/Cargo.toml", text)]).with(room);
        assert_eq!(places(&check(&house)), [("core/storage/Cargo.toml", 2)]);
    }

    #[test]
    fn only_the_feature_of_that_name_turns_it_on() {
        let with = |feature: &str, turns_on: &str| {
            let mut room = Room::named("storage");
            room.features
                .insert(feature.to_owned(), vec![turns_on.to_owned()]);
            check(&House::default().with(room)).len()
        };
        assert_eq!(with("mutants", "stdx/mutants"), 0);
        assert_eq!(with("default", "mutants"), 1);
        assert_eq!(with("testing", "stdx/mutants"), 1);
        assert_eq!(with("testing", "dep:stdx"), 0);
    }
}
