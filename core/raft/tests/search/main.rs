//! Every state of a small world, up to a number of steps: the same `step`, the same invariants, no chance.
//!
//! A few replicas, a bounded number of timeouts, proposals and crashes, and everything else in every order: each message
//! is delivered at any time or never, each write becomes durable at any time or is lost with its process. States that
//! were seen are not looked at twice.

#[path = "../cluster/disk.rs"]
mod disk;
#[path = "../cluster/invariants.rs"]
mod invariants;
#[path = "../support/log.rs"]
mod log;
#[path = "../cluster/replica.rs"]
mod replica;
mod world;

use std::collections::BTreeSet;

use world::{Bounds, World};

/// States that each search looks at, unless `OUZEL_RAFT_STATES` says another number.
fn states_max() -> usize {
    let asked = option_env!("OUZEL_RAFT_STATES");
    asked.and_then(|asked| asked.parse().ok()).unwrap_or(12_000)
}

/// Looks at all states in the order of their distance from the first, and returns how many there were and how far the
/// last one was.
fn search(first: World) -> (usize, usize) {
    #[cfg(feature = "mutants")]
    if let Some(id) = option_env!("OUZEL_RAFT_MUTANT") {
        stdx::mutant::choose(id);
    }
    let mut seen = BTreeSet::from([first.fingerprint()]);
    let mut level = vec![first];
    let mut depth = 0;
    while !level.is_empty() && seen.len() < states_max() {
        let mut next = Vec::new();
        for world in &level {
            for action in world.actions() {
                let after = world.after(action);
                if seen.len() < states_max() && seen.insert(after.fingerprint()) {
                    next.push(after);
                }
            }
        }
        level = next;
        depth += 1;
    }
    (seen.len(), depth)
}

#[expect(
    clippy::print_stdout,
    reason = "with --nocapture it tells how far it came"
)]
fn report(name: &str, (states, depth): (usize, usize)) {
    println!("{name}: {states} states, {depth} steps deep");
    assert!(states > 1_000 && depth > 5);
}

#[test]
fn two_replicas_and_everything_that_may_happen_to_them() {
    let bounds = Bounds {
        replicas: 2,
        timeouts: 2,
        proposals: 1,
        starts: 0,
        crashes: 1,
        damages: 0,
    };
    report("two replicas", search(World::new(bounds)));
}

#[test]
fn three_replicas_elect_and_crash() {
    let bounds = Bounds {
        replicas: 3,
        timeouts: 3,
        proposals: 1,
        starts: 0,
        crashes: 1,
        damages: 0,
    };
    report("three replicas", search(World::new(bounds)));
}

#[test]
fn a_leader_in_office_and_a_rival() {
    let bounds = Bounds {
        replicas: 3,
        timeouts: 1,
        proposals: 2,
        starts: 0,
        crashes: 1,
        damages: 0,
    };
    let mut world = World::new(bounds);
    world.elect_first();
    report("a leader and a rival", search(world));
}

#[test]
fn a_log_begins_later_while_a_follower_lacks_what_was_before() {
    let bounds = Bounds {
        replicas: 2,
        timeouts: 2,
        proposals: 0,
        starts: 1,
        crashes: 1,
        damages: 0,
    };
    let mut world = World::new(bounds);
    world.elect_first();
    report("a start that moves", search(world));
}

#[test]
fn a_disk_loses_a_frame_of_a_log_that_two_elections_made() {
    let bounds = Bounds {
        replicas: 3,
        timeouts: 2,
        proposals: 0,
        starts: 0,
        crashes: 1,
        damages: 1,
    };
    let mut world = World::new(bounds);
    world.elect_first();
    world.restart();
    world.elect_first();
    report("a frame that is lost", search(world));
}
