//! SIGTERM and SIGINT: the first asks the broker to stop in good order, the second ends the process at once. Both are
//! safe for the data: what was acknowledged is on the disk.

use std::io;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use broker::Handle;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::advice::Failure;
use crate::log;

/// How long a stop may take. Each step of it has its own bound within this; if one of those is broken, an operator
/// must still not have to wait for ever.
const STOP_TIME_MAX: Duration = Duration::from_secs(40);

/// When the first signal came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stopping(Arc<OnceLock<Instant>>);

impl Stopping {
    /// How long ago the first signal came.
    pub(crate) fn since_first_signal(&self) -> Duration {
        self.0.get().map_or(Duration::ZERO, Instant::elapsed)
    }
}

/// Watches for signals on a thread of its own.
pub(crate) fn watch(handle: Handle) -> Result<Stopping, Failure> {
    let stopping = Stopping::default();
    let first = stopping.clone();
    let watching = Signals::new([SIGINT, SIGTERM]).and_then(|signals| {
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || answer(signals, &handle, &first))
    });
    let refused =
        |error: io::Error| Failure::environment(format!("cannot watch for signals: {error}"));
    watching.map(|_thread| stopping).map_err(refused)
}

fn answer(mut signals: Signals, handle: &Handle, first: &Stopping) {
    for signal in &mut signals {
        if first.0.set(Instant::now()).is_err() {
            log::warn("second signal: ending at once");
            // It ends the process as the signal would have without us; if that fails, there is nothing left to try.
            drop(emulate_default_handler(signal));
        }
        handle.stop();
        drop(
            thread::Builder::new()
                .name("stop bound".to_owned())
                .spawn(|| {
                    thread::sleep(STOP_TIME_MAX);
                    log::end(&Failure::environment(format!(
                        "did not stop within {} s",
                        STOP_TIME_MAX.as_secs()
                    )));
                }),
        );
    }
}
