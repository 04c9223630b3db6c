//! One room: what its manifest declares.

use super::output;
use crate::failure::Failure;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// A package of the workspace.
#[derive(Debug, Default)]
pub(crate) struct Room {
    /// Its name, which is also the name of its folder.
    pub(crate) name: String,
    /// Its folder, counted from the root.
    pub(crate) folder: String,
    /// Its floor in the house, from `package.metadata.house`.
    pub(crate) layer: Option<u32>,
    /// Every dependency that the manifest declares, of every kind.
    pub(crate) dependencies: Vec<Dependency>,
    /// Its features and what each turns on.
    pub(crate) features: BTreeMap<String, Vec<String>>,
}

impl Room {
    /// Where its manifest is, counted from the root.
    pub(crate) fn manifest(&self) -> String {
        format!("{}/Cargo.toml", self.folder)
    }
}

/// One line of a room's dependencies.
#[derive(Debug, Clone)]
pub(crate) struct Dependency {
    /// The package that is depended on.
    pub(crate) name: String,
    /// What for.
    pub(crate) kind: DependencyKind,
    /// The features that the line asks for.
    pub(crate) features: Vec<String>,
    /// Whether it is a room of this house rather than a guest.
    pub(crate) is_room: bool,
}

/// What a dependency is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DependencyKind {
    /// Linked into whatever uses the room. A build script's needs count as these: they decide what is built.
    Normal,
    /// Tests, examples and benchmarks.
    Dev,
}

/// What `cargo metadata` says, as far as it is read.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: String,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: String,
    dependencies: Vec<Declared>,
    features: BTreeMap<String, Vec<String>>,
    metadata: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Declared {
    name: String,
    kind: Option<String>,
    features: Vec<String>,
    path: Option<String>,
}

/// The rooms that the manifests below `root` declare. No network is needed, and no lock is taken, so a test may ask.
pub(super) fn read(root: &Path) -> Result<Vec<Room>, Failure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let json = output(Command::new(cargo).current_dir(root).args([
        "metadata",
        "--format-version=1",
        "--no-deps",
        "--offline",
    ]))?;
    parse(&json)
}

fn parse(json: &[u8]) -> Result<Vec<Room>, Failure> {
    let metadata: Metadata = serde_json::from_slice(json)
        .map_err(|error| Failure::Environment(format!("cargo metadata: {error}")))?;
    let mut rooms: Vec<Room> = metadata
        .packages
        .into_iter()
        .map(|package| room(package, &metadata.workspace_root))
        .collect();
    rooms.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(rooms)
}

fn room(package: Package, root: &str) -> Room {
    let manifest = package
        .manifest_path
        .strip_prefix(root)
        .unwrap_or(&package.manifest_path);
    let folder = manifest
        .trim_start_matches('/')
        .trim_end_matches("/Cargo.toml")
        .to_owned();
    let layer = package.metadata.as_ref().and_then(|metadata| {
        metadata
            .get("house")?
            .get("layer")?
            .as_u64()
            .and_then(|layer| u32::try_from(layer).ok())
    });
    let dependencies = package.dependencies.into_iter().map(|declared| Dependency {
        name: declared.name,
        kind: match declared.kind.as_deref() {
            Some("dev") => DependencyKind::Dev,
            _ => DependencyKind::Normal,
        },
        features: declared.features,
        is_room: declared.path.is_some(),
    });
    Room {
        name: package.name,
        folder,
        layer,
        dependencies: dependencies.collect(),
        features: package.features,
    }
}

#[cfg(test)]
impl Room {
    /// A room of this name in `core`, on the ground floor, with nothing in it.
    pub(crate) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            folder: format!("core/{name}"),
            layer: Some(0),
            ..Self::default()
        }
    }

    /// The same room on another floor.
    pub(crate) fn on(mut self, layer: u32) -> Self {
        self.layer = Some(layer);
        self
    }

    /// The same room with one more dependency.
    pub(crate) fn needing(mut self, name: &str, kind: DependencyKind, is_room: bool) -> Self {
        self.dependencies.push(Dependency {
            name: name.to_owned(),
            kind,
            features: Vec::new(),
            is_room,
        });
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_becomes_rooms() {
        let json = br#"{"workspace_root": "/w", "packages": [{
            "name": "storage", "manifest_path": "/w/core/storage/Cargo.toml",
            "metadata": {"house": {"layer": 3}}, "features": {"mutants": ["stdx/mutants"]},
            "dependencies": [
                {"name": "stdx", "kind": null, "features": [], "path": "/w/core/stdx"},
                {"name": "proptest", "kind": "dev", "features": ["std"]},
                {"name": "cc", "kind": "build", "features": []}]}]}"#;
        let rooms = parse(json).expect("what cargo prints");
        let [storage] = rooms.as_slice() else {
            panic!("one room: {rooms:?}")
        };
        assert_eq!(
            (storage.folder.as_str(), storage.layer),
            ("core/storage", Some(3))
        );
        let kinds: Vec<_> = storage
            .dependencies
            .iter()
            .map(|line| (line.kind, line.is_room))
            .collect();
        assert_eq!(
            kinds,
            [
                (DependencyKind::Normal, true),
                (DependencyKind::Dev, false),
                (DependencyKind::Normal, false)
            ]
        );
    }

    #[test]
    fn a_room_without_a_floor_is_read_as_such() {
        let json = br#"{"workspace_root": "/w", "packages": [{"name": "attic", "features": {},
            "manifest_path": "/w/core/attic/Cargo.toml", "metadata": null, "dependencies": []}]}"#;
        assert_eq!(parse(json).expect("what cargo prints")[0].layer, None);
    }
}
