//! Every planted bug of the room is found: by the seeded cluster or by the search. Scripts are looked at too.
//!
//! A bug is planted for the rest of a process, so each of these runs in one of its own: `cargo xtask mutants --room raft`,
//! which reads what is printed.

#![cfg(feature = "mutants")]

#[path = "../cluster/clock.rs"]
mod clock;
#[path = "../cluster/cluster.rs"]
mod cluster;
#[path = "../cluster/decided.rs"]
mod decided;
#[path = "../cluster/disk.rs"]
mod disk;
#[path = "../cluster/heal.rs"]
mod heal;
#[path = "../cluster/hearing.rs"]
mod hearing;
#[path = "../cluster/invariants.rs"]
mod invariants;
#[path = "../cluster/letter.rs"]
mod letter;
#[path = "../support/log.rs"]
mod log;
#[path = "../script/print.rs"]
mod print;
#[path = "../cluster/reached.rs"]
mod reached;
#[path = "../cluster/replica.rs"]
mod replica;
#[path = "../cluster/schedule.rs"]
mod schedule;
#[path = "../search/search.rs"]
mod search;
#[path = "../script/steps.rs"]
mod steps;
#[path = "../cluster/telling.rs"]
mod telling;
#[path = "../script/words.rs"]
mod words;
#[path = "../search/world.rs"]
mod world;
#[path = "../script/write.rs"]
mod write;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use schedule::{Plan, Weather};
use steps::Steps;

/// Seeds that a bug may survive.
const SEEDS: u64 = 1_000;

/// States of each world that it may.
const STATES: usize = 12_000;

/// What was said where `how` panicked: nothing where it did not.
fn first_line(how: impl FnOnce()) -> Option<String> {
    let panicked = catch_unwind(AssertUnwindSafe(how)).err()?;
    let said = panicked.downcast_ref::<String>().map(String::as_str);
    let said = said.or_else(|| panicked.downcast_ref::<&str>().copied());
    Some(said.unwrap_or_default().lines().next()?.to_owned())
}

fn run_scripts() {
    datadriven::walk("tests/testdata", |file| {
        let mut steps = Steps::default();
        file.run(|case| -> String { case.input.lines().map(|line| steps.run(line)).collect() });
    });
}

/// How many seeds it took in this weather, and what was broken.
fn in_cluster(weather: Weather) -> Option<String> {
    (0..SEEDS).find_map(|seed| {
        let run = || {
            for count in 3..=5 {
                Plan::new(seed, count, weather).run(false);
            }
        };
        let said = first_line(run)?;
        let named = format!("seed {seed}: ");
        let broken = said.split_once(&named).map_or(&*said, |(_, said)| said);
        Some(format!("{} seeds {weather:?}: {broken}", seed + 1))
    })
}

/// How many states it took, and what was broken: in the world where that was the least.
fn in_search() -> Option<String> {
    let found = search::WORLDS.iter().filter_map(|(name, world)| {
        let mut seen = BTreeSet::new();
        let broken = first_line(|| {
            search::search(world(), STATES, &mut seen);
        })?;
        Some((seen.len(), name, broken))
    });
    let (states, name, broken) = found.min()?;
    Some(format!("{states} states {name}: {broken}"))
}

/// Plants `id` and says who finds it.
#[expect(clippy::print_stdout, reason = "who plants it reads that")]
fn found(id: &str, weather: Weather) {
    stdx::mutant::choose(id);
    // Failures are what is wanted here.
    std::panic::set_hook(Box::new(|_| {}));
    let (cluster, search) = (in_cluster(weather), in_search());
    let scripts = first_line(run_scripts).map(|_| "one of them".to_owned());
    let survived = cluster.is_none() && search.is_none();
    for (who, how) in [
        ("cluster", cluster),
        ("search", search),
        ("scripts", scripts),
    ] {
        if let Some(how) = how {
            println!("found: {who}: {how}");
        }
    }
    assert!(!survived, "a planted bug survived");
}

macro_rules! mutants {
    ($($name:ident $weather:ident;)*) => {
        $(
            #[test]
            fn $name() {
                found(&stringify!($name).to_uppercase(), Weather::$weather);
            }
        )*
    };
}

mutants! {
    r01 Rough;
    r02 Rough;
    r03 Rough;
    r04 Rough;
    r05 Rough;
    r06 Rough;
    r07 Rough;
    r08 Rough;
    r09 Rough;
    r10 Rough;
    r11 Changing;
    r12 Changing;
    r13 Changing;
    r14 Rough;
    r15 Rough;
    r16 Rough;
    r17 Rough;
    r18 Rough;
    r19 Rough;
    r20 Rough;
    r21 Rough;
    r22 Damaged;
    r23 Damaged;
    r24 Damaged;
    r25 Damaged;
    r26 Lazy;
    r27 Lazy;
    r28 Rough;
}
