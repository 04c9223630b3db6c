//! What a replica does, step by step: input, printed effects. One file for each situation.
//!
//! `REWRITE=1 cargo test -p raft --test interaction` writes what is printed now.

#[path = "support/log.rs"]
mod log;
#[path = "script/print.rs"]
mod print;
#[path = "script/steps.rs"]
mod steps;
#[path = "script/words.rs"]
mod words;

use steps::Steps;

#[test]
fn situations() {
    #[cfg(feature = "mutants")]
    if let Some(id) = option_env!("OUZEL_RAFT_MUTANT") {
        stdx::mutant::choose(id);
    }
    datadriven::walk("tests/testdata", |file| {
        let mut steps = Steps::default();
        file.run(|case| {
            assert_eq!(
                case.directive, "do",
                "a script says what to do, and is told what came of it"
            );
            let mut printed = String::new();
            for line in case.input.lines() {
                printed.push_str(&steps.run(line));
            }
            printed
        });
    });
}
