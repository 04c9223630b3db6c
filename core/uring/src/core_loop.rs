//! The loop of one core: reap, turn, ring, enter, and around again.
//!
//! ```text
//!   reap          completions out of the ring, outcomes from the helpers
//!   sample        how much mail and memory waits; before the turn, as recordings demand
//!   turn          the passive core works and submits
//!   ring          whoever sleeps and got mail
//!   enter         one system call: submit all, and sleep if nothing is to be done
//! ```

use core::sync::atomic::{AtomicBool, Ordering};
use std::rc::Rc;
use std::sync::Arc;

use runtime::passive::Waiting;
use runtime::{
    Completion, Core, CoreConfig, CoreId, Driver, Environment, Inputs, IoError, Links, Main,
    Runtime, Turn,
};
use stdx::{Duration, Instant};

use crate::clock::Clock;
use crate::config::Config;
use crate::doorbell::Doorbell;
use crate::driver::UringDriver;
use crate::environment::CoreEnvironment;
use crate::helpers::Desk;
use crate::ring::{Ring, Wait};

/// What the threads of a node share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// By core.
    pub(crate) doorbells: Arc<[Doorbell]>,
    /// The clocks.
    pub(crate) clock: Clock,
    /// A core failed: the others end too.
    pub(crate) is_stopping: AtomicBool,
}

impl Shared {
    /// Makes all cores end, wherever they are.
    pub(crate) fn stop(&self) {
        self.is_stopping.store(true, Ordering::SeqCst);
        self.doorbells.iter().for_each(Doorbell::ring_event);
    }
}

/// One core and its ground, on the core's own thread.
#[derive(Debug)]
pub(crate) struct CoreLoop {
    /// None once it ended.
    core: Option<Core>,
    runtime: Runtime,
    driver: Rc<UringDriver>,
    shared: Arc<Shared>,
    completions: Vec<Completion>,
    waiting: Waiting,
}

impl CoreLoop {
    /// Sets core `id` up; it runs nothing yet.
    pub(crate) fn new(
        id: CoreId,
        config: &Config,
        links: Links,
        desk: Desk,
        shared: &Arc<Shared>,
    ) -> Result<Self, IoError> {
        let ring = Ring::new(config.facilities)?;
        let doorbells = Arc::clone(&shared.doorbells);
        let driver = Rc::new(UringDriver::new(id, doorbells, ring, desk));
        let as_driver: Rc<dyn Driver> = Rc::<UringDriver>::clone(&driver);
        let environment: Rc<dyn Environment> = Rc::new(CoreEnvironment::new(config.crash)?);
        let core_config = CoreConfig {
            pool_bytes: config.pool_bytes,
            ..CoreConfig::new(id, config.cores.get())
        };
        let core = match &config.tape {
            None => Core::new(core_config, links, as_driver, environment),
            Some(tape) => {
                let recorder = tape.recorder(id);
                Core::recorded(core_config, links, as_driver, environment, recorder)
            }
        };
        let runtime = core.runtime();
        let core_loop = Self {
            core: Some(core),
            runtime,
            driver,
            shared: Arc::clone(shared),
            completions: Vec::new(),
            waiting: Waiting::default(),
        };
        // From here on the kernel has memory of ours, which the loop's end asks back, also when this fails.
        let (buffers, buffer_bytes) = (config.receive_buffers, config.receive_buffer_bytes);
        core_loop
            .driver
            .set_up(&core_loop.runtime, buffers, buffer_bytes)?;
        Ok(core_loop)
    }

    /// Starts `main` and runs until it ended and nothing is in flight, or until another core failed.
    pub(crate) fn run(&mut self, main: &Main) -> Result<(), IoError> {
        if let Some(core) = &mut self.core {
            core.start(main);
        }
        while let Some(core) = &mut self.core {
            if self.shared.is_stopping.load(Ordering::SeqCst) {
                break;
            }
            self.driver.reap(&self.runtime, &mut self.completions);
            core.sample_waiting(&mut self.waiting);
            let turn = core.turn(Inputs {
                now: self.shared.clock.now(),
                wall: self.shared.clock.wall(),
                completions: &mut self.completions,
                messages: &self.waiting.messages,
                returns: &self.waiting.returns,
            });
            self.driver.ring_marked();
            match turn {
                Turn::Ready => self.driver.enter(Wait::No)?,
                Turn::Deadline(deadline) => self.rest(Some(deadline))?,
                Turn::Idle => self.rest(None)?,
                Turn::Finished => break,
            }
        }
        Ok(())
    }

    /// Enters the kernel, and sleeps there until something arrives or `deadline` comes, unless something has.
    fn rest(&mut self, deadline: Option<Instant>) -> Result<(), IoError> {
        let wait = match deadline {
            None => Wait::Forever,
            // The time that the turn took is over, so the clock is read again.
            Some(deadline) => match deadline.since(self.shared.clock.now()) {
                Duration::ZERO => Wait::No,
                left => Wait::AtMost(left),
            },
        };
        if wait == Wait::No {
            return self.driver.enter(Wait::No);
        }
        let driver = Rc::clone(&self.driver);
        driver.doorbell().park();
        // From here on whoever has something for this core rings; what came before is seen here. What comes
        // through the ring itself needs no look: the kernel does not sleep on completions.
        let wait = if self.has_news() { Wait::No } else { wait };
        let entered = driver.enter(wait);
        driver.doorbell().unpark();
        entered
    }

    fn has_news(&mut self) -> bool {
        if let Some(core) = &self.core {
            core.sample_waiting(&mut self.waiting);
        }
        !self.waiting.is_empty()
            || self.driver.has_news()
            || self.shared.is_stopping.load(Ordering::SeqCst)
    }
}

impl Drop for CoreLoop {
    /// Ends the core's tasks, whose destructors may still submit, then waits until the kernel is done with what
    /// it was lent; also while a panic unwinds.
    fn drop(&mut self) {
        drop(self.core.take());
        self.completions.clear();
        // What was leaked was said.
        let _is_whole = self.driver.shut_down(&self.runtime, &self.shared.clock);
    }
}
