//! Kafka's variable-length integers: seven bits a byte, low bits first, zigzag for the sign.

/// The signed number at the front of `bytes` and what lies behind it. `None` where the bytes end inside it or it
/// does not fit 64 bits.
pub(crate) fn read_i64(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let mut value = 0_u64;
    for (index, &byte) in bytes.iter().enumerate().take(10) {
        let low = u64::from(byte & 0x7f);
        // The tenth byte holds the last bit alone.
        if index == 9 && low > 1 {
            return None;
        }
        value |= low << (7 * index);
        if byte & 0x80 == 0 {
            return Some((unzigzag(value), &bytes[index + 1..]));
        }
    }
    None
}

/// As [`read_i64`], for what must fit 32 bits in at most five bytes.
pub(crate) fn read_i32(bytes: &[u8]) -> Option<(i32, &[u8])> {
    let (value, rest) = read_i64(bytes)?;
    if bytes.len() - rest.len() > 5 {
        return None;
    }
    Some((i32::try_from(value).ok()?, rest))
}

/// Appends `value`.
pub(crate) fn write(out: &mut Vec<u8>, value: i64) {
    let mut rest = zigzag(value);
    while rest >= 0x80 {
        out.push(low_seven(rest) | 0x80);
        rest >>= 7;
    }
    out.push(low_seven(rest));
}

/// Bytes that [`write`] appends for `value`.
pub(crate) const fn length(value: i64) -> usize {
    let bits = 64 - (zigzag(value) | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

fn low_seven(value: u64) -> u8 {
    u8::try_from(value & 0x7f).expect("seven bits")
}

#[expect(
    clippy::cast_sign_loss,
    reason = "zigzag moves the sign into the lowest bit"
)]
const fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

#[expect(
    clippy::cast_possible_wrap,
    reason = "half of an unsigned number fits a signed one"
)]
const fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_edges_of_each_width_hold() {
        let table: [(i64, &[u8]); 7] = [
            (0, &[0]),
            (-1, &[1]),
            (1, &[2]),
            (63, &[126]),
            (64, &[128, 1]),
            (i64::MAX, &[254, 255, 255, 255, 255, 255, 255, 255, 255, 1]),
            (i64::MIN, &[255, 255, 255, 255, 255, 255, 255, 255, 255, 1]),
        ];
        for (value, bytes) in table {
            let mut out = Vec::new();
            write(&mut out, value);
            assert_eq!(out, bytes, "{value}");
        }
    }

    #[test]
    fn overlong_and_cut_off_numbers_are_refused() {
        assert_eq!(read_i64(&[]), None);
        assert_eq!(read_i64(&[0x80]), None);
        assert_eq!(read_i64(&[0xff; 11]), None);
        assert_eq!(
            read_i64(&[255, 255, 255, 255, 255, 255, 255, 255, 255, 2]),
            None
        );
        assert_eq!(read_i32(&[255, 255, 255, 255, 31]), None);
        assert_eq!(read_i32(&[0x80, 0x80, 0x80, 0x80, 0x80, 0]), None);
        assert_eq!(
            read_i32(&[255, 255, 255, 255, 15]),
            Some((i32::MIN, &[][..]))
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(value: i64, tail in proptest::collection::vec(any::<u8>(), 0..3)) {
            let mut out = Vec::new();
            write(&mut out, value);
            prop_assert_eq!(out.len(), length(value));
            out.extend_from_slice(&tail);
            prop_assert_eq!(read_i64(&out), Some((value, tail.as_slice())));
        }
    }
}
