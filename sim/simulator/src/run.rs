//! One run: a scenario carried out in a world, and judged.
//!
//! ```text
//!   setting up   topics are made, nothing breaks
//!   working      clients work; faults happen at their times, each undone at its own
//!   reading      all is healed; within a bound, everything is written to and read once more
//! ```
//!
//! A run is a function of its scenario: it reads no clock, no environment, and draws only from labelled streams.

use core::net::{Ipv4Addr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use stdx::{Duration, Instant};
use world::{NodeConfig, NodeId, World, WorldConfig};

use crate::madsim_check;
use crate::oracles::{Violation, calm};
use crate::outcome::{Outcome, Verdict};
use crate::scenario::Scenario;
use crate::workload::{self, Phase, Shared, strangers};

mod brokers;
mod faults;
mod ground;
mod media;
mod settled;
mod story;

use brokers::Broker;
use faults::Schedule;

/// Where the broker keeps its data on its disk.
pub(crate) const DATA: &str = "/data";

/// Where clients find the broker.
const BROKER_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const BROKER_PORT: u16 = 9092;

/// How long making the topics may take.
const SET_UP_MAX: Duration = Duration::from_mins(1);

/// How often the run looks whether the broker died or the clients are done.
const SLICE: Duration = Duration::from_millis(5);

/// The same when the clients are done.
const LONG_SLICE: Duration = Duration::from_secs(1);

/// How much longer clients work where faults that were scheduled have not happened yet.
const OVERTIME_MAX: Duration = Duration::from_secs(10);

/// Stack of the thread that a run has.
const STACK_BYTES: usize = 16 << 20;

/// Runs `scenario` inside madsim on a thread of its own. A panic in it is a broken promise of ours.
pub fn on_fresh_thread(scenario: &Scenario) -> Outcome {
    let owned = scenario.clone();
    let thread = thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(move || {
            catch_unwind(AssertUnwindSafe(|| madsim_check::once(&owned))).map_err(|payload| {
                let text = payload
                    .downcast_ref::<&str>()
                    .map(|text| (*text).to_owned());
                text.or_else(|| payload.downcast_ref::<String>().cloned())
                    .unwrap_or_default()
            })
        });
    let ended = thread
        .map_err(|error| error.to_string())
        .and_then(|thread| {
            thread
                .join()
                .unwrap_or_else(|_| Err("the run's thread panicked".to_owned()))
        });
    ended.unwrap_or_else(|message| Outcome::violated(calm::panicked(message)))
}

/// Runs `scenario` on this thread. Under madsim when called from there.
pub fn scenario(scenario: &Scenario) -> Outcome {
    let mut run = Run::new(scenario);
    run.set_up();
    run.work();
    run.heal_and_read();
    run.conclude()
}

struct Run {
    scenario: Arc<Scenario>,
    world: World,
    broker: Broker,
    clients: NodeId,
    shared: Arc<Shared>,
    schedule: Schedule,
    /// Why no more is to be done, if so.
    ended: Option<Verdict>,
    /// Whether this runs in madsim, and until where its clock was moved.
    in_madsim: bool,
    told_madsim: Instant,
    /// How often each fault of the world has happened while it counted.
    coverage: Vec<(&'static str, u64)>,
}

impl Run {
    fn new(scenario: &Scenario) -> Self {
        let scenario = Arc::new(scenario.clone());
        let config = WorldConfig {
            link: ground::link(&scenario),
            ..WorldConfig::default()
        };
        let mut world = World::new(scenario.seed, config);
        let shared = Arc::new(Shared::default());
        if scenario.is_beyond_model() {
            shared.expect_beyond_model();
        }
        let broker = Broker::start(&mut world, &scenario);
        let address = SocketAddr::from((BROKER_ADDRESS, BROKER_PORT));
        let clients = world.add_node(
            NodeConfig::default(),
            workload::main(&scenario, &shared, address),
        );
        if !scenario.strangers.is_empty() {
            let main = strangers::main(&scenario, &shared, address);
            world.add_node(NodeConfig::default(), main);
        }
        Self {
            scenario,
            world,
            broker,
            clients,
            shared,
            schedule: Schedule::default(),
            ended: None,
            in_madsim: madsim::runtime::Handle::try_current().is_ok(),
            told_madsim: Instant::ZERO,
            coverage: Vec::new(),
        }
    }

    fn set_up(&mut self) {
        let end = self.world.now() + SET_UP_MAX;
        self.run_while(end, Phase::SettingUp);
        if self.ended.is_none() && self.shared.phase() == Phase::SettingUp {
            self.end(Verdict::Violated(calm::stuck(
                &self.shared.waiting_for(),
                SET_UP_MAX,
            )));
        }
    }

    fn work(&mut self) {
        let start = self.world.now();
        ground::make_rough(&mut self.world, self.broker.node(), &self.scenario);
        for fault in &self.scenario.faults {
            self.schedule.add(
                start + Duration::from_micros(fault.at_micros),
                faults::Step::Begin(fault.kind),
            );
        }
        let end = start + Duration::from_millis(self.scenario.safety_millis);
        self.run_while(end, Phase::Working);
        // One fault can stand in the way of another, as a broker that is down does in that of a pause: each comes, late.
        let last = end + OVERTIME_MAX;
        while self.schedule.owes_faults() && self.is_working() && self.world.now() < last {
            self.run_while((self.world.now() + SLICE).min(last), Phase::Working);
        }
    }

    fn is_working(&self) -> bool {
        self.ended.is_none() && self.shared.phase() == Phase::Working
    }

    fn heal_and_read(&mut self) {
        if self.ended.is_some() {
            return;
        }
        self.schedule
            .heal(&mut self.world, &mut self.broker, self.clients);
        ground::make_smooth(&mut self.world, self.broker.node());
        self.shared.note_rotten(self.schedule.rotten());
        self.shared.enter(Phase::Reading);
        let bound = Duration::from_millis(self.scenario.heal_millis);
        let end = self.world.now() + bound;
        self.run_while(end, Phase::Reading);
        if self.ended.is_some() {
            return;
        }
        if self.shared.phase() < Phase::Done {
            let waiting_for = format!("{}; {}", self.shared.waiting_for(), self.budgets());
            self.end(Verdict::Violated(calm::stuck(&waiting_for, bound)));
            return;
        }
        self.check_budgets();
        self.stop_and_check_disk();
    }

    /// Remembers how often each fault has happened.
    fn note_coverage(&mut self) {
        self.coverage = self
            .world
            .coverage()
            .map(|(fault, hits)| (fault.name(), hits))
            .collect();
    }

    /// Runs until `end`, or until the clients left `phase`, or until there is nothing more to learn.
    fn run_while(&mut self, end: Instant, phase: Phase) {
        // When all are done there is nothing to be in time for.
        let slice = if phase == Phase::Done {
            LONG_SLICE
        } else {
            SLICE
        };
        while self.ended.is_none() && self.world.now() < end && self.shared.phase() == phase {
            let slice = (self.world.now() + slice).min(end);
            let next = self.schedule.next().map_or(slice, |at| at.min(slice));
            self.world.run_until(next);
            self.tell_madsim();
            self.schedule
                .carry_out(&mut self.world, &mut self.broker, self.clients);
            self.look();
        }
    }

    /// Moves madsim's clock to the heap's.
    fn tell_madsim(&mut self) {
        if self.in_madsim {
            madsim::time::advance(self.world.now() - self.told_madsim);
        }
        self.told_madsim = self.world.now();
    }

    /// Looks whether a promise was broken or the broker is down, and starts it again.
    fn look(&mut self) {
        if let Some(violation) = self.shared.violation() {
            self.end(Verdict::Violated(violation));
            return;
        }
        if let Err(violation) = self.broker.look(&mut self.world, &mut self.schedule) {
            self.end(Verdict::Violated(violation));
        }
    }

    fn end(&mut self, verdict: Verdict) {
        self.ended.get_or_insert(verdict);
    }

    fn conclude(mut self) -> Outcome {
        if self.ended.is_none() {
            let ledger = self.shared.ledger();
            let judged = calm::check(&self.scenario, &ledger);
            drop(ledger);
            if let Err(violation) = judged {
                self.end(Verdict::Violated(violation));
            }
        }
        let verdict = self.ended.take().unwrap_or_else(|| self.schedule.verdict());
        if self.coverage.is_empty() {
            self.note_coverage();
        }
        let mut faults = self.schedule.fired();
        for (name, hits) in &self.coverage {
            *faults.entry((*name).to_owned()).or_default() += hits;
        }
        let ledger = self.shared.ledger();
        let mut story = self.broker.story();
        story.extend(
            ledger
                .failed
                .iter()
                .map(|((kind, reason), count)| format!("{count} x {kind}: {reason}")),
        );
        Outcome {
            verdict,
            events: self.world.events(),
            simulated_micros: self.world.now().as_nanos() / 1_000,
            digest: self.world.digest(),
            checkpoints: self
                .world
                .checkpoints()
                .iter()
                .map(|checkpoint| checkpoint.digest)
                .collect(),
            operations: ledger.answered.values().sum(),
            faults,
            story,
        }
    }
}

impl Outcome {
    /// A run that came to nothing but this.
    fn violated(violation: Violation) -> Self {
        Self {
            verdict: Verdict::Violated(violation),
            events: 0,
            simulated_micros: 0,
            digest: 0,
            checkpoints: Vec::new(),
            operations: 0,
            faults: std::collections::BTreeMap::new(),
            story: Vec::new(),
        }
    }
}
