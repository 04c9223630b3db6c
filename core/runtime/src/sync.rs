//! What tasks of one core wait for each other with. None of it is `Send`, so none of it locks.

pub mod oneshot;
pub mod queue;
pub mod signal;

pub use queue::Queue;
pub use signal::Signal;
