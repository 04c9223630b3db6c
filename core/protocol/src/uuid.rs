//! The sixteen bytes that name a topic or a directory.

use core::fmt;

/// A UUID as Kafka sends it: sixteen bytes, most significant first.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(pub [u8; 16]);

impl Uuid {
    /// All zero: none.
    pub const ZERO: Self = Self([0; 16]);

    /// Whether it names nothing.
    pub const fn is_zero(&self) -> bool {
        u128::from_be_bytes(self.0) == 0
    }
}

/// Base 64 for URLs, no padding: 22 characters, as Kafka prints ids.
impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let value = u128::from_be_bytes(self.0);
        // 128 bits are 21 digits of six bits, and two bits that lead the last digit.
        for index in 0..22 {
            let six = if index < 21 {
                value >> (122 - 6 * index)
            } else {
                value << 4
            };
            let digit = usize::try_from(six & 0x3f).map_err(|_unreachable| fmt::Error)?;
            write!(f, "{}", char::from(DIGITS[digit]))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uuid({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_prints_as_kafka_does() {
        assert_eq!(Uuid::ZERO.to_string(), "AAAAAAAAAAAAAAAAAAAAAA");
        // Kafka's own reserved id of the cluster's metadata topic.
        let one = Uuid(1_u128.to_be_bytes());
        assert_eq!(one.to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
        assert_eq!(Uuid([0xff; 16]).to_string(), "_____________________w");
        assert!(Uuid::ZERO.is_zero() && !one.is_zero());
    }
}
