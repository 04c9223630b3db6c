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
    /// Who is to find it.
    pub(super) finder: Finder,
}

/// What finds a bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finder {
    /// Seeds of the simulator, a thousand at most, under this profile.
    Seeds(&'static str),
    /// A test of the room's `tests/mutants`, which has the bug's name in small letters.
    Test,
    /// The same, and the specification: what replicas decide with it, it refuses.
    TestAndTraces,
}

impl Finder {
    /// Whether a test of the room is to find it.
    pub(super) fn is_test(self) -> bool {
        matches!(self, Self::Test | Self::TestAndTraces)
    }
}

/// Seeds of the simulator that a bug may survive, at most.
pub(super) const SEEDS_MAX: u64 = 1_000;

/// All of them, room by room.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        id: "S00",
        room: "storage",
        breaks: "acknowledges before the sync",
        finder: Finder::Seeds("power"),
    },
    Mutant {
        id: "S01",
        room: "storage",
        breaks: "recovery accepts a torn tail",
        finder: Finder::Seeds("power"),
    },
    Mutant {
        id: "S02",
        room: "storage",
        breaks: "recovery cuts off what was committed",
        finder: Finder::Seeds("media"),
    },
    Mutant {
        id: "S03",
        room: "storage",
        breaks: "the directory is not synced after a roll",
        finder: Finder::Seeds("power"),
    },
    Mutant {
        id: "S04",
        room: "storage",
        breaks: "a failed sync is ignored",
        finder: Finder::Seeds("disk"),
    },
    Mutant {
        id: "S05",
        room: "storage",
        breaks: "the index is off by one at the edge of a segment",
        finder: Finder::Seeds("power"),
    },
    Mutant {
        id: "S06",
        room: "storage",
        breaks: "believes a footer that does not fit its checksum",
        finder: Finder::Test,
    },
    Mutant {
        id: "S07",
        room: "storage",
        breaks: "writes behind a footer without cutting it off",
        finder: Finder::Test,
    },
    Mutant {
        id: "S08",
        room: "storage",
        breaks: "counts a write as durable with an earlier one in flight",
        finder: Finder::Test,
    },
    Mutant {
        id: "S09",
        room: "storage",
        breaks: "does not write an unproven tail again",
        finder: Finder::Test,
    },
    Mutant {
        id: "S10",
        room: "storage",
        breaks: "a cut is not synced",
        finder: Finder::Test,
    },
    Mutant {
        id: "S11",
        room: "storage",
        breaks: "a removed segment's name is not synced",
        finder: Finder::Test,
    },
    Mutant {
        id: "S12",
        room: "storage",
        breaks: "the index keeps what was cut off",
        finder: Finder::Test,
    },
    Mutant {
        id: "S13",
        room: "storage",
        breaks: "begins a segment before the one before is durable",
        finder: Finder::Test,
    },
    Mutant {
        id: "S14",
        room: "storage",
        breaks: "a reader keeps a file that was removed",
        finder: Finder::Test,
    },
    Mutant {
        id: "S15",
        room: "storage",
        breaks: "takes a frame that was cut off for the next one",
        finder: Finder::Test,
    },
    Mutant {
        id: "K01",
        room: "partition",
        breaks: "serves past the high watermark",
        finder: Finder::Seeds("power"),
    },
    Mutant {
        id: "P01",
        room: "partition",
        breaks: "leads before its term is durable",
        finder: Finder::Seeds("power"),
    },
    Mutant {
        id: "P02",
        room: "partition",
        breaks: "takes the next epoch's end for an epoch's",
        finder: Finder::Seeds("power"),
    },
    Mutant {
        id: "K00",
        room: "kafka",
        breaks: "answers leave out of order",
        finder: Finder::Seeds("swarm"),
    },
    Mutant {
        id: "R01",
        room: "raft",
        breaks: "votes before the vote is durable",
        finder: Finder::TestAndTraces,
    },
    Mutant {
        id: "R02",
        room: "raft",
        breaks: "does not write its vote",
        finder: Finder::TestAndTraces,
    },
    Mutant {
        id: "R03",
        room: "raft",
        breaks: "what is durable is said before it is",
        finder: Finder::TestAndTraces,
    },
    Mutant {
        id: "R04",
        room: "raft",
        breaks: "the leader counts itself before its disk",
        finder: Finder::TestAndTraces,
    },
    Mutant {
        id: "R05",
        room: "raft",
        breaks: "commits a frame of an earlier term by counting",
        finder: Finder::TestAndTraces,
    },
    Mutant {
        id: "R06",
        room: "raft",
        breaks: "half of the voters elect",
        finder: Finder::TestAndTraces,
    },
    Mutant {
        id: "R07",
        room: "raft",
        breaks: "cuts off a whole reign, what is committed of it too",
        finder: Finder::TestAndTraces,
    },
    Mutant {
        id: "R08",
        room: "raft",
        breaks: "appends wherever a frame is",
        finder: Finder::TestAndTraces,
    },
    Mutant {
        id: "R09",
        room: "raft",
        breaks: "votes by the length of a log alone",
        finder: Finder::TestAndTraces,
    },
    Mutant {
        id: "R10",
        room: "raft",
        breaks: "leads on without a quorum",
        finder: Finder::Test,
    },
    Mutant {
        id: "R11",
        room: "raft",
        breaks: "settles a change of voters before it is committed",
        finder: Finder::TestAndTraces,
    },
    Mutant {
        id: "R12",
        room: "raft",
        breaks: "campaigns unasked, and is loyal to nobody",
        finder: Finder::TestAndTraces,
    },
    Mutant {
        id: "R13",
        room: "raft",
        breaks: "installs a log without its voters",
        finder: Finder::TestAndTraces,
    },
    Mutant {
        id: "R14",
        room: "raft",
        breaks: "throws away what comes behind an installed prefix",
        finder: Finder::Test,
    },
    Mutant {
        id: "R15",
        room: "raft",
        breaks: "takes the leader's commit for its own log",
        finder: Finder::TestAndTraces,
    },
    Mutant {
        id: "R16",
        room: "raft",
        breaks: "stands again in the term of a lost election",
        finder: Finder::TestAndTraces,
    },
    Mutant {
        id: "R17",
        room: "raft",
        breaks: "cuts off what is the same",
        finder: Finder::TestAndTraces,
    },
    Mutant {
        id: "R18",
        room: "raft",
        breaks: "lets readers read before a beat is answered",
        finder: Finder::Test,
    },
    Mutant {
        id: "R19",
        room: "raft",
        breaks: "votes twice in a term",
        finder: Finder::TestAndTraces,
    },
    Mutant {
        id: "R20",
        room: "raft",
        breaks: "says that a proposal is committed where another is",
        finder: Finder::Test,
    },
    Mutant {
        id: "R21",
        room: "raft",
        breaks: "accepts a quiet beat of any term",
        finder: Finder::Test,
    },
    Mutant {
        id: "R22",
        room: "raft",
        breaks: "says that what it cannot read is durable",
        finder: Finder::Test,
    },
    Mutant {
        id: "R23",
        room: "raft",
        breaks: "repairs with whatever is at the place",
        finder: Finder::Test,
    },
    Mutant {
        id: "R24",
        room: "raft",
        breaks: "votes by what its disk has left",
        finder: Finder::Test,
    },
    Mutant {
        id: "R25",
        room: "raft",
        breaks: "leads on without a frame that is not committed",
        finder: Finder::Test,
    },
    Mutant {
        id: "R26",
        room: "raft",
        breaks: "never writes what is lazy",
        finder: Finder::Test,
    },
    Mutant {
        id: "R27",
        room: "raft",
        breaks: "shows what a majority has, of any term",
        finder: Finder::Test,
    },
    Mutant {
        id: "R28",
        room: "raft",
        breaks: "a node goes on beating for who leads no more",
        finder: Finder::Test,
    },
];
