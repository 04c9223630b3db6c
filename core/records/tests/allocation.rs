//! Reading allocates nothing, whatever the bytes say.
//!
//! This file is a process of its own, since its allocator counts. It does so for each thread: the one that runs the tests
//! allocates when it likes.

#![expect(
    unsafe_code,
    reason = "a global allocator that counts cannot be written without"
)]

use records::{BatchBuilder, Batches, Header, Limits, NewRecord, layout, stamp, validate};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use stdx::{Prng, crc32c};

/// The system's allocator, with the number of its calls by each thread.
struct Counting;

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // A thread that ends counts no more.
        let _counted = CALLS.try_with(|calls| calls.set(calls.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`, which is that of the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`, and the pointer is the system's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Reads everything that can be read, and stamps it.
fn read_all(bytes: &mut [u8]) -> usize {
    let limits = Limits {
        batch_bytes_max: 1 << 20,
        batches_max: 4,
    };
    let mut seen = usize::from(validate(bytes, limits).is_ok());
    for batch in Batches::new(bytes).map_while(Result::ok) {
        for record in batch.records().into_iter().flatten().map_while(Result::ok) {
            seen += 1 + record.headers.count();
        }
    }
    seen + usize::from(stamp(bytes, 7, 1, Some(9)).is_ok())
}

#[test]
fn reading_allocates_nothing() {
    let mut prng = Prng::labelled(1, "allocation");
    let headers = [Header {
        name: b"name",
        value: Some(b"value"),
    }];
    let mut seen = 0;
    for round in 0..20_000 {
        let mut builder = BatchBuilder::new();
        for timestamp in 0..5 {
            builder.push(&NewRecord {
                timestamp,
                key: None,
                value: Some(b"v"),
                headers: &headers,
            });
        }
        let mut bytes = builder.finish();
        let at = prng.index(bytes.len());
        let [byte, ..] = prng.next_u64().to_be_bytes();
        bytes[at] = byte;
        // With a right checksum, the lie gets further.
        if round % 2 == 0 {
            let crc = crc32c(&bytes[layout::CRC_COVERS_FROM..]);
            bytes[layout::CRC].copy_from_slice(&crc.to_be_bytes());
        }
        let before = CALLS.get();
        seen += read_all(&mut bytes);
        assert_eq!(CALLS.get(), before);
    }
    assert!(seen > 0);
}
