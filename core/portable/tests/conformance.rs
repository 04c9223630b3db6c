//! This ground passes the suite that every ground passes.

use core::num::NonZeroU16;
use std::fs;
use std::panic::panic_any;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use portable::{Config, run};
use runtime::conformance::Ground;
use runtime::record::{Recording, Tape};
use runtime::{Crash, Main};

/// Directories made so far by this process.
static SCRATCHES: AtomicU32 = AtomicU32::new(0);

/// The ground of one test, with a directory that goes with it.
struct Portable {
    root: PathBuf,
}

impl Portable {
    fn new() -> Self {
        let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(unique());
        fs::create_dir_all(&root).expect("the build has a directory for tests");
        Self { root }
    }

    fn config(cores: u16) -> Config {
        let mut config = Config::new(NonZeroU16::new(cores).expect("a node has cores"));
        config.crash = |why| panic_any(Crash(why.to_owned()));
        config
    }
}

impl Drop for Portable {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.root).ok();
    }
}

/// A name that nothing else of this test run has.
fn unique() -> String {
    let number = SCRATCHES.fetch_add(1, Ordering::Relaxed);
    format!("conformance-{}-{number}", process::id())
}

impl Ground for Portable {
    fn name(&self) -> &'static str {
        "portable"
    }

    fn scratch(&self) -> String {
        let scratch = self.root.join(unique());
        fs::create_dir(&scratch).expect("the name is new");
        scratch.to_str().expect("made of UTF-8").to_owned()
    }

    fn run(&self, cores: u16, main: Main) {
        run(Self::config(cores), main).expect("a case ends well");
    }

    fn record(&self, cores: u16, main: Main) -> Option<Recording> {
        let tape = Tape::new();
        let mut config = Self::config(cores);
        config.tape = Some(tape.clone());
        run(config, main).expect("a case ends well");
        Some(tape.recording())
    }
}

runtime::conformance_suite!(Portable::new());
