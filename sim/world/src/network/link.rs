//! The way from one node to another.

use stdx::{Instant, Prng};

use crate::chance::{Rate, Span};

/// What a link is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkConfig {
    /// How long a segment is under way.
    pub latency: Span,
    /// Bytes per second that all streams over it share, if it has a limit.
    pub bandwidth: Option<u64>,
    /// Bytes that a stream may have sent and its receiver not taken.
    pub window: usize,
    /// Bytes of a segment at most; a longer send becomes several.
    pub segment_max: usize,
    /// What goes wrong.
    pub faults: LinkFaults,
}

impl Default for LinkConfig {
    /// A local network: half a millisecond, without damage.
    fn default() -> Self {
        Self {
            latency: Span::micros(200, 500),
            bandwidth: None,
            window: 256 << 10,
            segment_max: 64 << 10,
            faults: LinkFaults::default(),
        }
    }
}

impl LinkConfig {
    /// A node's link with itself.
    pub fn loopback() -> Self {
        Self {
            latency: Span::micros(5, 15),
            ..Self::default()
        }
    }

    /// The same, with short transfers, small segments and some stalls. Nothing of it breaks a promise.
    #[must_use]
    pub fn choppy(self) -> Self {
        Self {
            latency: Span::new(self.latency.most() / 4, self.latency.most() * 4),
            segment_max: 1 << 12,
            faults: LinkFaults {
                short_send: Rate::per_million(100_000),
                short_receive: Rate::per_million(100_000),
                stall: Rate::per_million(1_000),
                ..self.faults
            },
            ..self
        }
    }
}

/// How often what goes wrong on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkFaults {
    /// A send takes fewer bytes than there is room for.
    pub short_send: Rate,
    /// A receive gives fewer bytes than arrived.
    pub short_receive: Rate,
    /// A segment, and all that its stream sends after it, is held up for `stall_time`.
    pub stall: Rate,
    /// For how long.
    pub stall_time: Span,
    /// A segment arrives in part, and then both ends see a reset.
    pub reset: Rate,
}

impl Default for LinkFaults {
    fn default() -> Self {
        Self {
            short_send: Rate::NEVER,
            short_receive: Rate::NEVER,
            stall: Rate::NEVER,
            stall_time: Span::millis(1, 500),
            reset: Rate::NEVER,
        }
    }
}

/// One direction between two nodes.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) config: LinkConfig,
    pub(crate) cut: bool,
    pub(crate) stalled_until: Instant,
    /// When the last byte sent so far leaves, where the bandwidth is limited.
    busy_until: Instant,
    latency: Prng,
    stalls: Prng,
    resets: Prng,
    lengths: Prng,
}

impl Link {
    pub(crate) fn new(seed: u64, source: u16, target: u16, config: LinkConfig) -> Self {
        let stream = |name: &str| Prng::labelled(seed, &format!("net/{source}-{target}/{name}"));
        Self {
            config,
            cut: false,
            stalled_until: Instant::ZERO,
            busy_until: Instant::ZERO,
            latency: stream("latency"),
            stalls: stream("stalls"),
            resets: stream("resets"),
            lengths: stream("lengths"),
        }
    }

    /// When a segment of `bytes` that is sent now arrives.
    pub(crate) fn arrival(&mut self, now: Instant, bytes: usize) -> Instant {
        let mut leaves = now;
        if let Some(bandwidth) = self.config.bandwidth {
            let nanos = bytes as u128 * 1_000_000_000 / u128::from(bandwidth.max(1));
            let nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
            leaves = add(leaves.max(self.busy_until), nanos);
            self.busy_until = leaves;
        }
        add(leaves, self.config.latency.draw(&mut self.latency))
    }

    /// For how many nanoseconds a segment is held up, if it is.
    pub(crate) fn stall(&mut self) -> Option<u64> {
        let faults = &self.config.faults;
        let stalls = faults.stall.hits(&mut self.stalls);
        stalls.then(|| faults.stall_time.draw(&mut self.stalls))
    }

    /// How many bytes of a segment still arrive before a reset, if one strikes.
    pub(crate) fn reset(&mut self, bytes: usize) -> Option<usize> {
        let strikes = self.config.faults.reset.hits(&mut self.resets);
        strikes.then(|| self.reset_point(bytes))
    }

    /// How many of `bytes` arrive before a reset that somebody asked for.
    pub(crate) fn reset_point(&mut self, bytes: usize) -> usize {
        self.resets.index(bytes + 1)
    }

    /// How many of `bytes` a send takes.
    pub(crate) fn short_send(&mut self, bytes: usize) -> Option<usize> {
        let short = bytes > 1 && self.config.faults.short_send.hits(&mut self.lengths);
        short.then(|| 1 + self.lengths.index(bytes - 1))
    }

    /// How many of `bytes` a receive gets.
    pub(crate) fn short_receive(&mut self, bytes: usize) -> Option<usize> {
        let short = bytes > 1 && self.config.faults.short_receive.hits(&mut self.lengths);
        short.then(|| 1 + self.lengths.index(bytes - 1))
    }
}

/// `instant` and so many nanoseconds more.
pub(crate) fn add(instant: Instant, nanos: u64) -> Instant {
    Instant::from_nanos(instant.as_nanos().saturating_add(nanos))
}
