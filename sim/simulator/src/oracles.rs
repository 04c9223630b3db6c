//! Oracles: what was promised, one file each, and what it looks like when a promise is broken.

use core::fmt;

use crate::ledger::Place;

pub mod acknowledged;
pub mod budgets;
pub mod calm;
pub mod contiguous;
pub mod disk;
pub mod epochs;
pub mod immutable;
pub mod order;
pub mod recovery;
pub mod refused;
mod scan;
pub mod visible;

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Violation {
    /// The oracle that found it.
    pub oracle: &'static str,
    /// What was promised, in words.
    pub promise: &'static str,
    /// What was seen instead, with the operations that prove it.
    pub witness: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "promise    {}  \"{}\"", self.oracle, self.promise)?;
        write!(f, "witness    {}", self.witness)
    }
}

/// A partition in words.
pub(crate) fn named(place: &Place) -> String {
    format!("{}/{}", place.0, place.1)
}
