//! The surroundings of one simulated core: its streams of draws, its way to the observer, and its end.

use core::cell::RefCell;
use std::panic::resume_unwind;
use std::rc::Rc;

use runtime::{Class, Crash, Environment, TraceEvent};
use stdx::Prng;

use crate::event::Place;
use crate::observer::Observer;

/// The surroundings of one core in one life of its node.
#[derive(Debug)]
pub(crate) struct Surroundings {
    place: Place,
    random: RefCell<Prng>,
    schedule: RefCell<Prng>,
    observer: Rc<Observer>,
}

impl Surroundings {
    pub(crate) fn new(seed: u64, place: Place, observer: Rc<Observer>) -> Self {
        let Place {
            node,
            core,
            incarnation,
        } = place;
        let stream = |name| {
            RefCell::new(Prng::labelled(
                seed,
                &format!("{name}/{node}/{core}/{incarnation}"),
            ))
        };
        Self {
            place,
            random: stream("random"),
            schedule: stream("schedule"),
            observer,
        }
    }
}

impl Environment for Surroundings {
    fn random(&self) -> u64 {
        self.random.borrow_mut().next_u64()
    }

    fn pick(&self, _class: Class, ready: usize) -> usize {
        self.schedule.borrow_mut().index(ready)
    }

    fn traces(&self) -> bool {
        self.observer.traces
    }

    fn trace(&self, event: TraceEvent) {
        self.observer.trace(self.place, event);
    }

    fn crash(&self, why: &str) -> ! {
        // Not a panic: the hook that prints panics has nothing to say about a simulated death.
        resume_unwind(Box::new(Crash(why.to_owned())))
    }
}
