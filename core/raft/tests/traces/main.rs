//! What the cluster decided, written down for TLC: whether the specification allows it is for `cargo xtask spec` to say, and
//! what it says of planted bugs for `cargo xtask mutants --room raft`. They read what is printed.

#![cfg(feature = "trace")]
#![allow(
    dead_code,
    reason = "the cluster is here without its healing, and without wrong disks"
)]

mod alter;
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
mod module;
#[path = "../script/print.rs"]
mod print;
#[path = "../cluster/reached.rs"]
mod reached;
#[path = "../cluster/replica.rs"]
mod replica;
#[path = "../cluster/schedule.rs"]
mod schedule;
#[path = "../cluster/telling.rs"]
mod telling;
#[path = "../script/write.rs"]
mod write;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use alter::ALTERATIONS;
use decided::LINES;
use raft::trace::Line;
use schedule::{Plan, Weather};

/// Lines that a trace has at most: a planted bug may have the cluster talk for ever.
const LINES_MAX: usize = 2_000;

/// What was decided in a schedule; up to where it fails, if it does.
fn trace(seed: u64, count: i32, weather: Weather) -> Vec<Line> {
    LINES.set(Vec::new());
    let plan = Plan::new(seed, count, weather);
    // What fails is told by others.
    drop(catch_unwind(AssertUnwindSafe(|| plan.drive(false))));
    let mut lines = LINES.take();
    lines.truncate(LINES_MAX);
    lines
}

/// Prints the module with `traces` of groups of `count`.
#[expect(clippy::print_stdout, reason = "who runs TLC reads that")]
fn print(name: &str, count: i32, traces: &[Vec<Line>]) {
    let lines: usize = traces.iter().map(Vec::len).sum();
    let told = format!("{name}, {} traces of {lines} lines", traces.len());
    println!("\nmodule: {told}\n{}", module::write(count, traces));
}

/// Traces of each kind.
const TRACES: u64 = 10;

const KINDS: &[(Weather, i32)] = &[
    (Weather::Calm, 3),
    (Weather::Rough, 3),
    (Weather::Rough, 5),
    (Weather::Changing, 3),
    (Weather::Changing, 4),
    (Weather::Lazy, 3),
];

/// One of them, of which more are looked at.
const KEEPS: (Weather, i32) = (Weather::Rough, 3);

#[test]
fn accepted() {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for &(weather, count) in KINDS {
        let mut traces: Vec<Vec<Line>> = (0..TRACES)
            .map(|seed| trace(seed, count, weather))
            .collect();
        if (weather, count) == KEEPS {
            // A leader that says where its log begins to who has that already is rare.
            let keeps =
                |trace: &Vec<Line>| trace.iter().any(|line| module::name(&line.point) == "Keep");
            let mut others = (TRACES..5_000).map(|seed| trace(seed, count, weather));
            traces.extend(others.find(keeps));
        }
        for line in traces.iter().flatten() {
            *seen.entry(module::name(&line.point)).or_default() += 1;
        }
        let name = format!("{weather:?}-{count}").to_lowercase();
        print(&name, count, &traces);
    }
    assert_eq!(seen.len(), 17, "something never happened: {seen:?}");
}

#[test]
fn refused() {
    const COUNT: i32 = 4;
    let altered: Vec<Vec<Line>> = ALTERATIONS
        .iter()
        .map(|(what, alter)| {
            let mut traces = (0..1_000).map(|seed| trace(seed, COUNT, Weather::Changing));
            let altered = traces.find_map(|trace| alter(&trace));
            altered.unwrap_or_else(|| panic!("no trace in which one {what}"))
        })
        .collect();
    print("altered", COUNT, &altered);
}

/// What planted bugs do: that of the wrong disk is nothing that is modelled.
#[cfg(feature = "mutants")]
mod planted {
    use super::{Line, Weather, print, trace};

    /// Traces of each, and the lines at which there are enough of them: TLC keeps what was ever said in memory.
    const TRACES: u64 = 25;
    const ENOUGH: usize = 15_000;

    fn write(id: &str, count: i32, weather: Weather) {
        stdx::mutant::choose(&id.to_uppercase());
        // Failures are what is wanted here.
        std::panic::set_hook(Box::new(|_| {}));
        let mut lines = 0;
        let traces = (0..TRACES).map(|seed| trace(seed, count, weather));
        let traces: Vec<Vec<Line>> = traces
            .take_while(|trace| {
                lines += trace.len();
                lines < ENOUGH
            })
            .collect();
        print(id, count, &traces);
    }

    macro_rules! mutants {
        ($($name:ident $count:literal $weather:ident;)*) => {
            $(
                #[test]
                fn $name() {
                    write(stringify!($name), $count, Weather::$weather);
                }
            )*
        };
    }

    mutants! {
        r01 3 Rough;
        r02 3 Rough;
        r03 3 Rough;
        r04 3 Rough;
        r05 3 Rough;
        r06 4 Rough;
        r07 3 Rough;
        r08 3 Rough;
        r09 3 Rough;
        r10 3 Rough;
        r11 3 Changing;
        r12 3 Changing;
        r13 5 Changing;
        r14 5 Rough;
        r15 3 Rough;
        r16 3 Rough;
        r17 3 Rough;
        r18 3 Rough;
        r19 5 Rough;
        r20 3 Rough;
        r21 3 Rough;
        r26 3 Lazy;
        r27 3 Lazy;
    }
}
