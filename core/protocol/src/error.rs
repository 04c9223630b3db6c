//! What can go wrong between bytes and messages.

use core::fmt;

/// Why bytes are not the message that they claim to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// What is wrong.
    pub kind: DecodeErrorKind,
    /// Where: bytes from the start of what the decoder was given.
    pub at: usize,
    /// The field that was being read, by the name of its definition.
    pub field: &'static str,
}

/// What is wrong with bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeErrorKind {
    /// This version of the message is not served.
    Version(i16),
    /// The field needs more bytes than are left.
    Truncated {
        /// Bytes it needs.
        needed: usize,
        /// Bytes that are left.
        remaining: usize,
    },
    /// A length or count is negative or beyond its largest value.
    Length(i64),
    /// A null where none may be.
    Null,
    /// More elements than the bytes left could hold.
    Count {
        /// Elements it names.
        count: usize,
        /// Bytes that are left.
        remaining: usize,
    },
    /// A variable-length number runs past 32 bits.
    Varint,
    /// Text that is not UTF-8.
    Utf8,
    /// More tagged fields than any message has.
    TaggedFieldCount(u32),
    /// A tagged field whose number is not above that of the one before.
    TaggedFieldOrder(u32),
    /// A tagged field that does not fill the bytes it says it has.
    TaggedFieldSize {
        /// Bytes it says.
        size: usize,
        /// Bytes that were left of them.
        unread: usize,
    },
    /// Decoding could take more memory than was granted.
    Budget {
        /// Bytes it could take.
        needed: usize,
        /// Bytes granted.
        budget: usize,
    },
    /// Bytes are left behind the message.
    Trailing(usize),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, at, field } = self;
        write!(f, "{field} at byte {at}: ")?;
        match kind {
            DecodeErrorKind::Version(version) => write!(f, "version {version} is not served"),
            DecodeErrorKind::Truncated { needed, remaining } => {
                write!(f, "needs {needed} bytes, {remaining} are left")
            }
            DecodeErrorKind::Length(length) => write!(f, "impossible length {length}"),
            DecodeErrorKind::Null => write!(f, "null is not allowed"),
            DecodeErrorKind::Count { count, remaining } => {
                write!(f, "{count} elements do not fit the {remaining} bytes left")
            }
            DecodeErrorKind::Varint => write!(f, "a number of more than 32 bits"),
            DecodeErrorKind::Utf8 => write!(f, "text is not UTF-8"),
            DecodeErrorKind::TaggedFieldCount(count) => write!(f, "{count} tagged fields"),
            DecodeErrorKind::TaggedFieldOrder(tag) => write!(f, "tag {tag} is out of order"),
            DecodeErrorKind::TaggedFieldSize { size, unread } => {
                write!(f, "a tagged field of {size} bytes leaves {unread} unread")
            }
            DecodeErrorKind::Budget { needed, budget } => {
                write!(
                    f,
                    "could take {needed} bytes of memory, {budget} are granted"
                )
            }
            DecodeErrorKind::Trailing(bytes) => write!(f, "{bytes} bytes are left over"),
        }
    }
}

impl core::error::Error for DecodeError {}

/// Why a message cannot be said in a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodeError {
    /// What is wrong.
    pub kind: EncodeErrorKind,
    /// The field, by the name of its definition; the message's name where it is about the whole.
    pub field: &'static str,
}

/// What a version cannot say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeErrorKind {
    /// This version of the message is not served.
    Version(i16),
    /// The version lacks the field, which is not its default and may not be dropped.
    Unrepresentable(i16),
    /// The field is null where the version allows none.
    Null,
    /// Longer than the wire can count.
    TooLong(usize),
}

impl EncodeError {
    /// The field has a value that `version` lacks.
    #[cold]
    pub(crate) const fn unrepresentable(field: &'static str, version: i16) -> Self {
        Self {
            kind: EncodeErrorKind::Unrepresentable(version),
            field,
        }
    }

    /// The field is null where none may be.
    #[cold]
    pub(crate) const fn null(field: &'static str) -> Self {
        Self {
            kind: EncodeErrorKind::Null,
            field,
        }
    }

    /// The field is longer than the wire can count.
    #[cold]
    pub(crate) const fn too_long(field: &'static str, length: usize) -> Self {
        Self {
            kind: EncodeErrorKind::TooLong(length),
            field,
        }
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = self.field;
        match self.kind {
            EncodeErrorKind::Version(version) => write!(f, "{field}: no version {version}"),
            EncodeErrorKind::Unrepresentable(version) => {
                write!(f, "{field}: version {version} cannot say it")
            }
            EncodeErrorKind::Null => write!(f, "{field}: null is not allowed"),
            EncodeErrorKind::TooLong(length) => write!(f, "{field}: {length} is too long"),
        }
    }
}

impl core::error::Error for EncodeError {}
