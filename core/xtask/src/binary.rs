//! Release binaries of this workspace, found through Cargo and never at a fixed place.

use crate::ci::FLAGS;
use crate::failure::Failure;
use crate::house;
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Builds `binary` of `package` for release, with `more` arguments to cargo, and says where it is.
pub(crate) fn build(package: &str, binary: &str, more: &[&str]) -> Result<PathBuf, Failure> {
    let mut command = Command::new("cargo");
    command
        .args([
            "build",
            "--quiet",
            "--release",
            "--package",
            package,
            "--bin",
            binary,
        ])
        .args(["--message-format", "json-render-diagnostics"])
        .args(more)
        .current_dir(house::root())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    for flag in FLAGS {
        command.env_remove(flag);
    }
    let output = command
        .output()
        .map_err(|error| Failure::Environment(format!("cannot start cargo: {error}")))?;
    if !output.status.success() {
        return Err(Failure::Check(format!("{binary} does not build")));
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .next_back()
        .ok_or_else(|| Failure::Environment(format!("cargo did not say where {binary} is")))
}
