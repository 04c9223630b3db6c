//! The house as its checks see it: rooms, files, and the lock file, read once.
//!
//! ```text
//!   cargo metadata --no-deps --> rooms   what each manifest declares, inheritance resolved
//!   git ls-files             --> files   tracked, or new and not ignored: what a commit could hold
//!   Cargo.lock               --> lock    the packages of the whole graph
//! ```
//!
//! Nothing here judges; that is `tidy`'s business. A test builds a house in memory, with a planted offence.

mod file;
mod lexer;
mod room;

pub(crate) use file::File;
pub(crate) use lexer::{Kind, Token, lex};
pub(crate) use room::{Dependency, DependencyKind, Room};

use crate::failure::Failure;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The whole workspace.
#[derive(Debug, Default)]
pub(crate) struct House {
    /// Every package of the workspace, by name.
    pub(crate) rooms: Vec<Room>,
    /// Every file that is, or could be, committed, by path.
    pub(crate) files: Vec<File>,
}

impl House {
    /// Reads the house whose root is `root`.
    pub(crate) fn read(root: &Path) -> Result<Self, Failure> {
        Ok(Self {
            rooms: room::read(root)?,
            files: file::read(root)?,
        })
    }

    /// The file at `path`, counted from the root.
    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The text of the file at `path`; empty when there is none.
    pub(crate) fn text(&self, path: &str) -> &str {
        self.file(path)
            .and_then(|file| file.text.as_deref())
            .unwrap_or_default()
    }

    /// The room in whose folder `path` is.
    pub(crate) fn room_of(&self, path: &str) -> Option<&Room> {
        self.rooms.iter().find(|room| {
            path.strip_prefix(room.folder.as_str())
                .is_some_and(|rest| rest.starts_with('/'))
        })
    }

    /// Every file with this ending that is text, with that text.
    pub(crate) fn texts(&self, ending: &str) -> impl Iterator<Item = (&File, &str)> {
        self.files
            .iter()
            .filter(move |file| file.path.ends_with(ending))
            .filter_map(|file| Some((file, file.text.as_deref()?)))
    }
}

/// The root of the workspace that this program was built from.
pub(crate) fn root() -> PathBuf {
    let room = Path::new(env!("CARGO_MANIFEST_DIR"));
    room.ancestors().nth(2).unwrap_or(room).to_path_buf()
}

/// Runs `command` and gives what it wrote to its standard output.
fn output(command: &mut Command) -> Result<Vec<u8>, Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| Failure::Environment(format!("cannot start {name}: {error}")))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Failure::Environment(format!(
        "{name} failed: {}",
        said.trim()
    )))
}

#[cfg(test)]
impl House {
    /// A house of these files and no room.
    pub(crate) fn of_files(files: &[(&str, &str)]) -> Self {
        let files = files
            .iter()
            .map(|(path, text)| File::of_text(path, text))
            .collect();
        Self {
            rooms: Vec::new(),
            files,
        }
    }

    /// This house with one more room, which is the folder of its name in `core`.
    pub(crate) fn with(mut self, room: Room) -> Self {
        self.rooms.push(room);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_belongs_to_the_room_whose_folder_it_is_in() {
        let house = House::default()
            .with(Room::named("rec"))
            .with(Room::named("records"));
        let name = |path| house.room_of(path).map(|room| room.name.as_str());
        assert_eq!(name("core/records/src/lib.rs"), Some("records"));
        assert_eq!(name("core/rec/src/lib.rs"), Some("rec"));
        assert_eq!(name("README.md"), None);
    }

    #[test]
    fn this_very_house_can_be_read() {
        let rooms = room::read(&root()).expect("cargo reads the manifests that it just built");
        assert!(
            rooms
                .iter()
                .any(|room| room.name == "xtask" && room.folder == "core/xtask")
        );
    }
}
