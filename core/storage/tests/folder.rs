//! The data folder: whose it is survives, and nobody else gets in.

#![expect(clippy::unwrap_used, reason = "a test ends where it is surprised")]

use model::{PartitionIndex, PartitionKey, TopicId};
use runtime::{EntryKind, Frozen, OpenOptions, Pieces, Runtime};
use storage::{DataFolder, FolderError, IdentityError, Uuid};
use world::{NodeConfig, World, WorldConfig};

const PATH: &str = "/var/lib/ouzel/";

fn machine() -> (World, world::NodeId) {
    let mut world = World::new(3, WorldConfig::default());
    let node = world.add_machine(NodeConfig::default());
    (world, node)
}

#[test]
fn the_identity_and_the_cluster_survive_a_power_cut() {
    let (mut world, node) = machine();
    let cluster = Uuid([9; 16]);
    let first = world.block_on(node, move |runtime| async move {
        let mut folder = DataFolder::open(&runtime, PATH).await.unwrap();
        assert_eq!(folder.identity().cluster, None);
        folder.set_cluster(cluster).await.unwrap();
        *folder.identity()
    });
    world.power_cut(node);
    let second = world.block_on(node, |runtime| async move {
        let folder = DataFolder::open(&runtime, PATH).await.unwrap();
        assert_eq!(folder.path().to_string(), "/var/lib/ouzel");
        *folder.identity()
    });
    assert_eq!((second.node, second.cluster), (first.node, Some(cluster)));
}

#[test]
fn a_start_that_is_cut_off_anywhere_can_be_taken_up_again() {
    for event in 1..120 {
        let (mut world, node) = machine();
        world.crash_at_event(node, event, world::Crash::PowerCut);
        world.try_block_on(node, |runtime| async move {
            DataFolder::open(&runtime, PATH).await.map(drop).unwrap();
        });
        world.clear_crash_point(node);
        world.block_on(node, |runtime| async move {
            DataFolder::open(&runtime, PATH).await.map(drop).unwrap();
        });
    }
}

#[test]
fn what_a_killed_start_made_is_durable_after_the_next_one() {
    for (event, seed) in (1..40).flat_map(|event| (0..8).map(move |seed| (event, seed))) {
        let mut world = World::new(seed, WorldConfig::default());
        let node = world.add_machine(NodeConfig::default());
        world.crash_at_event(node, event, world::Crash::Kill);
        world.try_block_on(node, |runtime| async move {
            DataFolder::open(&runtime, PATH).await.map(drop).unwrap();
        });
        world.clear_crash_point(node);
        let identity = |world: &mut World| {
            world.block_on(node, |runtime| async move {
                *DataFolder::open(&runtime, PATH).await.unwrap().identity()
            })
        };
        let before = identity(&mut world);
        world.power_cut(node);
        assert_eq!(identity(&mut world), before, "killed at event {event}");
    }
}

#[test]
fn a_folder_in_use_is_refused_by_name_and_with_what_to_do() {
    world::block_on(4, |runtime| async move {
        let _held = DataFolder::open(&runtime, PATH).await.unwrap();
        let error = DataFolder::open(&runtime, PATH).await.unwrap_err();
        assert!(matches!(error, FolderError::InUse(_)));
        let text = error.to_string();
        assert!(
            text.contains("/var/lib/ouzel is in use by another process"),
            "{text}"
        );
        assert!(text.contains("--data"), "{text}");
    });
}

async fn overwrite(runtime: &Runtime, at: u64, bytes: &[u8]) {
    let options = OpenOptions {
        write: true,
        ..OpenOptions::default()
    };
    let file = runtime
        .open("/var/lib/ouzel/identity", options)
        .await
        .unwrap();
    let mut pieces = Pieces::new();
    pieces.push(Frozen::from(bytes.to_vec()));
    file.write_at_sync(at, pieces).await.unwrap();
}

#[test]
fn a_newer_a_foreign_and_a_damaged_identity_are_told_apart() {
    for (at, byte, expected) in [
        (8, 1, IdentityError::Newer(1)),
        (0, b'x', IdentityError::Foreign),
        (20, 0xaa, IdentityError::Damaged),
    ] {
        world::block_on(5, move |runtime| async move {
            drop(DataFolder::open(&runtime, PATH).await.unwrap());
            runtime.sleep(stdx::Duration::from_millis(1)).await;
            overwrite(&runtime, at, &[byte]).await;
            let error = DataFolder::open(&runtime, PATH).await.unwrap_err();
            assert!(
                matches!(error, FolderError::Identity(_, found) if found == expected),
                "{error}"
            );
        });
    }
}

#[test]
fn topics_without_an_identity_are_not_taken_over() {
    world::block_on(6, |runtime| async move {
        let folder = DataFolder::open(&runtime, PATH).await.unwrap();
        let key = PartitionKey {
            topic: TopicId([1; 16]),
            partition: PartitionIndex(0),
        };
        folder.path().create_partition(&runtime, key).await.unwrap();
        drop(folder);
        runtime.sleep(stdx::Duration::from_millis(1)).await;
        runtime.unlink("/var/lib/ouzel/identity").await.unwrap();
        let error = DataFolder::open(&runtime, PATH).await.unwrap_err();
        assert!(matches!(error, FolderError::NoIdentity(_)));
    });
}

#[test]
fn a_partition_is_removed_with_its_topic_once_and_again() {
    world::block_on(7, |runtime| async move {
        let folder = DataFolder::open(&runtime, PATH).await.unwrap();
        let key = |number| PartitionKey {
            topic: TopicId([1; 16]),
            partition: PartitionIndex(number),
        };
        for number in 0..2 {
            folder
                .path()
                .create_partition(&runtime, key(number))
                .await
                .unwrap();
        }
        for number in [0, 0, 1, 1] {
            folder
                .path()
                .remove_partition(&runtime, key(number))
                .await
                .unwrap();
        }
        assert!(
            runtime
                .read_directory("/var/lib/ouzel/topics")
                .await
                .unwrap()
                .is_empty()
        );
        let here = runtime.status("/var/lib/ouzel/lock").await.unwrap();
        assert_eq!(here.kind, EntryKind::File);
    });
}
