//! Clocks: what nodes believe, and how they are made to believe it.

use std::sync::{Arc, Mutex};

use stdx::{Duration, Instant, Timestamp};
use world::{ClockConfig, Fault, NodeConfig, NodeId, World, WorldConfig, program};

fn world_with(clock: ClockConfig) -> (World, NodeId) {
    let mut world = World::new(1, WorldConfig::default());
    let config = NodeConfig {
        clock,
        ..NodeConfig::default()
    };
    let node = world.add_machine(config);
    (world, node)
}

fn millis_after(world: &World, later: Timestamp) -> i64 {
    later.as_millis() - world.true_wall().as_millis()
}

#[test]
fn a_wall_clock_is_off_by_its_offset() {
    for offset in [-3_600_000_000_000, 0, 5_000_000_000] {
        let (mut world, node) = world_with(ClockConfig {
            offset,
            drift_ppm: 0,
        });
        world.run_for(Duration::from_secs(10));
        assert_eq!(millis_after(&world, world.wall(node)), offset / 1_000_000);
        assert_eq!(world.monotonic(node), Instant::from_nanos(10_000_000_000));
    }
}

#[test]
fn a_drifting_clock_wakes_its_node_by_its_own_time() {
    for drift_ppm in [-10_000, -1, 1, 10_000] {
        let (mut world, node) = world_with(ClockConfig {
            offset: 0,
            drift_ppm,
        });
        let (monotonic, wall) = world.block_on(node, |runtime| async move {
            let start = runtime.wall();
            runtime.sleep(Duration::from_secs(100)).await;
            (runtime.now(), runtime.wall().as_nanos() - start.as_nanos())
        });
        let near = |nanos: u64, expected: u64| (expected..expected + 1_000_000).contains(&nanos);
        assert!(near(monotonic.as_nanos(), 100_000_000_000), "{monotonic}");
        assert!(
            near(wall.unsigned_abs() + 100_000, 100_000_000_000),
            "{wall}"
        );
        let expected = 100_000_000_000.0 / (1.0 + f64::from(drift_ppm) / 1e6);
        let real = Duration::from_nanos(world.now().as_nanos()).as_secs_f64() * 1e9;
        assert!((real - expected).abs() < 1e6, "{real} {expected}");
    }
}

#[test]
fn a_change_of_drift_moves_deadlines_that_are_set() {
    let (mut world, node) = world_with(ClockConfig::default());
    world.start(
        node,
        program(|runtime| async move {
            runtime.sleep(Duration::from_secs(100)).await;
        }),
    );
    world.run_for(Duration::from_secs(50));
    world.set_drift(node, 10_000);
    assert!(world.run_to_end(node));
    // Fifty seconds of its own, one percent fast.
    let expected = 50.0 + 50.0 / 1.01;
    let real = Duration::from_nanos(world.now().as_nanos()).as_secs_f64();
    assert!((real - expected).abs() < 0.001, "{real}");
    assert_eq!(world.hits(Fault::ClockDrift), 1);
}

#[test]
fn steps_move_the_wall_and_nothing_else() {
    let (mut world, node) = world_with(ClockConfig::default());
    let seen: Arc<Mutex<Vec<(Instant, Timestamp)>>> = Arc::default();
    let log = Arc::clone(&seen);
    world.start(
        node,
        program(move |runtime| {
            let log = Arc::clone(&log);
            async move {
                for _ in 0..3 {
                    runtime.sleep(Duration::from_secs(1)).await;
                    log.lock()
                        .expect("one thread")
                        .push((runtime.now(), runtime.wall()));
                }
            }
        }),
    );
    world.run_for(Duration::from_millis(1_500));
    world.step_clock_back(node, Duration::from_mins(1));
    assert_eq!(millis_after(&world, world.wall(node)), -60_000);
    world.run_for(Duration::from_secs(1));
    world.step_clock_forward(node, Duration::from_hours(1));
    world.run_for(Duration::from_secs(1));
    let seen = seen.lock().expect("one thread");
    let seconds = |index: usize| {
        let (monotonic, wall) = seen[index];
        let (_, first) = seen[0];
        (
            monotonic.as_nanos() / 1_000_000_000,
            (wall.as_millis() - first.as_millis()) / 100,
        )
    };
    assert_eq!(
        [seconds(0), seconds(1), seconds(2)],
        [(1, 0), (2, -590), (3, 35_420)]
    );
    assert_eq!(
        (
            world.hits(Fault::ClockStepBack),
            world.hits(Fault::ClockStepForward)
        ),
        (1, 1)
    );
}

#[test]
fn a_frozen_clock_says_the_same_until_it_thaws() {
    let (mut world, node) = world_with(ClockConfig::default());
    world.run_for(Duration::from_secs(1));
    world.freeze_clock(node);
    world.run_for(Duration::from_secs(9));
    assert_eq!(millis_after(&world, world.wall(node)), -9_000);
    assert_eq!(world.monotonic(node), Instant::from_nanos(10_000_000_000));
    world.thaw_clock(node);
    assert_eq!(millis_after(&world, world.wall(node)), 0);
    assert_eq!(world.hits(Fault::ClockFreeze), 1);
}

#[test]
fn the_monotonic_clock_starts_anew_with_the_process_and_the_wall_goes_on() {
    let (mut world, node) = world_with(ClockConfig {
        offset: 0,
        drift_ppm: -10_000,
    });
    for _ in 0..3 {
        world.run_for(Duration::from_secs(10));
        let now = world.block_on(node, |runtime| async move { runtime.now() });
        assert!(now < Instant::from_nanos(1_000_000), "{now}");
    }
    let behind = millis_after(&world, world.wall(node));
    assert!((-301..=-300).contains(&behind), "{behind}");
}
