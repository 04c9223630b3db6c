//! This ground as the suite sees it.
#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

use core::num::NonZeroU16;
use core::sync::atomic::{AtomicU32, Ordering};
use std::fs;
use std::path::PathBuf;

use runtime::Main;
use runtime::conformance::Ground;
use runtime::record::{Recording, Tape};
use uring::{Config, Facilities};

/// A ground whose directories are removed with it.
#[derive(Debug)]
pub(crate) struct Uring {
    name: &'static str,
    facilities: Facilities,
    directory: PathBuf,
    scratches: AtomicU32,
}

impl Uring {
    /// With all that the kernel has.
    pub(crate) fn full() -> Self {
        Self::new("uring", Facilities::ALL)
    }

    /// With what every kernel has.
    pub(crate) fn plain() -> Self {
        Self::new("uring (plain)", Facilities::PLAIN)
    }

    fn new(name: &'static str, facilities: Facilities) -> Self {
        static GROUNDS: AtomicU32 = AtomicU32::new(0);
        let number = GROUNDS.fetch_add(1, Ordering::Relaxed);
        let process = std::process::id();
        Self {
            name,
            facilities,
            directory: PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
                .join(format!("ground-{process}-{number}")),
            scratches: AtomicU32::new(0),
        }
    }

    /// The configuration of a node; None, and a word about it, where there is no io_uring.
    fn config(&self, cores: u16) -> Option<Config> {
        if let Err(error) = uring::is_available() {
            eprintln!("SKIPPED: no io_uring here: {error}");
            return None;
        }
        let cores = NonZeroU16::new(cores).expect("a node has cores");
        Some(Config {
            facilities: self.facilities,
            crash: panicking_crash,
            ..Config::new(cores)
        })
    }
}

impl Ground for Uring {
    fn name(&self) -> &'static str {
        self.name
    }

    fn scratch(&self) -> String {
        let number = self.scratches.fetch_add(1, Ordering::Relaxed);
        let path = self.directory.join(number.to_string());
        fs::create_dir_all(&path).expect("the target directory can be written");
        path.into_os_string()
            .into_string()
            .expect("a path in UTF-8")
    }

    fn run(&self, cores: u16, main: Main) {
        if let Some(config) = self.config(cores) {
            uring::run(&config, &main).expect("the node ends well");
        }
    }

    fn record(&self, cores: u16, main: Main) -> Option<Recording> {
        let tape = Tape::new();
        let config = Config {
            tape: Some(tape.clone()),
            ..self.config(cores)?
        };
        uring::run(&config, &main).expect("the node ends well");
        Some(tape.recording())
    }
}

impl Drop for Uring {
    fn drop(&mut self) {
        // Not there when no test asked for a directory.
        drop(fs::remove_dir_all(&self.directory));
    }
}

/// A crash that a test can see: it unwinds, and the node reports it.
fn panicking_crash(why: &str) -> ! {
    std::panic::panic_any(runtime::Crash(why.to_owned()))
}
