//! Runs the scripts in `testdata`: each is a story of one log on one simulated disk.
//!
//! A directive is something that happens to the machine; `life` starts a process on it that opens the log, says what
//! recovery found, carries out the steps of its input, and ends. `REWRITE=1` rewrites what is expected: read the
//! difference before you keep it.

#![expect(clippy::unwrap_used, reason = "a test ends where it is surprised")]

#[path = "script/machine.rs"]
mod machine;
#[path = "script/steps.rs"]
mod steps;
#[path = "script/words.rs"]
mod words;

use machine::Machine;

#[test]
fn scripts() {
    datadriven::walk("tests/testdata", |file| {
        let mut machine = Machine::new();
        file.run(|case| machine.run(case));
    });
}
