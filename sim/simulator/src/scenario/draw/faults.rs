//! Faults, drawn from what a profile knows.

use stdx::Prng;

use crate::scenario::{Fault, FaultKind, Profile};

/// The kinds of fault that a profile knows, each with its weight.
fn menu(profile: Profile) -> &'static [(&'static str, u64)] {
    match profile {
        Profile::Swarm => &[
            ("power", 4),
            ("crash", 3),
            ("event", 4),
            ("restart", 2),
            ("pause", 2),
            ("core", 2),
            ("sync", 2),
            ("write", 1),
            ("directory", 1),
            ("space", 2),
            ("stall", 2),
            ("cut", 2),
            ("one-way", 2),
            ("reset", 3),
            ("stream", 2),
            ("step", 2),
            ("drift", 1),
            ("freeze", 1),
        ],
        Profile::Power => &[("power", 6), ("event", 6), ("crash", 1)],
        Profile::Disk => &[
            ("sync", 4),
            ("write", 3),
            ("directory", 2),
            ("space", 3),
            ("stall", 2),
            ("power", 3),
            ("event", 2),
        ],
        Profile::Network => &[
            ("cut", 3),
            ("one-way", 3),
            ("reset", 4),
            ("stream", 3),
            ("power", 1),
        ],
        Profile::Media => &[("rot", 4), ("unreadable", 3), ("restart", 3), ("crash", 2)],
        Profile::Calm | Profile::Rate50 | Profile::Rate500 | Profile::Rate5000 => &[],
    }
}

pub(super) fn faults(prng: &mut Prng, profile: Profile, safety_millis: u64) -> Vec<Fault> {
    let mut menu = menu(profile).to_vec();
    if profile == Profile::Swarm {
        // One seed in twenty has no fault and must be perfect, one in twenty has a single kind [swarm].
        match prng.below(20) {
            0 => menu.clear(),
            1 => menu = vec![*prng.choose(&menu)],
            _ => menu.retain(|_| prng.chance(1, 2)),
        }
    }
    if profile == Profile::Media && prng.chance(1, 4) {
        menu = vec![("misdirected", 1)];
    }
    if menu.is_empty() {
        return Vec::new();
    }
    let count = prng.between(1, 8);
    let mut faults: Vec<Fault> = (0..count)
        .map(|_| {
            // Inside the run: a fault that does not fire makes the run say nothing.
            let at_micros = prng.between(20_000, safety_millis * 800);
            let name = weighted(prng, &menu);
            Fault {
                at_micros,
                kind: fault(prng, name),
            }
        })
        .collect();
    faults.sort_by_key(|fault| fault.at_micros);
    faults
}

fn weighted(prng: &mut Prng, menu: &[(&'static str, u64)]) -> &'static str {
    let total = menu.iter().map(|(_, weight)| weight).sum();
    let mut draw = prng.below(total);
    for (name, weight) in menu {
        if draw < *weight {
            return name;
        }
        draw -= weight;
    }
    unreachable!("a draw below the sum of the weights")
}

fn fault(prng: &mut Prng, name: &str) -> FaultKind {
    let down = prng.between(1, 300);
    let millis = prng.between(1, 2_000);
    match name {
        "power" => FaultKind::PowerCut { down },
        "crash" => FaultKind::ProcessCrash { down },
        "event" => FaultKind::PowerCutAtEvent {
            events: prng.between(1, 150),
            down,
        },
        "restart" => FaultKind::Restart { down },
        "pause" => FaultKind::Pause { millis },
        "core" => FaultKind::StallCore {
            core: u16::try_from(prng.below(8)).expect("small"),
            millis,
        },
        "sync" => FaultKind::SyncError,
        "write" => FaultKind::WriteError,
        "directory" => FaultKind::DirectorySyncError,
        "rot" => FaultKind::BitRot {
            draw: prng.next_u64() >> 12,
        },
        "unreadable" => FaultKind::Unreadable {
            draw: prng.next_u64() >> 12,
        },
        "misdirected" => FaultKind::MisdirectedWrite,
        "drift" => FaultKind::ClockDrift {
            ppm: i32::try_from(prng.below(2_000)).expect("small") - 1_000,
        },
        "space" => FaultKind::NoSpace { millis },
        "stall" => FaultKind::DiskStall { millis },
        "cut" => FaultKind::Cut { millis },
        "one-way" => FaultKind::CutOneWay {
            to_broker: prng.chance(1, 2),
            millis,
        },
        "reset" => FaultKind::Reset,
        "stream" => FaultKind::StallLink { millis },
        "step" => {
            let by = i64::try_from(prng.between(1, 100_000)).expect("small");
            FaultKind::ClockStep {
                millis: if prng.chance(1, 2) { by } else { -by },
            }
        }
        _ => FaultKind::ClockFreeze { millis },
    }
}
