//! Files and names.

use core::future::Future;

use stdx::Duration;

use super::{Ground, on_one_core};
use crate::buffer::{Frozen, PAGE_BYTES};
use crate::error::IoErrorKind;
use crate::file::File;
use crate::handle::Runtime;
use crate::operation::{EntryKind, OpenOptions, Pieces};
use crate::task::Class;

/// Read and write, made if it does not exist.
pub(super) const CREATE: OpenOptions = OpenOptions {
    write: true,
    create: true,
    create_new: false,
    direct: false,
};

const NEW: OpenOptions = OpenOptions {
    create_new: true,
    ..CREATE
};

pub(super) fn pieces(parts: &[&[u8]]) -> Pieces {
    parts
        .iter()
        .map(|part| Frozen::from(part.to_vec()))
        .collect()
}

pub(super) async fn read(runtime: &Runtime, file: &File, offset: u64, bytes: usize) -> Vec<u8> {
    let buffer = runtime.buffer(bytes);
    let buffer = file
        .read_exact_at(offset, bytes, buffer)
        .await
        .expect("the bytes are there");
    buffer.as_slice().to_vec()
}

/// Runs `case` with an empty directory of the ground.
fn in_directory<F, R>(ground: &dyn Ground, case: F)
where
    F: Fn(Runtime, String) -> R + Send + Sync + 'static,
    R: Future<Output = ()> + 'static,
{
    let directory = ground.scratch();
    on_one_core(ground, move |runtime| {
        Box::pin(case(runtime, directory.clone()))
    });
}

/// A read sees what was written, wherever it starts.
pub fn what_is_written_is_read(ground: &dyn Ground) {
    in_directory(ground, |runtime, directory| async move {
        let file = runtime
            .open(&format!("{directory}/a"), NEW)
            .await
            .expect("made");
        file.write_at(3, pieces(&[b"hello", b"", b" world"]))
            .await
            .expect("written");
        assert_eq!(read(&runtime, &file, 0, 14).await, b"\0\0\0hello world");
        assert_eq!(read(&runtime, &file, 8, 3).await, b" wo");
        let buffer = runtime.buffer(8);
        let mut filled = buffer;
        filled.extend_from_slice(b"<");
        let filled = file
            .read_exact_at(3, 5, filled)
            .await
            .expect("behind what is there");
        assert_eq!(filled.as_slice(), b"<hello");
    });
}

/// Nothing is read at and past the end, and a read that needs more says so.
pub fn a_read_at_the_end_is_empty(ground: &dyn Ground) {
    in_directory(ground, |runtime, directory| async move {
        let file = runtime
            .open(&format!("{directory}/a"), NEW)
            .await
            .expect("made");
        file.write_at(0, pieces(&[b"abc"])).await.expect("written");
        for offset in [3, 4, 10_000] {
            let buffer = file
                .read_at(offset, 10, runtime.buffer(10))
                .await
                .expect("no error");
            assert!(buffer.is_empty());
        }
        let result = file.read_exact_at(1, 10, runtime.buffer(10)).await;
        assert_eq!(
            result.expect_err("too short").kind(),
            IoErrorKind::UnexpectedEnd
        );
    });
}

/// Writes that do not touch each other may be in flight together; each lands whole.
pub fn writes_in_flight_together_all_land(ground: &dyn Ground) {
    in_directory(ground, |runtime, directory| async move {
        let file = runtime
            .open(&format!("{directory}/a"), NEW)
            .await
            .expect("made");
        let scope = runtime.scope("writers");
        for number in 0..32_u8 {
            let file = file.clone();
            drop(scope.spawn(Class::Produce, "writer", async move {
                let bytes = vec![number; 1000];
                let offset = u64::from(number) * 1000;
                file.write_at_sync(offset, pieces(&[&bytes]))
                    .await
                    .expect("written");
            }));
        }
        scope.join().await.expect("no writer panics");
        let all = read(&runtime, &file, 0, 32_000).await;
        for (number, part) in (0_u8..).zip(all.chunks(1000)) {
            assert!(part.iter().all(|&byte| byte == number));
        }
    });
}

/// A write with its sync, and a sync by itself, succeed on a healthy disk.
pub fn a_synced_write_says_so(ground: &dyn Ground) {
    in_directory(ground, |runtime, directory| async move {
        let file = runtime
            .open(&format!("{directory}/a"), NEW)
            .await
            .expect("made");
        file.write_at_sync(0, pieces(&[b"one"]))
            .await
            .expect("written and synced");
        file.write_at(3, pieces(&[b"two"])).await.expect("written");
        file.sync().await.expect("synced");
        file.write_at_sync(6, Pieces::new())
            .await
            .expect("nothing to write, and a sync");
        runtime.sync_directory(&directory).await.expect("synced");
        assert_eq!(read(&runtime, &file, 0, 6).await, b"onetwo");
    });
}

/// More pieces than a kernel's list takes still are one write.
pub fn many_pieces_are_one_write(ground: &dyn Ground) {
    in_directory(ground, |runtime, directory| async move {
        let file = runtime
            .open(&format!("{directory}/a"), NEW)
            .await
            .expect("made");
        let many: Pieces = (0..3000_u16)
            .map(|n| Frozen::from(n.to_le_bytes().to_vec()))
            .collect();
        file.write_at_sync(0, many).await.expect("written");
        let all = read(&runtime, &file, 0, 6000).await;
        for (n, part) in (0_u16..).zip(all.chunks(2)) {
            assert_eq!(part, n.to_le_bytes());
        }
    });
}

/// Directories, renames over a file, removals, listings.
pub fn names_are_made_changed_and_removed(ground: &dyn Ground) {
    in_directory(ground, |runtime, directory| async move {
        let path = |name: &str| format!("{directory}/{name}");
        runtime.create_directory(&path("d")).await.expect("made");
        for name in ["d/b", "d/a"] {
            let file = runtime.open(&path(name), NEW).await.expect("made");
            file.write_at(0, pieces(&[name.as_bytes()]))
                .await
                .expect("written");
        }
        let names = async || {
            let entries = runtime.read_directory(&path("d")).await.expect("listed");
            entries
                .into_iter()
                .map(|entry| entry.name)
                .collect::<Vec<_>>()
        };
        assert_eq!(names().await, ["a", "b"]);
        runtime
            .rename(&path("d/a"), &path("d/b"))
            .await
            .expect("renamed over a file");
        assert_eq!(names().await, ["b"]);
        let file = runtime
            .open(&path("d/b"), OpenOptions::default())
            .await
            .expect("there");
        assert_eq!(read(&runtime, &file, 0, 3).await, b"d/a");
        let status = runtime.status(&path("d/b")).await.expect("there");
        assert_eq!((status.kind, status.length), (EntryKind::File, 3));
        let status = runtime.status(&path("d")).await.expect("there");
        assert_eq!(status.kind, EntryKind::Directory);
        runtime.unlink(&path("d/b")).await.expect("removed");
        runtime.remove_directory(&path("d")).await.expect("removed");
        assert!(
            runtime
                .read_directory(&directory)
                .await
                .expect("listed")
                .is_empty()
        );
    });
}

/// What cannot be done is refused, for the reason that it is.
pub fn errors_have_their_kinds(ground: &dyn Ground) {
    in_directory(ground, |runtime, directory| async move {
        let path = |name: &str| format!("{directory}/{name}");
        let kind = |result: Result<(), crate::IoError>| result.expect_err("refused").kind();
        let open = async |name: &str, options| runtime.open(&path(name), options).await.map(drop);
        assert_eq!(
            kind(open("none", OpenOptions::default()).await),
            IoErrorKind::NotFound
        );
        assert_eq!(kind(open("no/where", CREATE).await), IoErrorKind::NotFound);
        runtime.create_directory(&path("d")).await.expect("made");
        open("d/f", NEW).await.expect("made");
        assert_eq!(kind(open("d/f", NEW).await), IoErrorKind::AlreadyExists);
        assert_eq!(kind(open("d", CREATE).await), IoErrorKind::WrongKind);
        assert_eq!(
            kind(runtime.create_directory(&path("d")).await),
            IoErrorKind::AlreadyExists
        );
        assert_eq!(
            kind(runtime.remove_directory(&path("d")).await),
            IoErrorKind::DirectoryNotEmpty
        );
        assert_eq!(
            kind(runtime.remove_directory(&path("e")).await),
            IoErrorKind::NotFound
        );
        assert_eq!(
            kind(runtime.unlink(&path("e")).await),
            IoErrorKind::NotFound
        );
        assert_eq!(
            kind(runtime.rename(&path("e"), &path("g")).await),
            IoErrorKind::NotFound
        );
        assert_eq!(
            kind(runtime.status(&path("e")).await.map(drop)),
            IoErrorKind::NotFound
        );
        assert_eq!(
            kind(runtime.read_directory(&path("d/f")).await.map(drop)),
            IoErrorKind::WrongKind
        );
    });
}

/// Who has a file open keeps it when its name goes.
pub fn an_unlinked_file_is_still_open(ground: &dyn Ground) {
    in_directory(ground, |runtime, directory| async move {
        let path = format!("{directory}/a");
        let file = runtime.open(&path, NEW).await.expect("made");
        file.write_at(0, pieces(&[b"old"])).await.expect("written");
        runtime.unlink(&path).await.expect("removed");
        let other = runtime.open(&path, NEW).await.expect("the name is free");
        other.write_at(0, pieces(&[b"new"])).await.expect("written");
        assert_eq!(read(&runtime, &file, 0, 3).await, b"old");
        assert_eq!(read(&runtime, &other, 0, 3).await, b"new");
    });
}

/// Truncation cuts and extends with zeroes; allocation keeps what is read.
pub fn truncation_and_allocation_change_what_they_say(ground: &dyn Ground) {
    in_directory(ground, |runtime, directory| async move {
        let path = format!("{directory}/a");
        let file = runtime.open(&path, NEW).await.expect("made");
        file.write_at(0, pieces(&[b"0123456789"]))
            .await
            .expect("written");
        let length = async || runtime.status(&path).await.expect("there").length;
        file.truncate(4).await.expect("cut");
        file.truncate(8).await.expect("extended");
        assert_eq!(read(&runtime, &file, 0, 8).await, b"0123\0\0\0\0");
        file.allocate(0, 100_000, true).await.expect("allocated");
        assert_eq!(length().await, 8);
        file.allocate(0, 5000, false).await.expect("allocated");
        assert_eq!(length().await, 5000);
        assert_eq!(read(&runtime, &file, 0, 5).await, b"0123\0");
    });
}

/// A second opening of a locked file cannot lock it; the first one's end frees it.
pub fn a_lock_is_exclusive(ground: &dyn Ground) {
    in_directory(ground, |runtime, directory| async move {
        let path = format!("{directory}/lock");
        let first = runtime.open(&path, CREATE).await.expect("made");
        first.lock().await.expect("free");
        let second = runtime.open(&path, CREATE).await.expect("opened");
        assert_eq!(
            second.lock().await.expect_err("taken").kind(),
            IoErrorKind::Locked
        );
        drop(first);
        for _ in 0..100 {
            if second.lock().await.is_ok() {
                return;
            }
            runtime.sleep(Duration::from_millis(1)).await;
        }
        panic!("the lock was not freed");
    });
}

/// Around the page cache only whole pages go. A file system that cannot do it says so.
pub fn direct_files_demand_alignment(ground: &dyn Ground) {
    in_directory(ground, |runtime, directory| async move {
        let options = OpenOptions {
            direct: true,
            ..NEW
        };
        let file = match runtime.open(&format!("{directory}/a"), options).await {
            Ok(file) => file,
            Err(error) => {
                let kinds = [IoErrorKind::Unsupported, IoErrorKind::InvalidInput];
                assert!(kinds.contains(&error.kind()), "{error}");
                return;
            }
        };
        let mut page = runtime.buffer(PAGE_BYTES);
        page.set_len(PAGE_BYTES);
        page.as_mut_slice().fill(7);
        file.write_at_sync(0, [page.freeze()].into_iter().collect())
            .await
            .expect("aligned");
        assert_eq!(
            read(&runtime, &file, 0, PAGE_BYTES).await,
            vec![7; PAGE_BYTES]
        );
        let refused = file.write_at(1, pieces(&[b"x"])).await;
        assert_eq!(
            refused.expect_err("not aligned").kind(),
            IoErrorKind::InvalidInput
        );
    });
}

/// An open that nobody waits for any more leaks nothing: its lock and its descriptor are free afterwards.
pub fn an_abandoned_open_closes_its_file(ground: &dyn Ground) {
    in_directory(ground, |runtime, directory| async move {
        for round in 0..200 {
            let path = format!("{directory}/{}", round % 3);
            let never = async {};
            let _either = crate::race(runtime.open(&path, CREATE), never).await;
        }
        let file = runtime
            .open(&format!("{directory}/0"), CREATE)
            .await
            .expect("opened");
        file.lock().await.expect("nobody holds it");
    });
}
