//! Planted bugs of the room that its own tests find: scripts, the sweep of crashes, and lives compared with the model.
//!
//! A bug is planted for the rest of a process, so each of these runs in one of its own: `cargo xtask mutants --room storage`,
//! which reads what is printed. Those that whole brokers find are found by seeds of the simulator.

#![cfg(feature = "mutants")]
#![expect(clippy::unwrap_used, reason = "a test ends where it is surprised")]

#[path = "../model/disk.rs"]
mod disk;
#[path = "../model/life.rs"]
mod life;
#[path = "../script/machine.rs"]
mod machine;
#[path = "../model/model.rs"]
mod model;
#[path = "../model/random.rs"]
mod random;
#[path = "../model/step.rs"]
mod step;
#[path = "../script/steps.rs"]
mod steps;
#[path = "../model/sweep.rs"]
mod sweep;
#[path = "../script/words.rs"]
mod words;

use std::panic::{AssertUnwindSafe, catch_unwind};

use machine::Machine;

/// Seeds that a bug may survive.
const SEEDS: u64 = 300;

/// What was said where `how` panicked: nothing where it did not.
fn first_line(how: impl FnOnce()) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(how)).err()?;
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    let line = text.unwrap_or("a panic").lines().next();
    Some(line.unwrap_or("a panic").to_owned())
}

#[expect(clippy::print_stdout, reason = "it is read by who counts")]
fn find(id: &str) {
    stdx::mutant::choose(id);
    let mut found = false;
    let seeds = (0..SEEDS).find_map(|seed| {
        let line = first_line(|| {
            random::run(seed);
        });
        line.map(|line| (seed + 1, line))
    });
    if let Some((seeds, line)) = seeds {
        println!("found: cluster: {seeds} seeds of lives: {line}");
        found = true;
    }
    let swept = first_line(|| {
        sweep::all();
    });
    if let Some(line) = swept {
        println!("found: sweep: {line}");
        found = true;
    }
    let scripts = first_line(|| {
        datadriven::walk("tests/testdata", |file| {
            let mut machine = Machine::new();
            file.run(|case| machine.run(case));
        });
    });
    if scripts.is_some() {
        println!("found: scripts: differ");
        found = true;
    }
    assert!(found, "{id} survived");
}

macro_rules! mutants {
    ($($name:ident $id:literal),* $(,)?) => {
        $(#[test]
        fn $name() {
            find($id);
        })*
    };
}

mutants! {
    s06 "S06",
    s07 "S07",
    s08 "S08",
    s09 "S09",
    s10 "S10",
    s11 "S11",
    s12 "S12",
    s13 "S13",
    s14 "S14",
    s15 "S15",
}
