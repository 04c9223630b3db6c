//! Automation: what a contributor or a machine runs to know that the house stands.
//!
//! ```text
//!   cargo xtask tidy                             the rules that a compiler does not know
//!   cargo xtask ci [LANE...] [--list] [--full]   exactly what the continuous integration runs
//!   cargo xtask mutants [--room NAME] [--json]   planted bugs, and whether the simulator finds them
//!   cargo xtask spec [--full]                    the specification of consensus, and whether it sees broken rules
//!   cargo xtask codegen [--check]                Kafka's messages from their definitions
//! ```
//!
//! It reads the tree and starts other programs. It is never linked into anything that ships, and nothing that
//! ships may depend on it.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool answers on its standard streams"
)]

mod binary;
mod ci;
mod clients;
#[expect(
    unreachable_pub,
    reason = "the generator marks its one entry as the public one"
)]
mod codegen;
mod debian;
mod failure;
mod house;
mod mutants;
mod power;
mod spec;
mod tidy;
mod wheel;

use failure::Failure;
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  tidy                             check the rules of the house that a compiler does not know
  ci [LANE...] [--list] [--full]   run the lanes of continuous integration, all or the named ones;
                                   --list says what they are, --full runs their long forms
  mutants [--room NAME] [--json]   plant each known bug and see whether the simulator finds it
  spec [--full]                    check the specification in papers/spec with TLC, --full for a night
  clients [--full]                 real Kafka clients against the real binary
  power [--full]                   power cuts under the real binary, on ext4 and XFS; wants root
  codegen [--check]                generate Kafka's messages; --check only compares

exit codes: 0 done, 1 a check failed, 4 usage, 5 the environment failed";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(words: &[&str]) -> Result<(), Failure> {
    match words {
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        ["tidy"] => tidy::run(),
        ["ci", rest @ ..] => ci::run(rest),
        ["mutants", rest @ ..] => mutants::run(rest),
        ["spec"] => spec::run(false),
        ["spec", "--full"] => spec::run(true),
        ["clients"] => clients::run(false),
        ["clients", "--full"] => clients::run(true),
        ["power"] => power::run(false),
        ["power", "--full"] => power::run(true),
        ["codegen"] => codegen::run(false).map_err(Failure::Check),
        ["codegen", "--check"] => codegen::run(true).map_err(Failure::Check),
        [] => Err(Failure::Usage(USAGE.to_owned())),
        _ => Err(Failure::Usage(format!(
            "xtask does not know `{}`\n\n{USAGE}",
            words.join(" ")
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_word_is_a_usage_error() {
        for words in [
            &["tidier"][..],
            &["tidy", "--fix"],
            &[],
            &["codegen", "--all"],
        ] {
            let failure = run(words).expect_err("these are no commands");
            assert_eq!(failure.exit_code(), 4, "{words:?}");
        }
    }
}
