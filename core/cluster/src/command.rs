//! What the controller decides, and the bytes in which it remembers it: `papers/format/controller-records.md`.
//!
//! ```text
//!   0         1      2
//!   +---------+------+----------------------------------------+
//!   | version | kind | fields of the kind, big-endian          |   the value of one Kafka record
//!   +---------+------+----------------------------------------+
//! ```

use core::fmt;

use model::{TopicId, TopicName, TopicNameError};

use crate::cluster_id::ClusterId;

mod reader;

use reader::Reader;

/// The version of the layout. Experimental: a later one may refuse it.
pub const VERSION: u8 = 0;

/// Bytes of the largest command. Far below the largest batch, and room for hundreds of settings.
pub const COMMAND_BYTES_MAX: usize = 256 << 10;

/// Bytes of a version and a kind.
const HEADER_BYTES: usize = 2;

const KIND_CLUSTER_NAMED: u8 = 1;
const KIND_CREATE_TOPIC: u8 = 2;
const KIND_DELETE_TOPIC: u8 = 3;
const KIND_FORGET_TOPIC: u8 = 4;

/// One decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// The cluster has this name, for ever.
    ClusterNamed {
        /// The name.
        cluster_id: ClusterId,
    },
    /// There is a new topic.
    CreateTopic {
        /// Its name.
        name: TopicName,
        /// Its identity, never used before.
        id: TopicId,
        /// Its partitions.
        partitions: i32,
        /// Replicas of each.
        replication_factor: i16,
        /// What was set for it, by Kafka's names. Each name once.
        configs: Vec<(String, String)>,
    },
    /// A topic is gone for clients. Its files are removed from now on.
    DeleteTopic {
        /// The topic.
        id: TopicId,
    },
    /// Nothing of a deleted topic is left on any broker.
    ForgetTopic {
        /// The topic.
        id: TopicId,
    },
}

/// Why bytes are not a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// More bytes than a command may have.
    TooLarge {
        /// How many.
        bytes: usize,
    },
    /// The bytes end within a field.
    Truncated,
    /// A layout that this version does not know.
    Version(u8),
    /// A kind that this version does not know.
    Kind(u8),
    /// A text that is not UTF-8.
    Text,
    /// A topic name that is not legal.
    Name(TopicNameError),
    /// Bytes behind the last field.
    Trailing {
        /// How many.
        bytes: usize,
    },
}

impl Command {
    /// Its bytes.
    ///
    /// # Panics
    /// When a text is above 64 KiB or there are more than 65,535 settings: [`Command::encoded_bytes`] is checked
    /// against [`COMMAND_BYTES_MAX`] before, and [`Command::is_encodable`] says whether each field fits.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.encoded_bytes());
        bytes.push(VERSION);
        match self {
            Self::ClusterNamed { cluster_id } => {
                bytes.push(KIND_CLUSTER_NAMED);
                bytes.extend_from_slice(&cluster_id.0);
            }
            Self::CreateTopic {
                name,
                id,
                partitions,
                replication_factor,
                configs,
            } => {
                bytes.push(KIND_CREATE_TOPIC);
                bytes.extend_from_slice(&id.0);
                put_text(&mut bytes, name.as_str());
                bytes.extend_from_slice(&partitions.to_be_bytes());
                bytes.extend_from_slice(&replication_factor.to_be_bytes());
                put_length(&mut bytes, configs.len());
                for (key, value) in configs {
                    put_text(&mut bytes, key);
                    put_text(&mut bytes, value);
                }
            }
            Self::DeleteTopic { id } => {
                bytes.push(KIND_DELETE_TOPIC);
                bytes.extend_from_slice(&id.0);
            }
            Self::ForgetTopic { id } => {
                bytes.push(KIND_FORGET_TOPIC);
                bytes.extend_from_slice(&id.0);
            }
        }
        bytes
    }

    /// How many bytes [`Command::encode`] gives.
    pub fn encoded_bytes(&self) -> usize {
        let fields = match self {
            Self::CreateTopic { name, configs, .. } => {
                let configs = configs
                    .iter()
                    .map(|(key, value)| text_bytes(key) + text_bytes(value));
                16 + text_bytes(name.as_str()) + 4 + 2 + 2 + configs.sum::<usize>()
            }
            Self::ClusterNamed { .. } | Self::DeleteTopic { .. } | Self::ForgetTopic { .. } => 16,
        };
        HEADER_BYTES + fields
    }

    /// Whether every field fits its length on disk, and the whole the bound.
    pub fn is_encodable(&self) -> bool {
        let fields_fit = match self {
            Self::CreateTopic { configs, .. } => {
                let fits = |text: &String| u16::try_from(text.len()).is_ok();
                u16::try_from(configs.len()).is_ok()
                    && configs.iter().all(|(key, value)| fits(key) && fits(value))
            }
            Self::ClusterNamed { .. } | Self::DeleteTopic { .. } | Self::ForgetTopic { .. } => true,
        };
        fields_fit && self.encoded_bytes() <= COMMAND_BYTES_MAX
    }

    /// The command that `bytes` are: all of them, and nothing of another layout. Total on any bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, CommandError> {
        if bytes.len() > COMMAND_BYTES_MAX {
            return Err(CommandError::TooLarge { bytes: bytes.len() });
        }
        let mut reader = Reader::new(bytes);
        let version = reader.byte()?;
        if version != VERSION {
            return Err(CommandError::Version(version));
        }
        let command = match reader.byte()? {
            KIND_CLUSTER_NAMED => Self::ClusterNamed {
                cluster_id: ClusterId(reader.array()?),
            },
            KIND_CREATE_TOPIC => decode_create(&mut reader)?,
            KIND_DELETE_TOPIC => Self::DeleteTopic {
                id: TopicId(reader.array()?),
            },
            KIND_FORGET_TOPIC => Self::ForgetTopic {
                id: TopicId(reader.array()?),
            },
            kind => return Err(CommandError::Kind(kind)),
        };
        reader.end()?;
        Ok(command)
    }
}

fn decode_create(reader: &mut Reader<'_>) -> Result<Command, CommandError> {
    let id = TopicId(reader.array()?);
    let name = TopicName::parse(reader.text()?).map_err(CommandError::Name)?;
    let partitions = i32::from_be_bytes(reader.array()?);
    let replication_factor = i16::from_be_bytes(reader.array()?);
    let count = reader.length()?;
    // Not reserved by the count: it is a claim, and the bytes behind it may not be there.
    let mut configs = Vec::new();
    for _ in 0..count {
        configs.push((reader.text()?.to_owned(), reader.text()?.to_owned()));
    }
    Ok(Command::CreateTopic {
        name,
        id,
        partitions,
        replication_factor,
        configs,
    })
}

fn text_bytes(text: &str) -> usize {
    2 + text.len()
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_length(bytes, text.len());
    bytes.extend_from_slice(text.as_bytes());
}

fn put_length(bytes: &mut Vec<u8>, length: usize) {
    let length = u16::try_from(length).expect("a command is checked before it is encoded");
    bytes.extend_from_slice(&length.to_be_bytes());
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { bytes } => {
                write!(
                    f,
                    "a command of {bytes} bytes, {COMMAND_BYTES_MAX} are allowed"
                )
            }
            Self::Truncated => f.write_str("a command that ends within a field"),
            Self::Version(version) => {
                write!(
                    f,
                    "a command of layout {version}, this version reads {VERSION}"
                )
            }
            Self::Kind(kind) => write!(f, "a command of unknown kind {kind}"),
            Self::Text => f.write_str("a command with a text that is not UTF-8"),
            Self::Name(error) => write!(f, "a command with an impossible topic name: {error}"),
            Self::Trailing { bytes } => write!(f, "a command with {bytes} bytes behind its end"),
        }
    }
}

impl core::error::Error for CommandError {}

#[cfg(test)]
mod tests;
