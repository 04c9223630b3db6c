//! `cargo xtask power`: the power fails under the real binary, on real file systems.
//!
//! It wants root and loop devices; the script says loudly where it cannot be shown.

use crate::clients::Scripts;
use crate::debian;
use crate::failure::Failure;

/// Power cuts on each file system, in the short and in the long form.
const CUTS: (&str, &str) = ("3", "10");

/// Cuts the power.
pub(crate) fn run(full: bool) -> Result<(), Failure> {
    let scripts = Scripts::new()?;
    debian::install("e2fsprogs", "mkfs.ext4", "-V")?;
    debian::install("xfsprogs", "mkfs.xfs", "-V")?;
    scripts.run("power.py", if full { CUTS.1 } else { CUTS.0 })
}
