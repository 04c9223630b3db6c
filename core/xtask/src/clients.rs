//! `cargo xtask clients`: real Kafka clients against the real binary.
//!
//! It builds `ouzel` for release, installs what the scripts of `core/server/tests/clients` need (kcat from the
//! system's packages, confluent-kafka into a virtual environment below `target/`), and runs them one by one.

use crate::binary;
use crate::debian;
use crate::failure::Failure;
use crate::house;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The client library, at exactly this version.
const CONFLUENT: &str = "confluent-kafka==2.16.1";

/// A script, and its argument in the short and in the long form.
const SCRIPTS: &[(&str, &str, &str)] = &[
    ("kcat.py", "", ""),
    ("confluent.py", "", ""),
    ("kill.py", "5", "20"),
    ("hostile.py", "2000", "10000"),
];

/// Runs all scripts.
pub(crate) fn run(full: bool) -> Result<(), Failure> {
    let scripts = Scripts::new()?;
    debian::install("kcat", "kcat", "-V")?;
    for (script, short, long) in SCRIPTS {
        scripts.run(script, if full { long } else { short })?;
    }
    println!("{} passed, 0 failed", SCRIPTS.len());
    Ok(())
}

/// What runs a script against the binary.
pub(crate) struct Scripts {
    ouzel: PathBuf,
    python: PathBuf,
}

impl Scripts {
    /// Builds the binary, and installs what the scripts need.
    pub(crate) fn new() -> Result<Self, Failure> {
        Ok(Self {
            ouzel: binary::build("server", "ouzel", &[])?,
            python: virtual_environment()?,
        })
    }

    /// Runs one, with an argument unless that is empty.
    pub(crate) fn run(&self, script: &str, argument: &str) -> Result<(), Failure> {
        println!("---- {script}");
        let folder = house::root().join("core/server/tests/clients");
        let mut command = Command::new(&self.python);
        command
            .arg(folder.join(script))
            .args(Some(argument).filter(|argument| !argument.is_empty()))
            .env("OUZEL", &self.ouzel)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null());
        let status = command
            .status()
            .map_err(|error| Failure::Environment(format!("cannot start python3: {error}")))?;
        if status.success() {
            Ok(())
        } else {
            Err(Failure::Check(format!("{script}: {status}")))
        }
    }
}

/// A Python that has the client library.
fn virtual_environment() -> Result<PathBuf, Failure> {
    let folder = house::root().join("target/tools/clients");
    let python = folder.join("bin/python3");
    let has_library = |python: &Path| {
        let version = CONFLUENT.rsplit('=').next().unwrap_or_default();
        let check = format!("import confluent_kafka as c; assert c.version() == '{version}'");
        works(
            Command::new(python)
                .args(["-c", &check])
                .stderr(Stdio::null()),
        )
    };
    if has_library(&python) {
        return Ok(python);
    }
    println!("installing {CONFLUENT}");
    let made = works(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&folder),
    );
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        CONFLUENT,
    ];
    if made && works(Command::new(&python).args(pip)) && has_library(&python) {
        return Ok(python);
    }
    Err(Failure::Environment(format!(
        "{CONFLUENT} could not be installed below {}",
        folder.display()
    )))
}

fn works(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
