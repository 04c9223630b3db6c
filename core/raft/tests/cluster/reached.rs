//! What runs came to.

/// What runs came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reached {
    pub(crate) runs: u64,
    pub(crate) leaders: u64,
    pub(crate) commits: u64,
    pub(crate) truncations: u64,
    /// Logs that begin later, and logs that were thrown away for one that begins later.
    pub(crate) starts: u64,
    pub(crate) installs: u64,
    pub(crate) crashes: u64,
    pub(crate) changes: u64,
    pub(crate) wipes: u64,
    /// Letters to those that are gone, which came to others.
    pub(crate) misdelivered: u64,
    /// Times that a majority went on while all others were cut off in part.
    pub(crate) bridged: u64,
    /// Frames that a disk lost; logs that ended before such; frames that were written again.
    pub(crate) damages: u64,
    pub(crate) fences: u64,
    pub(crate) repairs: u64,
    /// Records that went, and whose places gaps took.
    pub(crate) gaps: u64,
    /// Times that somebody lacked much and waited for its turn.
    pub(crate) turns: u64,
    /// Lazy frames that went to the disk; times that what was seen was gone.
    pub(crate) flushes: u64,
    pub(crate) hidden: u64,
    pub(crate) transfers: u64,
    pub(crate) committed: u64,
    pub(crate) lost: u64,
    /// Proposals that were done before they were durable.
    pub(crate) seen: u64,
    pub(crate) reads: u64,
    /// Beats that said nothing but that somebody leads.
    pub(crate) quiet: u64,
    /// Of everything that happened.
    pub(crate) digest: u64,
}
