//! What is committed, and what comes of it.

use model::LogIndex;
use stdx::mutant;

use crate::effect::Effect;
use crate::group::Group;
use crate::role::Role;

impl Group {
    /// Commits what a majority of every set has durable, up to a frame of this reign and never of an earlier one alone
    /// [raft §5.4.2]. The leader counts itself by its own disk only.
    pub(crate) fn advance_commit(&mut self, out: &mut Vec<Effect>) {
        let Role::Leader(reign) = &self.role else {
            return;
        };
        let own = if mutant!(R04) {
            self.log.dirty()
        } else if self.config().is_alone(self.me) {
            // Nobody else can have what it lost before.
            self.log.synced()
        } else {
            self.log.flushed()
        };
        let upto = self.config().agreed(|voter| {
            if voter == self.me {
                return own;
            }
            let progress = reign.progress.get(voter);
            progress.map_or(LogIndex::ZERO, |progress| progress.durable)
        });
        let of_this_reign = self.log.term_at(upto) == Some(self.term()) || mutant!(R05);
        if upto <= self.commit || !of_this_reign {
            return;
        }
        self.commit_to(upto, out);
        self.configuration_committed(out);
    }
}
