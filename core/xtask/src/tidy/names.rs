//! Names of rooms: no package of the whole graph may share one, since `cargo -p NAME` would be ambiguous, and a
//! room is the folder of its name, so that nobody has to search.

use super::offence::Offence;
use crate::house::House;

pub(super) fn check(house: &House) -> Vec<Offence> {
    let lock = house.text("Cargo.lock");
    let mut offences = Vec::new();
    for room in &house.rooms {
        if room.folder.rsplit('/').next() != Some(&room.name) {
            offences.push(Offence::new(
                &room.manifest(),
                1,
                format!("room `{}` is in the folder `{}`", room.name, room.folder),
                "give the folder and the package one name",
            ));
        }
        let named = format!("name = \"{}\"", room.name);
        let mut lines = lock.lines().enumerate().filter(|(_, line)| *line == named);
        if let (Some(_), Some((index, _))) = (lines.next(), lines.next()) {
            offences.push(Offence::new(
                "Cargo.lock",
                index + 1,
                format!(
                    "room `{}` has the name of a package from outside",
                    room.name
                ),
                "rename the room",
            ));
        }
    }
    offences
}

#[cfg(test)]
mod tests {
    use super::super::offence::places;
    use super::*;
    use crate::house::Room;

    #[test]
    fn a_room_named_like_a_guest_is_caught() {
        let lock =
            "[[package]]\nname = \"http\"\n\n[[package]]\nname = \"http\"\nsource = \"registry\"\n";
        let house = House::of_files(&[("Cargo.lock", lock)]).with(Room::named("http"));
        assert_eq!(places(&check(&house)), [("Cargo.lock", 5)]);
        assert_eq!(
            check(&House::of_files(&[("Cargo.lock", lock)]).with(Room::named("web"))),
            []
        );
    }

    #[test]
    fn a_room_in_a_folder_of_another_name_is_caught() {
        let mut room = Room::named("records");
        room.folder = "core/batches".to_owned();
        assert_eq!(
            places(&check(&House::default().with(room))),
            [("core/batches/Cargo.toml", 1)]
        );
    }
}
