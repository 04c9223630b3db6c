//! Faults: what happens to the broker, its disk, its network and its clock, and when.

use serde::{Deserialize, Serialize};

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// When, in simulated microseconds.
    pub at_micros: u64,
    /// What.
    pub kind: FaultKind,
}

/// What happens. Durations are in simulated milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum FaultKind {
    /// Power goes: unsynced writes survive in part, torn and out of order; peers hear nothing.
    PowerCut {
        /// Until it comes back.
        down: u64,
    },
    /// The process dies: what it wrote stays in the system's cache; peers see resets.
    ProcessCrash {
        /// Until it is started again.
        down: u64,
    },
    /// Power goes at the k-th event of the broker from now on, wherever that is: in recovery too.
    PowerCutAtEvent {
        /// Events from now.
        events: u64,
        /// Until it comes back.
        down: u64,
    },
    /// It is asked to stop and started again.
    Restart {
        /// Between the two.
        down: u64,
    },
    /// The process stands still.
    Pause {
        /// For this long.
        millis: u64,
    },
    /// One core stands still.
    StallCore {
        /// Which, modulo the cores it has.
        core: u16,
        /// For this long.
        millis: u64,
    },
    /// The next syncs fail once; the pages count as clean afterwards.
    SyncError,
    /// The next write fails once.
    WriteError,
    /// The next sync of a directory fails once.
    DirectorySyncError,
    /// One bit of a topic's durable files flips. Beyond what one replica can mend: its range may be refused, and
    /// nothing wrong may be served.
    BitRot {
        /// Which bit of which file, among those that there are then.
        draw: u64,
    },
    /// A sector of a topic's durable files cannot be read any more. As far beyond one replica.
    Unreadable {
        /// Which of which file, among those that there are then.
        draw: u64,
    },
    /// The next write to a topic's file lands elsewhere in it, over what was there. As far beyond one replica, and after
    /// a restart nobody could say what is missing: the profile that has it has nothing else.
    MisdirectedWrite,
    /// Nothing can be written for lack of room.
    NoSpace {
        /// For this long.
        millis: u64,
    },
    /// Every operation of the disk waits.
    DiskStall {
        /// For this long.
        millis: u64,
    },
    /// Bytes between broker and clients stop in both directions.
    Cut {
        /// For this long.
        millis: u64,
    },
    /// Bytes from the clients, or to them, stop.
    CutOneWay {
        /// Those to the broker.
        to_broker: bool,
        /// For this long.
        millis: u64,
    },
    /// All connections of the broker are reset, each at some byte.
    Reset,
    /// All bytes under way between broker and clients are held up.
    StallLink {
        /// For this long.
        millis: u64,
    },
    /// The wall clock jumps.
    ClockStep {
        /// By this, forward or back.
        millis: i64,
    },
    /// Both clocks run at another pace from now on.
    ClockDrift {
        /// Parts per million fast or slow.
        ppm: i32,
    },
    /// The wall clock stands still.
    ClockFreeze {
        /// For this long.
        millis: u64,
    },
}

impl FaultKind {
    /// Whether it is more than one replica alone is promised to survive.
    pub const fn is_beyond_model(self) -> bool {
        matches!(
            self,
            Self::BitRot { .. } | Self::Unreadable { .. } | Self::MisdirectedWrite
        )
    }

    /// The name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PowerCut { .. } => "power cut",
            Self::ProcessCrash { .. } => "process crash",
            Self::PowerCutAtEvent { .. } => "power cut at an event",
            Self::Restart { .. } => "restart",
            Self::Pause { .. } => "pause",
            Self::StallCore { .. } => "core stall",
            Self::SyncError => "sync error",
            Self::WriteError => "write error",
            Self::DirectorySyncError => "directory sync error",
            Self::BitRot { .. } => "bit rot",
            Self::Unreadable { .. } => "unreadable sector",
            Self::MisdirectedWrite => "misdirected write",
            Self::NoSpace { .. } => "no space",
            Self::DiskStall { .. } => "disk stall",
            Self::Cut { .. } => "cut both ways",
            Self::CutOneWay { .. } => "cut one way",
            Self::Reset => "reset",
            Self::StallLink { .. } => "link stall",
            Self::ClockStep { .. } => "clock step",
            Self::ClockDrift { .. } => "clock drift",
            Self::ClockFreeze { .. } => "clock freeze",
        }
    }

    /// All names, for tables that list what never happened.
    pub const NAMES: [&'static str; 21] = [
        "power cut",
        "process crash",
        "power cut at an event",
        "restart",
        "pause",
        "core stall",
        "sync error",
        "write error",
        "directory sync error",
        "bit rot",
        "unreadable sector",
        "misdirected write",
        "no space",
        "disk stall",
        "cut both ways",
        "cut one way",
        "reset",
        "link stall",
        "clock step",
        "clock drift",
        "clock freeze",
    ];
}
