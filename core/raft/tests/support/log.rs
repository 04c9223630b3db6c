//! A log as recovery finds it, from its frames.

use std::sync::Arc;

use model::LogIndex;
use raft::{Frame, LogView, Prefix};

/// The log of a group that has `frames` behind `prefix`, all durable.
pub(crate) fn recovered(prefix: &Prefix, frames: &[Frame]) -> LogView {
    let first = prefix.last.index.next();
    let last = LogIndex(prefix.last.index.0 + frames.len() as u64);
    let placed = || (first.0..).map(LogIndex).zip(frames);
    let mut reigns = Vec::new();
    let mut before = prefix.last.term;
    for (index, frame) in placed() {
        if frame.term != before {
            reigns.push((index, frame.term));
        }
        before = frame.term;
    }
    let configs = placed().filter_map(|(index, frame)| Some((index, Arc::clone(frame.config()?))));
    let starts = placed().filter_map(|(index, frame)| Some((index, frame.start()?)));
    LogView::recovered(prefix, reigns, last, configs).with_starts(starts)
}
