//! The 64 bits that the kernel carries from a submission to its completion: whom it is for.
//!
//! ```text
//!   63      56 55             32 31                 0
//!   +---------+-----------------+--------------------+
//!   |  kind   |   generation    |   slot, or core    |
//!   +---------+-----------------+--------------------+
//! ```
//! A slot is used again only after its operation's last entry was reaped, so the low bits of the generation are
//! there to catch a bug, not to tell operations apart.

use runtime::{CoreId, OperationId};

/// Bits of the generation that travel along.
const GENERATION_MASK: u32 = (1 << 24) - 1;

/// Whom a completion queue entry is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// The operation in this slot.
    Operation { slot: u32, generation: u32 },
    /// The sync that is linked to the write in this slot.
    LinkedSync { slot: u32, generation: u32 },
    /// A request to cancel, which says nothing that the cancelled operation does not say.
    Cancel,
    /// Another core rang.
    Rung,
    /// Our ring to another core did not get through.
    RingFailed(CoreId),
    /// The read of our event descriptor: a helper, or a core without message rings, rang.
    Event,
}

impl Token {
    /// The token of the operation `id`.
    pub(crate) fn operation(id: OperationId) -> Self {
        Self::Operation {
            slot: id.slot,
            generation: id.generation & GENERATION_MASK,
        }
    }

    /// The token of the sync linked to the write `id`.
    pub(crate) fn linked_sync(id: OperationId) -> Self {
        Self::LinkedSync {
            slot: id.slot,
            generation: id.generation & GENERATION_MASK,
        }
    }

    /// Whether `generation`, cut to what travels, is that of `id`.
    pub(crate) fn is_of(generation: u32, id: OperationId) -> bool {
        generation == id.generation & GENERATION_MASK
    }

    /// As the kernel carries it.
    pub(crate) fn to_bits(self) -> u64 {
        let (kind, generation, low) = match self {
            Self::Operation { slot, generation } => (0_u64, generation, slot),
            Self::LinkedSync { slot, generation } => (1, generation, slot),
            Self::Cancel => (2, 0, 0),
            Self::Rung => (3, 0, 0),
            Self::RingFailed(core) => (4, 0, u32::from(core.number())),
            Self::Event => (5, 0, 0),
        };
        kind << 56 | u64::from(generation) << 32 | u64::from(low)
    }

    /// What [`Token::to_bits`] packed.
    ///
    /// # Panics
    /// When the bits are nothing that this crate sent.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the fields are taken apart"
    )]
    pub(crate) fn from_bits(bits: u64) -> Self {
        let slot = bits as u32;
        let generation = (bits >> 32) as u32 & GENERATION_MASK;
        match bits >> 56 {
            0 => Self::Operation { slot, generation },
            1 => Self::LinkedSync { slot, generation },
            2 => Self::Cancel,
            3 => Self::Rung,
            4 => Self::RingFailed(CoreId::new(slot as u16)),
            5 => Self::Event,
            _ => panic!("a completion that nobody asked for: {bits:#x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_its_bits() {
        let id = OperationId {
            slot: u32::MAX,
            generation: u32::MAX,
        };
        let tokens = [
            Token::operation(id),
            Token::linked_sync(id),
            Token::Cancel,
            Token::Rung,
            Token::RingFailed(CoreId::new(255)),
            Token::Event,
        ];
        for token in tokens {
            assert_eq!(Token::from_bits(token.to_bits()), token);
        }
        let Token::Operation { generation, .. } = tokens[0] else {
            unreachable!("the first one is");
        };
        assert!(Token::is_of(generation, id));
    }
}
