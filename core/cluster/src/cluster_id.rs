//! The name of a cluster, as Kafka's clients print and compare it.

use core::fmt;

/// The alphabet of base64 for file names (RFC 4648, section 5).
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A random UUID, written in the 22 characters of Kafka's own identities. Drawn once, when a cluster first starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterId(pub [u8; 16]);

impl ClusterId {
    /// The id that 128 random bits name (RFC 9562, section 5.4).
    pub fn from_random(high: u64, low: u64) -> Self {
        let mut bytes = (u128::from(high) << 64 | u128::from(low)).to_be_bytes();
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        if bytes[0] >> 2 == 62 {
            // It would begin with a dash, which command lines take for a flag; Kafka avoids that too.
            bytes[0] &= 0x7f;
        }
        Self(bytes)
    }
}

impl fmt::Display for ClusterId {
    /// Base64 without padding: twenty-one characters of six bits, and the last two bits in front of four zeros.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = u128::from_be_bytes(self.0);
        let character = |six: u128| {
            let index = usize::try_from(six & 0x3f).expect("six bits");
            char::from(ALPHABET[index])
        };
        for position in 0..21 {
            write!(f, "{}", character(bits >> (122 - 6 * position)))?;
        }
        write!(f, "{}", character(bits << 4))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bits_are_encoded_as_the_standard_says() {
        let counted = core::array::from_fn(|position| u8::try_from(position).unwrap());
        assert_eq!(ClusterId(counted).to_string(), "AAECAwQFBgcICQoLDA0ODw");
        assert_eq!(ClusterId([0xff; 16]).to_string(), "_____________________w");
    }

    #[test]
    fn an_id_is_a_random_uuid() {
        assert_eq!(
            ClusterId::from_random(u64::MAX, u64::MAX).to_string(),
            "________T_-__________w"
        );
    }

    #[test]
    fn no_id_looks_like_a_flag() {
        for high in 0xf800_0000_0000_0000_u64..0xf800_0000_0000_0004 {
            assert!(!ClusterId::from_random(high, 0).to_string().starts_with('-'));
        }
    }
}
