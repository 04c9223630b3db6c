//! What survives a power cut: never more than was written, never less than was synced.

use std::collections::BTreeSet;

use runtime::{Frozen, IoErrorKind, OpenOptions, Pieces, Runtime};
use world::{Fault, NodeConfig, NodeId, World, WorldConfig};

const CREATE: OpenOptions = OpenOptions {
    write: true,
    create: true,
    create_new: false,
    direct: false,
};

fn pieces(bytes: &[u8]) -> Pieces {
    [Frozen::from(bytes.to_vec())].into_iter().collect()
}

fn node(seed: u64) -> (World, NodeId) {
    let mut world = World::new(seed, WorldConfig::default());
    let node = world.add_machine(NodeConfig::default());
    (world, node)
}

/// Makes `/f` with `bytes` in it, all of it durable.
async fn durable_file(runtime: &Runtime, bytes: &[u8]) -> runtime::File {
    let file = runtime.open("/f", CREATE).await.expect("made");
    file.write_at_sync(0, pieces(bytes)).await.expect("written");
    runtime.sync_directory("/").await.expect("synced");
    file
}

async fn read(runtime: &Runtime, path: &str) -> Result<Vec<u8>, IoErrorKind> {
    let file = runtime
        .open(path, OpenOptions::default())
        .await
        .map_err(|error| error.kind())?;
    let length = usize::try_from(runtime.status(path).await.expect("there").length).expect("small");
    let buffer = runtime.buffer(length);
    let buffer = file
        .read_exact_at(0, length, buffer)
        .await
        .map_err(|error| error.kind())?;
    Ok(buffer.as_slice().to_vec())
}

#[test]
fn what_is_synced_survives_a_power_cut_and_what_is_not_may() {
    let mut lengths = BTreeSet::new();
    for seed in 0..100 {
        let (mut world, node) = node(seed);
        world.block_on(node, |runtime| async move {
            let file = durable_file(&runtime, &[1; 3_000]).await;
            file.write_at(3_000, pieces(&[2; 3_000]))
                .await
                .expect("written");
        });
        assert_eq!(
            world.disk(node).durable_bytes("/f").expect("durable").len(),
            3_000
        );
        assert_eq!(
            world.disk(node).cache_bytes("/f").expect("there").len(),
            6_000
        );
        world.power_cut(node);
        let bytes = world.block_on(node, |runtime| async move { read(&runtime, "/f").await });
        let bytes = bytes.expect("its name is durable");
        assert!(bytes[..3_000].iter().all(|&byte| byte == 1), "seed {seed}");
        assert!(bytes[3_000..].iter().all(|&byte| byte == 2 || byte == 0));
        lengths.insert((
            bytes.len(),
            bytes[3_000..].contains(&2),
            bytes[3_000..].contains(&0),
        ));
    }
    // Gone, there in whole, there in part, and long with zeroes only.
    let outcomes = [
        (3_000, false, false),
        (6_000, true, false),
        (6_000, true, true),
        (6_000, false, true),
    ];
    assert_eq!(lengths, BTreeSet::from(outcomes));
}

#[test]
fn writes_are_torn_between_sectors_and_never_within() {
    let (mut torn, mut reordered, mut lost) = (0, 0, 0);
    for seed in 0..200 {
        let (mut world, node) = node(seed);
        world.block_on(node, |runtime| async move {
            let file = durable_file(&runtime, &[0; 16 * 512]).await;
            file.write_at(0, pieces(&[1; 8 * 512]))
                .await
                .expect("written");
            file.write_at(8 * 512, pieces(&[2; 8 * 512]))
                .await
                .expect("written");
        });
        world.power_cut(node);
        let bytes = world.disk(node).durable_bytes("/f").expect("durable");
        for sector in bytes.chunks(512) {
            assert!(sector.iter().all(|byte| *byte == sector[0]), "seed {seed}");
        }
        let (first, second) = bytes.split_at(8 * 512);
        torn += u32::from(first.contains(&0) && first.contains(&1));
        reordered += u32::from(!first.contains(&1) && second.contains(&2));
        lost += u32::from(!first.contains(&1) && !second.contains(&2));
        let torn_here = [(first, 1), (second, 2)]
            .iter()
            .any(|(part, new)| part.contains(&0) && part.contains(new));
        assert_eq!(torn_here, world.hits(Fault::TornWrite) > 0);
    }
    assert!(torn > 10, "{torn}");
    assert!(reordered > 10, "{reordered}");
    assert!(lost > 10, "{lost}");
}

#[test]
fn unaligned_writes_share_the_sector_at_their_border() {
    for seed in 0..100 {
        let (mut world, node) = node(seed);
        world.block_on(node, |runtime| async move {
            let file = durable_file(&runtime, &[0; 2_048]).await;
            file.write_at(100, pieces(&[1; 1_000]))
                .await
                .expect("written");
        });
        world.power_cut(node);
        let bytes = world.disk(node).durable_bytes("/f").expect("durable");
        assert_eq!(bytes.len(), 2_048);
        for range in [100..512, 512..1_024, 1_024..1_100] {
            let part = &bytes[range];
            assert!(part.iter().all(|byte| *byte == part[0]));
        }
        assert!(
            bytes[..100]
                .iter()
                .chain(&bytes[1_100..])
                .all(|&byte| byte == 0)
        );
    }
}

#[test]
fn a_lost_truncation_takes_what_came_after_it_along() {
    let (mut lost, mut kept) = (0, 0);
    for seed in 0..100 {
        let (mut world, node) = node(seed);
        world.block_on(node, |runtime| async move {
            let file = durable_file(&runtime, &[1; 4_096]).await;
            file.truncate(1_024).await.expect("cut");
            file.write_at(1_024, pieces(&[2; 1_024]))
                .await
                .expect("written");
        });
        world.power_cut(node);
        let bytes = world.disk(node).durable_bytes("/f").expect("durable");
        if bytes.len() == 4_096 {
            assert_eq!(
                bytes, [1; 4_096],
                "new bytes behind a lost truncation, seed {seed}"
            );
            lost += 1;
        } else {
            assert!(
                bytes[1_024..].iter().all(|&byte| byte != 1),
                "old bytes came back, seed {seed}"
            );
            kept += 1;
        }
    }
    assert!(lost > 10 && kept > 10, "{lost} {kept}");
}

#[test]
fn a_name_needs_a_sync_of_its_directory() {
    let (mut vanished, mut survived) = (0, 0);
    for seed in 0..50 {
        let (mut world, node) = node(seed);
        world.block_on(node, |runtime| async move {
            let file = runtime.open("/f", CREATE).await.expect("made");
            file.write_at_sync(0, pieces(b"synced"))
                .await
                .expect("written");
        });
        assert_eq!(world.disk(node).durable_names("/"), Some(vec![]));
        world.power_cut(node);
        match world.disk(node).cache_bytes("/f") {
            None => vanished += 1,
            Some(bytes) => {
                assert_eq!(bytes, b"synced", "its content was durable all along");
                survived += 1;
            }
        }
    }
    assert!(vanished > 5 && survived > 5, "{vanished} {survived}");
}

#[test]
fn a_rename_is_atomic_whatever_survives() {
    let mut outcomes = BTreeSet::new();
    for seed in 0..50 {
        let (mut world, node) = node(seed);
        world.block_on(node, |runtime| async move {
            durable_file(&runtime, b"old").await;
            let file = runtime.open("/f.new", CREATE).await.expect("made");
            file.write_at_sync(0, pieces(b"new"))
                .await
                .expect("written");
            runtime.rename("/f.new", "/f").await.expect("renamed");
        });
        world.power_cut(node);
        let disk = world.disk(node);
        let content = disk.cache_bytes("/f").expect("one of the two is there");
        let names = disk.cache_names("/").expect("the root");
        assert!(
            content == b"old" || names == ["f"],
            "seed {seed}: {names:?}"
        );
        outcomes.insert((content, names.len()));
    }
    let outcome = |content: &[u8], names| (content.to_vec(), names);
    let expected = [outcome(b"old", 1), outcome(b"old", 2), outcome(b"new", 1)];
    assert_eq!(outcomes, BTreeSet::from(expected));
}

#[test]
fn a_synced_directory_keeps_what_its_names_depend_on() {
    for seed in 0..50 {
        let (mut world, node) = node(seed);
        world.block_on(node, |runtime| async move {
            runtime.create_directory("/a").await.expect("made");
            runtime.create_directory("/b").await.expect("made");
            runtime.sync_directory("/").await.expect("synced");
            let file = runtime.open("/a/f", CREATE).await.expect("made");
            file.write_at_sync(0, pieces(b"x")).await.expect("written");
            runtime.rename("/a/f", "/b/f").await.expect("moved");
            runtime.open("/a/g", CREATE).await.expect("made");
            runtime.sync_directory("/b").await.expect("synced");
        });
        world.power_cut(node);
        let disk = world.disk(node);
        assert_eq!(disk.cache_bytes("/b/f"), Some(b"x".to_vec()));
        assert_eq!(disk.cache_bytes("/a/f"), None, "it moved");
    }
}

#[test]
fn what_is_under_a_lost_directory_is_lost_and_a_directory_goes_last() {
    let (mut reordered, mut lost) = (0, 0);
    for seed in 0..100 {
        let (mut world, node) = node(seed);
        world.block_on(node, |runtime| async move {
            runtime.create_directory("/old").await.expect("made");
            runtime.open("/old/f", CREATE).await.expect("made");
            for path in ["/old", "/"] {
                runtime.sync_directory(path).await.expect("synced");
            }
            runtime.create_directory("/new").await.expect("made");
            runtime.open("/new/f", CREATE).await.expect("made");
            runtime.sync_directory("/new").await.expect("synced");
            runtime.unlink("/old/f").await.expect("removed");
            runtime.remove_directory("/old").await.expect("removed");
        });
        world.power_cut(node);
        let disk = world.disk(node);
        if let Some(names) = disk.cache_names("/new") {
            assert_eq!(names, ["f"]);
        }
        reordered += world.hits(Fault::ReorderedName);
        lost += world.hits(Fault::LostName);
    }
    assert!(reordered > 0 && lost > 0, "{reordered} {lost}");
}

#[test]
fn one_disk_has_many_futures_and_keeps_its_own() {
    let (mut world, node) = node(1);
    world.block_on(node, |runtime| async move {
        let file = durable_file(&runtime, &[1; 512]).await;
        file.write_at(0, pieces(&[2; 512])).await.expect("written");
    });
    let futures: BTreeSet<Option<u8>> = (0..50)
        .map(|seed| world.disk(node).after_power_cut(seed))
        .map(|disk| disk.cache_bytes("/f").map(|bytes| bytes[0]))
        .collect();
    assert_eq!(futures, BTreeSet::from([Some(1), Some(2)]));
    assert_eq!(world.disk(node).cache_bytes("/f"), Some(vec![2; 512]));
    assert_eq!(
        world.hits(Fault::LostWrite),
        0,
        "what might be is not counted"
    );
}

mod properties {
    use proptest::prelude::*;

    use super::{BTreeSet, CREATE, node, pieces};

    #[derive(Clone, Debug)]
    enum Step {
        Write(usize, usize),
        Sync,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => (0_usize..16, 1_usize..6).prop_map(|(first, count)| Step::Write(first, count)),
            1 => Just(Step::Sync),
        ];
        prop::collection::vec(step, 1..24)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        /// After a power cut each sector is one that was written since the last sync, or the one of that sync.
        #[test]
        fn a_sector_is_never_older_than_its_last_sync(steps in steps(), seed in 0..1_000_u64) {
            let (mut world, node) = node(seed);
            let mut possible: Vec<BTreeSet<u8>> = vec![BTreeSet::from([0]); 24];
            for (version, step) in (1..).zip(&steps) {
                match step {
                    Step::Write(first, count) => {
                        for sector in &mut possible[*first..first + count] {
                            sector.insert(version);
                        }
                    }
                    Step::Sync => {
                        for sector in &mut possible {
                            *sector = sector.last().copied().into_iter().collect();
                        }
                    }
                }
            }
            world.block_on(node, move |runtime| async move {
                let file = runtime.open("/f", CREATE).await.expect("made");
                file.write_at_sync(0, pieces(&[0; 24 * 512])).await.expect("written");
                runtime.sync_directory("/").await.expect("synced");
                for (version, step) in (1..).zip(steps) {
                    match step {
                        Step::Write(first, count) => {
                            let bytes = vec![version; count * 512];
                            file.write_at(first as u64 * 512, pieces(&bytes)).await.expect("written");
                        }
                        Step::Sync => file.sync().await.expect("healthy"),
                    }
                }
            });
            world.power_cut(node);
            let bytes = world.disk(node).durable_bytes("/f").expect("durable");
            prop_assert_eq!(bytes.len(), 24 * 512);
            for (sector, possible) in bytes.chunks(512).zip(possible) {
                prop_assert!(sector.iter().all(|byte| *byte == sector[0]));
                prop_assert!(possible.contains(&sector[0]));
            }
        }
    }
}
