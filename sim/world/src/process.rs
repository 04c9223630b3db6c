//! Lives: starting a node's process, pausing it, and what is left when it is over.

use std::rc::Rc;

use runtime::record::Tape;
use runtime::{CoreId, Main, mesh};
use stdx::Instant;

use crate::config::CORES_MAX;
use crate::descriptor::Descriptors;
use crate::environment::Surroundings;
use crate::event::{EventKind, NodeId, Place};
use crate::network::link::add;
use crate::node::{Node, NodeState};
use crate::seat::{Seat, Seating};
use crate::{Fault, World};

impl World {
    /// Starts a process on a node whose process does not run; with power, if it had none. The disk is as it was
    /// left, the monotonic clock starts anew.
    ///
    /// # Panics
    /// When its process runs.
    pub fn start(&mut self, id: NodeId, main: Main) {
        let now = self.now();
        let seed = self.seed;
        let node = &mut self.nodes[id.index()];
        assert!(!node.is_alive(), "node {id} runs already");
        let was_dark = !node.has_power();
        node.clock.boot(now);
        node.incarnation += 1;
        node.state = NodeState::Running;
        node.events = 0;
        node.completed = false;
        node.descriptors = Descriptors::new(node.config.descriptors_max);
        node.seats = seats(seed, node, &main, &self.observer);
        node.main = Some(main);
        self.note(id, 1);
        if was_dark {
            self.power_returned(id);
        }
        self.wake_all(id);
    }

    /// Starts the node again with the main that it had.
    ///
    /// # Panics
    /// When its process runs, or never ran.
    pub fn restart(&mut self, id: NodeId) {
        let main = self.node(id).main.clone();
        self.start(id, main.expect("a node that ran before"));
    }

    /// Records the lives of a node from its next start on.
    pub fn record(&mut self, id: NodeId, tape: &Tape) {
        self.node_mut(id).tape = Some(tape.clone());
    }

    /// Sets how many cores a node has from its next start on.
    ///
    /// # Panics
    /// When that is not 1 to [`CORES_MAX`].
    pub fn set_cores(&mut self, id: NodeId, cores: u16) {
        assert!((1..=CORES_MAX).contains(&cores));
        self.node_mut(id).config.cores = cores;
    }

    /// Stops a node's process; its kernel goes on.
    pub fn pause(&mut self, id: NodeId) {
        let node = self.node_mut(id);
        if node.state == NodeState::Running {
            node.state = NodeState::Paused;
            self.coverage.hit(Fault::Pause);
            self.note(id, 2);
        }
    }

    /// Lets a paused process go on.
    pub fn resume(&mut self, id: NodeId) {
        let node = self.node_mut(id);
        if node.state == NodeState::Paused {
            node.state = NodeState::Running;
            self.note(id, 3);
            self.wake_all(id);
        }
    }

    /// Lets one core of a node do nothing for `time`.
    pub fn stall_core(&mut self, id: NodeId, core: CoreId, time: stdx::Duration) {
        let until = self.now() + time;
        if let Some(seat) = self.node_mut(id).seats.get_mut(core.index()) {
            seat.busy_until = seat.busy_until.max(until);
            self.coverage.hit(Fault::CoreStall);
        }
    }

    /// A core of a node that runs, for looking at its budgets and metrics from outside. Nothing may be asked of it.
    pub fn runtime(&self, id: NodeId, core: CoreId) -> Option<runtime::Runtime> {
        let seat = self.node(id).seats.get(core.index())?;
        Some(seat.core.runtime())
    }

    /// The operations that a core waits for, in words: for a report about a run that got stuck.
    pub fn operations(&self, id: NodeId, core: CoreId) -> Vec<String> {
        let seat = self.node(id).seats.get(core.index());
        seat.map_or_else(Vec::new, |seat| seat.operations.describe())
    }

    /// What a node is doing.
    pub fn state(&self, id: NodeId) -> NodeState {
        self.node(id).state
    }

    /// Which life of a node this is, or was the last: 1 for the first.
    pub fn incarnation(&self, id: NodeId) -> u32 {
        self.node(id).incarnation
    }

    /// Events that this life of a node, or its last one, has seen.
    pub fn node_events(&self, id: NodeId) -> u64 {
        self.node(id).events
    }

    /// Whether a node's last life ended because the main task of each of its cores did.
    pub fn is_completed(&self, id: NodeId) -> bool {
        self.node(id).completed
    }

    /// Runs until the node's process ended, and says whether its main tasks did.
    ///
    /// # Panics
    /// When nothing is left to happen and it still runs: it waits for what never comes.
    pub fn run_to_end(&mut self, id: NodeId) -> bool {
        let end = self.events() + self.config.events_max;
        while self.node(id).is_alive() {
            assert!(self.step(), "node {id} waits for ever: {}", self.describe());
            assert!(
                self.events() < end,
                "events without end: {}",
                self.describe()
            );
        }
        self.is_completed(id)
    }

    /// A core's main task ended. With the last one the process ends.
    pub(crate) fn core_finished(&mut self, place: Place) {
        let node = self.node_mut(place.node);
        if let Some(seat) = node.seat(place) {
            seat.finished = true;
        }
        if node.seats.iter().all(|seat| seat.finished) {
            node.completed = true;
            self.unseat(place.node);
            self.process_ended(place.node);
        }
    }

    /// Drops the cores. Their destructors still ask for things; nobody carries those out.
    pub(crate) fn unseat(&mut self, id: NodeId) {
        drop(core::mem::take(&mut self.node_mut(id).seats));
        // Their memory has no home any more.
        runtime::take_touched(|_| {});
    }

    /// A process is over, however it ended: its kernel cleans up behind it.
    pub(crate) fn process_ended(&mut self, id: NodeId) {
        self.note(id, 4);
        self.close_everything(id);
        let node = self.node_mut(id);
        node.state = NodeState::Stopped;
        node.disk.process_ended();
    }

    /// Gives every core of a node a turn.
    fn wake_all(&mut self, id: NodeId) {
        let now = self.now();
        let node = &mut self.nodes[id.index()];
        let span = node.config.pace.call;
        let woken: Vec<(Place, Instant)> = node
            .seats
            .iter_mut()
            .filter(|seat| !seat.finished && seat.turn_at.is_none())
            .map(|seat| (seat.place, add(now, span.draw(&mut seat.pace))))
            .collect();
        for (place, at) in woken {
            self.schedule_turn(place, at);
        }
    }

    /// Tells the digest what was done to a node.
    pub(crate) fn note(&self, id: NodeId, what: u64) {
        let place = Place {
            node: id,
            core: 0,
            incarnation: self.node(id).incarnation,
        };
        self.observer
            .event(self.now(), place, EventKind::Process, what);
    }
}

/// The cores of a new life.
fn seats(
    seed: u64,
    node: &Node,
    main: &Main,
    observer: &Rc<crate::observer::Observer>,
) -> Vec<Seat> {
    let cores = node.config.cores;
    (0..cores)
        .zip(mesh(cores))
        .map(|(core, links)| {
            let place = Place {
                node: node.id,
                core,
                incarnation: node.incarnation,
            };
            let seating = Seating {
                seed,
                place,
                cores,
                pool_bytes: node.config.pool_bytes,
                environment: Rc::new(Surroundings::new(seed, place, Rc::clone(observer))),
                recorder: node
                    .tape
                    .as_ref()
                    .map(|tape| tape.recorder(CoreId::new(core))),
                main,
            };
            Seat::new(seating, links)
        })
        .collect()
}
