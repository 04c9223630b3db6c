//! A crash at every event of a scenario, and again at every event of the recovery behind it.

use std::sync::{Arc, Mutex};

use world::{Crash, NodeConfig, NodeId, World, WorldConfig};

use crate::life::{self, Life};
use crate::model::Model;
use crate::step::{Step, parse};

/// A scenario: bytes at which a segment is full, and lives of one log, one after the other.
type Scenario = (u64, &'static [&'static str]);

/// All of them.
const SCENARIOS: &[Scenario] = &[
    // One frame after the other, and several at once.
    (
        4_096,
        &["append 100; settle; append 200; settle; append 10; settle"],
    ),
    (
        4_096,
        &["append 100 200; append 300; append 10 20 30; settle"],
    ),
    // Segments that are full.
    (
        4_096,
        &["append 1500 1500; settle; append 1500; settle; append 100; settle"],
    ),
    (4_096, &["append 3000 3000 3000 3000; settle"]),
    (4_096, &["append 100 9000 100; settle; append 9000; settle"]),
    // Cuts: in the last segment, across segments, at an edge, and as far as is committed.
    (
        4_096,
        &["append 100 100 100; settle; cut 2; append 50; settle"],
    ),
    (
        4_096,
        &["append 2000 2000 2000 2000; settle; cut 3; append 100; settle"],
    ),
    (
        4_096,
        &["append 3000 3000; settle; cut 1; append 200; settle; cut 1; append 10; settle"],
    ),
    (
        4_096,
        &["append 100 100; settle; commit; append 100 3000 100; settle; cut 9; append 7; settle"],
    ),
    // A reader has a file open that is removed, and another one gets its name.
    (
        4_096,
        &[
            "append 3000 3000 3000 3000; settle; read; cut 3; append 3500 3500 3500; settle; tail 2; read",
        ],
    ),
    // Footers that are cut off: behind a few frames, behind a full segment, before and behind a cut, behind no frame.
    (
        4_096,
        &[
            "append 100 2000; settle; commit; close",
            "append 300; settle; close",
            "read; close",
        ],
    ),
    (
        4_096,
        &[
            "append 2000 1800; settle; close",
            "append 2000; settle; mark; settle; close",
            "read",
        ],
    ),
    (
        4_096,
        &[
            "append 1000 1000 1000; settle; close",
            "cut 1; append 10; settle; cut 2; close",
            "append 30; settle; close",
        ],
    ),
    (
        4_096,
        &["settle; close", "close", "mark; close", "append 5; settle"],
    ),
    // With a frame behind it that is smaller than the index in it.
    (
        200_000,
        &[
            "append 40000 40000 40000; settle; close",
            "mark; settle",
            "mark; settle; close",
            "read",
        ],
    ),
    // Several entries of an index are cut off, and others come.
    (
        200_000,
        &[
            "append 40000 40000 40000 100; settle; cut 3; append 100 40000; settle; read; cut 1; append 5; settle; read",
        ],
    ),
];

/// Events of a scenario, at most.
const EVENTS_MAX: u64 = 300;

/// What a power cut leaves is drawn from a seed: each crash has so many.
const SEEDS: u64 = 3;

/// What a sweep came to.
#[derive(Debug, Default)]
pub(crate) struct Count {
    /// Scenarios, each once with the power cut and once with the process killed.
    pub(crate) scenarios: usize,
    /// Events of all scenarios.
    pub(crate) events: u64,
    /// Crashes in them.
    pub(crate) crashes: u64,
    /// Crashes in the recovery behind one.
    pub(crate) again: u64,
}

/// One machine, one log.
struct Case {
    segment_bytes: u64,
    world: World,
    node: NodeId,
    model: Arc<Mutex<Model>>,
}

impl Case {
    fn new(segment_bytes: u64, seed: u64) -> Self {
        let mut world = World::new(seed, WorldConfig::default());
        let node = world.add_machine(NodeConfig::default());
        Self {
            segment_bytes,
            world,
            node,
            model: Arc::default(),
        }
    }

    /// Whether it came to its end.
    fn live(&mut self, steps: &[Step]) -> bool {
        let life = Life {
            segment_bytes: self.segment_bytes,
            steps: steps.to_vec(),
            model: Arc::clone(&self.model),
        };
        let ended = self
            .world
            .try_block_on(self.node, move |runtime| life.live(runtime));
        life::forget();
        life::check_death(&self.world);
        ended.is_some()
    }

    fn crash_after(&mut self, events: u64, crash: Crash) {
        self.world.crash_after_events(self.node, events, crash);
    }

    /// Lives all of a scenario, unless it crashes; whether it did.
    fn play(&mut self, lives: &[Vec<Step>]) -> bool {
        !lives.iter().all(|steps| self.live(steps))
    }

    /// Everything is there, and the log goes on: appended to, closed, and read.
    fn go_on(&mut self) {
        self.world.clear_crash_point(self.node);
        for steps in [
            "read; append 40; settle; close",
            "append 60; settle; read",
            "read",
        ] {
            assert!(self.live(&parse(steps)));
        }
    }
}

fn sweep((segment_bytes, lives): Scenario, crash: Crash, count: &mut Count) {
    let lives: Vec<Vec<Step>> = lives.iter().map(|steps| parse(steps)).collect();
    for event in 1.. {
        assert!(event <= EVENTS_MAX, "the scenario is too long");
        for seed in 0..SEEDS {
            let mut case = Case::new(segment_bytes, event * SEEDS + seed);
            case.crash_after(event, crash);
            let crashed = case.play(&lives);
            case.go_on();
            if !crashed {
                count.events += event - 1;
                return;
            }
            count.crashes += 1;
        }
        crash_again((segment_bytes, &lives), (event, crash), count);
    }
}

/// The same crash, and another one at each event of the recovery behind it.
fn crash_again(
    (segment_bytes, lives): (u64, &[Vec<Step>]),
    (event, crash): (u64, Crash),
    count: &mut Count,
) {
    for again in 1.. {
        let mut case = Case::new(segment_bytes, event * SEEDS + again % SEEDS);
        case.crash_after(event, crash);
        assert!(case.play(lives));
        let power = again.is_multiple_of(2) && crash == Crash::PowerCut;
        let second = if power { crash } else { Crash::Kill };
        case.crash_after(again, second);
        let recovered = case.live(&parse("read"));
        case.go_on();
        if recovered {
            return;
        }
        count.again += 1;
    }
}

/// Sweeps all scenarios.
pub(crate) fn all() -> Count {
    let mut count = Count::default();
    for scenario in SCENARIOS {
        for crash in [Crash::PowerCut, Crash::Kill] {
            sweep(*scenario, crash, &mut count);
            count.scenarios += 1;
        }
    }
    count
}
