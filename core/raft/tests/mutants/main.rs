//! Every planted bug of the room is found: by the seeded cluster, or by a script.
//!
//! A bug is planted for the rest of a process, so each of these runs in one of its own: `cargo xtask mutants --room raft`.

#![cfg(feature = "mutants")]

#[path = "../cluster/cluster.rs"]
mod cluster;
#[path = "../cluster/disk.rs"]
mod disk;
#[path = "../heartbeats.rs"]
mod heartbeats;
#[path = "../cluster/invariants.rs"]
mod invariants;
#[path = "../support/log.rs"]
mod log;
#[path = "../script/print.rs"]
mod print;
#[path = "../cluster/replica.rs"]
mod replica;
#[path = "../cluster/schedule.rs"]
mod schedule;
#[path = "../script/steps.rs"]
mod steps;
#[path = "../script/words.rs"]
mod words;

use std::panic::catch_unwind;

use heartbeats::quiet_beats_of_others;
use schedule::{Plan, Reached, Weather};
use steps::Steps;

/// Seeds that a bug may survive.
const SEEDS: u64 = 1_000;

fn schedules() {
    let mut reached = Reached::default();
    for seed in 0..SEEDS {
        for count in 3..=5 {
            reached.add(&Plan::new(seed, count, Weather::Rough).run(false));
            reached.add(&Plan::new(seed, count, Weather::Changing).run(false));
        }
    }
}

fn damaged() {
    for seed in 0..SEEDS {
        for count in 3..=5 {
            Plan::new(seed, count, Weather::Damaged).run(false);
        }
    }
}

fn scripts() {
    datadriven::walk("tests/testdata", |file| {
        let mut steps = Steps::default();
        file.run(|case| -> String { case.input.lines().map(|line| steps.run(line)).collect() });
    });
}

/// Plants `id` and says how it was found.
#[expect(clippy::print_stdout, reason = "who plants it reads that")]
fn found(id: &str, how: fn()) {
    stdx::mutant::choose(id);
    let panicked = catch_unwind(how).expect_err("a planted bug survived");
    let said = panicked
        .downcast_ref::<String>()
        .filter(|said| said.starts_with("seed "));
    let said = said.and_then(|said| said.lines().next());
    println!("found: {}", said.unwrap_or("a script"));
}

macro_rules! mutants {
    ($($name:ident $how:ident;)*) => {
        $(
            #[test]
            fn $name() {
                found(&stringify!($name).to_uppercase(), $how);
            }
        )*
    };
}

mutants! {
    r01 schedules;
    r02 schedules;
    r03 schedules;
    r04 schedules;
    r05 scripts;
    r06 schedules;
    r07 schedules;
    r08 schedules;
    r09 schedules;
    r10 scripts;
    r11 schedules;
    r12 schedules;
    r13 schedules;
    r14 schedules;
    r15 schedules;
    r16 schedules;
    r17 schedules;
    r18 schedules;
    r19 schedules;
    r20 schedules;
    r21 quiet_beats_of_others;
    r22 damaged;
    r23 damaged;
    r24 scripts;
    r25 scripts;
    r26 scripts;
    r27 scripts;
}
