//! Fields of the layouts on disk: little-endian numbers at fixed places.

use core::ops::Range;

/// The bytes of a field, which is as long as its type.
///
/// # Panics
/// When it is not, or the bytes end within it: layouts are constants, and their bytes were counted.
pub(crate) fn array<const N: usize>(bytes: &[u8], range: Range<usize>) -> [u8; N] {
    bytes[range]
        .try_into()
        .expect("a field is as long as its type")
}

pub(crate) fn u32_at(bytes: &[u8], range: Range<usize>) -> u32 {
    u32::from_le_bytes(array(bytes, range))
}

pub(crate) fn u64_at(bytes: &[u8], range: Range<usize>) -> u64 {
    u64::from_le_bytes(array(bytes, range))
}

pub(crate) fn i64_at(bytes: &[u8], range: Range<usize>) -> i64 {
    i64::from_le_bytes(array(bytes, range))
}
