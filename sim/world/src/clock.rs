//! The clocks of one node: what it believes about time, as a function of the heap's time.
//!
//! ```text
//!   heap time ---- rate (1 + drift) ----> monotonic: counts from the boot, never goes back
//!                                   \---> wall: an origin + the same rate, stepped and frozen at will
//! ```
//!
//! Drift is bounded by [`DRIFT_PPM_MAX`], as an oscillator's is; steps and freezes touch the wall clock alone. A
//! frozen wall clock says the same until it thaws, and then what it would have said without the frost.

use stdx::{Duration, Instant, Timestamp};

/// Parts per million by which a clock may be too fast or too slow.
pub const DRIFT_PPM_MAX: i32 = 10_000;

const MILLION: i128 = 1_000_000;

/// What a node's clocks are off by from the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockConfig {
    /// Nanoseconds that the wall clock is ahead of the truth, or behind it.
    pub offset: i64,
    /// Parts per million that both clocks are too fast, or too slow.
    pub drift_ppm: i32,
}

/// Both clocks of a node.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    /// Heap time from which the rest counts on: a change of drift starts a new stretch.
    since: u64,
    monotonic: u64,
    wall: i64,
    drift_ppm: i32,
    frozen: Option<i64>,
}

impl Clock {
    /// Clocks that show the monotonic origin at heap time `now`, when true time is `truth`.
    pub(crate) fn new(config: ClockConfig, now: Instant, truth: Timestamp) -> Self {
        let mut clock = Self {
            since: now.as_nanos(),
            monotonic: 0,
            wall: truth.as_nanos().saturating_add(config.offset),
            drift_ppm: 0,
            frozen: None,
        };
        clock.set_drift(now, config.drift_ppm);
        clock
    }

    /// The monotonic clock restarts with the machine; the wall clock goes on.
    pub(crate) fn boot(&mut self, now: Instant) {
        self.settle(now);
        self.monotonic = 0;
    }

    pub(crate) fn monotonic(&self, now: Instant) -> Instant {
        Instant::from_nanos(self.monotonic + self.elapsed(now))
    }

    pub(crate) fn wall(&self, now: Instant) -> Timestamp {
        let flowing = self.wall.saturating_add_unsigned(self.elapsed(now));
        Timestamp::from_nanos(self.frozen.unwrap_or(flowing))
    }

    /// The earliest heap time at which the monotonic clock shows `target` or more.
    pub(crate) fn when(&self, target: Instant) -> Instant {
        let ahead = target.as_nanos().saturating_sub(self.monotonic);
        if self.drift_ppm == 0 {
            return Instant::from_nanos(self.since.saturating_add(ahead));
        }
        let rate = MILLION + i128::from(self.drift_ppm);
        let needed = (i128::from(ahead) * MILLION + rate - 1) / rate;
        Instant::from_nanos(
            self.since
                .saturating_add(u64::try_from(needed).unwrap_or(u64::MAX)),
        )
    }

    pub(crate) fn set_drift(&mut self, now: Instant, drift_ppm: i32) {
        assert!(drift_ppm.abs() <= DRIFT_PPM_MAX);
        self.settle(now);
        self.drift_ppm = drift_ppm;
    }

    pub(crate) fn step(&mut self, nanos: i64) {
        self.wall = self.wall.saturating_add(nanos);
        if let Some(frozen) = &mut self.frozen {
            *frozen = frozen.saturating_add(nanos);
        }
    }

    pub(crate) fn freeze(&mut self, now: Instant) {
        self.frozen = Some(self.wall(now).as_nanos());
    }

    pub(crate) fn thaw(&mut self) {
        self.frozen = None;
    }

    /// Starts a new stretch at `now`.
    fn settle(&mut self, now: Instant) {
        let elapsed = self.elapsed(now);
        self.monotonic += elapsed;
        self.wall = self.wall.saturating_add_unsigned(elapsed);
        self.since = now.as_nanos();
    }

    /// Nanoseconds that the node counted in this stretch.
    fn elapsed(&self, now: Instant) -> u64 {
        let true_nanos = now.as_nanos().saturating_sub(self.since);
        if self.drift_ppm == 0 {
            return true_nanos;
        }
        let rate = MILLION + i128::from(self.drift_ppm);
        u64::try_from(i128::from(true_nanos) * rate / MILLION).unwrap_or(u64::MAX)
    }
}

impl crate::World {
    /// Sets how many parts per million a node's clocks are too fast or too slow from now on.
    ///
    /// # Panics
    /// When that is beyond [`DRIFT_PPM_MAX`].
    pub fn set_drift(&mut self, node: crate::NodeId, drift_ppm: i32) {
        let now = self.now();
        self.node_mut(node).clock.set_drift(now, drift_ppm);
        self.coverage.hit(crate::Fault::ClockDrift);
        self.rearm_alarms(node);
    }

    /// Steps a node's wall clock forward.
    pub fn step_clock_forward(&mut self, node: crate::NodeId, by: Duration) {
        let nanos = i64::try_from(by.as_nanos()).unwrap_or(i64::MAX);
        self.node_mut(node).clock.step(nanos);
        self.coverage.hit(crate::Fault::ClockStepForward);
    }

    /// Steps a node's wall clock back.
    pub fn step_clock_back(&mut self, node: crate::NodeId, by: Duration) {
        let nanos = i64::try_from(by.as_nanos()).unwrap_or(i64::MAX);
        self.node_mut(node).clock.step(-nanos);
        self.coverage.hit(crate::Fault::ClockStepBack);
    }

    /// Stops a node's wall clock.
    pub fn freeze_clock(&mut self, node: crate::NodeId) {
        let now = self.now();
        self.node_mut(node).clock.freeze(now);
        self.coverage.hit(crate::Fault::ClockFreeze);
    }

    /// Lets a frozen wall clock jump to where it would be without the frost.
    pub fn thaw_clock(&mut self, node: crate::NodeId) {
        self.node_mut(node).clock.thaw();
    }

    /// What a node's monotonic clock shows now.
    pub fn monotonic(&self, node: crate::NodeId) -> Instant {
        self.node(node).clock.monotonic(self.now())
    }

    /// What a node's wall clock shows now.
    pub fn wall(&self, node: crate::NodeId) -> Timestamp {
        self.node(node).clock.wall(self.now())
    }
}
