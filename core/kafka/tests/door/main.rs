//! The door from outside: a broker's node and a client's node in the simulated world, partitions in memory.

#![expect(clippy::unwrap_used, reason = "a test ends where it must not go on")]

mod answers;
mod crowded;
mod fake;
mod fetching;
mod ground;
mod hostile;
mod line;
mod memory;
mod polling;
mod versions;
