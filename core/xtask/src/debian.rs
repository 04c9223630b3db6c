//! Programs from the system's packages, installed where they are missing.

use crate::failure::Failure;
use std::process::{Command, Stdio};

/// Installs `package` unless `program` starts with `version`. The lists of packages are fetched only when it is not found.
pub(crate) fn install(package: &str, program: &str, version: &str) -> Result<(), Failure> {
    if works(Command::new(program).arg(version).stderr(Stdio::null())) {
        return Ok(());
    }
    println!("installing {package}");
    let install = ["install", "--yes", "--no-install-recommends", package];
    if apt_get(&install) || (apt_get(&["update"]) && apt_get(&install)) {
        return Ok(());
    }
    Err(Failure::Environment(format!(
        "{program} is missing and could not be installed: install the package {package}"
    )))
}

fn apt_get(arguments: &[&str]) -> bool {
    let mut command = Command::new("apt-get");
    works(
        command
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )
}

fn works(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
