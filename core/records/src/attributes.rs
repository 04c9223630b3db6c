//! The sixteen flag bits of a batch.
//!
//! ```text
//!   15 ................. 7     6          5        4               3            2 1 0
//!   unused, must be zero   delete      control  transactional   append time    codec
//!                          horizon
//! ```

use core::fmt;

const CODEC: u16 = 0b0000_0111;
const APPEND_TIME: u16 = 1 << 3;
const TRANSACTIONAL: u16 = 1 << 4;
const CONTROL: u16 = 1 << 5;
const DELETE_HORIZON: u16 = 1 << 6;
const KNOWN: u16 = CODEC | APPEND_TIME | TRANSACTIONAL | CONTROL | DELETE_HORIZON;

/// How the records behind the header are squeezed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// RFC 1952.
    Gzip,
    /// Snappy, in the framing of the Java library or bare.
    Snappy,
    /// The LZ4 frame format.
    Lz4,
    /// RFC 8878.
    Zstd,
}

impl Compression {
    /// Its number in the attributes.
    pub const fn number(self) -> u16 {
        match self {
            Self::None => 0,
            Self::Gzip => 1,
            Self::Snappy => 2,
            Self::Lz4 => 3,
            Self::Zstd => 4,
        }
    }

    /// Its name as topic properties spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    /// The codec of this number, where there is one.
    pub const fn from_number(number: u16) -> Option<Self> {
        match number {
            0 => Some(Self::None),
            1 => Some(Self::Gzip),
            2 => Some(Self::Snappy),
            3 => Some(Self::Lz4),
            4 => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// What the timestamps of a batch mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TimestampType {
    /// When the producer says the event happened: each record has its own.
    #[default]
    CreateTime,
    /// When the leader appended: one for all records, in the batch's largest timestamp.
    AppendTime,
}

/// The flags of a batch, as they stand; unknown bits are kept.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Attributes(u16);

impl Attributes {
    /// The flags with these bits.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// All sixteen bits.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// The bits that no version of Kafka gave a meaning.
    pub const fn unknown_bits(self) -> u16 {
        self.0 & !KNOWN
    }

    /// The codec, or its number where nobody knows it.
    pub const fn compression(self) -> Result<Compression, u16> {
        match Compression::from_number(self.0 & CODEC) {
            Some(compression) => Ok(compression),
            None => Err(self.0 & CODEC),
        }
    }

    /// What the timestamps mean.
    pub const fn timestamp_type(self) -> TimestampType {
        if self.0 & APPEND_TIME == 0 {
            TimestampType::CreateTime
        } else {
            TimestampType::AppendTime
        }
    }

    /// Whether the records wait for the end of a transaction.
    pub const fn is_transactional(self) -> bool {
        self.0 & TRANSACTIONAL != 0
    }

    /// Whether the batch is a marker of the broker and not data of a client.
    pub const fn is_control(self) -> bool {
        self.0 & CONTROL != 0
    }

    /// Whether the base timestamp is the time after which compaction may drop the batch's tombstones.
    pub const fn has_delete_horizon(self) -> bool {
        self.0 & DELETE_HORIZON != 0
    }

    /// These flags with another codec.
    #[must_use]
    pub const fn with_compression(self, compression: Compression) -> Self {
        Self(self.0 & !CODEC | compression.number())
    }

    /// These flags with another meaning of timestamps.
    #[must_use]
    pub const fn with_timestamp_type(self, timestamp_type: TimestampType) -> Self {
        match timestamp_type {
            TimestampType::CreateTime => Self(self.0 & !APPEND_TIME),
            TimestampType::AppendTime => Self(self.0 | APPEND_TIME),
        }
    }

    /// These flags, inside or outside a transaction.
    #[must_use]
    pub const fn with_transactional(self, transactional: bool) -> Self {
        if transactional {
            Self(self.0 | TRANSACTIONAL)
        } else {
            Self(self.0 & !TRANSACTIONAL)
        }
    }

    /// These flags, for a marker or for data.
    #[must_use]
    pub const fn with_control(self, control: bool) -> Self {
        if control {
            Self(self.0 | CONTROL)
        } else {
            Self(self.0 & !CONTROL)
        }
    }
}

impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attributes({:#06x})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_codec_has_its_number_and_five_has_none() {
        for number in 0..5 {
            let codec = Compression::from_number(number).expect("known");
            assert_eq!(codec.number(), number);
            assert_eq!(
                Attributes::default().with_compression(codec).compression(),
                Ok(codec)
            );
        }
        assert_eq!(Attributes::from_bits(5).compression(), Err(5));
    }

    #[test]
    fn flags_are_set_and_cleared_without_touching_others() {
        let all = Attributes::from_bits(0xffff);
        assert_eq!(all.unknown_bits(), 0xff80);
        assert_eq!(all.with_control(false).bits(), 0xffdf);
        assert_eq!(all.with_transactional(false).bits(), 0xffef);
        assert_eq!(
            all.with_timestamp_type(TimestampType::CreateTime).bits(),
            0xfff7
        );
        assert_eq!(all.with_compression(Compression::None).bits(), 0xfff8);
        assert!(all.has_delete_horizon() && all.is_control() && all.is_transactional());
    }
}
