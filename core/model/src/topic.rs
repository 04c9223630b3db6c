//! Topics: the name that people give, and the identity that outlives a reuse of the name [KIP-516].

use core::fmt;
use std::sync::Arc;

/// Bytes of the longest topic name.
pub const TOPIC_NAME_BYTES_MAX: usize = 249;

/// The identity of a topic: 16 bytes, drawn when it is created, never used again [KIP-516].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicId(pub [u8; 16]);

impl TopicId {
    /// No topic: what the wire carries where there is no identity.
    pub const NONE: Self = Self([0; 16]);

    /// An identity from 128 random bits, in the form of a random UUID [rfc9562 §5.4].
    pub fn from_random(high: u64, low: u64) -> Self {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&high.to_be_bytes());
        bytes[8..].copy_from_slice(&low.to_be_bytes());
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Self(bytes)
    }

    /// The identity that [`TopicId`]'s text form names: 32 hexadecimal digits, with or without dashes.
    pub fn parse(text: &str) -> Option<Self> {
        let mut digits = text.chars().filter(|&c| c != '-');
        let mut bytes = [0; 16];
        for byte in &mut bytes {
            let high = digits.next()?.to_digit(16)?;
            let low = digits.next()?.to_digit(16)?;
            *byte = u8::try_from(high << 4 | low).expect("two digits of four bits");
        }
        digits.next().is_none().then_some(Self(bytes))
    }
}

impl fmt::Display for TopicId {
    /// As a UUID: `8-4-4-4-12` hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, byte) in self.0.iter().enumerate() {
            if matches!(position, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// A legal topic name: 1 to 249 of `a-z A-Z 0-9 . _ -`, and neither `.` nor `..`. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicName(Arc<str>);

/// Why a name is not legal, in words for whoever chose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopicNameError {
    /// No character at all.
    Empty,
    /// Longer than [`TOPIC_NAME_BYTES_MAX`].
    TooLong,
    /// `.` or `..`.
    Dots,
    /// A character that is not allowed.
    Character(char),
}

impl TopicName {
    /// The name `text`, if it is legal.
    pub fn parse(text: &str) -> Result<Self, TopicNameError> {
        if text.is_empty() {
            return Err(TopicNameError::Empty);
        }
        if text == "." || text == ".." {
            return Err(TopicNameError::Dots);
        }
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if let Some(character) = text.chars().find(|&c| !legal(c)) {
            return Err(TopicNameError::Character(character));
        }
        if text.len() > TOPIC_NAME_BYTES_MAX {
            return Err(TopicNameError::TooLong);
        }
        Ok(Self(Arc::from(text)))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for TopicNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a topic name cannot be empty"),
            Self::TooLong => write!(
                f,
                "a topic name has at most {TOPIC_NAME_BYTES_MAX} characters"
            ),
            Self::Dots => f.write_str("a topic cannot be called '.' or '..'"),
            Self::Character(character) => write!(
                f,
                "a topic name cannot contain {character:?}: letters, digits, '.', '_' and '-' are allowed"
            ),
        }
    }
}

impl core::error::Error for TopicNameError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_a_random_uuid_and_survives_its_text() {
        let id = TopicId::from_random(u64::MAX, u64::MAX);
        assert_eq!(id.to_string(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(TopicId::parse(&id.to_string()), Some(id));
        assert_eq!(TopicId::parse("ff"), None);
        assert_eq!(TopicId::parse(&"f".repeat(33)), None);
    }

    #[test]
    fn names_are_those_that_kafka_allows() {
        assert_eq!(
            TopicName::parse("a.b_c-9").map(|name| name.to_string()),
            Ok("a.b_c-9".to_owned())
        );
        assert_eq!(TopicName::parse(""), Err(TopicNameError::Empty));
        assert_eq!(TopicName::parse(".."), Err(TopicNameError::Dots));
        assert_eq!(TopicName::parse("a b"), Err(TopicNameError::Character(' ')));
        assert_eq!(
            TopicName::parse(&"a".repeat(250)),
            Err(TopicNameError::TooLong)
        );
        assert!(TopicName::parse(&"a".repeat(249)).is_ok());
    }
}
