//! The nouns of a broker, as types that cannot be mixed up.
//!
//! It knows no bytes: how a noun is written on disk or on the wire is the business of `storage` and `protocol`.
//!
//! ```text
//!   who and where   NodeId . TopicId . TopicName . PartitionIndex . PartitionKey
//!   number lines    Offset (what clients see)     LogIndex (what consensus counts)
//!                   Term   (what consensus counts) LeaderEpoch (what clients see of it)
//! ```
//!
//! Invariants: two number lines never share a type; a [`TopicName`] is legal; `end` is exclusive and `last`
//! inclusive, everywhere.
#![forbid(unsafe_code)]

pub mod node;
pub mod offset;
pub mod partition;
pub mod term;
pub mod topic;

pub use node::NodeId;
pub use offset::{LogIndex, Offset};
pub use partition::{PartitionIndex, PartitionKey};
pub use term::{LeaderEpoch, Term};
pub use topic::{TopicId, TopicName, TopicNameError};
