//! The search, and the worlds that it begins with.

use std::collections::BTreeSet;

use crate::world::{Bounds, World};

/// Looks at all states in the order of their distance from the first, until there are `states_max` of them in `seen`. Returns
/// how far the last one was.
pub(crate) fn search(first: World, states_max: usize, seen: &mut BTreeSet<u64>) -> usize {
    seen.insert(first.fingerprint());
    let mut level = vec![first];
    let mut depth = 0;
    while !level.is_empty() && seen.len() < states_max {
        let mut next = Vec::new();
        for world in &level {
            for action in world.actions() {
                let after = world.after(action);
                if seen.len() < states_max && seen.insert(after.fingerprint()) {
                    next.push(after);
                }
            }
        }
        level = next;
        depth += 1;
    }
    depth
}

/// A world to begin with, and its name.
pub(crate) type Named = (&'static str, fn() -> World);

/// All of them.
pub(crate) const WORLDS: [Named; 7] = [
    ("two replicas", two_replicas),
    ("three replicas", three_replicas),
    ("a leader and a rival", a_rival),
    ("a start that moves", a_start),
    ("a frame that is lost", a_lost_frame),
    ("three voters become five", three_become_five),
    ("a record that goes", a_record_that_goes),
];

/// Nothing but voters.
const NOTHING: Bounds = Bounds {
    replicas: 3,
    voters: 3,
    timeouts: 0,
    proposals: 0,
    changes: 0,
    starts: 0,
    crashes: 0,
    compactions: 0,
    damages: 0,
};

/// Two replicas, and everything that may happen to them.
fn two_replicas() -> World {
    World::new(Bounds {
        replicas: 2,
        voters: 2,
        timeouts: 2,
        proposals: 1,
        crashes: 1,
        ..NOTHING
    })
}

/// Three replicas elect, and crash.
fn three_replicas() -> World {
    World::new(Bounds {
        timeouts: 3,
        proposals: 1,
        crashes: 1,
        ..NOTHING
    })
}

/// A leader is in office, and there is a rival.
fn a_rival() -> World {
    let mut world = World::new(Bounds {
        timeouts: 1,
        proposals: 2,
        crashes: 1,
        ..NOTHING
    });
    world.elect_first();
    world
}

/// A log begins later while a follower lacks what was before.
fn a_start() -> World {
    let mut world = World::new(Bounds {
        replicas: 2,
        voters: 2,
        timeouts: 2,
        starts: 1,
        crashes: 1,
        ..NOTHING
    });
    world.elect_first();
    world
}

/// A disk loses a frame of a log that two elections made.
fn a_lost_frame() -> World {
    let mut world = World::new(Bounds {
        timeouts: 2,
        crashes: 1,
        damages: 1,
        ..NOTHING
    });
    world.elect_first();
    world.restart();
    world.elect_first();
    world
}

/// Three vote, and two that learn are to vote with them.
fn three_become_five() -> World {
    let mut world = World::new(Bounds {
        replicas: 5,
        timeouts: 1,
        changes: 1,
        crashes: 1,
        ..NOTHING
    });
    world.elect_first();
    world.teach_others();
    world
}

/// A record goes where it was committed, and whoever lacks it is sent a gap.
fn a_record_that_goes() -> World {
    let mut world = World::new(Bounds {
        timeouts: 1,
        proposals: 1,
        compactions: 1,
        crashes: 1,
        ..NOTHING
    });
    world.elect_first();
    world
}
