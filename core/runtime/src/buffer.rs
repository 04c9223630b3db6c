//! Memory that operations own: [`Buf`] is unique, mutable and page-aligned; [`Frozen`] is an immutable, counted,
//! `Send` slice of one. Both come from the pool of one core and find their way back to it from any core.
//!
//! ```text
//!   pool --take--> Buf --freeze--> Frozen --clone, slice--> ... --last drop--> home queue --turn--> pool
//! ```

use core::fmt;
use core::ops::{Deref, Range};
use std::sync::Arc;

use bytemuck::{Pod, Zeroable};

use crate::budget::Lease;
use crate::home::{Home, Returned};

/// Bytes of a page: the alignment of every buffer, and the unit of direct I/O.
pub const PAGE_BYTES: usize = 4096;

/// Pages of the largest block that a pool keeps; larger ones go back to the allocator.
const POOLED_PAGES_MAX: usize = 256;

/// Classes of blocks kept: 1, 2, 4, ... 256 pages.
const CLASSES: usize = POOLED_PAGES_MAX.trailing_zeros() as usize + 1;

/// One page of memory.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(4096))]
pub(crate) struct Page([u8; PAGE_BYTES]);

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Page")
    }
}

/// Pages in one piece.
pub(crate) type Block = Box<[Page]>;

/// A unique, page-aligned buffer: `len` bytes are filled, the rest up to `capacity` is spare.
pub struct Buf {
    block: Block,
    length: usize,
    home: Arc<Home>,
    lease: Option<Lease>,
}

impl Buf {
    /// Bytes it can hold: a multiple of [`PAGE_BYTES`].
    pub fn capacity(&self) -> usize {
        self.block.len() * PAGE_BYTES
    }

    /// Bytes filled.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether nothing is filled.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Bytes that still fit.
    pub fn spare_len(&self) -> usize {
        self.capacity() - self.length
    }

    /// The filled bytes.
    pub fn as_slice(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.block)[..self.length]
    }

    /// The filled bytes, to change.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.block)[..self.length]
    }

    /// The bytes after the filled ones. They hold whatever an earlier use left there.
    pub fn spare_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.block)[self.length..]
    }

    /// Declares that `length` bytes from the start are filled.
    ///
    /// # Panics
    /// When they do not fit.
    pub fn set_len(&mut self, length: usize) {
        assert!(length <= self.capacity());
        self.length = length;
    }

    /// Appends `bytes`.
    ///
    /// # Panics
    /// When they do not fit: the caller sized the buffer.
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.spare_mut()[..bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }

    /// Ties the memory's lease to it: whoever drops the last of it gives the lease back.
    pub fn attach(&mut self, lease: Lease) {
        self.lease = Some(lease);
    }

    /// Makes it immutable and shared.
    pub fn freeze(self) -> Frozen {
        let range = 0..self.length;
        Frozen {
            memory: Arc::new(Memory::Pooled(self)),
            range,
        }
    }
}

impl Drop for Buf {
    fn drop(&mut self) {
        let block = core::mem::take(&mut self.block);
        // Through the home core whole: block first, then the lease's own drop.
        self.home.give_back(Returned {
            block: Some(block),
            lease: None,
        });
    }
}

impl fmt::Debug for Buf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buf({} of {} bytes)", self.length, self.capacity())
    }
}

/// What a [`Frozen`] counts references to.
#[derive(Debug)]
enum Memory {
    Pooled(Buf),
    Heap(Vec<u8>),
    Static(&'static [u8]),
}

impl Memory {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Pooled(buffer) => buffer.as_slice(),
            Self::Heap(bytes) => bytes,
            Self::Static(bytes) => bytes,
        }
    }
}

/// An immutable slice of shared memory: cheap to clone and to cut, and it may cross cores.
#[derive(Clone)]
pub struct Frozen {
    memory: Arc<Memory>,
    range: Range<usize>,
}

impl Frozen {
    /// Bytes that live for ever.
    pub fn from_static(bytes: &'static [u8]) -> Self {
        Self {
            range: 0..bytes.len(),
            memory: Arc::new(Memory::Static(bytes)),
        }
    }

    /// The part `range` of it, sharing the memory.
    ///
    /// # Panics
    /// When `range` is not within it.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        assert!(range.start <= range.end);
        assert!(range.end <= self.len());
        Self {
            memory: Arc::clone(&self.memory),
            range: self.range.start + range.start..self.range.start + range.end,
        }
    }

    /// Drops the first `count` bytes from view.
    ///
    /// # Panics
    /// When there are fewer.
    pub fn advance(&mut self, count: usize) {
        assert!(count <= self.len());
        self.range.start += count;
    }

    /// Whether it starts at the border of a page: true for slices of pool memory that do. Memory from elsewhere
    /// never counts as aligned, wherever the allocator happened to put it.
    pub fn is_page_aligned(&self) -> bool {
        matches!(*self.memory, Memory::Pooled(_)) && self.range.start.is_multiple_of(PAGE_BYTES)
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.memory.bytes()[self.range.clone()]
    }
}

impl Default for Frozen {
    fn default() -> Self {
        Self::from_static(b"")
    }
}

impl From<Vec<u8>> for Frozen {
    fn from(bytes: Vec<u8>) -> Self {
        Self {
            range: 0..bytes.len(),
            memory: Arc::new(Memory::Heap(bytes)),
        }
    }
}

impl From<Buf> for Frozen {
    fn from(buffer: Buf) -> Self {
        buffer.freeze()
    }
}

impl Deref for Frozen {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl AsRef<[u8]> for Frozen {
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl fmt::Debug for Frozen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frozen({} bytes)", self.len())
    }
}

/// Blocks of one core, by class, up to a cap; what does not fit under it goes back to the allocator.
#[derive(Debug)]
pub(crate) struct Pool {
    home: Arc<Home>,
    classes: [Vec<Block>; CLASSES],
    kept_bytes: usize,
    kept_bytes_max: usize,
}

impl Pool {
    pub(crate) fn new(home: Arc<Home>, kept_bytes_max: usize) -> Self {
        Self {
            home,
            classes: Default::default(),
            kept_bytes: 0,
            kept_bytes_max,
        }
    }

    /// An empty buffer of at least `capacity` bytes.
    pub(crate) fn take(&mut self, capacity: usize) -> Buf {
        let pages = capacity.div_ceil(PAGE_BYTES).max(1);
        let block = if pages <= POOLED_PAGES_MAX {
            let class = class_of(pages);
            match self.classes[class].pop() {
                Some(block) => {
                    self.kept_bytes -= block.len() * PAGE_BYTES;
                    block
                }
                None => bytemuck::zeroed_slice_box(1 << class),
            }
        } else {
            bytemuck::zeroed_slice_box(pages)
        };
        Buf {
            block,
            length: 0,
            home: Arc::clone(&self.home),
            lease: None,
        }
    }

    /// Keeps a block that came home, if it fits.
    pub(crate) fn keep(&mut self, block: Block) {
        let bytes = block.len() * PAGE_BYTES;
        if block.is_empty()
            || block.len() > POOLED_PAGES_MAX
            || self.kept_bytes + bytes > self.kept_bytes_max
        {
            return;
        }
        self.kept_bytes += bytes;
        self.classes[class_of(block.len())].push(block);
    }
}

/// The class whose blocks hold `pages` pages: the next power of two.
fn class_of(pages: usize) -> usize {
    pages.next_power_of_two().trailing_zeros() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core_id::CoreId;

    fn pool() -> Pool {
        Pool::new(Home::new(CoreId::ZERO, 1), 64 * PAGE_BYTES)
    }

    #[test]
    fn a_buffer_is_aligned_and_rounded_up() {
        let mut pool = pool();
        let buffer = pool.take(5_000);
        assert_eq!(buffer.capacity(), 8_192);
        assert_eq!(buffer.block.as_ptr().addr() % PAGE_BYTES, 0);
        assert_eq!(pool.take(0).capacity(), PAGE_BYTES);
        assert_eq!(pool.take(2_000_000).capacity(), 489 * PAGE_BYTES);
    }

    #[test]
    fn slices_share_and_the_last_drop_sends_the_block_home() {
        let mut pool = pool();
        let mut buffer = pool.take(10);
        buffer.extend_from_slice(b"0123456789");
        let whole = buffer.freeze();
        let mut part = whole.slice(2..8);
        drop(whole);
        assert_eq!(pool.home.waiting(1), 0);
        part.advance(1);
        assert_eq!(part.as_slice(), b"34567");
        assert_eq!(part.slice(1..3).as_slice(), b"45");
        drop(part);
        let returned = pool.home.take(1).expect("the block came home");
        pool.keep(returned.block.expect("with its memory"));
        assert_eq!(pool.kept_bytes, PAGE_BYTES);
        pool.take(1);
        assert_eq!(pool.kept_bytes, 0);
    }

    #[test]
    fn a_pool_keeps_no_more_than_its_cap() {
        let mut pool = pool();
        for _ in 0..3 {
            let block = bytemuck::zeroed_slice_box(32);
            pool.keep(block);
        }
        assert_eq!(pool.kept_bytes, 64 * PAGE_BYTES);
    }
}
