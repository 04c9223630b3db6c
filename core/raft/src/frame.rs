//! What consensus knows of a frame. Its body is nobody's business here.

use std::sync::Arc;

use model::{LogIndex, Term};
use smallvec::SmallVec;

use crate::config::Config;

/// Frames in a row. Most are alone, and need no memory of their own.
pub type Frames = SmallVec<[Frame; 2]>;

/// Bytes of frames in a row.
pub type Sizes = SmallVec<[u32; 4]>;

/// A frame of the log, without its body: whoever carries out the effects knows that by the index and the term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The reign in which it was first appended.
    pub term: Term,
    /// What it is.
    pub kind: FrameKind,
    /// Bytes of it, for limits.
    pub bytes: u32,
}

/// What a frame is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// Records.
    Data,
    /// Nothing: the first frame of a reign, with which what is before it can be committed [raft §8].
    Noop,
    /// Who votes from here on.
    Config(Arc<Config>),
    /// Nothing but its place: with it, and what it says of the commit, the log alone proves that everything before it
    /// was committed.
    Mark,
    /// The log begins behind this index, on every replica, as soon as the frame is committed.
    PrefixTruncate(LogIndex),
    /// Nothing any more: records that were committed, and that nobody needs since others came for the same keys. It keeps
    /// the place and the term of what it stands for, so that no position before or behind it changes. Each replica makes its
    /// own, at any time, and whoever lacks what was there is sent it instead.
    Gap,
}

impl Frame {
    /// The configuration that it holds.
    pub fn config(&self) -> Option<&Arc<Config>> {
        match &self.kind {
            FrameKind::Config(config) => Some(config),
            FrameKind::Data
            | FrameKind::Noop
            | FrameKind::Mark
            | FrameKind::PrefixTruncate(_)
            | FrameKind::Gap => None,
        }
    }

    /// The index behind which the log is to begin.
    pub fn start(&self) -> Option<LogIndex> {
        match self.kind {
            FrameKind::PrefixTruncate(index) => Some(index),
            _ => None,
        }
    }
}
