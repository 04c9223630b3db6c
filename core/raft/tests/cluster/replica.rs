//! A replica with its disk.

use model::LogIndex;
use raft::{Effect, FrameKind, Frames, Group, Purpose};

use crate::disk::Disk;

/// One replica: its process, if it runs, and its disk.
#[derive(Clone, Debug)]
pub(crate) struct Replica {
    pub(crate) group: Option<Group>,
    pub(crate) disk: Disk,
    pub(crate) starts: u64,
}

impl Replica {
    /// Reads frames for somebody, `count` at most; none where they are to be checked and are others.
    pub(crate) fn read(&self, first: LogIndex, purpose: &Purpose, count: usize) -> Frames {
        match purpose {
            Purpose::Repair { lack, check } if !check || self.disk.proves(lack) => {
                self.disk.read_kept(first, count)
            }
            Purpose::Repair { .. } => Frames::new(),
            Purpose::Replicate => self.disk.read(first, count),
        }
    }

    /// The last frame that may be compacted: it is committed, as the replica knows, and durable.
    pub(crate) fn settled(&self) -> LogIndex {
        let commit = self.group.as_ref().map(Group::commit);
        commit.unwrap_or_default().min(self.disk.flushed())
    }

    /// Whether there are records to compact.
    pub(crate) fn records(&self) -> bool {
        let mut placed = self.disk.placed();
        placed.any(|(index, frame)| index <= self.settled() && frame.kind == FrameKind::Data)
    }

    /// Has the disk do what the replica decided.
    pub(crate) fn write(&mut self, effect: Effect) {
        let disk = &mut self.disk;
        match effect {
            Effect::Persist { sequence, state } => disk.persist(sequence, state),
            Effect::Append {
                first,
                frames,
                epoch,
                flush,
            } => {
                let commit = self.group.as_ref().map_or(LogIndex::ZERO, Group::commit);
                disk.append(first, &frames, epoch, commit);
                if flush {
                    disk.flush(epoch);
                }
            }
            Effect::Flush { epoch, .. } => disk.flush(epoch),
            Effect::Truncate { last, epoch } => disk.truncate(last, epoch),
            Effect::Begin(prefix) => disk.begin(prefix),
            Effect::Install { prefix, epoch } => disk.install(prefix, epoch),
            Effect::Fence { last, epoch } => disk.fence(last, epoch),
            Effect::Repair { first, frames } => disk.repair(first, frames),
            other => unreachable!("{other:?} is not for the disk"),
        }
    }
}
