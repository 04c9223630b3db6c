//! A 128-bit digest over a sequence of events [xxh3 spec]. Two runs are the same when their digests are.

use core::fmt;

use xxhash_rust::xxh3::Xxh3;

/// A running digest.
#[derive(Clone, Default)]
pub struct Digest {
    state: Xxh3,
}

impl Digest {
    /// The digest of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Folds bytes in.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.state.update(bytes);
    }

    /// Folds numbers in, as little-endian bytes.
    pub fn words(&mut self, words: &[u64]) {
        for word in words {
            self.state.update(&word.to_le_bytes());
        }
    }

    /// The digest of all that was folded in so far.
    pub fn value(&self) -> u128 {
        self.state.digest128()
    }

    /// 64 bits that stand for `bytes`.
    pub fn of(bytes: &[u8]) -> u64 {
        xxhash_rust::xxh3::xxh3_64(bytes)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({:032x})", self.value())
    }
}
