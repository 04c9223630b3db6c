//! The end of a driver: the kernel gives all memory back before any of it is freed.

use std::os::fd::OwnedFd;

use io_uring::opcode;
use runtime::{Completion, OperationId, Output, Runtime};
use stdx::Duration;

use super::{State, UringDriver};
use crate::clock::Clock;
use crate::environment::complain;
use crate::os;
use crate::ring::{Submission, Wait};
use crate::token::Token;

/// How long the kernel gets to end what was cancelled. Only a disk that hangs takes anything like it.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long to sleep at most while the helpers, who ring only a core that has parked, still work.
const GLANCE: Duration = Duration::from_millis(5);

impl UringDriver {
    /// Ends everything in flight, closes what opens meanwhile, and waits for the kernel to be done with the
    /// memory that it was lent. What it is not done with in time is leaked, loudly; false then.
    pub(crate) fn shut_down(&self, runtime: &Runtime, clock: &Clock) -> bool {
        self.state.borrow_mut().cancel_all();
        let end = clock.now() + PATIENCE;
        let mut completions = Vec::new();
        while !self.state.borrow().is_quiet() {
            let left = end.since(clock.now());
            if left == Duration::ZERO {
                break;
            }
            if let Err(error) = self.enter(Wait::AtMost(left.min(GLANCE))) {
                complain(&format!("cannot be shut down: {error}"));
                break;
            }
            self.reap(runtime, &mut completions);
            completions.drain(..).for_each(discard);
        }
        let mut state = self.state.borrow_mut();
        // What reaping ended after the last look.
        state.ready.drain(..).for_each(discard);
        state.give_memory_back()
    }
}

impl State {
    /// Cancels all that is in flight, and takes nothing new.
    fn cancel_all(&mut self) {
        self.is_over = true;
        let ids: Vec<OperationId> = self.in_flight.iter().map(|flight| flight.id).collect();
        for id in ids {
            self.cancel(id);
        }
        if self.event.in_flight {
            let entry = opcode::AsyncCancel::new(Token::Event.to_bits()).build();
            let entry = self.ring.quiet(entry.user_data(Token::Cancel.to_bits()));
            self.push(Submission::one(entry));
        }
    }

    /// Whether nothing is in flight.
    fn is_quiet(&self) -> bool {
        self.in_flight.len() == 0 && !self.event.in_flight && !self.ring.is_clogged()
    }

    fn give_memory_back(&mut self) -> bool {
        if self.is_quiet() {
            if let Some(provided) = self.provided.take() {
                provided.unregister(&self.ring);
            }
            return true;
        }
        complain(&format!(
            "leaks the memory of {} operations that do not end: {:?}",
            self.in_flight.len(),
            self.in_flight
        ));
        Box::leak(Box::new(core::mem::take(&mut self.in_flight)));
        Box::leak(Box::new(core::mem::take(&mut self.event.counter)));
        Box::leak(Box::new(self.provided.take()));
        false
    }
}

/// Drops a completion that no turn will see, and closes what it opened.
#[expect(clippy::needless_pass_by_value, reason = "it goes with its memory")]
fn discard(completion: Completion) {
    let Ok(
        Output::Opened(opened)
        | Output::Listening {
            descriptor: opened, ..
        }
        | Output::Connected {
            descriptor: opened, ..
        },
    ) = completion.result
    else {
        return;
    };
    // SAFETY: the operation's owner is gone, and it is the only one who would have learned of the descriptor.
    let opened: OwnedFd = unsafe { os::own(os::raw(opened)) };
    drop(opened);
}
