//! Nodes to test with.
#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

use core::num::NonZeroU16;
use std::sync::Arc;

use runtime::{Crash, LocalFuture, Main, Runtime};
use uring::{Config, Facilities};

/// Tells a process that it is to crash.
pub(crate) const CRASH_IN_CHILD: &str = "URING_TEST_CRASH_IN_CHILD";

/// Configurations for `cores` cores: with everything, and with a plain ring. None, and a word about it, where
/// there is no io_uring.
pub(crate) fn configs(cores: u16) -> Vec<Config> {
    if let Err(error) = uring::is_available() {
        eprintln!("SKIPPED: no io_uring here: {error}");
        return Vec::new();
    }
    let cores = NonZeroU16::new(cores).expect("a node has cores");
    [Facilities::ALL, Facilities::PLAIN]
        .into_iter()
        .map(|facilities| Config {
            facilities,
            // A panic in a task of the root scope crashes the node: let it reach the test.
            crash: |why| std::panic::panic_any(Crash(why.to_owned())),
            ..Config::new(cores)
        })
        .collect()
}

/// A main function.
pub(crate) fn main_of<F>(main: F) -> Main
where
    F: Fn(Runtime) -> LocalFuture<()> + Send + Sync + 'static,
{
    Arc::new(main)
}

/// Runs `main` on nodes of each configuration.
pub(crate) fn run_on(cores: u16, main: fn(Runtime) -> LocalFuture<()>) {
    for config in configs(cores) {
        uring::run(&config, &main_of(main)).expect("the node ends well");
    }
}
