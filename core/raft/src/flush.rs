//! When frames are made durable, and what may be seen before they are.
//!
//! ```text
//!   durable   propose -> append and sync, everywhere -> commit -> done
//!   lazy      propose -> append, everywhere -> a majority has it in memory -> done ... sync -> commit
//! ```
//! A lazy frame may be lost when processes end before their disks have it, though it was said to be done: whoever asks
//! for it has chosen that. It is made durable when enough came together or some time went by. Nothing else is lazy: not who
//! votes, not the first frame of a reign, not where a log begins, and not what comes before any of these.

use model::LogIndex;
use stdx::{Duration, Instant, mutant};

use crate::effect::{Effect, Outcome};
use crate::group::Group;
use crate::role::Role;

/// What has to be before a proposal is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Ack {
    /// It is durable on a majority.
    #[default]
    Durable,
    /// A majority has it.
    Lazy,
}

/// Frames that were appended and that nobody was told to make durable.
#[derive(Clone, Debug)]
pub(crate) struct Unflushed {
    /// When they have waited long enough; [`Instant::MAX`] where there are none.
    due: Instant,
    bytes: u64,
}

/// How long a frame waits.
const WAIT_MAX: Duration = Duration::from_millis(100);
/// How many bytes of them do.
const BYTES_MAX: u64 = 256 << 10;

impl Default for Unflushed {
    fn default() -> Self {
        Self {
            due: Instant::MAX,
            bytes: 0,
        }
    }
}

impl Unflushed {
    /// When they have waited long enough.
    pub(crate) fn deadline(&self) -> Instant {
        self.due
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.due == Instant::MAX
    }
}

impl Group {
    /// Frames are appended: those that are not lazy go to the disk, with everything before them.
    pub(crate) fn note_unflushed(&mut self, bytes: u64, flush: bool) {
        if flush {
            self.unflushed = Unflushed::default();
            return;
        }
        self.unflushed.due = self.unflushed.due.min(self.now + WAIT_MAX);
        self.unflushed.bytes += bytes;
    }

    /// Has lazy frames made durable, if it is time for that.
    pub(crate) fn flush_when_due(&mut self, out: &mut Vec<Effect>) {
        let due = self.now >= self.unflushed.deadline() || self.unflushed.bytes >= BYTES_MAX;
        if due && !mutant!(R26) {
            self.flush_now(out);
        }
    }

    /// Has them made durable now.
    pub(crate) fn flush_now(&mut self, out: &mut Vec<Effect>) {
        if self.unflushed.is_empty() {
            return;
        }
        self.unflushed = Unflushed::default();
        let (upto, epoch) = (self.log.dirty(), self.log.epoch());
        out.push(Effect::Flush { upto, epoch });
    }

    /// What a majority has may be seen, if nothing before it has to be durable first. Counted by what followers were shown to
    /// have of this log, never by where their logs end.
    pub(crate) fn advance_visible(&mut self, out: &mut Vec<Effect>) {
        let Role::Leader(reign) = &self.role else {
            return;
        };
        let strict = reign.strict_upto;
        if !mutant!(R27) && (self.log.dirty() <= strict || self.commit < strict) {
            return;
        }
        let upto = self.config().agreed(|voter| {
            if voter == self.me {
                return self.log.dirty();
            }
            let progress = reign.progress.get(voter);
            progress.map_or(LogIndex::ZERO, |progress| progress.matched)
        });
        let of_this_reign = self.log.term_at(upto) == Some(self.term()) || mutant!(R27);
        if upto <= self.visible.max(self.commit) || !of_this_reign {
            return;
        }
        self.visible = upto;
        out.push(Effect::Visible { upto });
        let term = self.term();
        while let Some((token, last)) = self.proposals.seen(upto, term) {
            let outcome = Outcome::Seen { last, term };
            out.push(Effect::Resolved { token, outcome });
        }
    }

    /// Everything above `last` goes: what was seen of it and was not committed is lost, and has to be told.
    pub(crate) fn hide_above(&mut self, last: LogIndex, out: &mut Vec<Effect>) {
        if self.visible > last && self.visible > self.commit {
            self.visible = last;
            out.push(Effect::Hidden { last });
        }
    }
}
