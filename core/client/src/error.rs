//! What can go wrong between a client and a broker.

use core::fmt;

use protocol::{ApiKey, DecodeError, EncodeError, ErrorCode};
use runtime::IoError;

/// Why a call did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientError {
    /// No connection could be made.
    Connect(IoError),
    /// The connection failed after it was made.
    Network(IoError),
    /// The broker closed the connection.
    Closed,
    /// The time was over. The request may be carried out.
    TimedOut,
    /// The connection was not made in time. Nothing was sent.
    ConnectTimedOut,
    /// The broker speaks no version of this API that we speak.
    NoCommonVersion(ApiKey),
    /// The request has no place in the version that was agreed on. Nothing was sent.
    Encode(EncodeError),
    /// An answer is malformed.
    Decode(DecodeError),
    /// An answer has an impossible or forbidden size.
    ResponseSize(i32),
    /// An answer came that is not the next one. The connection is broken.
    OutOfOrder {
        /// The number of the request that waits for the next answer, if any does.
        expected: Option<i32>,
        /// The number that the answer has.
        received: i32,
    },
    /// An answer does not speak of what was asked.
    Incomplete(&'static str),
    /// The broker refused, with a code that Kafka knows.
    Broker {
        /// The code.
        code: ErrorCode,
        /// What the broker says about it.
        message: Option<String>,
    },
    /// The broker refused, with a code that nobody knows.
    UnknownCode(i16),
}

impl ClientError {
    /// The error that a code in an answer is; `Ok` where it is none.
    pub fn check(code: i16, message: Option<String>) -> Result<(), Self> {
        match ErrorCode::try_from(code) {
            Ok(ErrorCode::None) => Ok(()),
            Ok(code) => Err(Self::Broker { code, message }),
            Err(_unknown) => Err(Self::UnknownCode(code)),
        }
    }

    /// The code with which the broker refused.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Broker { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// Whether a write may have been carried out all the same. Who writes a history notes it as unknown.
    pub fn is_indeterminate(&self) -> bool {
        match self {
            Self::Network(_)
            | Self::Closed
            | Self::TimedOut
            | Self::Decode(_)
            | Self::ResponseSize(_)
            | Self::OutOfOrder { .. }
            | Self::Incomplete(_)
            | Self::UnknownCode(_) => true,
            Self::Connect(_)
            | Self::ConnectTimedOut
            | Self::NoCommonVersion(_)
            | Self::Encode(_) => false,
            Self::Broker { code, .. } => !is_refusal(*code),
        }
    }
}

/// Whether a broker gives this code only before it did anything. Every other one may come after a batch was appended,
/// in Kafka at least: leadership that is lost, a disk that fails, or a topic that is deleted while a commit is waited
/// for.
fn is_refusal(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::CorruptMessage
            | ErrorCode::InvalidRecord
            | ErrorCode::InvalidTimestamp
            | ErrorCode::MessageTooLarge
            | ErrorCode::RecordListTooLarge
            | ErrorCode::InvalidRequiredAcks
            | ErrorCode::NotEnoughReplicas
            | ErrorCode::UnsupportedVersion
            | ErrorCode::UnsupportedForMessageFormat
            | ErrorCode::UnsupportedCompressionType
            | ErrorCode::InvalidRequest
            | ErrorCode::InvalidTopicException
            | ErrorCode::TopicAlreadyExists
            | ErrorCode::InvalidPartitions
            | ErrorCode::InvalidReplicationFactor
            | ErrorCode::InvalidReplicaAssignment
            | ErrorCode::InvalidConfig
            | ErrorCode::PolicyViolation
            | ErrorCode::TopicAuthorizationFailed
            | ErrorCode::ClusterAuthorizationFailed
            | ErrorCode::TransactionalIdAuthorizationFailed
            | ErrorCode::SaslAuthenticationFailed
            | ErrorCode::InvalidTxnState
            | ErrorCode::OutOfOrderSequenceNumber
            | ErrorCode::InvalidProducerEpoch
            | ErrorCode::UnknownProducerId
    )
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => write!(f, "cannot connect: {error}"),
            Self::Network(error) => write!(f, "connection failed: {error}"),
            Self::Closed => f.write_str("the broker closed the connection"),
            Self::TimedOut => f.write_str("no answer in time"),
            Self::ConnectTimedOut => f.write_str("no connection in time"),
            Self::NoCommonVersion(api) => write!(f, "no version of {api} is common"),
            Self::Encode(error) => write!(f, "cannot encode the request: {error}"),
            Self::Decode(error) => write!(f, "malformed answer: {error}"),
            Self::ResponseSize(size) => write!(f, "an answer of {size} bytes is not taken"),
            Self::OutOfOrder { expected, received } => {
                write!(f, "an answer to request {received}, expected {expected:?}")
            }
            Self::Incomplete(what) => write!(f, "an answer without {what}"),
            Self::Broker {
                code,
                message: Some(message),
            } => write!(f, "{} ({}): {message}", code.name(), code.code()),
            Self::Broker {
                code,
                message: None,
            } => code.fmt(f),
            Self::UnknownCode(code) => write!(f, "unknown error code {code}"),
        }
    }
}

impl core::error::Error for ClientError {}

impl From<EncodeError> for ClientError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

impl From<DecodeError> for ClientError {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}
