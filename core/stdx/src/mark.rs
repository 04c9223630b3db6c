//! Coverage marks: a rare branch says that it was reached, and the simulator's table shows the ones that never
//! were. A room lists its marks in one table, so that a mark nobody reached is listed too.

use core::sync::atomic::{AtomicU64, Ordering};

/// One mark. A relaxed counter: it costs about a nanosecond where it stands and orders nothing.
#[derive(Debug)]
pub struct Mark {
    name: &'static str,
    hits: AtomicU64,
}

impl Mark {
    /// A mark called `name`, in words that a reader of the coverage table understands.
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            hits: AtomicU64::new(0),
        }
    }

    /// Its name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Counts one visit.
    pub fn hit(&self) {
        self.hits.fetch_add(1, Ordering::Relaxed);
    }

    /// Visits since the process started, of all cores and seeds.
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }
}

/// Counts a visit of a mark where a condition holds: `sometimes!(TORN_TAIL_CUT, cut > 0)`.
#[macro_export]
macro_rules! sometimes {
    ($mark:expr, $condition:expr) => {
        if $condition {
            $mark.hit();
        }
    };
}

/// Declares the marks of a room and their table, `MARKS`.
///
/// ```
/// stdx::marks! {
///     /// A frame at the end of the log was cut off at start.
///     TORN_TAIL_CUT = "recovery cut a torn tail";
/// }
/// TORN_TAIL_CUT.hit();
/// assert_eq!(MARKS[0].hits(), 1);
/// ```
#[macro_export]
macro_rules! marks {
    ($($(#[$attribute:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$attribute])* pub static $name: $crate::Mark = $crate::Mark::new($text);)*
        /// Every mark of this room.
        pub static MARKS: &[&$crate::Mark] = &[$(&$name),*];
    };
}
