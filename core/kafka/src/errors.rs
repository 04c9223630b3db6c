//! The one translation from what other rooms say into what Kafka's clients understand.
//!
//! A code decides what a client does next, so each line here is a promise: a retriable code where asking again is
//! right, a code that leaves the outcome open only where it is open.

use cluster::{ClusterError, Refusal};
use partition::{ProposeError, ReadError};
use protocol::ErrorCode;
use records::RecordsError;

/// An error code, and words for whoever reads the client's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What the client acts by.
    pub(crate) code: ErrorCode,
    /// What happened, where the code does not say it all.
    pub(crate) message: Option<String>,
}

impl Failure {
    /// A failure in words.
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: Some(message.into()),
        }
    }

    /// The words, those of the code where there are no better ones.
    pub(crate) fn into_message(self) -> String {
        self.message
            .unwrap_or_else(|| self.code.message().to_owned())
    }
}

impl From<ErrorCode> for Failure {
    fn from(code: ErrorCode) -> Self {
        Self {
            code,
            message: None,
        }
    }
}

impl From<ProposeError> for Failure {
    fn from(error: ProposeError) -> Self {
        match error {
            ProposeError::UnknownPartition => ErrorCode::UnknownTopicOrPartition.into(),
            ProposeError::NotLeader | ProposeError::WrongTerm { .. } => {
                ErrorCode::NotLeaderOrFollower.into()
            }
            ProposeError::NoSpace => Self::new(
                ErrorCode::KafkaStorageError,
                "no space is left on the device; nothing was written",
            ),
            // Nothing was appended, and soon the same may succeed: of the codes that say both, the one that
            // every client tries again.
            ProposeError::Overloaded => Self::new(
                ErrorCode::NotEnoughReplicas,
                "too much waits for the disk; nothing was written",
            ),
            ProposeError::Fenced(why) => Self::new(ErrorCode::KafkaStorageError, why),
            ProposeError::Stopping => {
                Self::new(ErrorCode::NotLeaderOrFollower, "the broker is stopping")
            }
            // Known never to be served, so sending it again makes no duplicate.
            ProposeError::Lost => {
                Self::new(ErrorCode::NotLeaderOrFollower, "the write was taken back")
            }
            ProposeError::Unknown => Self::new(
                ErrorCode::RequestTimedOut,
                "the outcome of the write is unknown",
            ),
        }
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::UnknownPartition => ErrorCode::UnknownTopicOrPartition.into(),
            ReadError::NotReady => ErrorCode::NotLeaderOrFollower.into(),
            ReadError::OutOfRange(_) => ErrorCode::OffsetOutOfRange.into(),
            ReadError::FencedEpoch => ErrorCode::FencedLeaderEpoch.into(),
            ReadError::UnknownEpoch => ErrorCode::UnknownLeaderEpoch.into(),
            ReadError::Fenced(why) => Self::new(ErrorCode::KafkaStorageError, why),
            ReadError::Stopping => {
                Self::new(ErrorCode::NotLeaderOrFollower, "the broker is stopping")
            }
        }
    }
}

impl From<RecordsError> for Failure {
    fn from(error: RecordsError) -> Self {
        let code = match error {
            RecordsError::Truncated { .. }
            | RecordsError::Length { .. }
            | RecordsError::Checksum { .. } => ErrorCode::CorruptMessage,
            RecordsError::TooLarge { .. } => ErrorCode::MessageTooLarge,
            RecordsError::Magic { .. } => ErrorCode::UnsupportedForMessageFormat,
            RecordsError::Codec { .. } | RecordsError::Compressed { .. } => {
                ErrorCode::UnsupportedCompressionType
            }
            RecordsError::TimestampType { .. } => ErrorCode::InvalidTimestamp,
            RecordsError::Empty
            | RecordsError::TooManyBatches { .. }
            | RecordsError::Attributes { .. }
            | RecordsError::Control { .. }
            | RecordsError::Count { .. }
            | RecordsError::LastOffsetDelta { .. }
            | RecordsError::Offsets { .. }
            | RecordsError::Producer { .. }
            | RecordsError::Record { .. }
            | RecordsError::RecordsTrailing { .. } => ErrorCode::InvalidRecord,
        };
        Self::new(code, error.to_string())
    }
}

impl From<ClusterError> for Failure {
    fn from(error: ClusterError) -> Self {
        let code = match &error {
            ClusterError::Refused(refusal) => of_refusal(refusal),
            ClusterError::NoSpace => ErrorCode::KafkaStorageError,
            // Nothing was changed: a client that looks for the controller again comes back with the same request.
            ClusterError::Overloaded => ErrorCode::NotController,
            ClusterError::Stopping | ClusterError::Unknown => ErrorCode::RequestTimedOut,
        };
        Self::new(code, error.to_string())
    }
}

fn of_refusal(refusal: &Refusal) -> ErrorCode {
    match refusal {
        Refusal::TopicExists => ErrorCode::TopicAlreadyExists,
        Refusal::TopicNameCollides(_) => ErrorCode::InvalidTopicException,
        Refusal::UnknownTopic(_) => ErrorCode::UnknownTopicId,
        Refusal::Partitions { .. } => ErrorCode::InvalidPartitions,
        Refusal::ReplicationFactor { .. } => ErrorCode::InvalidReplicationFactor,
        Refusal::TooManyTopics { .. } | Refusal::TooManyPartitions { .. } => {
            ErrorCode::PolicyViolation
        }
        Refusal::DuplicateConfig(_) | Refusal::TooLarge { .. } => ErrorCode::InvalidConfig,
        // A client cannot ask for these.
        Refusal::ClusterIsNamed | Refusal::TopicIdExists(_) | Refusal::TopicIsLive(_) => {
            ErrorCode::UnknownServerError
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Term;
    use partition::Watermarks;

    /// Where asking again cannot double or lose anything, the code says that it may be asked again.
    #[test]
    fn nothing_written_is_retriable_and_an_open_outcome_is_told_apart() {
        let nothing_written = [
            ProposeError::UnknownPartition,
            ProposeError::NotLeader,
            ProposeError::WrongTerm { current: Term(2) },
            ProposeError::NoSpace,
            ProposeError::Overloaded,
            ProposeError::Stopping,
            ProposeError::Lost,
        ];
        for error in nothing_written {
            let code = Failure::from(error.clone()).code;
            assert!(code.is_retriable(), "{error:?}");
            assert_ne!(code, ErrorCode::RequestTimedOut, "{error:?}");
        }
        let open = Failure::from(ProposeError::Unknown).code;
        assert_eq!(open, ErrorCode::RequestTimedOut);
    }

    #[test]
    fn a_reader_out_of_range_resets_and_does_not_retry() {
        let failure = Failure::from(ReadError::OutOfRange(Watermarks::default()));
        assert_eq!(failure.code, ErrorCode::OffsetOutOfRange);
        assert!(!failure.code.is_retriable());
    }
}
