//! Buffers that wait for bytes on any connection: the kernel takes one when something arrived, so that an idle
//! connection holds none.
//!
//! ```text
//!            entries shared with the kernel           ours, by buffer id
//!   taken    +------+------+------+------+           +-----+-----+-----+-----+
//!   by the   | id 2 | id 0 | id 3 | id 1 |           | Buf | Buf | Buf | Buf |
//!   kernel   +------+------+------+------+           +-----+-----+-----+-----+
//!   from the head on           ^ tail: ours          a received one is handed out whole, and
//!                                                    a fresh one of the pool takes its id
//! ```

use core::mem::size_of;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU16, Ordering};
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};

use io_uring::types::BufRingEntry;
use runtime::{Buf, IoError, PAGE_BYTES, Runtime};

use crate::ring::Ring;

/// The one group of buffers of a ring.
pub(crate) const GROUP: u16 = 0;

/// The buffers of one ring that wait to be received into.
#[derive(Debug)]
pub(crate) struct Provided {
    entries: NonNull<BufRingEntry>,
    layout: Layout,
    tail: u16,
    /// By buffer id. One is missing only between its completion and its replacement.
    buffers: Vec<Option<Buf>>,
    bytes: u32,
}

impl Provided {
    /// Registers `count` buffers of `bytes` bytes with `ring`.
    pub(crate) fn register(
        ring: &Ring,
        runtime: &Runtime,
        count: u16,
        bytes: u32,
    ) -> Result<Self, IoError> {
        assert!(count.is_power_of_two());
        let size = usize::from(count) * size_of::<BufRingEntry>();
        let layout = Layout::from_size_align(size, PAGE_BYTES).expect("a few pages");
        // SAFETY: the size is not zero, as the count is not.
        let memory = unsafe { alloc_zeroed(layout) };
        #[expect(clippy::cast_ptr_alignment, reason = "the layout is aligned to a page")]
        let Some(entries) = NonNull::new(memory.cast::<BufRingEntry>()) else {
            handle_alloc_error(layout)
        };
        let mut provided = Self {
            entries,
            layout,
            tail: 0,
            buffers: (0..count).map(|_| None).collect(),
            bytes,
        };
        // SAFETY: the entries are `count` entries long, aligned to a page, and freed only in `unregister`, after
        // the kernel gave them up, and in `drop`, which is reached without it only if this registration failed.
        let registered = unsafe {
            ring.inner().submitter().register_buf_ring_with_flags(
                entries.as_ptr().addr() as u64,
                count,
                GROUP,
                0,
            )
        };
        registered?;
        for id in 0..count {
            provided.provide(id, runtime.buffer(bytes as usize));
        }
        Ok(provided)
    }

    /// Bytes of each buffer.
    pub(crate) fn bytes(&self) -> u32 {
        self.bytes
    }

    /// Takes the buffer that the kernel filled out of the group, and puts a fresh one in its place.
    pub(crate) fn take(&mut self, id: u16, runtime: &Runtime) -> Buf {
        let filled = self.buffers[usize::from(id)].take();
        self.provide(id, runtime.buffer(self.bytes as usize));
        filled.expect("the kernel takes a buffer once")
    }

    /// Puts back a buffer that the kernel took and did not fill.
    pub(crate) fn give_back(&mut self, id: u16) {
        let buffer = self.buffers[usize::from(id)].take();
        self.provide(id, buffer.expect("the kernel takes a buffer once"));
    }

    fn provide(&mut self, id: u16, mut buffer: Buf) {
        let count = u16::try_from(self.buffers.len()).expect("made from one");
        let address = buffer.spare_mut().as_mut_ptr().addr() as u64;
        // SAFETY: the index is below the count. The kernel reads entries only between its head and the tail, and
        // this one is at the tail; the place is free, because ids in the ring are distinct and one is missing.
        let entry = unsafe {
            &mut *self
                .entries
                .as_ptr()
                .add(usize::from(self.tail & (count - 1)))
        };
        entry.set_addr(address);
        entry.set_len(self.bytes);
        entry.set_bid(id);
        // The buffer's memory does not move with it; it is handed out only when the kernel said that it is done.
        self.buffers[usize::from(id)] = Some(buffer);
        self.tail = self.tail.wrapping_add(1);
        // SAFETY: the entries are there and initialized; the tail lies over an unused part of the first of them.
        let tail = unsafe { BufRingEntry::tail(self.entries.as_ptr()) };
        // SAFETY: the kernel reads the tail as an atomic number of this size, aligned as such; nobody writes it
        // but us. Release: who sees the new tail sees the entry.
        unsafe { AtomicU16::from_ptr(tail.cast_mut()) }.store(self.tail, Ordering::Release);
    }

    /// Takes the buffers back from the kernel, which has no receive in flight any more.
    pub(crate) fn unregister(self, ring: &Ring) {
        if let Err(error) = ring.inner().submitter().unregister_buf_ring(GROUP) {
            // The kernel still knows the memory: it must never be given to anyone else.
            crate::environment::complain(&format!("leaks its receive buffers: {error}"));
            Box::leak(Box::new(self));
        }
    }
}

impl Drop for Provided {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout in `register`; the kernel does not know it any more.
        unsafe { dealloc(self.entries.as_ptr().cast(), self.layout) };
    }
}
