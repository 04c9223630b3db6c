//! A replica's part in consensus: its group is stepped here, and what that decides is carried out, in order.
//!
//! A group has one voter for now, and this is it: there is nobody to send to, nobody to fetch for, and nobody who could
//! contradict its log.

use core::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use model::{LogIndex, Term};
use raft::{
    Config, Effect, Frame, FrameKind, HardState, Input, LogView, Position, Prefix, ReplicaId,
    Settings,
};
use runtime::sync::{Signal, oneshot};
use runtime::{Class, Runtime, race};
use stdx::{Instant, mutant};
use storage::journal::Journal;
use storage::journal::record::HardRecord;
use storage::{FrameBuilder, Group, Log, Mark};

use super::{Replica, Standing};
use crate::marks;
use crate::voters;

/// Tokens of barriers begin here; below are those of proposals, which are numbers of frames.
const BARRIER_TOKENS: u64 = 1 << 63;

/// A replica in its group.
pub(super) struct Member {
    me: ReplicaId,
    group: RefCell<raft::Group>,
    /// What the steps decide; kept so that a step needs no memory.
    effects: RefCell<Vec<Effect>>,
    journal: Journal,
    /// What the journal calls the group.
    name: Group,
    /// Frames that were appended and not committed, with the offsets behind them.
    ends: RefCell<VecDeque<Mark>>,
    /// Who waits for a barrier.
    barriers: RefCell<BTreeMap<u64, oneshot::Sender<bool>>>,
    next_barrier: Cell<u64>,
    deadline: Cell<Instant>,
    /// `deadline` is earlier than it was.
    hurried: Signal,
    /// The last frame of which the group knows that it is durable.
    flushed: Cell<LogIndex>,
}

impl Member {
    /// The member `me`, as its hard state and its log have it.
    ///
    /// # Errors
    /// When it may not decide by that: in words, with what to do.
    pub(super) fn new(
        runtime: &Runtime,
        (me, name): (ReplicaId, Group),
        journal: Journal,
        known: Option<HardRecord>,
        (log, configs): (&Log, &[(LogIndex, Vec<u8>)]),
    ) -> Result<Self, String> {
        let mut decoded = Vec::with_capacity(configs.len());
        for (index, body) in configs {
            let config = voters::decode(body);
            let config = config.map_err(|error| format!("frame {index} has {error}"))?;
            decoded.push((*index, Arc::new(config)));
        }
        if let Some((_, config)) = decoded.last()
            && !config.is_alone(me)
        {
            return Err(format!(
                "its voters are {config}, and this is {me}: start the node with the number that it had before"
            ));
        }
        // Who votes alone can have given its vote to nobody else: without a record it goes on by its log.
        stdx::sometimes!(
            marks::HARD_STATE_MISSING,
            known.is_none() && log.last_term().is_some()
        );
        let hard = known.map(hard_state).unwrap_or_default();
        let flushed = log.flushed().index;
        let reigns = log.with_epochs(|epochs| epochs.starts().collect::<Vec<_>>());
        let view = LogView::recovered(&Prefix::none(Config::of([me])), reigns, flushed, decoded);
        let (now, seed) = (runtime.now(), runtime.random());
        let group = raft::Group::new(me, Settings::default(), hard, view, now, seed);
        Ok(Self {
            me,
            deadline: Cell::new(group.deadline()),
            group: RefCell::new(group),
            effects: RefCell::default(),
            journal,
            name,
            ends: RefCell::default(),
            barriers: RefCell::default(),
            next_barrier: Cell::new(BARRIER_TOKENS),
            hurried: Signal::new(),
            flushed: Cell::new(flushed),
        })
    }
}

fn hard_state(record: HardRecord) -> HardState {
    let (index, term) = record.claimed;
    HardState {
        term: record.term,
        vote: record
            .vote
            .map(|(node, incarnation)| ReplicaId { node, incarnation }),
        claimed: Position { index, term },
    }
}

impl Replica {
    /// Gives the group an input, and carries out what comes of it.
    pub(super) fn step(self: &Rc<Self>, input: Input) {
        let Some(member) = &self.member else {
            return;
        };
        // What a leader knows to be durable may still be claimed.
        let ends = match input {
            Input::Flushed { .. } => true,
            Input::Persisted { .. } => self.standing.get().leads,
            _ => false,
        };
        if self.closed.get() && !ends {
            // What it would append has no place any more.
            return;
        }
        let mut effects = member.effects.take();
        let deadline = {
            let mut group = member.group.borrow_mut();
            group.step(self.runtime.now(), input, &mut effects);
            group.deadline()
        };
        for effect in effects.drain(..) {
            self.carry_out(member, effect);
        }
        member.effects.replace(effects);
        if member.deadline.replace(deadline) > deadline {
            member.hurried.notify();
        }
    }

    fn carry_out(self: &Rc<Self>, member: &Member, effect: Effect) {
        match effect {
            Effect::Append { first, frames, .. } => self.append(member, first, &frames),
            Effect::Commit { upto } => self.committed(member, upto),
            Effect::Resolved { token, outcome } => {
                self.intake.borrow_mut().resolve(token, outcome);
            }
            Effect::Persist { sequence, state } => self.persist(member, sequence, state),
            Effect::Role { term, leads, .. } => self.stand(term, leads),
            Effect::ReadReady { token, .. } => barrier_ends(member, token, true),
            Effect::Refused { token, .. } if token >= BARRIER_TOKENS => {
                barrier_ends(member, token, false);
            }
            // Nothing was taken out of the intake: it is proposed again when the log moved.
            Effect::Refused { .. } => marks::PROPOSAL_WAITED.hit(),
            // Nobody is connected to for it: there is nobody else in it.
            Effect::Reconfigured(_) => {}
            Effect::Broken(what) => panic!("consensus broke a promise: {what}"),
            Effect::Send(_)
            | Effect::Fetch { .. }
            | Effect::Truncate { .. }
            | Effect::Begin(_)
            | Effect::Install { .. }
            | Effect::Fence { .. }
            | Effect::Repair { .. }
            | Effect::Flush { .. }
            | Effect::Visible { .. }
            | Effect::Hidden { .. }
            | Effect::Lagging { .. }
            | Effect::CaughtUp => {
                panic!(
                    "a group of one voter that nobody moves has nobody to talk to, or to be contradicted by: {effect:?}"
                )
            }
        }
    }

    fn append(&self, member: &Member, first: LogIndex, frames: &[Frame]) {
        for (index, frame) in (first.0..).map(LogIndex).zip(frames) {
            let built = match &frame.kind {
                FrameKind::Data => self.intake.borrow_mut().take(),
                FrameKind::Noop => self.frame(frame.term, storage::FrameKind::Noop, &[]),
                FrameKind::Mark => self.frame(frame.term, storage::FrameKind::CommitMark, &[]),
                FrameKind::Config(config) => {
                    let body = voters::encode(config);
                    self.frame(frame.term, storage::FrameKind::Config, &body)
                }
                FrameKind::PrefixTruncate(_) => panic!("nobody asks for a later start of a log"),
                FrameKind::Gap => panic!("nobody sends what was compacted elsewhere"),
            };
            if matches!(frame.kind, FrameKind::Noop | FrameKind::Mark) {
                self.marked.set(index);
            }
            let placed = self.log.append(built, self.commit.get().index);
            assert!(placed == index, "the log and the group count alike");
            member.ends.borrow_mut().push_back(self.log.dirty());
        }
    }

    fn frame(&self, term: Term, kind: storage::FrameKind, body: &[u8]) -> FrameBuilder {
        let end_offset = self.log.dirty().end_offset;
        FrameBuilder::with_body(&self.runtime, end_offset, (term, kind), body)
    }

    fn committed(&self, member: &Member, upto: LogIndex) {
        let mut ends = member.ends.borrow_mut();
        while let Some(mark) = ends.pop_front_if(|mark| mark.index <= upto) {
            self.commit.set(mark);
        }
        drop(ends);
        let standing = self.standing.get();
        let own = member.group.borrow().log().term_at(upto) == Some(standing.term);
        if standing.leads && own && !standing.serves {
            self.standing.set(Standing {
                serves: true,
                ..standing
            });
            self.stood.notify();
        }
        self.watches_passed();
    }

    fn stand(&self, term: Term, leads: bool) {
        self.standing.set(Standing {
            term,
            leads,
            serves: false,
        });
        self.intake
            .borrow_mut()
            .restart(self.log.dirty().end_offset);
        self.stood.notify();
    }

    fn persist(self: &Rc<Self>, member: &Member, sequence: u64, state: HardState) {
        let record = HardRecord {
            group: member.name,
            incarnation: member.me.incarnation,
            term: state.term,
            vote: state.vote.map(|to| (to.node, to.incarnation)),
            claimed: (state.claimed.index, state.claimed.term),
        };
        let (replica, journal) = (Rc::clone(self), member.journal.clone());
        self.persisting.set(self.persisting.get() + 1);
        self.spawner.spawn(Class::Consensus, "persist", async move {
            let written = journal.write(record);
            if mutant!(P01) {
                replica.step(Input::Persisted { sequence });
            }
            if written.await {
                replica.step(Input::Persisted { sequence });
            }
            replica.persisting.set(replica.persisting.get() - 1);
            replica.persisted.notify();
        });
    }

    /// Task: tells the group what is durable, and appends what waits as the disk wants it.
    pub(super) async fn follow_log(self: Rc<Self>) -> ! {
        let moved = self.log.moved();
        loop {
            let seen = moved.seen();
            self.look_at_log();
            self.pump();
            if !self.standing.get().serves {
                self.stood.notify();
            }
            moved.changed(seen).await;
        }
    }

    /// Tells the group what became durable.
    pub(super) fn look_at_log(self: &Rc<Self>) {
        let (upto, epoch) = (self.log.flushed().index, self.log.truncations());
        let member = self.member.as_ref();
        if member.is_some_and(|member| member.flushed.replace(upto) < upto) {
            self.step(Input::Flushed { upto, epoch });
        }
    }

    /// Task: the group's clock.
    pub(super) async fn keep_time(self: Rc<Self>) {
        while let Some(member) = &self.member {
            let seen = member.hurried.seen();
            let deadline = member.deadline.get();
            if deadline == Instant::MAX {
                member.hurried.changed(seen).await;
                continue;
            }
            let due = self.runtime.sleep_until(deadline);
            let _first = race(member.hurried.changed(seen), due).await;
            if self.runtime.now() >= deadline {
                self.step(Input::Tick);
            }
        }
    }

    /// Waits until it is known that nobody else led when this was asked: what is committed here is all that was
    /// committed by then. False when that cannot be known.
    pub(super) async fn barrier(self: &Rc<Self>) -> bool {
        let Some(member) = &self.member else {
            return true;
        };
        let token = member.next_barrier.get();
        member.next_barrier.set(token + 1);
        let (sender, receiver) = oneshot::channel();
        member.barriers.borrow_mut().insert(token, sender);
        self.step(Input::Read { token });
        receiver.await.unwrap_or(false)
    }
}

fn barrier_ends(member: &Member, token: u64, holds: bool) {
    let waiting = member.barriers.borrow_mut().remove(&token);
    if let Some(sender) = waiting {
        sender.send(holds);
    }
}
