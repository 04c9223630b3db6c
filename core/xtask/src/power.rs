//! `cargo xtask power`: the power fails under the real binary, on real file systems.
//!
//! It wants root and loop devices, and says loudly where it cannot be shown.

use crate::clients::Scripts;
use crate::debian;
use crate::failure::Failure;
use std::fs;
use std::path::Path;

/// Power cuts on each file system, in the short and in the long form.
const CUTS: (&str, &str) = ("3", "10");

/// Cuts the power.
pub(crate) fn run(full: bool) -> Result<(), Failure> {
    if !is_possible() {
        println!(
            "SKIPPED: power cuts on real file systems want root and loop devices, and there are none here: nothing is shown"
        );
        return Ok(());
    }
    let scripts = Scripts::new()?;
    debian::install("e2fsprogs", "mkfs.ext4", "-V")?;
    debian::install("xfsprogs", "mkfs.xfs", "-V")?;
    scripts.run("power.py", if full { CUTS.1 } else { CUTS.0 })
}

/// Whether this process may mount an image.
fn is_possible() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let user = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    let is_root = user.is_some_and(|user| user.split_whitespace().nth(1) == Some("0"));
    is_root && Path::new("/dev/loop-control").exists()
}
