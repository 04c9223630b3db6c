//! The checksum of a concatenation from the checksums of its parts.
//!
//! CRC-32C is linear over GF(2): moving a checksum in front of `n` more bytes multiplies it by x^8n modulo the
//! polynomial, and the checksum of what follows is added. The powers come from a table of 1 KiB: sixteen entries for
//! each half byte of the length, so a batch of up to 1 MiB costs at most five products.

/// Castagnoli's polynomial, bits reversed: the highest bit stands for x^0.
const POLYNOMIAL: u32 = 0x82f6_3b78;
/// 1, as a polynomial in that order of bits.
const ONE: u32 = 1 << 31;
/// x^8: what one more byte multiplies by.
const BYTE: u32 = 1 << 23;

/// Half bytes of a 64-bit length.
const DIGITS: usize = 16;

/// `POWERS[digit][value]` is x^(8 * value * 16^digit).
static POWERS: [[u32; 16]; DIGITS] = powers();

/// CRC-32C of two pieces in a row, from that of each.
///
/// `front` covers the first piece, `back` the second, which has `back_bytes` bytes.
///
/// ```
/// use stdx::crc32c;
/// assert_eq!(
///     records::combine(crc32c(b"a short "), crc32c(b"story"), 5),
///     crc32c(b"a short story"),
/// );
/// ```
pub fn combine(front: u32, back: u32, back_bytes: usize) -> u32 {
    shift(front, back_bytes) ^ back
}

/// A checksum's part in the checksum of the same piece with `bytes` bytes behind it.
pub(crate) fn shift(crc: u32, bytes: usize) -> u32 {
    let mut product = crc;
    let mut rest = bytes;
    for digit in &POWERS {
        if rest == 0 {
            break;
        }
        let value = rest & 0xf;
        if value != 0 {
            product = multiply(product, digit[value]);
        }
        rest >>= 4;
    }
    product
}

/// The product of two polynomials modulo [`POLYNOMIAL`]. No branch depends on the operands.
const fn multiply(left: u32, right: u32) -> u32 {
    let mut product = 0;
    let mut power = right;
    let mut bit = 0;
    while bit < 32 {
        product ^= power & 0_u32.wrapping_sub(left >> (31 - bit) & 1);
        power = (power >> 1) ^ (POLYNOMIAL & 0_u32.wrapping_sub(power & 1));
        bit += 1;
    }
    product
}

const fn powers() -> [[u32; 16]; DIGITS] {
    let mut table = [[ONE; 16]; DIGITS];
    let mut base = BYTE;
    let mut digit = 0;
    while digit < DIGITS {
        let mut value = 1;
        while value < 16 {
            table[digit][value] = multiply(table[digit][value - 1], base);
            value += 1;
        }
        base = multiply(table[digit][15], base);
        digit += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use stdx::crc32c;

    #[test]
    fn nothing_behind_changes_nothing() {
        assert_eq!(combine(0x1234_5678, 0, 0), 0x1234_5678);
        assert_eq!(combine(0, 0x1234_5678, 9), 0x1234_5678);
    }

    #[test]
    fn every_digit_of_the_table_is_reached() {
        let zeros = vec![0_u8; 1 << 20];
        for power in 0..=20 {
            for bytes in [(1_usize << power) - 1, 1 << power] {
                let mut whole = b"front".to_vec();
                whole.extend_from_slice(&zeros[..bytes]);
                let back = crc32c(&zeros[..bytes]);
                assert_eq!(
                    combine(crc32c(b"front"), back, bytes),
                    crc32c(&whole),
                    "{bytes}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn combined_is_the_sum_of_the_concatenation(
            front in proptest::collection::vec(any::<u8>(), 0..300),
            back in proptest::collection::vec(any::<u8>(), 0..5_000),
        ) {
            let whole = [front.as_slice(), &back].concat();
            prop_assert_eq!(combine(crc32c(&front), crc32c(&back), back.len()), crc32c(&whole));
        }

        #[test]
        fn combining_is_associative(a: u32, b: u32, c: u32, m in 0_usize..1 << 40, n in 0_usize..1 << 40) {
            prop_assert_eq!(combine(combine(a, b, m), c, n), combine(a, combine(b, c, n), m + n));
        }
    }
}
