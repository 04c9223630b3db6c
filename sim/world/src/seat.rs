//! One simulated core: the passive core, and what waits for its next turn.

use core::fmt;
use std::rc::Rc;

use runtime::{Buf, Completion, Core, CoreConfig, CoreId, Driver, Environment, Links, Main};
use stdx::{Instant, Prng};

use crate::driver::Outbox;
use crate::environment::Surroundings;
use crate::event::Place;
use crate::in_flight::Operations;

/// Announced and delivered counts by source. What is `known` is under way or `arrived`; what arrived is for the
/// next turn.
#[derive(Clone, Debug)]
pub(crate) struct Arrivals {
    pub(crate) known: Vec<u32>,
    pub(crate) arrived: Vec<u32>,
}

impl Arrivals {
    pub(crate) fn new(sources: usize) -> Self {
        Self {
            known: vec![0; sources],
            arrived: vec![0; sources],
        }
    }

    pub(crate) fn any(&self) -> bool {
        self.arrived.iter().any(|&count| count > 0)
    }

    /// A turn took in what had arrived.
    pub(crate) fn taken(&mut self) {
        for (known, arrived) in self.known.iter_mut().zip(&mut self.arrived) {
            *known -= core::mem::take(arrived);
        }
    }
}

/// A core and what the world keeps for it.
pub(crate) struct Seat {
    pub(crate) core: Core,
    pub(crate) place: Place,
    pub(crate) outbox: Rc<Outbox>,
    pub(crate) completions: Vec<Completion>,
    pub(crate) operations: Operations,
    pub(crate) messages: Arrivals,
    pub(crate) returns: Arrivals,
    /// No message from a source may arrive before the one that it sent earlier.
    pub(crate) message_at: Vec<Instant>,
    /// The core works, or stalls, until then.
    pub(crate) busy_until: Instant,
    /// A turn is scheduled for then.
    pub(crate) turn_at: Option<Instant>,
    /// An alarm is scheduled for then, maybe earlier than needed.
    pub(crate) alarm_at: Option<Instant>,
    /// When the core wants a turn at the latest, on its own monotonic clock.
    pub(crate) deadline: Option<Instant>,
    pub(crate) finished: bool,
    /// Turns in a row that had tasks ready and nothing new.
    pub(crate) idle_turns: u32,
    pub(crate) pace: Prng,
    pub(crate) stalls: Prng,
}

/// What a seat is made with.
pub(crate) struct Seating<'a> {
    pub(crate) seed: u64,
    pub(crate) place: Place,
    pub(crate) cores: u16,
    pub(crate) pool_bytes: usize,
    pub(crate) environment: Rc<Surroundings>,
    pub(crate) recorder: Option<runtime::record::Recorder>,
    pub(crate) main: &'a Main,
}

impl Seat {
    pub(crate) fn new(seating: Seating<'_>, links: Links) -> Self {
        let Seating {
            seed,
            place,
            cores,
            pool_bytes,
            environment,
            recorder,
            main,
        } = seating;
        let mut config = CoreConfig::new(CoreId::new(place.core), cores);
        config.pool_bytes = pool_bytes;
        let outbox = Rc::new(Outbox::default());
        let driver = Rc::clone(&outbox) as Rc<dyn Driver>;
        let environment = environment as Rc<dyn Environment>;
        let mut core = match recorder {
            Some(recorder) => Core::recorded(config, links, driver, environment, recorder),
            None => Core::new(config, links, driver, environment),
        };
        core.start(main);
        let sources = usize::from(cores);
        let Place {
            node,
            core: number,
            incarnation,
        } = place;
        let stream = |name| Prng::labelled(seed, &format!("{name}/{node}/{number}/{incarnation}"));
        Self {
            core,
            place,
            outbox,
            completions: Vec::new(),
            operations: Operations::default(),
            messages: Arrivals::new(sources),
            returns: Arrivals::new(sources + 1),
            message_at: vec![Instant::ZERO; sources + 1],
            busy_until: Instant::ZERO,
            turn_at: None,
            alarm_at: None,
            deadline: None,
            finished: false,
            idle_turns: 0,
            pace: stream("pace"),
            stalls: stream("stall"),
        }
    }

    /// Whether something waits for its next turn.
    pub(crate) fn has_news(&self) -> bool {
        !self.completions.is_empty() || self.messages.any() || self.returns.any()
    }

    /// Memory of this core's pool for `bytes` bytes.
    pub(crate) fn buffer(&self, bytes: usize) -> Buf {
        self.core.runtime().buffer(bytes)
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seat({:?})", self.place)
    }
}
