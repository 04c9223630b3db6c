//! The surroundings of a core in production: a generator seeded by the operating system, the oldest task first,
//! and an end of the process that nothing can hold up.

use core::cell::RefCell;
use core::fmt;
use std::io::Write;

use runtime::{Environment, IoError};
use rustix::rand::{GetRandomFlags, getrandom};
use stdx::Prng;

/// The exit code of an internal error.
const EXIT_INTERNAL: i32 = 5;

/// One core's environment.
pub(crate) struct CoreEnvironment {
    prng: RefCell<Prng>,
    crash: fn(&str) -> !,
}

impl CoreEnvironment {
    /// An environment with a generator of its own.
    pub(crate) fn new(crash: fn(&str) -> !) -> Result<Self, IoError> {
        Ok(Self {
            prng: RefCell::new(Prng::from_seed(seed()?)),
            crash,
        })
    }
}

impl Environment for CoreEnvironment {
    fn random(&self) -> u64 {
        self.prng.borrow_mut().next_u64()
    }

    fn pick(&self, _class: runtime::Class, _ready: usize) -> usize {
        0
    }

    fn crash(&self, why: &str) -> ! {
        (self.crash)(why)
    }
}

impl fmt::Debug for CoreEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CoreEnvironment")
    }
}

/// 64 bits from the operating system.
fn seed() -> Result<u64, IoError> {
    let mut bytes = [0_u8; 8];
    let mut filled = 0;
    while filled < bytes.len() {
        filled += match getrandom(&mut bytes[filled..], GetRandomFlags::empty()) {
            Ok(count) => count,
            Err(rustix::io::Errno::INTR) => 0,
            Err(errno) => return Err(crate::os::error(errno)),
        };
    }
    Ok(u64::from_le_bytes(bytes))
}

/// Says on standard error what nobody can be told as an error any more.
pub(crate) fn complain(what: &str) {
    // Nobody is left who could be told that standard error is gone.
    drop(writeln!(std::io::stderr(), "ouzel: io_uring: {what}"));
}

/// Says why on standard error, and ends the process with exit code 5: the default of [`crate::Config::crash`].
pub(crate) fn end_process(why: &str) -> ! {
    // Nobody is left who could be told that standard error is gone.
    drop(writeln!(std::io::stderr(), "ouzel: fatal: {why}"));
    // Not `exit`: handlers that run at exit could wait for a thread that waits for this one, and a process whose
    // sync failed must not go on writing meanwhile.
    // SAFETY: `_exit` has no preconditions; it does not return.
    unsafe { libc::_exit(EXIT_INTERNAL) }
}
