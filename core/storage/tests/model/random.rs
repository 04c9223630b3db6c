//! Lives drawn from a seed, and the log compared with the model and with the disk after every event.

use std::sync::{Arc, Mutex};

use stdx::Prng;
use world::{Crash, Disk, DiskFaults, NodeConfig, NodeId, NodeState, Rate, World, WorldConfig};

use crate::disk;
use crate::life::{self, Life};
use crate::model::Model;
use crate::step::Step;

const LIVES: u64 = 6;

/// The disk as a power cut would leave it is looked at after one event in so many: it is read whole each time.
const CUT_EVERY: u64 = 7;

/// Runs a seed: how often the log was looked at, and how many frames it had in the end.
pub(crate) fn run(seed: u64) -> (u64, u64) {
    let mut prng = Prng::labelled(seed, "model");
    let mut world = World::new(seed, WorldConfig::default());
    let mut config = NodeConfig::default();
    config.disk.faults = faults(&mut prng);
    let node = world.add_machine(config);
    let model: Arc<Mutex<Model>> = Arc::default();
    let mut checks = 0;
    for _ in 0..LIVES {
        if prng.chance(1, 2) {
            let crash = *prng.choose(&[Crash::PowerCut, Crash::Kill]);
            world.crash_after_events(node, prng.between(1, 400), crash);
        }
        let life = Life {
            segment_bytes: 1 << prng.between(12, 18),
            steps: steps(&mut prng),
            model: Arc::clone(&model),
        };
        let once = Mutex::new(Some(life));
        let main = world::program(move |runtime| {
            let life = once.lock().unwrap().take().expect("a life is lived once");
            life.live(runtime)
        });
        world.start(node, main);
        while world.state(node) == NodeState::Running {
            assert!(world.step());
            checks += u64::from(check(&world, node, &model.lock().unwrap(), seed));
        }
        life::forget();
        life::check_death(&world);
        world.clear_crash_point(node);
    }
    let frames = model.lock().unwrap().frames.len();
    (checks, frames as u64)
}

/// What holds between any two events. Whether a log was open to be looked at.
fn check(world: &World, node: NodeId, model: &Model, seed: u64) -> bool {
    let Some(log) = life::open() else {
        return false;
    };
    let (dirty, flushed) = (log.dirty(), log.flushed());
    assert!(flushed <= dirty, "S12, seed {seed}: {log:?}");
    let durable = usize::try_from(flushed.index.0).unwrap();
    assert!(
        model.durable <= durable,
        "S12, seed {seed}: {log:?} forgot, {model:?}"
    );
    let there = world.disk(node);
    holds(there, model, durable, seed);
    if world.events().is_multiple_of(CUT_EVERY) {
        // What a power cut would leave now: S11 is about that, and not about what a process sees.
        holds(
            &there.after_power_cut(seed ^ world.events()),
            model,
            durable,
            seed,
        );
    }
    true
}

fn holds(disk: &Disk, model: &Model, durable: usize, seed: u64) {
    let (numbers, _) = disk::numbers(disk);
    assert!(
        numbers.len() >= durable,
        "S11, seed {seed}: {durable} frames are said to be durable, the disk has {numbers:?}"
    );
    let known = durable.min(model.frames.len());
    assert_eq!(
        &numbers[..known],
        &model.frames[..known],
        "S25, seed {seed}: other frames than those that were appended"
    );
    assert!(
        numbers.len() >= model.committed,
        "S15, seed {seed}: {model:?}, {numbers:?}"
    );
}

fn steps(prng: &mut Prng) -> Vec<Step> {
    let mut steps = Vec::new();
    for _ in 0..prng.between(1, 25) {
        steps.push(match prng.below(12) {
            0..=4 => {
                let large = *prng.choose(&[300, 300, 300, 6_000, 40_000]);
                let sizes = (0..prng.between(1, 4)).map(|_| prng.index(large));
                Step::Append(sizes.collect())
            }
            5 => Step::Settle,
            6..=7 => Step::Sleep(prng.below(400)),
            8 => Step::Commit,
            9 => Step::Cut(prng.index(6)),
            10 if prng.chance(1, 2) => Step::Tail(prng.index(5)),
            10 => Step::Read,
            _ => Step::Mark,
        });
    }
    if prng.chance(1, 2) {
        steps.push(Step::Close);
    }
    steps
}

/// The disk is slow, and does less than it is asked for. Sometimes a write or a sync fails, which ends the process.
fn faults(prng: &mut Prng) -> DiskFaults {
    let mut faults = DiskFaults::default();
    if prng.chance(1, 2) {
        faults.short_write = Rate::per_million(100_000);
        faults.short_read = Rate::per_million(100_000);
    }
    if prng.chance(1, 3) {
        faults.sync_error = Rate::per_million(10_000);
    }
    if prng.chance(1, 2) {
        faults.slow = Rate::per_million(100_000);
    }
    faults
}
