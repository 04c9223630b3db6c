//! Why a connection ended.

use core::fmt;

use protocol::{ApiKey, DecodeError, EncodeError, ErrorCode};
use runtime::IoError;

/// A protocol that is recognised by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// A TLS handshake.
    Tls,
    /// An HTTP request.
    Http,
}

impl Foreign {
    /// The protocol whose first bytes these are. Each would be an impossible size of a frame.
    pub fn recognise(first: [u8; 4]) -> Option<Self> {
        const METHODS: [&[u8; 4]; 9] = [
            b"GET ", b"HEAD", b"POST", b"PUT ", b"DELE", b"OPTI", b"PATC", b"CONN", b"PRI ",
        ];
        if matches!(first, [0x16, 0x03, ..]) {
            return Some(Self::Tls);
        }
        METHODS.contains(&&first).then_some(Self::Http)
    }
}

/// Why a connection ended. Rendered by whoever asked the door to serve it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The client ended it between two requests.
    EndOfStream,
    /// The client ended it within a request.
    CutOff,
    /// The broker is on its way out.
    Draining,
    /// Nothing happened for too long.
    Idle,
    /// A request did not arrive whole in time.
    FrameTimeout,
    /// The client did not take its answer in time.
    SendTimeout,
    /// The client was slower than the least that is expected, and others waited for the memory that it held.
    TooSlow,
    /// The network failed.
    Network(IoError),
    /// The client speaks another protocol.
    Foreign(Foreign),
    /// A size that no request has.
    FrameSize(i32),
    /// A request larger than its kind may be, or than there is memory for.
    FrameTooLarge {
        /// What was asked.
        api: ApiKey,
        /// Bytes of the frame.
        bytes: usize,
        /// Bytes that it may have.
        bytes_max: usize,
    },
    /// Nobody knows this API, or it is not served.
    UnknownApi(i16),
    /// The version is not served, and there is no layout in which the client would understand a refusal.
    UnsupportedVersion {
        /// What was asked.
        api: ApiKey,
        /// In which version.
        version: i16,
    },
    /// The header of a request is malformed.
    Header(DecodeError),
    /// The body of a request is malformed.
    Body {
        /// What was asked.
        api: ApiKey,
        /// What is wrong.
        error: DecodeError,
    },
    /// More partitions are named than the bytes of the request could hold batches for.
    TooManyPartitions(usize),
    /// A produce that waits for no answer failed: closing is the only way to say so.
    SilentProduceFailed(ErrorCode),
    /// Our answer has no place in the version asked for: our mistake.
    Unencodable {
        /// What was asked.
        api: ApiKey,
        /// What has no place.
        error: EncodeError,
    },
}

impl Closed {
    /// Whether the end is one of those that healthy clients and brokers cause.
    pub const fn is_ordinary(&self) -> bool {
        matches!(self, Self::EndOfStream | Self::Draining | Self::Idle)
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EndOfStream => f.write_str("the client closed it"),
            Self::CutOff => f.write_str("the client closed it within a request"),
            Self::Draining => f.write_str("the broker is stopping"),
            Self::Idle => f.write_str("idle for too long"),
            Self::FrameTimeout => f.write_str("a request did not arrive whole in time"),
            Self::SendTimeout => f.write_str("the client did not take its answer in time"),
            Self::TooSlow => f.write_str(
                "the client was too slow, and others waited for the memory that it held",
            ),
            Self::Network(error) => write!(f, "network: {error}"),
            Self::Foreign(Foreign::Tls) => {
                f.write_str("this is the plain Kafka port, and the client spoke TLS")
            }
            Self::Foreign(Foreign::Http) => {
                f.write_str("this is the Kafka port, and the client spoke HTTP")
            }
            Self::FrameSize(size) => write!(f, "no request has a size of {size} bytes"),
            Self::FrameTooLarge {
                api,
                bytes,
                bytes_max,
            } => write!(
                f,
                "a request {api} of {bytes} bytes, {bytes_max} are allowed"
            ),
            Self::UnknownApi(key) => write!(f, "API key {key} is not served"),
            Self::UnsupportedVersion { api, version } => {
                write!(f, "version {version} of {api} is not served")
            }
            Self::Header(error) => write!(f, "malformed header: {error}"),
            Self::Body { api, error } => write!(f, "malformed {api} request: {error}"),
            Self::TooManyPartitions(count) => {
                write!(
                    f,
                    "a request names {count} partitions and has no room for their batches"
                )
            }
            Self::SilentProduceFailed(code) => write!(f, "a produce with acks=0 failed: {code}"),
            Self::Unencodable { api, error } => {
                write!(f, "cannot encode the answer to {api}: {error}")
            }
        }
    }
}

impl core::error::Error for Closed {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_protocols_are_told_from_sizes() {
        assert_eq!(
            Foreign::recognise([0x16, 0x03, 0x01, 0x02]),
            Some(Foreign::Tls)
        );
        assert_eq!(Foreign::recognise(*b"GET "), Some(Foreign::Http));
        assert_eq!(Foreign::recognise(*b"PRI "), Some(Foreign::Http));
        assert_eq!(Foreign::recognise([0, 0, 0, 40]), None);
        assert_eq!(Foreign::recognise([0, 0x16, 0x03, 0x01]), None);
    }
}
