//! Strangers: connections of clients that err, or mean harm. The others have to go on beside them.

use serde::{Deserialize, Serialize};
use stdx::Prng;

/// Some connections of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StrangerShape {
    /// What they do.
    pub kind: StrangerKind,
    /// How many they are at a time.
    pub connections: u32,
    /// When they come, in simulated milliseconds of the safety phase.
    pub from_millis: u64,
}

/// What a stranger does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StrangerKind {
    /// Says nothing.
    Silent,
    /// Begins a request and stops.
    HalfOpen {
        /// Bytes of the request that it promises.
        bytes: u32,
    },
    /// Asks for all records again and again, and reads no answer.
    Deaf,
    /// Waits for news with more requests than a connection may have behind that.
    Poller,
    /// Sends what is no request.
    Garbage,
    /// Asks what nobody serves, or in a version that nobody serves.
    Outdated,
    /// Writes batches that are damaged or too large.
    Breaker,
    /// Reads from all partitions at once, with little room, as part of a session, and with epochs of its own making.
    Collector,
}

impl StrangerKind {
    /// One of them.
    pub(super) fn draw(prng: &mut Prng) -> Self {
        let bytes = u32::try_from(prng.between(100, 900_000)).expect("small");
        *prng.choose(&[
            Self::Silent,
            Self::HalfOpen { bytes },
            Self::HalfOpen { bytes },
            Self::Deaf,
            Self::Deaf,
            Self::Poller,
            Self::Garbage,
            Self::Outdated,
            Self::Breaker,
            Self::Collector,
        ])
    }
}
