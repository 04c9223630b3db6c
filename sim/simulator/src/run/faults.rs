//! Faults and their ends, in time.

use std::collections::{BTreeMap, BTreeSet};

use stdx::{Duration, Instant};
use world::{Fault, NodeId, World};

use super::brokers::Broker;
use super::media::Misdirection;
use crate::outcome::Verdict;
use crate::scenario::FaultKind;

mod befall;

/// The fault whose time is an event.
const AT_AN_EVENT: &str = "power cut at an event";

/// The fault whose time is a write.
const MISDIRECTED: &str = "misdirected write";

/// When a fault that cannot happen now is tried again.
const TRY_AGAIN: Duration = Duration::from_millis(10);

/// Bytes of the disk otherwise.
const ROOM: u64 = 64 << 30;

/// Something to be done to the world.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// A fault begins.
    Begin(FaultKind),
    /// The broker is started.
    Start,
    /// It goes on after a pause.
    Resume,
    /// Both directions between broker and clients work again.
    Join,
    /// There is room on the disk.
    Room,
    /// The clock goes on.
    Thaw,
}

/// What is to be done when, and what was.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    steps: BTreeMap<(Instant, u32), Step>,
    next_number: u32,
    fired: BTreeMap<&'static str, u64>,
    /// Faults that could not happen when their time came, by name.
    missed: BTreeMap<&'static str, u64>,
    /// Folders of partitions with damage at rest.
    rotten: BTreeSet<String>,
    /// A crash at an event that has not come yet: how long the broker stays down then, and how many such crashes had
    /// happened when it was chosen.
    armed: Option<(u64, u64)>,
    /// A misdirected write that has not come yet.
    misdirection: Option<Misdirection>,
}

impl Schedule {
    pub(super) fn add(&mut self, at: Instant, step: Step) {
        self.steps.insert((at, self.next_number), step);
        self.next_number += 1;
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.steps.first_key_value().map(|((at, _), _)| *at)
    }

    /// Whether a fault that was scheduled has not happened yet.
    pub(super) fn owes_faults(&self) -> bool {
        self.armed.is_some()
            || self.misdirection.is_some()
            || self
                .steps
                .values()
                .any(|step| matches!(step, Step::Begin(_)))
    }

    /// Whether the broker will be started by one of the steps.
    pub(super) fn starts_broker(&self) -> bool {
        self.steps.values().any(|step| matches!(step, Step::Start))
    }

    /// Where the crash at an event has come: how long the broker stays down.
    pub(super) fn take_crashed(&mut self, world: &World) -> Option<u64> {
        let (down, _) = self
            .armed
            .take_if(|(_, before)| world.hits(Fault::CrashPoint) > *before)?;
        *self.fired.entry(AT_AN_EVENT).or_default() += 1;
        Some(down)
    }

    fn look_at_misdirection(&mut self, world: &mut World, node: NodeId) {
        if let Some(misdirection) = &mut self.misdirection
            && misdirection.has_come(world, node, &mut self.rotten)
        {
            self.misdirection = None;
            *self.fired.entry(MISDIRECTED).or_default() += 1;
        }
    }

    /// Does what is due.
    pub(super) fn carry_out(&mut self, world: &mut World, broker: &mut Broker, clients: NodeId) {
        self.look_at_misdirection(world, broker.node());
        while let Some(entry) = self
            .steps
            .first_entry()
            .filter(|entry| entry.key().0 <= world.now())
        {
            let step = entry.remove();
            match step {
                Step::Begin(kind) => self.begin(kind, world, broker, clients),
                other => undo(other, world, broker, clients),
            }
        }
    }

    /// Ends every fault now.
    pub(super) fn heal(&mut self, world: &mut World, broker: &mut Broker, clients: NodeId) {
        for step in core::mem::take(&mut self.steps).into_values() {
            if let Step::Begin(kind) = step {
                // Each log is damaged once: where there were more draws than logs, what there was is damaged.
                if kind.is_beyond_model() && !self.rotten.is_empty() {
                    continue;
                }
                *self.missed.entry(kind.name()).or_default() += 1;
            }
        }
        self.take_crashed(world);
        self.look_at_misdirection(world, broker.node());
        if let Some(mut misdirection) = self.misdirection.take() {
            misdirection.take_back(world, broker.node());
            if self.rotten.is_empty() {
                *self.missed.entry(MISDIRECTED).or_default() += 1;
            }
        }
        if world.clear_crash_point(broker.node()) {
            // The event never came: the broker had too little to do for it.
            self.armed = None;
            *self.missed.entry(AT_AN_EVENT).or_default() += 1;
        }
        broker.must_start();
        for step in [Step::Resume, Step::Join, Step::Room, Step::Thaw] {
            undo(step, world, broker, clients);
        }
        broker.start_if_down(world);
    }

    fn begin(&mut self, kind: FaultKind, world: &mut World, broker: &mut Broker, clients: NodeId) {
        if !self.happens(kind, world, broker, clients) {
            // It needs a broker that runs, or connections, or files: a little later there will be some.
            self.add(world.now() + TRY_AGAIN, Step::Begin(kind));
            return;
        }
        // What is armed counts when it comes.
        if ![AT_AN_EVENT, MISDIRECTED].contains(&kind.name()) {
            *self.fired.entry(kind.name()).or_default() += 1;
        }
        broker.tell(world, kind.name());
    }

    /// How often each kind of fault happened.
    pub(super) fn fired(&self) -> BTreeMap<String, u64> {
        self.fired
            .iter()
            .map(|(name, count)| ((*name).to_owned(), *count))
            .collect()
    }

    /// That all is well, unless a fault that was scheduled did not happen: then the run says nothing.
    pub(super) fn verdict(&self) -> Verdict {
        match self.missed.first_key_value() {
            Some((name, count)) => Verdict::Inconclusive {
                reason: format!("{count} x {name} did not happen"),
            },
            None => Verdict::Holds,
        }
    }

    /// Folders of partitions with damage at rest.
    pub(super) fn rotten(&self) -> &BTreeSet<String> {
        &self.rotten
    }
}

fn undo(step: Step, world: &mut World, broker: &mut Broker, clients: NodeId) {
    let node = broker.node();
    match step {
        Step::Begin(_) => unreachable!("a fault is begun, not undone"),
        Step::Start => broker.start_if_down(world),
        Step::Resume => world.resume(node),
        Step::Join => {
            world.heal(node, clients);
            world.heal(clients, node);
        }
        Step::Room => world.set_quota(node, ROOM),
        Step::Thaw => world.thaw_clock(node),
    }
}
