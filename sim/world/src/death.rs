//! Deaths: how a life of a node ends before its main tasks do, and at which moment.

use runtime::Operation;
use stdx::Instant;

use crate::descriptor::Opened;
use crate::event::{NodeId, Place};
use crate::in_flight::{DiskWork, InFlight};
use crate::node::{Node, NodeState};
use crate::{Fault, World};

/// How a node is made to die.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// The process is killed: the machine's cache and kernel stay.
    Kill,
    /// The machine loses power.
    PowerCut,
}

/// The event at which a node is to die.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CrashPoint {
    at: At,
    crash: Crash,
}

/// When it comes.
#[derive(Clone, Copy, Debug)]
enum At {
    /// At this event of whichever life gets there.
    OfALife(u64),
    /// After so many more, however many lives they take.
    FromNow(u64),
}

impl CrashPoint {
    /// Counts an event, the `events`th of its life, and says whether it is the one.
    fn comes(&mut self, events: u64) -> bool {
        match &mut self.at {
            At::OfALife(event) => *event <= events,
            At::FromNow(left) => {
                *left = left.saturating_sub(1);
                *left == 0
            }
        }
    }
}

/// Why a life of a node ended before its main tasks did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It was made to.
    Crash(Crash),
    /// It ended itself: [`runtime::Environment::crash`], with this reason.
    Own(String),
}

/// The end of a life of a node before its main tasks ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// The node.
    pub node: NodeId,
    /// Which of its lives, from 1 on.
    pub incarnation: u32,
    /// When.
    pub time: Instant,
    /// Why.
    pub cause: Cause,
}

impl World {
    /// Kills a node's process. Nothing happens when none runs.
    pub fn kill(&mut self, id: NodeId) {
        self.crash(id, Crash::Kill);
    }

    /// Cuts the power of a node's machine, whether or not a process runs on it.
    pub fn power_cut(&mut self, id: NodeId) {
        self.crash(id, Crash::PowerCut);
    }

    /// Lets a node die at its `event`th event, counted from the start of the life it lives or will live next,
    /// instead of that event. Chosen anew it forgets the earlier choice; once it happened it does not return.
    pub fn crash_at_event(&mut self, id: NodeId, event: u64, crash: Crash) {
        let at = At::OfALife(event);
        self.node_mut(id).crash_point = Some(CrashPoint { at, crash });
    }

    /// Lets a node die at the `events`th event from now on, whether this life sees it or a later one: in recovery
    /// too.
    pub fn crash_after_events(&mut self, id: NodeId, events: u64, crash: Crash) {
        let at = At::FromNow(events);
        self.node_mut(id).crash_point = Some(CrashPoint { at, crash });
    }

    /// Forgets the event at which a node was to die. True when it had not come yet.
    pub fn clear_crash_point(&mut self, id: NodeId) -> bool {
        self.node_mut(id).crash_point.take().is_some()
    }

    /// All lives that ended early, in order.
    pub fn deaths(&self) -> &[Death] {
        &self.deaths
    }

    /// Counts an event of a node, and lets it die if this is the one. True when it died.
    pub(crate) fn dies_at_this_event(&mut self, id: NodeId) -> bool {
        let node = self.node_mut(id);
        if !node.is_alive() {
            return false;
        }
        node.events += 1;
        let events = node.events;
        let Some(point) = node.crash_point.take_if(|point| point.comes(events)) else {
            return false;
        };
        self.coverage.hit(Fault::CrashPoint);
        self.crash(id, point.crash);
        true
    }

    fn crash(&mut self, id: NodeId, crash: Crash) {
        let alive = self.node(id).is_alive();
        if crash == Crash::Kill && !alive {
            return;
        }
        if alive {
            self.die(id, Cause::Crash(crash));
        }
        match crash {
            Crash::Kill => {
                self.coverage.hit(Fault::Kill);
                self.process_ended(id);
            }
            Crash::PowerCut => {
                self.coverage.hit(Fault::PowerCut);
                self.note(id, 5);
                self.node_mut(id).state = NodeState::Dark;
                self.forget_everything(id);
                self.node_mut(id).disk.power_cut();
            }
        }
    }

    /// A core unwound with [`runtime::Crash`].
    pub(crate) fn crashed(&mut self, place: Place, why: String) {
        self.coverage.hit(Fault::OwnCrash);
        self.die(place.node, Cause::Own(why));
        self.process_ended(place.node);
    }

    /// Takes a life: what was on its way to the disk may get there, all else is gone.
    fn die(&mut self, id: NodeId, cause: Cause) {
        let death = Death {
            node: id,
            incarnation: self.node(id).incarnation,
            time: self.now(),
            cause,
        };
        self.deaths.push(death);
        let node = self.node_mut(id);
        let Node { seats, disk, .. } = node;
        for state in seats.iter_mut().flat_map(|seat| seat.operations.drain()) {
            if let InFlight::Disk(DiskWork {
                operation: Operation::Write { offset, pieces, .. },
                file:
                    Some(Opened::File {
                        inode, write: true, ..
                    }),
                written: None,
                ..
            }) = state
            {
                disk.interrupt_write(inode, offset, &pieces);
            }
        }
        self.unseat(id);
    }
}
