//! Draws, choices, and the end of the process.

use core::cell::RefCell;
use core::hash::{BuildHasher, Hasher};
use std::hash::RandomState;
use std::io::Write;

use runtime::{Class, CoreId, Environment};
use stdx::Prng;

/// The exit code of an internal error.
const EXIT_INTERNAL: i32 = 5;

/// One core's surroundings in production.
pub(crate) struct PortableEnvironment {
    prng: RefCell<Prng>,
    crash: fn(&str) -> !,
}

impl PortableEnvironment {
    /// The surroundings of `core`, drawing its own stream of `seed`.
    pub(crate) fn new(core: CoreId, seed: u64, crash: fn(&str) -> !) -> Self {
        Self {
            prng: RefCell::new(Prng::labelled(seed, &format!("core/{core}"))),
            crash,
        }
    }
}

impl Environment for PortableEnvironment {
    fn random(&self) -> u64 {
        self.prng.borrow_mut().next_u64()
    }

    fn pick(&self, _class: Class, _ready: usize) -> usize {
        0
    }

    fn crash(&self, why: &str) -> ! {
        (self.crash)(why)
    }
}

/// 64 bits of the system's entropy: the standard library's hash keys are seeded from it, on every system.
pub(crate) fn entropy() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Says why on standard error, and ends the process with exit code 5: the default of [`crate::Config::crash`].
#[expect(
    clippy::exit,
    reason = "this is where a process whose invariants are broken ends"
)]
pub(crate) fn end_process(why: &str) -> ! {
    // Nobody is left who could be told that standard error is gone.
    drop(writeln!(std::io::stderr(), "ouzel: fatal: {why}"));
    std::process::exit(EXIT_INTERNAL)
}
