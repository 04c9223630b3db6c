//! The gate at a node's start: no core runs before all of them are set up, and none runs if one could not be.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

#[derive(Debug)]
struct State {
    missing: u16,
    failed: bool,
}

/// Where the cores of a node wait for each other.
#[derive(Debug)]
pub(crate) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

impl Gate {
    /// A gate that opens when `cores` tickets passed.
    pub(crate) fn new(cores: u16) -> Self {
        Self {
            state: Mutex::new(State {
                missing: cores,
                failed: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// The ticket of one core. Dropped without passing, it keeps the gate shut for all.
    pub(crate) fn ticket(&self) -> Ticket<'_> {
        Ticket {
            gate: self,
            passed: false,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One core's right to pass, and its duty to say that it cannot.
#[derive(Debug)]
pub(crate) struct Ticket<'a> {
    gate: &'a Gate,
    passed: bool,
}

impl Ticket<'_> {
    /// Waits for all others. False when one of them failed.
    pub(crate) fn pass(mut self) -> bool {
        self.passed = true;
        let mut state = self.gate.state();
        state.missing -= 1;
        self.gate.changed.notify_all();
        while state.missing > 0 && !state.failed {
            state = self
                .gate
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        !state.failed
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if !self.passed {
            self.gate.state().failed = true;
            self.gate.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_pass_together_or_none_does() {
        let gate = Gate::new(3);
        std::thread::scope(|scope| {
            let waiting: Vec<_> = (0..3)
                .map(|_| scope.spawn(|| gate.ticket().pass()))
                .collect();
            assert!(waiting.into_iter().all(|thread| thread.join().unwrap()));
        });
        let gate = Gate::new(3);
        std::thread::scope(|scope| {
            let waiting: Vec<_> = (0..2)
                .map(|_| scope.spawn(|| gate.ticket().pass()))
                .collect();
            drop(gate.ticket());
            assert!(waiting.into_iter().all(|thread| !thread.join().unwrap()));
        });
    }
}
