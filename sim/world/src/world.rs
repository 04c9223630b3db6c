//! The world: it takes the next event from the heap and delivers it.

use core::fmt;
use std::rc::Rc;

use stdx::{Duration, Instant, Timestamp};

use crate::config::{CORES_MAX, NodeConfig, WorldConfig};
use crate::coverage::Coverage;
use crate::death::Death;
use crate::driver::Command;
use crate::event::{Event, EventKind, NodeId, Place};
use crate::heap::EventHeap;
use crate::network::Network;
use crate::node::{self, Node, NodeState};
use crate::observer::{Checkpoint, Observer, Watcher};

/// Everything there is.
pub struct World {
    pub(crate) seed: u64,
    pub(crate) config: WorldConfig,
    pub(crate) heap: EventHeap,
    pub(crate) nodes: Vec<Node>,
    pub(crate) network: Network,
    pub(crate) observer: Rc<Observer>,
    pub(crate) coverage: Rc<Coverage>,
    /// Cores for which the event at hand brought something. Their turns come when it is dealt with.
    pub(crate) kicked: Vec<Place>,
    /// Kept for its memory.
    pub(crate) commands: Vec<Command>,
    pub(crate) waiting: runtime::passive::Waiting,
    pub(crate) deaths: Vec<Death>,
    instant_events: u32,
}

impl World {
    /// A world without nodes.
    pub fn new(seed: u64, config: WorldConfig) -> Self {
        // Memory of an earlier world of this thread may have come home since.
        runtime::take_touched(|_| {});
        let coverage = Rc::new(Coverage::default());
        Self {
            seed,
            heap: EventHeap::default(),
            nodes: Vec::new(),
            network: Network::new(seed, Rc::clone(&coverage)),
            observer: Rc::new(Observer::new(seed, config.trace_cores)),
            coverage,
            kicked: Vec::new(),
            commands: Vec::new(),
            waiting: runtime::passive::Waiting::default(),
            deaths: Vec::new(),
            instant_events: 0,
            config,
        }
    }

    /// Adds a node whose machine is up and runs nothing yet.
    ///
    /// # Panics
    /// When its number of cores is not 1 to [`CORES_MAX`], or another node has its address.
    pub fn add_machine(&mut self, config: NodeConfig) -> NodeId {
        assert!((1..=CORES_MAX).contains(&config.cores));
        let id = NodeId(u16::try_from(self.nodes.len()).expect("worlds are small"));
        self.network
            .add_node(&self.config.link, &self.config.loopback);
        let taken = |address| self.nodes.iter().any(|node| node.address == address);
        assert!(
            !config.address.is_some_and(taken),
            "two nodes with one address"
        );
        let truth = (self.now(), self.true_wall());
        self.nodes
            .push(node::new(self.seed, id, config, truth, &self.coverage));
        id
    }

    /// Adds a node and starts `main` on it.
    pub fn add_node(&mut self, config: NodeConfig, main: runtime::Main) -> NodeId {
        let node = self.add_machine(config);
        self.start(node, main);
        node
    }

    /// The heap's time.
    pub fn now(&self) -> Instant {
        self.heap.now()
    }

    /// What a perfect wall clock shows.
    pub fn true_wall(&self) -> Timestamp {
        let start = self.config.wall.as_nanos();
        Timestamp::from_nanos(start.saturating_add_unsigned(self.now().as_nanos()))
    }

    /// Events delivered so far.
    pub fn events(&self) -> u64 {
        self.observer.events()
    }

    /// The digest of all that happened so far.
    pub fn digest(&self) -> u128 {
        self.observer.digest()
    }

    /// The digest after every 1,024 events: two runs that differ do so first between two of these.
    pub fn checkpoints(&self) -> Vec<Checkpoint> {
        self.observer.checkpoints()
    }

    /// Tells `watcher` of everything that happens from now on; None ends that.
    pub fn watch(&mut self, watcher: Option<Watcher>) {
        self.observer.watch(watcher);
    }

    /// The nodes, in the order of their making.
    pub fn node_ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.nodes.len()).map(|index| NodeId(u16::try_from(index).expect("worlds are small")))
    }

    /// Delivers the next event. False when there is none.
    pub fn step(&mut self) -> bool {
        self.step_until(Instant::MAX)
    }

    /// Delivers all events up to `target` and lets time pass to it.
    pub fn run_until(&mut self, target: Instant) {
        while self.step_until(target) {}
        self.heap.pass(target);
    }

    /// Lets `duration` pass.
    pub fn run_for(&mut self, duration: Duration) {
        self.run_until(self.now() + duration);
    }

    /// Delivers events until there are none.
    ///
    /// # Panics
    /// After as many as the configuration allows.
    pub fn run_until_idle(&mut self) {
        let end = self.events() + self.config.events_max;
        while self.step() {
            assert!(
                self.events() < end,
                "events without end: {}",
                self.describe()
            );
        }
    }

    /// Delivers the next event that is not after `limit`. Events that turn out to be of no interest are skipped.
    pub(crate) fn step_until(&mut self, limit: Instant) -> bool {
        let before = self.now();
        // Whoever called between two steps may have brought something to a core.
        self.announce_loose_drops();
        self.run_kicked();
        let events = self.events();
        while self.events() == events {
            let Some(event) = self.heap.pop(limit) else {
                return false;
            };
            self.deliver(event);
            self.announce_loose_drops();
            self.run_kicked();
        }
        self.guard_time(before);
        true
    }

    fn deliver(&mut self, event: Event) {
        match event {
            Event::Turn(place) => self.turn_due(place),
            Event::Alarm(place) => self.alarm_due(place),
            Event::Operation(place, id) => {
                if self.happens(place, EventKind::Operation, id.to_bits()) {
                    self.operation_due(place, id);
                }
            }
            Event::Message(place, source) => {
                if self.happens(place, EventKind::Message, u64::from(source)) {
                    self.message_arrived(place, source);
                }
            }
            Event::Return(place, source) => {
                if self.happens(place, EventKind::Return, u64::from(source)) {
                    self.return_arrived(place, source);
                }
            }
            Event::Segment(sender) => {
                if let Some((target, carried)) = self.segment_due(sender) {
                    self.happens_on_machine(target, EventKind::Segment, carried.summary());
                    self.deliver_segment(sender);
                }
            }
            Event::ConnectTimeout(end) => self.connect_timed_out(end),
        }
    }

    /// Counts an event of a process, and says whether the process is still the one that it is meant for. The
    /// event may be the one at which the process is to die.
    pub(crate) fn happens(&mut self, place: Place, kind: EventKind, payload: u64) -> bool {
        if self.node_mut(place.node).seat(place).is_none() {
            return false;
        }
        self.observer.event(self.now(), place, kind, payload);
        !self.dies_at_this_event(place.node)
    }

    /// Counts an event that reaches a machine, whether or not its process lives.
    fn happens_on_machine(&mut self, node: NodeId, kind: EventKind, payload: u64) {
        let place = Place {
            node,
            core: 0,
            incarnation: self.node(node).incarnation,
        };
        self.observer.event(self.now(), place, kind, payload);
        self.dies_at_this_event(node);
    }

    pub(crate) fn node(&self, node: NodeId) -> &Node {
        &self.nodes[node.index()]
    }

    pub(crate) fn node_mut(&mut self, node: NodeId) -> &mut Node {
        &mut self.nodes[node.index()]
    }

    pub(crate) fn seat(&mut self, place: Place) -> Option<&mut crate::seat::Seat> {
        self.nodes[place.node.index()].seat(place)
    }

    /// Ends a run whose time stands still.
    fn guard_time(&mut self, before: Instant) {
        if self.now() > before {
            self.instant_events = 0;
            return;
        }
        self.instant_events += 1;
        let limit = self.config.instant_events_max;
        assert!(
            self.instant_events < limit,
            "time stands still: {}",
            self.describe()
        );
    }

    /// Where the world is, for the message of a panic.
    pub(crate) fn describe(&self) -> String {
        let alive = self
            .nodes
            .iter()
            .filter(|node| node.state == NodeState::Running);
        let alive: Vec<String> = alive.map(|node| node.id.to_string()).collect();
        format!(
            "seed {}, {} events, at {}, nodes running: [{}]",
            self.seed,
            self.events(),
            self.now(),
            alive.join(", ")
        )
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "World({})", self.describe())
    }
}
