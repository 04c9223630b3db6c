//! The ground on which the broker runs.

use core::num::NonZeroU16;

use runtime::Main;

use crate::advice::Failure;
use crate::args::Driver;
use crate::log;

/// Of a core's memory, the part that its pool may keep for the next buffers: what is in use is counted by budgets,
/// and what is kept comes on top.
const POOL_SHARE: usize = 16;

/// One of the two that ship.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ground {
    /// `io_uring`.
    #[cfg(target_os = "linux")]
    Uring,
    /// Ordinary system calls.
    Portable,
}

impl Ground {
    /// The ground that `driver` names, found out by trying where that is left open.
    pub(crate) fn choose(driver: Driver) -> Result<Self, Failure> {
        match driver {
            Driver::Portable => Ok(Self::Portable),
            Driver::Uring => Self::uring().map_err(|why| {
                Failure::environment(format!(
                    "--driver uring: io_uring is not to be had here: {why}"
                ))
                .advise("Leave the flag out, or use --driver portable: slower, and as safe.")
            }),
            Driver::Auto => Ok(Self::uring().unwrap_or_else(|why| {
                log::inform(&format!(
                    "io_uring is not to be had here, using the portable driver: {why}"
                ));
                Self::Portable
            })),
        }
    }

    #[cfg(target_os = "linux")]
    fn uring() -> Result<Self, String> {
        uring::is_available()
            .map(|()| Self::Uring)
            .map_err(|error| error.to_string())
    }

    #[cfg(not(target_os = "linux"))]
    fn uring() -> Result<Self, String> {
        Err("io_uring is Linux's".to_owned())
    }

    /// What the flag calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            #[cfg(target_os = "linux")]
            Self::Uring => "uring",
            Self::Portable => "portable",
        }
    }

    /// Runs `main` on `cores` cores that may use `memory` bytes together, to its end.
    pub(crate) fn run(self, cores: NonZeroU16, memory: usize, main: Main) -> Result<(), Failure> {
        let pool_bytes = memory / usize::from(cores.get()) / POOL_SHARE;
        let ended = match self {
            #[cfg(target_os = "linux")]
            Self::Uring => {
                let config = uring::Config {
                    crash: end,
                    pool_bytes,
                    ..uring::Config::new(cores)
                };
                uring::run(&config, &main).map_err(|error| error.to_string())
            }
            Self::Portable => {
                let config = portable::Config {
                    crash: end,
                    pool_bytes,
                    ..portable::Config::new(cores)
                };
                portable::run(config, main).map_err(|error| error.to_string())
            }
        };
        ended.map_err(|why| Failure::internal(&why))
    }
}

/// A core cannot go on: nothing that it would still do could be trusted.
fn end(why: &str) -> ! {
    log::end(&Failure::internal(why))
}
