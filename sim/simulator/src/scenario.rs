//! A scenario: everything that shapes a run, as a file that is replayed, shrunk and kept.
//!
//! A seed only *draws* a scenario; a run is a function of the scenario. Its seed lives on in it for the labelled
//! streams of the world, so that a fault taken out of the file leaves the rest of the run as it was.

use serde::{Deserialize, Serialize};

pub mod draw;
pub mod fault;
pub mod profile;
pub mod stranger;

pub use fault::{Fault, FaultKind};
pub use profile::Profile;
pub use stranger::{StrangerKind, StrangerShape};

/// The form of the file. Another number is refused.
pub const SCENARIO_VERSION: u32 = 0;

/// One run, completely.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// [`SCENARIO_VERSION`].
    pub version: u32,
    /// Names the random streams.
    pub seed: u64,
    /// How it was drawn; of no effect on the run.
    pub profile: Profile,
    /// The broker.
    pub broker: BrokerShape,
    /// Topics made at the start by a client.
    pub topics: Vec<TopicShape>,
    /// Who works on them.
    pub clients: Vec<ClientShape>,
    /// Who else connects, errs, and is in the way.
    #[serde(default)]
    pub strangers: Vec<StrangerShape>,
    /// The network while nothing special happens.
    pub network: NetworkShape,
    /// The disk while nothing special happens.
    pub disk: DiskShape,
    /// The broker's clock.
    pub clock: ClockShape,
    /// What happens when.
    pub faults: Vec<Fault>,
    /// Faults and work end at this time, in simulated milliseconds.
    pub safety_millis: u64,
    /// After that everything is healed, and within this many milliseconds all promises must be kept.
    pub heal_millis: u64,
}

/// The broker's configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrokerShape {
    /// Cores at each start, in turn: the first start takes the first, and so on round.
    pub cores: Vec<u16>,
    /// Memory for data in flight, in bytes.
    pub memory_bytes: u64,
    /// Bytes at which a segment is full.
    pub segment_bytes: u64,
    /// Whether a topic is made when it is first used.
    pub auto_create: bool,
    /// Milliseconds after which a connection without requests ends.
    pub idle_millis: u64,
    /// Its first process is killed at this event, long before anybody asks it anything.
    #[serde(default)]
    pub first_killed_at: Option<u64>,
}

/// A topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicShape {
    /// Its name.
    pub name: String,
    /// Its partitions.
    pub partitions: i32,
    /// Left to be made on first use. It has one partition then.
    pub on_first_use: bool,
    /// Bytes of the largest batch that it takes, where that is not the broker's own bound.
    pub message_bytes_max: Option<u32>,
}

/// A client and what it does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientShape {
    /// Operations, at most; where faults are scheduled it goes on until the safety phase ends.
    pub operations: u32,
    /// Mean pause between two operations, in microseconds.
    pub pace_micros: u64,
    /// How long its writes may wait for their commit, in milliseconds.
    pub commit_millis: u64,
    /// Requests it keeps in flight on its connection.
    pub in_flight: u32,
    /// How often it does what.
    pub mix: Mix,
    /// Records of a batch, at most.
    pub records_max: u32,
    /// Bytes of a record's value, at most.
    pub value_bytes_max: u32,
    /// Bytes asked for by a fetch, at most.
    pub fetch_bytes_max: u32,
}

/// Weights of what a client does. Zero: never.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mix {
    /// Produce and hear nothing.
    pub produce_none: u32,
    /// Produce and hear of the append.
    pub produce_leader: u32,
    /// Produce and hear of the commit.
    pub produce_all: u32,
    /// Fetch from an offset.
    pub fetch: u32,
    /// Fetch at the end and wait.
    pub follow: u32,
    /// List offsets.
    pub list_offsets: u32,
    /// Ask for metadata.
    pub metadata: u32,
    /// Make a topic.
    pub create_topic: u32,
    /// Ask where an epoch ended.
    pub epoch_end: u32,
}

/// The network at rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkShape {
    /// One way, in microseconds.
    pub latency_micros: u64,
    /// Added at random, up to this.
    pub jitter_micros: u64,
    /// Bytes that fit between two ends in one direction.
    pub window_bytes: u64,
    /// Sends and receives may be short, segments are small, some are late. It breaks no promise.
    pub choppy: bool,
}

/// The disk at rest. Rates are per million operations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiskShape {
    /// Mean time of a write, in microseconds.
    pub write_micros: u64,
    /// Mean time of a sync, in microseconds.
    pub sync_micros: u64,
    /// Mean time of a read, in microseconds.
    pub read_micros: u64,
    /// Writes that take fewer bytes than given.
    pub short_write_ppm: u32,
    /// Operations that take a hundred times as long.
    pub slow_ppm: u32,
}

/// The broker's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockShape {
    /// Its wall clock is this far off at the start, in milliseconds.
    pub offset_millis: i64,
    /// Both its clocks run this much fast or slow, in parts per million.
    pub drift_ppm: i64,
}

/// Why a scenario file cannot be run.
#[derive(Debug)]
pub enum ScenarioError {
    /// Not the JSON of a scenario.
    Malformed(serde_json::Error),
    /// Of another version.
    Version(u32),
}

impl core::fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "not a scenario: {error}"),
            Self::Version(version) => write!(
                f,
                "a scenario of version {version}; this simulator runs version {SCENARIO_VERSION}: check out the commit that wrote it"
            ),
        }
    }
}

impl core::error::Error for ScenarioError {}

impl Scenario {
    /// Reads a scenario file.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        #[derive(Deserialize)]
        struct Head {
            version: u32,
        }
        let head: Head = serde_json::from_str(text).map_err(ScenarioError::Malformed)?;
        if head.version != SCENARIO_VERSION {
            return Err(ScenarioError::Version(head.version));
        }
        serde_json::from_str(text).map_err(ScenarioError::Malformed)
    }

    /// Whether something happens in it that one replica alone is not promised to survive.
    pub fn is_beyond_model(&self) -> bool {
        self.faults.iter().any(|fault| fault.kind.is_beyond_model())
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a scenario is plain data");
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_survives_its_file() {
        for seed in 0..50 {
            let scenario = draw::scenario(seed, Profile::Swarm);
            let read = Scenario::parse(&scenario.to_text()).expect("it was just written");
            assert_eq!(read, scenario);
        }
    }

    #[test]
    fn another_version_and_unknown_fields_are_refused() {
        let text = draw::scenario(1, Profile::Swarm).to_text();
        let other = text.replacen("\"version\": 0", "\"version\": 9", 1);
        assert!(matches!(
            Scenario::parse(&other),
            Err(ScenarioError::Version(9))
        ));
        let unknown = text.replacen("\"seed\"", "\"sead\"", 1);
        assert!(matches!(
            Scenario::parse(&unknown),
            Err(ScenarioError::Malformed(_))
        ));
    }
}
