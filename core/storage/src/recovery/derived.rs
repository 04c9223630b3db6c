//! What a scan derives from the frames that it passes.

use std::collections::VecDeque;

use model::LogIndex;

use crate::epochs::{EpochMap, EpochStart};
use crate::frame::{FrameHeader, FrameKind};

/// Configurations that are kept. A log has few: two for each change of its voters.
pub(crate) const CONFIGS_KEPT: usize = 1_024;

/// Who is told of good frames.
pub(crate) trait Notes {
    /// Notes a good frame, with its body where that is at hand.
    fn note(&mut self, header: &FrameHeader, body: Option<&[u8]>);
}

/// Whoever wants only their places.
pub(crate) struct Ignored;

impl Notes for Ignored {
    fn note(&mut self, _: &FrameHeader, _: Option<&[u8]>) {}
}

/// What a log says besides its records.
#[derive(Debug, Default)]
pub(crate) struct Derived {
    pub(crate) epochs: EpochMap,
    /// The frames that say who votes, and their bodies; the last ones, should there be very many.
    pub(crate) configs: VecDeque<(LogIndex, Vec<u8>)>,
}

impl Notes for Derived {
    fn note(&mut self, header: &FrameHeader, body: Option<&[u8]>) {
        self.epochs.push(EpochStart {
            term: header.term,
            index: header.index,
            offset: header.base_offset,
        });
        if let Some(body) = body.filter(|_| header.kind == FrameKind::Config) {
            self.configure(header.index, body.to_vec());
        }
    }
}

impl Derived {
    /// Notes a frame that says who votes.
    pub(crate) fn configure(&mut self, index: LogIndex, body: Vec<u8>) {
        if self.configs.len() == CONFIGS_KEPT {
            self.configs.pop_front();
        }
        self.configs.push_back((index, body));
    }
}
