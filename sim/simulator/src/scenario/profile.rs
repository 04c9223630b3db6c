//! Ways to draw a scenario.

use serde::{Deserialize, Serialize};

/// What a seed draws from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Everything, each feature and fault left out half of the time: swarm testing.
    Swarm,
    /// No fault at all: everything must succeed.
    Calm,
    /// Power cuts above all, small segments, much in flight.
    Power,
    /// Failing, full, slow and stalled disks.
    Disk,
    /// Cuts, resets, stalls.
    Network,
    /// Bits that flip at rest, with restarts: beyond what one replica survives, so a range may be refused.
    Media,
    /// No fault, 50 operations a simulated second: for measuring.
    Rate50,
    /// No fault, 500 operations a simulated second.
    Rate500,
    /// No fault, 5,000 operations a simulated second.
    Rate5000,
}

impl Profile {
    /// Its name on the command line and in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Swarm => "swarm",
            Self::Calm => "calm",
            Self::Power => "power",
            Self::Disk => "disk",
            Self::Network => "network",
            Self::Media => "media",
            Self::Rate50 => "rate50",
            Self::Rate500 => "rate500",
            Self::Rate5000 => "rate5000",
        }
    }
}
