//! A log as recovery finds it, from its frames.

use std::sync::Arc;

use model::LogIndex;
use raft::{Frame, Hole, LogView, Prefix};

/// The log of a group that has `frames` behind `prefix`, all durable, some unreadable, and committed up to
/// `known_commit` as they say; `chain` is what the frame behind one says of it.
pub(crate) fn recovered<'a>(
    prefix: &Prefix,
    frames: impl IntoIterator<Item = Option<&'a Frame>>,
    known_commit: LogIndex,
    chain: impl Fn(LogIndex) -> Option<u32>,
) -> LogView {
    let (mut reigns, mut configs, mut starts) = (Vec::new(), Vec::new(), Vec::new());
    let mut holes: Vec<Hole> = Vec::new();
    let (mut last, mut term) = (prefix.last.index, prefix.last.term);
    for frame in frames {
        last = last.next();
        let Some(frame) = frame else {
            let first = match holes.pop() {
                Some(hole @ Hole { last: before, .. }) if before.next() != last => {
                    holes.push(hole);
                    last
                }
                Some(Hole { first, .. }) => first,
                None => last,
            };
            let chain = chain(last);
            holes.push(Hole {
                first,
                last,
                chain,
                seen: false,
            });
            continue;
        };
        if frame.term != term {
            reigns.push((last, frame.term));
            term = frame.term;
        }
        configs.extend(frame.config().map(|config| (last, Arc::clone(config))));
        starts.extend(frame.start().map(|upto| (last, upto)));
    }
    LogView::recovered(prefix, reigns, last, configs)
        .with_starts(starts)
        .with_holes(known_commit, holes)
}
