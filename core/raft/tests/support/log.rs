//! A log as recovery finds it, from its frames.

use std::sync::Arc;

use model::LogIndex;
use raft::{Config, Frame, LogView};

/// The log of a group that begins with `config` and has `frames` from index 1 on, all durable.
pub(crate) fn recovered(config: Config, frames: &[Frame]) -> LogView {
    let placed = || (1..).map(LogIndex).zip(frames);
    let mut reigns = Vec::new();
    for (index, frame) in placed() {
        if reigns.last().is_none_or(|(_, term)| *term != frame.term) {
            reigns.push((index, frame.term));
        }
    }
    let configs = placed().filter_map(|(index, frame)| Some((index, Arc::clone(frame.config()?))));
    LogView::recovered(config, reigns, LogIndex(frames.len() as u64), configs)
}
