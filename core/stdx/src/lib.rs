//! Missing batteries: the small values that every room needs and the standard library either lacks or ties to
//! the operating system.
//!
//! It is not a utility drawer: each file is one noun, used by at least two rooms.
//!
//! ```text
//!   time    Instant, Timestamp, Duration   values only; the runtime says what time it is
//!   prng    Prng                           seeded, labelled streams, stable for ever
//!   crc     crc32c                         the one checksum of records, frames and files
//!   mark    Mark, sometimes!               proof that a rare branch was reached
//!   mutant  mutant!                        planted bugs, compiled in only under the feature `mutants`
//! ```
//!
//! Invariants: nothing here reads a clock, entropy, the environment or an address; every function is a function
//! of its arguments, but for [`Mark`], which counts.

pub mod crc;
pub mod mark;
pub mod mutant;
pub mod prng;
pub mod time;

pub use crc::{crc32c, crc32c_append};
pub use mark::Mark;
pub use prng::Prng;
pub use time::{Duration, Instant, Timestamp};

/// Asserts what is too dear to check in production: on wherever debug assertions are (tests, the development
/// profile, the simulator's own checks), gone elsewhere.
#[macro_export]
macro_rules! paranoid {
    ($($argument:tt)*) => {
        if ::core::cfg!(debug_assertions) {
            ::core::assert!($($argument)*);
        }
    };
}
