//! The broker's node: started, stopped, died, started again.

use std::collections::BTreeSet;
use std::sync::Arc;

use broker::{Config, Handle, ListenAt, StartError};
use model::NodeId as BrokerId;
use runtime::Main;
use stdx::{Duration, Instant};
use world::{Cause, Crash, NodeId, NodeState, World};

use super::faults::{Schedule, Step};
use super::story::Story;
use super::{BROKER_ADDRESS, BROKER_PORT, DATA, ground};
use crate::oracles::recovery::Truth;
use crate::oracles::{Violation, calm};
use crate::scenario::Scenario;

/// Slow enough that a round takes a while in the time of a run, and fast enough that it ends.
const SCRUB_BYTES_PER_SECOND: u64 = 1 << 20;

/// How long until a broker that ended itself is started again.
const RESTART_AFTER: Duration = Duration::from_millis(50);

/// The broker of a run.
pub(super) struct Broker {
    scenario: Arc<Scenario>,
    node: NodeId,
    handle: Handle,
    starts: usize,
    story: Arc<Story>,
    deaths_seen: usize,
    /// Failures of the disk were planted that end the process, by rule: one end for each.
    ends_allowed: u32,
    /// The disk was full at some time: a start may be refused.
    may_refuse_to_start: bool,
    /// It was asked to stop, and is to stay down for this long.
    stopping: Option<u64>,
    /// What its files held before its life now, or its last.
    truth: Truth,
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
            ends_allowed: 0,
            may_refuse_to_start: false,
            stopping: None,
            truth: Truth::of(world.disk(node), DATA),
        };
        broker.start_if_down(world);
        if let Some(event) = broker.scenario.broker.first_killed_at {
            world.crash_after_events(node, event, Crash::Kill);
        }
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

    /// Lets it end itself once more, for a write or sync that fails.
    pub(super) fn may_end_itself(&mut self) {
        self.ends_allowed += 1;
    }

    /// Lets it refuse to start, for lack of room.
    pub(super) fn may_refuse_to_start(&mut self) {
        self.may_refuse_to_start = true;
    }

    /// There is no reason any more to refuse a start.
    pub(super) fn must_start(&mut self) {
        self.may_refuse_to_start = false;
    }

    /// Asks it to stop in good order.
    pub(super) fn stop(&mut self, down: u64) {
        self.stopping = Some(down);
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
        self.stopping = None;
        self.truth = Truth::of(world.disk(self.node), DATA);
        world.start(self.node, self.main());
        self.tell(
            world,
            &format!("start {} with {} cores", self.starts, self.cores()),
        );
    }

    fn main(&self) -> Main {
        let shape = &self.scenario.broker;
        let (story, start) = (Arc::clone(&self.story), self.starts);
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
            scrub_bytes_per_second: SCRUB_BYTES_PER_SECOND,
            // More than all strangers together: who fills it keeps others out, as in Kafka.
            connections_max: 10_000,
            idle_timeout: Duration::from_millis(shape.idle_millis),
            log: Arc::new(move |event| story.hear(start, &event)),
        };
        broker::main(config, self.handle.clone())
    }

    /// Adds a line of the run's own to the story.
    pub(super) fn tell(&self, world: &World, text: &str) {
        self.note_time(world.now());
        self.story.add(&format!("-- {text}"));
    }

    fn note_time(&self, now: Instant) {
        self.story.note_time(now);
    }

    /// Looks how it is, and plans its next start when it is down.
    pub(super) fn look(
        &mut self,
        world: &mut World,
        schedule: &mut Schedule,
    ) -> Result<(), Violation> {
        self.note_time(world.now());
        self.look_at_panics()?;
        self.truth.check_terms()?;
        self.look_at_claims(schedule.rotten())?;
        self.look_at_deaths(world)?;
        // Also when a start that another fault planned has come, or will.
        let crashed = schedule.take_crashed(world);
        if is_alive(world, self.node) || schedule.starts_broker() {
            return Ok(());
        }
        let mut down = crashed.map_or(RESTART_AFTER, Duration::from_millis);
        if let Some(outcome) = self.handle.outcome() {
            down = self.judge_end(world, outcome)?;
        }
        schedule.add(world.now() + down, Step::Start);
        Ok(())
    }

    /// Judges an end in good order, and says how long it stays down.
    fn judge_end(
        &mut self,
        world: &World,
        outcome: Result<(), StartError>,
    ) -> Result<Duration, Violation> {
        let Err(error) = outcome else {
            let down = self
                .stopping
                .ok_or_else(|| calm::ended_itself("it stopped, and nobody had asked it to"))?;
            return Ok(Duration::from_millis(down).max(RESTART_AFTER));
        };
        self.tell(world, &format!("it did not start: {error}"));
        if self.may_refuse_to_start {
            return Ok(RESTART_AFTER);
        }
        Err(calm::refused_to_start(&error.to_string()))
    }

    /// After a run: that nothing panicked, that it did not end itself, and that its last end was a good one.
    pub(super) fn judge_last(&mut self, world: &World) -> Result<(), Violation> {
        self.note_time(world.now());
        self.look_at_panics()?;
        Truth::of(world.disk(self.node), DATA).check_terms()?;
        self.look_at_deaths(world)?;
        match self.handle.outcome() {
            Some(outcome) => self.judge_end(world, outcome).map(drop),
            None => Ok(()),
        }
    }

    fn look_at_panics(&self) -> Result<(), Violation> {
        let panicked = self.story.take_panic();
        panicked.map_or(Ok(()), |message| Err(calm::panicked(message)))
    }

    fn look_at_claims(&mut self, damaged: &BTreeSet<String>) -> Result<(), Violation> {
        // One may have been started again before anybody looked at what its life before said.
        let claims = self.story.take_claims().into_iter();
        claims
            .filter(|(start, _)| *start == self.starts)
            .try_for_each(|(_, claim)| self.truth.check(&claim, damaged))
    }

    fn look_at_deaths(&mut self, world: &World) -> Result<(), Violation> {
        let deaths = &world.deaths()[self.deaths_seen..];
        self.deaths_seen += deaths.len();
        for death in deaths.iter().filter(|death| death.node == self.node) {
            if let Cause::Own(reason) = &death.cause {
                self.tell(world, &format!("it ended itself: {reason}"));
                let left = self.ends_allowed.checked_sub(1);
                self.ends_allowed = left.ok_or_else(|| calm::ended_itself(reason))?;
            }
        }
        Ok(())
    }

    /// All that was said.
    pub(super) fn story(&self) -> Vec<String> {
        self.story.lines()
    }
}

/// Whether a process runs on the node, or stands still.
fn is_alive(world: &World, node: NodeId) -> bool {
    matches!(world.state(node), NodeState::Running | NodeState::Paused)
}
