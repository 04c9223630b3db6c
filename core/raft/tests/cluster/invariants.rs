//! What must hold after every step, by the names of the design: S1 to S29, but for those of a whole node.

#[path = "elections.rs"]
mod elections;
#[path = "following.rs"]
mod following;

use std::collections::{BTreeMap, BTreeSet};

use model::{LogIndex, Term};
use raft::{Body, Config, Effect, Frame, FrameKind, Group, Message, Position, Prefix, ReplicaId};

use crate::disk::{Aside, Disk, same};
use crate::replica::Replica;
use elections::Elections;
use following::Following;
pub(crate) use following::{Nothing, check_vote};

/// A leader and a follower.
type Pair = (ReplicaId, ReplicaId);

/// What was seen so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Invariants {
    elections: Elections,
    following: Aside<Following>,
    /// Every committed frame by its index, with the term in which it was seen to be committed.
    pub(crate) committed: BTreeMap<LogIndex, (Frame, Term)>,
    /// What each replica has told of its commit in this life.
    commits: BTreeMap<ReplicaId, LogIndex>,
    /// Frames that readers saw before they were committed.
    seen: BTreeMap<LogIndex, Frame>,
    /// What some replica had, and lost with its process.
    lost: BTreeSet<(LogIndex, Term)>,
    /// Of which leader's knowledge of whom was true, when their disks were so.
    true_of: Aside<BTreeMap<Pair, (u64, u64, LogIndex)>>,
    /// Which log was found right, with what was known then.
    right: Aside<BTreeMap<ReplicaId, (u64, LogIndex, Term, usize)>>,
    /// Of which leader all was there that had been committed, when so much was.
    complete: Aside<BTreeMap<ReplicaId, (Term, usize, LogIndex)>>,
}

impl Invariants {
    pub(crate) fn forget_boot(&mut self, id: ReplicaId) {
        self.commits.remove(&id);
        self.following.0.forget_boot(id);
    }

    /// A message comes to a replica.
    pub(crate) fn hears(&mut self, id: ReplicaId, message: &Message) {
        self.following.0.hears(id, message);
    }

    /// Readers see what is up to `upto` in the log of a leader: as with commits, a frame of its own term says so.
    pub(crate) fn sees(&mut self, replica: &Replica, upto: LogIndex) -> Result<(), String> {
        let disk = &replica.disk;
        let group = replica.group.as_ref().expect("it runs");
        if group.log().term_at(upto) != Some(group.term()) {
            return Err(format!("S9: {group} shows {upto} of another term"));
        }
        let seen = disk.placed().filter(|(index, _)| *index <= upto);
        let seen = seen.map(|(index, frame)| (index, frame.clone()));
        self.seen.extend(seen);
        Ok(())
    }

    /// A process ended before its disk had these.
    pub(crate) fn lose(&mut self, positions: Vec<Position>) {
        let lost = positions.into_iter();
        self.lost
            .extend(lost.map(|position| (position.index, position.term)));
    }

    /// Whether some replica had this and lost it.
    pub(crate) fn lost_once(&self, position: Position) -> bool {
        self.lost.contains(&(position.index, position.term))
    }

    pub(crate) fn last_committed(&self) -> LogIndex {
        self.committed
            .last_key_value()
            .map_or(LogIndex::ZERO, |(index, _)| *index)
    }

    /// Checks what a message reveals when it leaves.
    pub(crate) fn sent(
        &mut self,
        message: &Message,
        group: Option<&Group>,
        disk: &Disk,
    ) -> Result<(), String> {
        self.elections.sent(message, group, disk)?;
        match &message.body {
            Body::Appended { flushed, .. } | Body::BeatReply { flushed, .. }
                if *flushed > disk.flushed() =>
            {
                Err(format!(
                    "S11: {} says that {flushed} is durable, {} is",
                    message.from,
                    disk.flushed()
                ))
            }
            _ => Ok(()),
        }
    }

    /// Checks everything after a step of `id`.
    pub(crate) fn check(
        &mut self,
        replicas: &BTreeMap<ReplicaId, Replica>,
        id: ReplicaId,
    ) -> Result<(), String> {
        let replica = &replicas[&id];
        let Some(group) = &replica.group else {
            return Ok(());
        };
        if group.leads() {
            self.elections.leads(group, &replica.disk)?;
            self.check_leader(replicas, id)?;
        }
        if let Some(broken) = &replica.disk.broken {
            return Err(broken.clone());
        }
        let (commit, log) = (group.commit(), group.log());
        if log.start().index > commit || commit > log.dirty() || log.flushed() > log.dirty() {
            return Err(format!("S12: marks of {group}"));
        }
        if log.flushed() > replica.disk.durable() {
            return Err(format!(
                "S11: {id} takes {} for durable, {} is",
                log.flushed(),
                replica.disk.durable()
            ));
        }
        self.following.0.check(group, &replica.disk)?;
        let before = self.commits.insert(id, commit).unwrap_or_default();
        if commit < before {
            return Err(format!(
                "S8: the commit of {id} went back from {before} to {commit}"
            ));
        }
        // What it commits at once with its start is what its log says.
        let own = log.term_at(commit).is_none_or(|term| term == group.term());
        if group.leads() && commit > before && !own {
            return Err(format!("S9: {group} commits a frame of another term"));
        }
        if let Some(frame) = replica.disk.frame(commit)
            && group.leads()
            && commit > before
        {
            let has = |voter| has_durable(replicas, voter, commit, frame);
            if !group.config().is_quorum(has) {
                return Err(format!("S9: {group} commits what no quorum has durable"));
            }
        }
        for index in before.0 + 1..=commit.0 {
            // What is before its first frame was committed: that was checked when it began there.
            if let Some(frame) = replica.disk.frame(LogIndex(index)) {
                self.note_committed(LogIndex(index), frame, group.term(), replicas)?;
            }
        }
        self.check_log(id, replica)
    }

    /// A frame was seen to be committed: it is the same for everybody, for ever, and durable on a majority.
    fn note_committed(
        &mut self,
        index: LogIndex,
        frame: &Frame,
        term: Term,
        replicas: &BTreeMap<ReplicaId, Replica>,
    ) -> Result<(), String> {
        if let Some((before, _)) = self.committed.get(&index) {
            if !same(before, frame) {
                return Err(format!(
                    "S7: {index} is committed as {before:?} and as {frame:?}"
                ));
            }
            return Ok(());
        }
        let has = |voter: ReplicaId| has_durable(replicas, voter, index, frame);
        let running = replicas.values().filter_map(|it| it.group.as_ref());
        let anywhere = running
            .into_iter()
            .any(|group| group.config().is_quorum(has));
        if !anywhere {
            let holders = replicas.keys().filter(|id| has(**id)).count();
            return Err(format!(
                "S10: {index} is committed and durable on {holders} replicas only"
            ));
        }
        // Write caching: what was seen goes only where somebody lost it before it was durable.
        let seen = self.seen.get(&index).filter(|seen| !same(seen, frame));
        if let Some(seen) = seen
            && !self.lost_once(Position {
                index,
                term: seen.term,
            })
        {
            return Err(format!(
                "S28: {index} was seen as {seen:?}, and nobody lost it"
            ));
        }
        self.committed.insert(index, (frame.clone(), term));
        Ok(())
    }

    /// A leader has all that was committed before its term, and knows of its followers no more than is true.
    fn check_leader(
        &mut self,
        replicas: &BTreeMap<ReplicaId, Replica>,
        id: ReplicaId,
    ) -> Result<(), String> {
        let replica = &replicas[&id];
        let group = replica.group.as_ref().expect("it runs");
        let disk = &replica.disk;
        if disk.lacks_above(group.commit()) {
            return Err(format!(
                "S6: {id} leads without a frame that may be committed"
            ));
        }
        let seen = (group.term(), self.committed.len(), disk.last());
        // S5: a leader's log only grows, so that nothing has to be looked at twice.
        let known = self.complete.0.insert(id, seen);
        let known = known.filter(|known| known.0 == seen.0);
        if known.is_some_and(|known| known.2 > seen.2) {
            return Err(format!("S5: leader {id} cut its own log"));
        }
        let new = known.map_or(0, |known| known.1.min(seen.1));
        for (index, (frame, term)) in self.committed.iter().skip(new) {
            let written = disk.written(*index);
            let has = disk.start() >= *index || written.is_some_and(|it| same(it, frame));
            if *term < group.term() && !has {
                return Err(format!(
                    "S6: leader {id} of term {} lacks {index}, committed in {term}",
                    group.term()
                ));
            }
        }
        for (other, follower) in replicas {
            let Some(durable) = group.durable_at(*other) else {
                continue;
            };
            // Who follows another by now may have cut what this one knows of it.
            if follower.disk.hard.term > group.term() {
                continue;
            }
            let (theirs, ours) = (&follower.disk, &replica.disk);
            let seen = (theirs.version.0, ours.version.0, durable);
            if self.true_of.0.insert((id, *other), seen) == Some(seen) {
                continue;
            }
            let begin = theirs.start().max(ours.start());
            let differs = (begin.0 + 1..=durable.0).map(LogIndex).find(|&index| {
                match (theirs.written(index), ours.written(index)) {
                    (Some(theirs), Some(ours)) => !same(theirs, ours),
                    _ => true,
                }
            });
            if durable > theirs.durable() || differs.is_some() {
                return Err(format!(
                    "S13: leader {id} believes {other} has {durable} durable"
                ));
            }
        }
        Ok(())
    }

    /// A log holds what is committed, one open configuration at most, and its terms grow.
    fn check_log(&mut self, id: ReplicaId, replica: &Replica) -> Result<(), String> {
        let group = replica.group.as_ref().expect("it runs");
        let disk = &replica.disk;
        let committed = self.committed.len();
        let seen = (disk.version.0, group.commit(), group.term(), committed);
        if self.right.0.insert(id, seen) == Some(seen) {
            return Ok(());
        }
        let mut last_term = disk.prefix.last.term;
        for (index, frame) in disk.placed() {
            if frame.term < last_term {
                return Err(format!("terms in the log of {id} go back"));
            }
            last_term = frame.term;
            if frame.kind == FrameKind::Gap && index > self.last_committed() {
                return Err(format!("S24: {id} has a gap at {index}, not committed"));
            }
            let readable = disk.frame(index).is_some();
            if readable && group.log().term_at(index) != Some(frame.term) {
                return Err(format!("S24: {id} does not know {index} of {}", frame.term));
            }
        }
        if group.log().start() != disk.prefix.last || group.log().dirty() != disk.last() {
            return Err(format!("S23: {id} and its disk disagree about its log"));
        }
        // Whoever starts again does not know at first what is committed.
        let known = group.commit().max(self.last_committed());
        let open = disk.placed().filter(|(index, _)| *index > known);
        let open = open.filter(|(_, frame)| frame.config().is_some()).count();
        if open > 1 && group.leads() && last_term == group.term() {
            return Err(format!("S18: leader {id} has {open} configurations open"));
        }
        let mut configs = disk.placed().filter(|(_, frame)| frame.config().is_some());
        // One that cannot be read is in force, and not known, until it is there again.
        let hidden = configs
            .clone()
            .any(|(index, _)| disk.frame(index).is_none());
        let config = configs.next_back().and_then(|(_, frame)| frame.config());
        if !hidden && config.unwrap_or(&disk.prefix.config) != group.config() {
            return Err(format!("S20: {id} goes by {}", group.config()));
        }
        Ok(())
    }

    /// Two logs that have the same position are the same up to there (S4), and no two who could lead do without each other's
    /// voters (S19).
    pub(crate) fn check_logs(replicas: &BTreeMap<ReplicaId, Replica>) -> Result<(), String> {
        elections::check_quorums(replicas)?;
        let logs: Vec<&Disk> = replicas.values().map(|replica| &replica.disk).collect();
        for (number, one) in logs.iter().enumerate() {
            for other in &logs[..number] {
                // Where both are behind their prefixes.
                let first = one.start().max(other.start()).next();
                let both = |index: LogIndex| one.written(index).zip(other.written(index));
                let last = one.last().min(other.last());
                let mut places = (first.0..=last.0).map(LogIndex).rev();
                let same_term = |index: &LogIndex| {
                    both(*index).is_some_and(|(one, other)| one.term == other.term)
                };
                let Some(last_same) = places.find(same_term) else {
                    continue;
                };
                let differs =
                    |index| both(LogIndex(index)).is_some_and(|(one, other)| !same(one, other));
                if (first.0..=last_same.0).any(differs) {
                    return Err(
                        "S4: two logs have the same position and differ before it".to_owned()
                    );
                }
            }
        }
        Ok(())
    }

    /// Checks what a replica decided about its disk, before that does it.
    pub(crate) fn decided(
        &self,
        id: ReplicaId,
        effect: &Effect,
        disk: &Disk,
    ) -> Result<(), String> {
        match effect {
            Effect::Begin(prefix) => self.begins(id, prefix, disk),
            Effect::Install { prefix, .. } => self.installs(id, prefix, disk),
            _ => Ok(()),
        }
    }

    /// A replica begins its log behind `prefix`: all of that was committed, and is durable there.
    fn begins(&self, id: ReplicaId, prefix: &Prefix, disk: &Disk) -> Result<(), String> {
        let damaged = disk.flushed() < disk.durable();
        if (prefix.last.index > disk.durable() && !damaged) || !disk.holds(prefix.last) {
            return Err(format!("S23: {id} begins behind what is not durable there"));
        }
        self.check_prefix(id, prefix)
    }

    /// A replica throws its log away for `prefix`: nothing was in it that counts, and all before the prefix was committed.
    fn installs(&self, id: ReplicaId, prefix: &Prefix, disk: &Disk) -> Result<(), String> {
        // Where the place cannot be read it is not known whether it is the same log: the claim stays, and the leader has the
        // rest.
        let readable = disk.frame(prefix.last.index).is_some() || disk.start() == prefix.last.index;
        if readable && disk.holds(prefix.last) {
            return Err(format!(
                "S15: {id} throws away what comes behind {}",
                prefix.last
            ));
        }
        self.check_prefix(id, prefix)
    }

    fn check_prefix(&self, id: ReplicaId, prefix: &Prefix) -> Result<(), String> {
        let Position { index, term } = prefix.last;
        let committed = self.committed.get(&index);
        if committed.is_none_or(|(frame, _)| frame.term != term) {
            return Err(format!(
                "S23: {id} begins behind {}, which is not committed",
                prefix.last
            ));
        }
        let configs = self.committed.range(..=index).rev();
        let mut configs = configs.filter_map(|(_, (frame, _))| frame.config());
        let first: Option<&Config> = configs.next().map(|config| &**config);
        if first.is_some_and(|config| *config != *prefix.config) {
            return Err(format!("S20: {id} begins with {}", prefix.config));
        }
        Ok(())
    }
}

/// Whether `frame` is durable at `index` there, and was not lost by whoever has the disk: it may be unreadable.
fn has_durable(
    replicas: &BTreeMap<ReplicaId, Replica>,
    id: ReplicaId,
    index: LogIndex,
    frame: &Frame,
) -> bool {
    replicas.get(&id).is_some_and(|replica| {
        let disk = &replica.disk;
        let written = disk.written(index);
        let written = written.is_some_and(|it| same(it, frame));
        disk.durable() >= index && (disk.start() >= index || written)
    })
}
