//! Which faults happened, and how often: a fault that never hit proves nothing.

use core::cell::Cell;

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A kind of fault, counted where it takes effect.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault { $($(#[$doc])* $name,)* }

        impl Fault {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its name in tables.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

faults! {
    /// A wall clock was stepped back.
    ClockStepBack = "clock: step back",
    /// A wall clock was stepped forward.
    ClockStepForward = "clock: step forward",
    /// A wall clock stood still.
    ClockFreeze = "clock: freeze",
    /// A clock's rate changed.
    ClockDrift = "clock: drift",
    /// A write took fewer bytes than given.
    DiskShortWrite = "disk: short write",
    /// A read gave fewer bytes than asked for.
    DiskShortRead = "disk: short read",
    /// A write failed.
    DiskWriteError = "disk: write error",
    /// A read failed.
    DiskReadError = "disk: read error",
    /// A sync failed, and its pages were marked clean.
    DiskSyncError = "disk: sync error, pages marked clean",
    /// A sync of a directory failed.
    DiskDirectorySyncError = "disk: directory sync error",
    /// A write or an allocation found no room.
    DiskNoSpace = "disk: no space",
    /// A read saw flipped bits.
    DiskBitRot = "disk: bit rot",
    /// A write landed elsewhere.
    DiskMisdirectedWrite = "disk: misdirected write",
    /// An operation was much slower than usual.
    DiskSlow = "disk: slow",
    /// An operation waited for a disk that did nothing.
    DiskStall = "disk: stall",
    /// A power cut lost a whole unsynced write.
    LostWrite = "power cut: lost write",
    /// A power cut kept some sectors of a write and lost others.
    TornWrite = "power cut: torn write",
    /// A power cut kept a later write and lost an earlier one.
    ReorderedWrite = "power cut: reordered writes",
    /// A power cut lost a truncation, an allocation or a growth of a file.
    LostLength = "power cut: lost length",
    /// A power cut lost a change of a directory.
    LostName = "power cut: lost name",
    /// A power cut kept a later change of a directory and lost an earlier one.
    ReorderedName = "power cut: reordered names",
    /// A segment was held up.
    StreamStall = "network: stalled stream",
    /// A link held everything up for a while.
    LinkStall = "network: stalled link",
    /// Something waited for a cut link.
    LinkCut = "network: cut link",
    /// A connection was reset between two healthy nodes.
    StreamReset = "network: reset stream",
    /// Bytes reached a node that knows nothing of their connection.
    HalfOpen = "network: half-open connection",
    /// A connect was not answered in time.
    ConnectTimeout = "network: connect timed out",
    /// A connect found the backlog full.
    BacklogFull = "network: full backlog",
    /// A send took fewer bytes than there was room for.
    ShortSend = "network: short send",
    /// A receive gave fewer bytes than had arrived.
    ShortReceive = "network: short receive",
    /// A send found the window full.
    WindowFull = "network: full window",
    /// A core did nothing for a while.
    CoreStall = "process: stalled core",
    /// A process stood still.
    Pause = "process: pause",
    /// A process was killed.
    Kill = "process: kill",
    /// A machine lost power.
    PowerCut = "process: power cut",
    /// A node died at the event that was chosen for it.
    CrashPoint = "process: crash at an event",
    /// A node ended itself.
    OwnCrash = "process: own crash",
}

/// How often each fault happened in one world.
#[derive(Clone, Debug)]
pub(crate) struct Coverage {
    hits: Vec<Cell<u64>>,
}

impl Default for Coverage {
    fn default() -> Self {
        Self {
            hits: vec![Cell::new(0); Fault::ALL.len()],
        }
    }
}

impl Coverage {
    pub(crate) fn hit(&self, fault: Fault) {
        let cell = &self.hits[fault as usize];
        cell.set(cell.get() + 1);
    }

    pub(crate) fn hits(&self, fault: Fault) -> u64 {
        self.hits[fault as usize].get()
    }
}

impl crate::World {
    /// How often `fault` happened.
    pub fn hits(&self, fault: Fault) -> u64 {
        self.coverage.hits(fault)
    }

    /// Every fault and how often it happened.
    pub fn coverage(&self) -> impl Iterator<Item = (Fault, u64)> + '_ {
        Fault::ALL
            .iter()
            .map(|&fault| (fault, self.coverage.hits(fault)))
    }
}
