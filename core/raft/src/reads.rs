//! Reading what was committed before one asked, without a write [raft thesis §6.4].

use std::collections::VecDeque;

use model::LogIndex;
use stdx::mutant;

use crate::effect::{Effect, Refusal};
use crate::group::Group;
use crate::role::Role;

#[derive(Clone, Copy, Debug)]
struct Read {
    token: u64,
    index: LogIndex,
    /// The beat that has to be answered: one that was sent after it was asked.
    beat: u64,
}

/// Barriers that wait for beats. Those that come while a round is out share the next one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reads(VecDeque<Read>);

impl Reads {
    pub(crate) fn into_tokens(self) -> impl Iterator<Item = u64> {
        self.0.into_iter().map(|read| read.token)
    }
}

impl Group {
    /// Somebody wants to read.
    pub(crate) fn read(&mut self, token: u64, out: &mut Vec<Effect>) {
        let (commit, reads_max) = (self.commit, self.settings.reads_max);
        // What was shown before it was committed was said to be done.
        let index = commit.max(self.visible);
        let Role::Leader(reign) = &mut self.role else {
            return Self::refuse(token, Refusal::NotLeader, out);
        };
        // Before that it does not know what is committed.
        if commit < reign.first {
            return Self::refuse(token, Refusal::NotReady, out);
        }
        if reign.reads.0.len() >= reads_max {
            return Self::refuse(token, Refusal::Overloaded, out);
        }
        let beat = if mutant!(R18) { 0 } else { reign.beats + 1 };
        let round_is_out = reign
            .reads
            .0
            .front()
            .is_some_and(|first| first.beat <= reign.beats);
        reign.reads.0.push_back(Read { token, index, beat });
        if !round_is_out {
            self.beat_all();
        }
        self.confirm_reads(out);
    }

    /// Lets those read whose beat a quorum answered.
    pub(crate) fn confirm_reads(&mut self, out: &mut Vec<Effect>) {
        let Role::Leader(reign) = &self.role else {
            return;
        };
        let (me, beats) = (self.me, reign.beats);
        let answered = self.config().agreed(|voter| {
            if voter == me {
                return beats;
            }
            let progress = reign.progress.get(voter);
            progress.map_or(0, |progress| progress.beat)
        });
        let Role::Leader(reign) = &mut self.role else {
            return;
        };
        while let Some(read) = reign.reads.0.pop_front_if(|read| read.beat <= answered) {
            let Read { token, index, .. } = read;
            out.push(Effect::ReadReady { token, index });
        }
        let waits_for_next = reign.reads.0.front().is_some_and(|read| read.beat > beats);
        if waits_for_next {
            self.beat_all();
        }
    }
}
