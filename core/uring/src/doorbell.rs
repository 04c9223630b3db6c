//! How a sleeping core is woken: a flag that says that it sleeps, and two ways to ring.
//!
//! ```text
//!   the core that sleeps                     who has something for it
//!   --------------------                     ------------------------
//!   parked = true                            put it where the core looks
//!   full fence                               full fence
//!   look everywhere once more                parked? then take the flag and ring
//!   nothing there: sleep
//! ```
//! Of the two fences one comes first. If it is the sleeper's, the other side reads `parked` after it was set, and
//! rings. If it is the other side's, the sleeper looks after the thing was put there, and stays awake. Weaker
//! orderings would allow both reads to come before both writes: the message would wait for the next wake-up.
//! Whoever takes the flag rings, so a sleeper is rung once, and a busy core never.

use core::sync::atomic::{AtomicBool, Ordering, fence};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::OnceLock;

use runtime::IoError;
use rustix::event::{EventfdFlags, eventfd};

use crate::os;

/// The doorbell of one core. Shared by the node; its own core sleeps by it, all others and the helpers ring.
#[derive(Debug)]
#[repr(align(128))] // Two cores' flags never share a cache line, nor a pair of lines that are fetched together.
pub(crate) struct Doorbell {
    parked: AtomicBool,
    event: OwnedFd,
    ring: OnceLock<OwnedFd>,
}

impl Doorbell {
    /// A doorbell of a core that is awake and has no ring yet.
    pub(crate) fn new() -> Result<Self, IoError> {
        // Blocking: io_uring polls a blocking descriptor by itself, and fails at once on another.
        let event = eventfd(0, EventfdFlags::CLOEXEC).map_err(os::error)?;
        Ok(Self {
            parked: AtomicBool::new(false),
            event,
            ring: OnceLock::new(),
        })
    }

    /// Lets others send messages to the core's ring.
    ///
    /// The descriptor lives as long as the node: a message that comes late finds a ring that nobody reads, never
    /// another file that got the same number.
    pub(crate) fn connect(&self, ring: OwnedFd) {
        self.ring.set(ring).expect("a core sets its ring up once");
    }

    /// The ring to send messages to, if the core takes any.
    pub(crate) fn ring(&self) -> Option<RawFd> {
        self.ring.get().map(AsRawFd::as_raw_fd)
    }

    /// The event descriptor, from which the core reads eight bytes at a time.
    pub(crate) fn event(&self) -> RawFd {
        self.event.as_raw_fd()
    }

    /// Says that the core is about to sleep. It looks for work after this and before it sleeps.
    pub(crate) fn park(&self) {
        self.parked.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// Says that the core is awake.
    pub(crate) fn unpark(&self) {
        self.parked.store(false, Ordering::Relaxed);
    }

    /// Whether the core sleeps and the caller is the one to ring. Called after a full fence behind the putting of
    /// whatever is new.
    pub(crate) fn take_parked(&self) -> bool {
        self.parked.load(Ordering::Relaxed) && self.parked.swap(false, Ordering::AcqRel)
    }

    /// Rings by the event descriptor, from any thread.
    pub(crate) fn ring_event(&self) {
        #[expect(clippy::host_endian_bytes, reason = "a number for this host's kernel")]
        let one = 1_u64.to_ne_bytes();
        // It could only fail, or wait, with a counter that is full: after 2^64 rings that nobody answered.
        let written = rustix::io::write(&self.event, &one);
        debug_assert!(written.is_ok());
    }

    /// Rings by the event descriptor if the core sleeps.
    pub(crate) fn ring_event_if_parked(&self) {
        fence(Ordering::SeqCst);
        if self.take_parked() {
            self.ring_event();
        }
    }
}
