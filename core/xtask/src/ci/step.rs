//! One command of a lane.

use crate::failure::Failure;
use crate::house;
use crate::wheel::Wheel;
use std::fmt;
use std::process::{Command, Stdio};

/// Variables that replace the flags of `.cargo/config.toml`, without which the simulator does not build.
pub(crate) const FLAGS: [&str; 6] = [
    "RUSTFLAGS",
    "RUSTDOCFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_ENCODED_RUSTDOCFLAGS",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_RUSTDOCFLAGS",
];

/// A command, as data: it can be listed without being run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    program: Program,
    arguments: &'static [&'static str],
    variable: Option<(&'static str, &'static str)>,
}

/// What a step runs.
#[derive(Debug, Clone, Copy)]
enum Program {
    Cargo,
    Wheel(&'static Wheel),
    /// A function of this program, and the command line that runs the same.
    Own(&'static str, fn() -> Result<(), Failure>),
}

impl PartialEq for Program {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Cargo, Self::Cargo) => true,
            (Self::Wheel(one), Self::Wheel(other)) => one == other,
            // Its command line stands for the function: two addresses of one function need not be equal.
            (Self::Own(one, _), Self::Own(other, _)) => one == other,
            _ => false,
        }
    }
}

impl Eq for Program {}

impl Step {
    /// Runs cargo.
    pub(super) const fn cargo(arguments: &'static [&'static str]) -> Self {
        Self {
            program: Program::Cargo,
            arguments,
            variable: None,
        }
    }

    /// Runs a prebuilt tool, installed first where it is missing.
    pub(super) const fn wheel(wheel: &'static Wheel, arguments: &'static [&'static str]) -> Self {
        Self {
            program: Program::Wheel(wheel),
            arguments,
            variable: None,
        }
    }

    /// Runs a function of this program.
    pub(super) const fn own(command: &'static str, function: fn() -> Result<(), Failure>) -> Self {
        Self {
            program: Program::Own(command, function),
            arguments: &[],
            variable: None,
        }
    }

    /// The same step with a variable of the environment set.
    pub(super) const fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.variable = Some((name, value));
        self
    }

    /// Runs it in the root of the house. What it prints goes where this program's output goes.
    pub(super) fn run(&self) -> Result<(), Failure> {
        println!("$ {self}");
        let mut command = match self.program {
            Program::Own(_, function) => return function(),
            Program::Cargo => Command::new("cargo"),
            Program::Wheel(wheel) => Command::new(wheel.install()?),
        };
        for flag in FLAGS {
            command.env_remove(flag);
        }
        command
            .args(self.arguments)
            .current_dir(house::root())
            .stdin(Stdio::null());
        command.envs(self.variable);
        let status = command
            .status()
            .map_err(|error| Failure::Environment(format!("cannot start `{self}`: {error}")))?;
        if status.success() {
            Ok(())
        } else {
            Err(Failure::Check(format!("`{self}`: {status}")))
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((name, value)) = self.variable {
            write!(formatter, "{name}=\"{value}\" ")?;
        }
        match self.program {
            Program::Cargo => formatter.write_str("cargo")?,
            Program::Wheel(wheel) => formatter.write_str(wheel.program)?,
            Program::Own(command, _) => formatter.write_str(command)?,
        }
        for argument in self.arguments {
            write!(formatter, " {argument}")?;
        }
        Ok(())
    }
}

/// Says which variables of the caller are not passed on.
pub(super) fn announce_dropped_flags() {
    for flag in FLAGS.iter().filter(|flag| std::env::var_os(flag).is_some()) {
        println!(
            "note: {flag} is set; it is not passed on, since it would replace the flags of .cargo/config.toml"
        );
    }
}

/// Whether a program can be started at all.
pub(super) fn is_installed(program: &str) -> bool {
    let mut command = Command::new(program);
    command
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_reads_as_the_command_to_type() {
        let step = Step::cargo(&["test", "-p", "stdx"]).with("PROPTEST_CASES", "1");
        assert_eq!(step.to_string(), "PROPTEST_CASES=\"1\" cargo test -p stdx");
        assert_eq!(
            Step::own("cargo xtask tidy", || Ok(())).to_string(),
            "cargo xtask tidy"
        );
    }

    #[test]
    fn a_step_that_fails_is_a_failed_check() {
        let failure = Step::cargo(&["no-such-subcommand"])
            .run()
            .expect_err("cargo has none");
        assert_eq!(failure.exit_code(), 1);
        let step = Step::own("x", || Err(Failure::Environment("gone".to_owned())));
        assert_eq!(step.run().expect_err("it says so").exit_code(), 5);
    }

    #[test]
    fn what_is_not_there_is_not_installed() {
        assert!(is_installed("cargo"));
        assert!(!is_installed("no-such-program-anywhere"));
    }
}
