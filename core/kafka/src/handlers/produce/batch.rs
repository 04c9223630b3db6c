//! What a topic asks of the batches that are produced to it.

use cluster::Topic;
use protocol::ErrorCode;
use records::{Compression, Limits, validate};

use crate::config::Config;
use crate::errors::Failure;

/// Batches of one partition in one request, as in Kafka since layout 2.
const BATCHES_MAX: usize = 1;

/// The first version whose consumers are known to read zstd [KIP-110].
const ZSTD_FROM: i16 = 7;

/// The settings of a topic that matter to its batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BatchRules {
    limits: Limits,
    /// Records carry the time of the append.
    pub(crate) stamp_append_time: bool,
}

impl BatchRules {
    /// The rules of `topic`.
    pub(crate) fn of(topic: &Topic, config: &Config) -> Self {
        let set = topic.config("max.message.bytes");
        let batch_bytes_max = set.and_then(|bytes| bytes.parse().ok());
        Self {
            limits: Limits {
                batch_bytes_max: batch_bytes_max.unwrap_or(config.message_bytes_max),
                batches_max: BATCHES_MAX,
            },
            stamp_append_time: topic.config("message.timestamp.type") == Some("LogAppendTime"),
        }
    }
}

/// Checks what a client sent for one partition.
pub(crate) fn check(records: &[u8], rules: &BatchRules, version: i16) -> Result<(), Failure> {
    for batch in validate(records, rules.limits)?.iter() {
        let attributes = batch.attributes();
        if attributes.is_transactional() {
            let why = "transactions are not served yet";
            return Err(Failure::new(ErrorCode::InvalidTxnState, why));
        }
        if version < ZSTD_FROM && attributes.compression() == Ok(Compression::Zstd) {
            let why = "zstd needs Produce version 7";
            return Err(Failure::new(ErrorCode::UnsupportedCompressionType, why));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use records::{Attributes, BatchBuilder, NewRecord, Producer};

    const RULES: BatchRules = BatchRules {
        limits: Limits {
            batch_bytes_max: 200,
            batches_max: BATCHES_MAX,
        },
        stamp_append_time: false,
    };

    fn batch(value: &[u8]) -> Vec<u8> {
        let mut builder = BatchBuilder::new();
        builder.push(&NewRecord::value(1, value));
        builder.finish()
    }

    fn code(records: &[u8]) -> Option<ErrorCode> {
        check(records, &RULES, 9).err().map(|failure| failure.code)
    }

    #[test]
    fn one_sound_batch_passes_and_everything_else_has_its_code() {
        let sound = batch(b"v");
        assert_eq!(code(&sound), None);
        assert_eq!(code(b""), Some(ErrorCode::InvalidRecord));
        assert_eq!(
            code(&[&sound[..], &sound].concat()),
            Some(ErrorCode::InvalidRecord)
        );
        assert_eq!(code(&batch(&[0; 200])), Some(ErrorCode::MessageTooLarge));
        assert_eq!(code(&sound[..30]), Some(ErrorCode::CorruptMessage));
        let mut damaged = sound.clone();
        damaged[65] ^= 1;
        assert_eq!(code(&damaged), Some(ErrorCode::CorruptMessage));
        let mut old = sound;
        old[16] = 1;
        assert_eq!(code(&old), Some(ErrorCode::UnsupportedForMessageFormat));
    }

    #[test]
    fn a_batch_of_a_transaction_is_refused_even_without_a_transactional_id() {
        const TRANSACTIONAL: u16 = 1 << 4;
        let producer = Producer {
            id: 7,
            epoch: 0,
            base_sequence: 0,
        };
        let mut builder = BatchBuilder::new()
            .producer(producer)
            .attributes(Attributes::from_bits(TRANSACTIONAL));
        builder.push(&NewRecord::value(1, b"v"));
        assert_eq!(code(&builder.finish()), Some(ErrorCode::InvalidTxnState));
    }
}
