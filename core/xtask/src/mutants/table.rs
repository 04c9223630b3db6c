//! The planted bugs, each with the profile that reaches its rule.

/// Processor seconds that a mutant has.
pub(super) const CPU_SECONDS: u64 = 60;

/// One planted bug.
pub(super) struct Mutant {
    /// What `mutant!` calls it.
    pub(super) id: &'static str,
    /// The room that it breaks.
    pub(super) room: &'static str,
    /// What it breaks, in words.
    pub(super) breaks: &'static str,
    /// The profile of the simulator.
    pub(super) profile: &'static str,
    /// Seeds, at most.
    pub(super) seeds: u64,
}

/// All of them, room by room.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        id: "S00",
        room: "storage",
        breaks: "acknowledges before the sync",
        profile: "power",
        seeds: 1000,
    },
    Mutant {
        id: "S01",
        room: "storage",
        breaks: "recovery accepts a torn tail",
        profile: "power",
        seeds: 1000,
    },
    Mutant {
        id: "S02",
        room: "storage",
        breaks: "recovery cuts off what was committed",
        profile: "media",
        seeds: 1000,
    },
    Mutant {
        id: "S03",
        room: "storage",
        breaks: "the directory is not synced after a roll",
        profile: "power",
        seeds: 1000,
    },
    Mutant {
        id: "S04",
        room: "storage",
        breaks: "a failed sync is ignored",
        profile: "disk",
        seeds: 1000,
    },
    Mutant {
        id: "S05",
        room: "storage",
        breaks: "the index is off by one at the edge of a segment",
        profile: "power",
        seeds: 1000,
    },
    Mutant {
        id: "K01",
        room: "partition",
        breaks: "serves past the high watermark",
        profile: "power",
        seeds: 1000,
    },
    Mutant {
        id: "K00",
        room: "kafka",
        breaks: "answers leave out of order",
        profile: "swarm",
        seeds: 1000,
    },
];
