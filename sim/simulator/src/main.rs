//! The binary `sim`.

use std::process::ExitCode;

use clap::Parser;
use simulator::command::{Arguments, exit};

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _gone = error.print();
            let code = if error.use_stderr() {
                exit::USAGE
            } else {
                exit::HOLDS
            };
            return ExitCode::from(code);
        }
    };
    ExitCode::from(arguments.execute())
}
