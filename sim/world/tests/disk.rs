//! Each fault of the disk, by itself: what a process is told, and what is true.

use std::collections::BTreeSet;

use runtime::{Frozen, IoErrorKind, OpenOptions, PAGE_BYTES, Pieces, Runtime};
use stdx::Duration;
use world::{
    Crash, DiskFault, Fault, NodeConfig, NodeId, Rate, Span, World, WorldConfig, block_on, program,
};

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
    node_with(seed, NodeConfig::default())
}

fn node_with(seed: u64, config: NodeConfig) -> (World, NodeId) {
    let mut world = World::new(seed, WorldConfig::default());
    let node = world.add_machine(config);
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
fn a_killed_process_leaves_the_cache() {
    let (mut world, node) = node(1);
    world.start(
        node,
        program(|runtime| async move {
            let file = runtime.open("/f", CREATE).await.expect("made");
            file.write_at(0, pieces(&[1; 5_000]))
                .await
                .expect("written");
            core::future::pending::<()>().await;
        }),
    );
    world.run_for(Duration::from_secs(1));
    world.kill(node);
    let bytes = world.block_on(node, |runtime| async move { read(&runtime, "/f").await });
    assert_eq!(bytes, Ok(vec![1; 5_000]));
    assert_eq!(world.disk(node).durable_bytes("/f"), None);
}

#[test]
fn a_failed_sync_marks_its_pages_clean() {
    let (mut world, node) = node(1);
    world.fail_next(node, DiskFault::SyncError);
    let (first, second, seen) = world.block_on(node, |runtime| async move {
        let file = runtime.open("/f", CREATE).await.expect("made");
        file.write_at(0, pieces(&[1; 1_000]))
            .await
            .expect("written");
        let first = file.sync().await.map_err(|error| error.kind());
        let second = file.sync().await.map_err(|error| error.kind());
        runtime.sync_directory("/").await.expect("synced");
        (first, second, read(&runtime, "/f").await)
    });
    assert_eq!((first, second), (Err(IoErrorKind::Device), Ok(())));
    assert_eq!(seen, Ok(vec![1; 1_000]), "the cache goes on showing it");
    assert_eq!(
        world.disk(node).durable_bytes("/f"),
        Some(vec![]),
        "and it is lost"
    );
    assert_eq!(world.hits(Fault::DiskSyncError), 1);
}

#[test]
fn a_failed_sync_of_a_directory_saves_no_name() {
    let (mut world, node) = node(1);
    world.fail_next(node, DiskFault::DirectorySyncError);
    let result = world.block_on(node, |runtime| async move {
        runtime.open("/f", CREATE).await.expect("made");
        runtime.sync_directory("/").await
    });
    assert_eq!(result.expect_err("broken").kind(), IoErrorKind::Device);
    assert_eq!(world.disk(node).durable_names("/"), Some(vec![]));
    assert_eq!(world.disk(node).pending_names(), 1);
    assert_eq!(world.hits(Fault::DiskDirectorySyncError), 1);
}

#[test]
fn a_sync_covers_what_was_written_before_it_began() {
    let mut config = NodeConfig::default();
    config.disk.sync = Span::millis(1, 1);
    let (mut world, node) = node_with(1, config);
    world.block_on(node, |runtime| async move {
        let file = runtime.open("/f", CREATE).await.expect("made");
        runtime.sync_directory("/").await.expect("synced");
        file.write_at(0, pieces(&[1; 100])).await.expect("written");
        let scope = runtime.scope("sync");
        let other = file.clone();
        let sync = scope.spawn(runtime::Class::Produce, "sync", async move {
            other.sync().await
        });
        runtime.sleep(Duration::from_micros(100)).await;
        // It began after the sync, and ends before it.
        file.write_at(100, pieces(&[2; 100]))
            .await
            .expect("written");
        sync.await.expect("not cancelled").expect("healthy");
        drop(scope);
    });
    let durable = world.disk(node).durable_bytes("/f").expect("durable");
    assert_eq!(durable, [1; 100]);
    assert_eq!(world.disk(node).pending_changes("/f"), Some(1));
}

/// Whatever moment a process dies in: a short write never got its linked sync, so what it wrote is not durable
/// without the rest.
#[test]
fn a_short_write_cancels_its_sync() {
    let (mut shorts, mut whole) = (0, 0);
    for event in 1..60 {
        let (mut world, node) = node(event);
        world.fail_next(node, DiskFault::ShortWrite);
        world.crash_at_event(node, event, Crash::Kill);
        let done = world.try_block_on(node, |runtime| async move {
            let file = runtime.open("/f", CREATE).await.expect("made");
            runtime.sync_directory("/").await.expect("synced");
            file.write_at_sync(0, pieces(&[1; 1_000]))
                .await
                .expect("written");
        });
        let durable = world.disk(node).durable_bytes("/f").unwrap_or_default();
        assert!([0, 1_000].contains(&durable.len()), "{}", durable.len());
        let cached = world.disk(node).cache_bytes("/f").unwrap_or_default();
        shorts += u32::from(![0, 1_000].contains(&cached.len()));
        whole += u32::from(done.is_some());
    }
    assert!(shorts > 0 && whole > 0, "{shorts} {whole}");
}

#[test]
fn a_full_disk_refuses_and_recovers() {
    let mut config = NodeConfig::default();
    config.disk.quota = 10 * 4_096;
    let (mut world, node) = node_with(1, config);
    world.block_on(node, |runtime| async move {
        let kind = |result: Result<(), runtime::IoError>| result.map_err(|error| error.kind());
        let file = runtime.open("/f", CREATE).await.expect("made");
        file.write_at(0, pieces(&vec![1; 8 * 4_096]))
            .await
            .expect("there is room");
        let other = runtime.open("/g", CREATE).await.expect("names take none");
        let full = other.write_at(0, pieces(&vec![2; 3 * 4_096])).await;
        assert_eq!(kind(full), Err(IoErrorKind::NoSpace));
        assert_eq!(
            runtime.status("/g").await.expect("there").length,
            2 * 4_096,
            "what fits is written"
        );
        assert_eq!(
            kind(other.allocate(0, 3 * 4_096, true).await),
            Err(IoErrorKind::NoSpace)
        );
        file.write_at(0, pieces(&vec![3; 8 * 4_096]))
            .await
            .expect("overwriting takes no room");
        file.truncate(4_096).await.expect("cut");
        other
            .allocate(0, 9 * 4_096, true)
            .await
            .expect("there is room again");
        runtime.unlink("/g").await.expect("removed");
        let full = file.write_at(0, pieces(&vec![1; 2 * 4_096])).await;
        assert_eq!(
            kind(full),
            Err(IoErrorKind::NoSpace),
            "an open file keeps its room"
        );
        drop(other);
        runtime.sleep(Duration::from_millis(1)).await;
        file.write_at(0, pieces(&vec![1; 10 * 4_096]))
            .await
            .expect("and gives it back");
    });
    assert_eq!(world.disk(node).used(), 10 * 4_096);
    assert_eq!(world.hits(Fault::DiskNoSpace), 5);
    world.set_quota(node, 20 * 4_096);
    world.power_cut(node);
    assert!(world.disk(node).used() <= 10 * 4_096);
}

#[test]
fn errors_of_reads_and_writes_are_the_device_s() {
    let (mut world, node) = node(1);
    world.fail_next(node, DiskFault::WriteError);
    world.fail_next(node, DiskFault::ReadError);
    world.block_on(node, |runtime| async move {
        let file = runtime.open("/f", CREATE).await.expect("made");
        let refused = file.write_at(0, pieces(b"abc")).await.expect_err("broken");
        assert_eq!(refused.kind(), IoErrorKind::Device);
        assert_eq!(
            runtime.status("/f").await.expect("there").length,
            0,
            "nothing was written"
        );
        file.write_at(0, pieces(b"abc"))
            .await
            .expect("healthy again");
        assert_eq!(read(&runtime, "/f").await, Err(IoErrorKind::Device));
        assert_eq!(read(&runtime, "/f").await, Ok(b"abc".to_vec()));
    });
    assert_eq!(
        (
            world.hits(Fault::DiskWriteError),
            world.hits(Fault::DiskReadError)
        ),
        (1, 1)
    );
}

#[test]
fn damage_lies_over_the_truth_until_it_is_written_over() {
    let (mut world, node) = node(1);
    world.block_on(node, |runtime| async move {
        durable_file(&runtime, &[1; 2_048]).await;
    });
    assert!(world.disk_mut(node).rot("/f", 700, 0x80));
    assert!(world.disk_mut(node).make_unreadable("/f", 1_024, 1));
    assert_eq!(
        world.disk(node).durable_bytes("/f"),
        Some(vec![1; 2_048]),
        "the truth is pristine"
    );
    world.block_on(node, |runtime| async move {
        let file = runtime.open("/f", CREATE).await.expect("there");
        let part = async |offset, bytes| {
            let buffer = runtime.buffer(bytes);
            let read = file.read_exact_at(offset, bytes, buffer).await;
            read.map(|buffer| buffer.as_slice().to_vec())
                .map_err(|error| error.kind())
        };
        assert_eq!(part(699, 3).await, Ok(vec![1, 0x81, 1]));
        assert_eq!(part(0, 699).await, Ok(vec![1; 699]));
        assert_eq!(part(1_030, 1).await, Err(IoErrorKind::Device));
        assert_eq!(part(1_536, 10).await, Ok(vec![1; 10]));
        file.write_at(0, pieces(&[2; 2_048]))
            .await
            .expect("written");
        assert_eq!(part(0, 2_048).await, Ok(vec![2; 2_048]));
    });
    assert!(world.hits(Fault::DiskBitRot) > 0);
    assert!(world.disk_mut(node).rot("/f", 0, 1));
    assert!(world.disk_mut(node).repair("/f"));
    let healthy = world.block_on(node, |runtime| async move { read(&runtime, "/f").await });
    assert_eq!(healthy, Ok(vec![2; 2_048]));
}

#[test]
fn a_misdirected_write_lands_elsewhere_in_its_file() {
    for seed in 0..20 {
        let (mut world, node) = node(seed);
        world.block_on(node, |runtime| async move {
            durable_file(&runtime, &vec![1; 8 * 4_096]).await;
        });
        // The next write of all, or the next to this file.
        if seed % 2 == 0 {
            world.fail_next(node, DiskFault::MisdirectedWrite);
        } else {
            assert!(world.disk_mut(node).misdirect_next("/f", true));
        }
        let bytes = world.block_on(node, |runtime| async move {
            let file = runtime.open("/f", CREATE).await.expect("there");
            file.write_at_sync(4_096, pieces(&[2; 4_096]))
                .await
                .expect("it looks healthy");
            read(&runtime, "/f").await.expect("readable")
        });
        let misplaced = bytes.chunks(4_096).filter(|page| *page == [2; 4_096]);
        assert_eq!(misplaced.count(), 1);
        assert_eq!(bytes[4_096..8_192], [1; 4_096]);
        assert_eq!(world.hits(Fault::DiskMisdirectedWrite), 1);
    }
}

#[test]
fn a_stalled_disk_answers_later_and_a_slow_one_too() {
    let mut config = NodeConfig::default();
    config.disk.faults.slow = Rate::per_million(300_000);
    config.disk.faults.slow_time = Span::millis(50, 50);
    let (mut world, node) = node_with(1, config);
    world.stall_disk(node, Duration::from_secs(7));
    let (opened, written) = world.block_on(node, |runtime| async move {
        let file = runtime.open("/f", CREATE).await.expect("made");
        let opened = runtime.now();
        for _ in 0..100 {
            file.write_at(0, pieces(b"x")).await.expect("written");
        }
        (opened, runtime.now().since(opened))
    });
    assert!(opened >= stdx::Instant::ZERO + Duration::from_secs(7));
    assert!(written > Duration::from_secs(1), "{written:?}");
    assert!(world.hits(Fault::DiskStall) > 0);
    assert!(world.hits(Fault::DiskSlow) > 10);
}

#[test]
fn writes_in_flight_complete_in_any_order() {
    let mut orders = BTreeSet::new();
    for seed in 0..20 {
        orders.insert(block_on(seed, |runtime| async move {
            let file = runtime.open("/f", CREATE).await.expect("made");
            let order = std::rc::Rc::new(core::cell::RefCell::new(Vec::new()));
            let scope = runtime.scope("writers");
            for number in 0..2_u8 {
                let (file, order) = (file.clone(), std::rc::Rc::clone(&order));
                drop(scope.spawn(runtime::Class::Produce, "writer", async move {
                    file.write_at(0, pieces(&[number])).await.expect("written");
                    order.borrow_mut().push(number);
                }));
            }
            scope.join().await.expect("no panic");
            order.take()
        }));
    }
    assert_eq!(orders.len(), 2);
}

#[test]
fn a_lock_dies_with_its_process() {
    let (mut world, node) = node(1);
    world.start(
        node,
        program(|runtime| async move {
            let file = runtime.open("/lock", CREATE).await.expect("made");
            file.lock().await.expect("free");
            core::future::pending::<()>().await;
        }),
    );
    world.run_for(Duration::from_secs(1));
    world.kill(node);
    world.block_on(node, |runtime| async move {
        let file = runtime.open("/lock", CREATE).await.expect("there");
        file.lock().await.expect("its holder is dead");
    });
}

#[test]
fn direct_transfers_are_whole_pages() {
    block_on(1, |runtime| async move {
        let direct = OpenOptions {
            direct: true,
            ..CREATE
        };
        let file = runtime.open("/f", direct).await.expect("made");
        let mut pages = runtime.buffer(2 * PAGE_BYTES);
        pages.set_len(2 * PAGE_BYTES);
        pages.as_mut_slice().fill(1);
        let pages = pages.freeze();
        let write = async |offset, piece: Frozen| {
            let result = file.write_at(offset, [piece].into_iter().collect()).await;
            result.map_err(|error| error.kind())
        };
        assert_eq!(write(0, pages.clone()).await, Ok(()));
        assert_eq!(
            write(512, pages.clone()).await,
            Err(IoErrorKind::InvalidInput)
        );
        assert_eq!(
            write(0, pages.slice(0..512)).await,
            Err(IoErrorKind::InvalidInput)
        );
        assert_eq!(
            write(0, pages.slice(1..PAGE_BYTES + 1)).await,
            Err(IoErrorKind::InvalidInput)
        );
        assert_eq!(
            write(0, pages.slice(PAGE_BYTES..2 * PAGE_BYTES)).await,
            Ok(())
        );
        let heap = Frozen::from(vec![0; PAGE_BYTES]);
        assert_eq!(write(0, heap).await, Err(IoErrorKind::InvalidInput));
        let read = async |offset, bytes| {
            let result = file
                .read_at(offset, bytes, runtime.buffer(PAGE_BYTES))
                .await;
            result
                .map(|buffer| buffer.len())
                .map_err(|error| error.kind())
        };
        assert_eq!(read(0, PAGE_BYTES).await, Ok(PAGE_BYTES));
        assert_eq!(read(1, PAGE_BYTES).await, Err(IoErrorKind::InvalidInput));
        assert_eq!(read(0, 100).await, Err(IoErrorKind::InvalidInput));
    });
}

#[test]
fn descriptors_have_a_limit() {
    let config = NodeConfig {
        descriptors_max: 2,
        ..NodeConfig::default()
    };
    let (mut world, node) = node_with(1, config);
    world.block_on(node, |runtime| async move {
        let first = runtime.open("/a", CREATE).await.expect("one");
        let _second = runtime.open("/b", CREATE).await.expect("two");
        let refused = runtime.open("/c", CREATE).await.expect_err("three");
        assert_eq!(refused.kind(), IoErrorKind::TooManyOpenFiles);
        drop(first);
        runtime.sleep(Duration::from_millis(1)).await;
        runtime.open("/c", CREATE).await.expect("one is free again");
    });
}
