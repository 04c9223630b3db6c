//! The broker's node: started, stopped, died, started again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use broker::{Config, Event, Handle, ListenAt};
use model::NodeId as BrokerId;
use runtime::Main;
use stdx::{Duration, Instant};
use world::{Cause, NodeId, NodeState, World};

use super::faults::{Schedule, Step};
use super::{BROKER_ADDRESS, BROKER_PORT, ground};
use crate::oracles::{Violation, calm};
use crate::scenario::Scenario;

/// Where the broker keeps its data on its disk.
pub(super) const DATA: &str = "/data";

/// How long until a broker that ended itself is started again.
const RESTART_AFTER: Duration = Duration::from_millis(50);

/// Lines of the story kept.
const STORY_LINES_MAX: usize = 500;

/// The broker of a run.
pub(super) struct Broker {
    scenario: Arc<Scenario>,
    node: NodeId,
    handle: Handle,
    starts: usize,
    story: Arc<Story>,
    deaths_seen: usize,
    /// A sync error was planted: it ends the process, by rule.
    may_end_itself: bool,
    /// The disk was full at some time: a start may be refused.
    may_refuse_to_start: bool,
    /// After it was asked to stop, it stays down for this long.
    down_after_stop: u64,
}

/// What the broker said, with the time of the slice in which it said it.
#[derive(Debug, Default)]
struct Story {
    now_micros: AtomicU64,
    lines: Mutex<Vec<String>>,
    panicked: Mutex<Option<String>>,
}

impl Story {
    fn add(&self, text: &str) {
        let micros = self.now_micros.load(Ordering::Relaxed);
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() < STORY_LINES_MAX {
            lines.push(format!(
                "{}.{:06}s {text}",
                micros / 1_000_000,
                micros % 1_000_000
            ));
        }
    }
}

impl Broker {
    /// Makes the broker's machine and starts the broker on it.
    pub(super) fn start(world: &mut World, scenario: &Arc<Scenario>) -> Self {
        let node = world.add_machine(ground::machine(scenario));
        let mut broker = Self {
            scenario: Arc::clone(scenario),
            node,
            handle: Handle::new(),
            starts: 0,
            story: Arc::new(Story::default()),
            deaths_seen: 0,
            may_end_itself: false,
            may_refuse_to_start: false,
            down_after_stop: 0,
        };
        broker.start_if_down(world);
        broker
    }

    pub(super) fn node(&self) -> NodeId {
        self.node
    }

    /// Cores of its life now, or its last.
    pub(super) fn cores(&self) -> u16 {
        let cores = &self.scenario.broker.cores;
        cores[self.starts.saturating_sub(1) % cores.len()]
    }

    pub(super) fn is_up(&self, world: &World) -> bool {
        world.state(self.node) == NodeState::Running
    }

    /// Lets it end itself once, for a failed sync.
    pub(super) fn may_end_itself(&mut self) {
        self.may_end_itself = true;
    }

    /// Lets it refuse to start, for lack of room.
    pub(super) fn may_refuse_to_start(&mut self) {
        self.may_refuse_to_start = true;
    }

    /// Asks it to stop in good order.
    pub(super) fn stop(&mut self, down: u64) {
        self.down_after_stop = down;
        self.handle.stop();
    }

    /// Starts it if it is not running, with the next number of cores.
    pub(super) fn start_if_down(&mut self, world: &mut World) {
        if is_alive(world, self.node) {
            return;
        }
        let cores = &self.scenario.broker.cores;
        world.set_cores(self.node, cores[self.starts % cores.len()]);
        self.starts += 1;
        self.handle = Handle::new();
        world.start(self.node, self.main());
        self.tell(
            world,
            &format!("start {} with {} cores", self.starts, self.cores()),
        );
    }

    fn main(&self) -> Main {
        let shape = &self.scenario.broker;
        let story = Arc::clone(&self.story);
        let config = Config {
            node: BrokerId(0),
            data: DATA.to_owned(),
            listen: vec![ListenAt {
                address: (BROKER_ADDRESS, BROKER_PORT).into(),
                optional: false,
            }],
            advertise: None,
            memory: usize::try_from(shape.memory_bytes).unwrap_or(usize::MAX),
            auto_create_topics: shape.auto_create,
            default_partitions: 1,
            segment_bytes: shape.segment_bytes,
            connections_max: 1000,
            log: Arc::new(move |event: Event| {
                if is_panic(&event) {
                    let mut panicked = story
                        .panicked
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner);
                    panicked.get_or_insert(event.to_string());
                }
                if !is_everyday(&event) {
                    story.add(&event.to_string());
                }
            }),
        };
        broker::main(config, self.handle.clone())
    }

    /// Adds a line of the run's own to the story.
    pub(super) fn tell(&self, world: &World, text: &str) {
        self.note_time(world.now());
        self.story.add(&format!("-- {text}"));
    }

    fn note_time(&self, now: Instant) {
        self.story
            .now_micros
            .store(now.as_nanos() / 1_000, Ordering::Relaxed);
    }

    /// Looks how it is, and plans its next start when it is down.
    pub(super) fn look(
        &mut self,
        world: &mut World,
        schedule: &mut Schedule,
    ) -> Result<(), Violation> {
        self.note_time(world.now());
        if let Some(message) = self
            .story
            .panicked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            return Err(calm::panicked(message));
        }
        self.look_at_deaths(world)?;
        if is_alive(world, self.node) || schedule.starts_broker() {
            return Ok(());
        }
        let mut down = schedule
            .take_armed()
            .map_or(RESTART_AFTER, Duration::from_millis);
        if let Some(outcome) = self.handle.outcome() {
            down = Duration::from_millis(self.down_after_stop).max(RESTART_AFTER);
            if let Err(error) = outcome {
                self.tell(world, &format!("it did not start: {error}"));
                if !self.may_refuse_to_start {
                    return Err(calm::refused_to_start(&error.to_string()));
                }
            }
        }
        schedule.add(world.now() + down, Step::Start);
        Ok(())
    }

    fn look_at_deaths(&mut self, world: &World) -> Result<(), Violation> {
        let deaths = &world.deaths()[self.deaths_seen..];
        self.deaths_seen += deaths.len();
        for death in deaths.iter().filter(|death| death.node == self.node) {
            if let Cause::Own(reason) = &death.cause {
                self.tell(world, &format!("it ended itself: {reason}"));
                if !self.may_end_itself {
                    return Err(calm::ended_itself(reason));
                }
            }
        }
        Ok(())
    }

    /// All that was said.
    pub(super) fn story(&self) -> Vec<String> {
        self.story
            .lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Whether a process runs on the node, or stands still.
fn is_alive(world: &World, node: NodeId) -> bool {
    matches!(world.state(node), NodeState::Running | NodeState::Paused)
}

/// Whether something of ours panicked.
fn is_panic(event: &Event) -> bool {
    match event {
        Event::ConnectionEnded { ended, .. } => ended.closed.is_err(),
        _ => false,
    }
}

/// Whether a reader of the story can do without it.
fn is_everyday(event: &Event) -> bool {
    match event {
        Event::ConnectionEnded { ended, .. } => {
            ended.closed.as_ref().is_ok_and(kafka::Closed::is_ordinary)
        }
        _ => false,
    }
}
