//! What a scan derives from the frames that it passes.

use std::collections::VecDeque;

use model::LogIndex;

use crate::epochs::{EpochMap, EpochStart};
use crate::frame::{FrameHeader, FrameKind};

/// Configurations that are kept. A log has few: two for each change of its voters.
const CONFIGS_KEPT: usize = 1_024;

/// What a log says besides its records.
#[derive(Debug, Default)]
pub(crate) struct Derived {
    pub(crate) epochs: EpochMap,
    /// The frames that say who votes, and their bodies; the last ones, should there be very many.
    pub(crate) configs: VecDeque<(LogIndex, Vec<u8>)>,
}

impl Derived {
    /// Notes a good frame, with its body where that is at hand.
    pub(crate) fn note(&mut self, header: &FrameHeader, body: Option<&[u8]>) {
        self.epochs.push(EpochStart {
            term: header.term,
            index: header.index,
            offset: header.base_offset,
        });
        let Some(body) = body.filter(|_| header.kind == FrameKind::Config) else {
            return;
        };
        if self.configs.len() == CONFIGS_KEPT {
            self.configs.pop_front();
        }
        self.configs.push_back((header.index, body.to_vec()));
    }
}
