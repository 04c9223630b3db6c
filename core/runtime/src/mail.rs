//! Messages between the cores of a node: one bounded ring per ordered pair, credits per port, and a core that
//! goes on taking mail in while what it sends waits.
//!
//! ```text
//!   core 0                                                        core 1
//!   Port.send --credit--> ring 0->1  ======================>  port queue --> Inbox.recv
//!             <---------  ring 1->0  <== Credit(n) when taken ---------/
//!   Call      --credit--> ring 0->1  ======================>  port queue --> Calls.recv
//!             <---------  ring 1->0  <== Reply (is the credit too) ----- Reply.send
//! ```
//!
//! A sender has at most its port's credits outstanding per target, so the queue behind a full ring is bounded by
//! credits too, and nobody can wait for a ring while holding up its own inbox.

use core::any::Any;
use core::fmt;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use rtrb::{Consumer, Producer, RingBuffer};

use crate::core_id::CoreId;
use crate::driver::Driver;
use crate::home::Home;
use crate::sync::{Signal, oneshot};
use crate::table::{Key, Table};

/// Envelopes that the rings into one core hold together, roughly; each ring gets its share.
const RING_ENVELOPES: usize = 16_384;

/// Trace numbers for envelopes that belong to no port.
const TRACE_CREDIT: u32 = u32::MAX;
const TRACE_REPLY: u32 = u32::MAX - 1;

/// A value on its way to another core.
pub(crate) type Payload = Box<dyn Any + Send>;

/// What travels in a ring.
pub(crate) enum Envelope {
    /// A message for a port, or a call when it has a slot for the reply.
    Message {
        port: u32,
        call: Option<u64>,
        payload: Payload,
    },
    /// The receiver took `count` messages of a port.
    Credit { port: u32, count: u32 },
    /// The answer to a call; none when it was dropped unanswered.
    Reply {
        port: u32,
        call: u64,
        payload: Option<Payload>,
    },
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message { port, .. } => write!(f, "Message(port {port})"),
            Self::Credit { port, count } => write!(f, "Credit(port {port}, {count})"),
            Self::Reply { port, .. } => write!(f, "Reply(port {port})"),
        }
    }
}

/// One core's ends of all rings, and its way home.
#[derive(Debug)]
pub struct Links {
    home: Arc<Home>,
    outgoing: Vec<Option<Producer<Envelope>>>,
    incoming: Vec<Option<Consumer<Envelope>>>,
}

impl Links {
    pub(crate) fn home(&self) -> Arc<Home> {
        Arc::clone(&self.home)
    }
}

/// The links of `cores` cores, in order.
///
/// # Panics
/// When `cores` is zero.
pub fn mesh(cores: u16) -> Vec<Links> {
    assert!(cores > 0);
    let count = usize::from(cores);
    let ring = (RING_ENVELOPES / count).clamp(64, 1024);
    let mut links: Vec<Links> = (0..cores)
        .map(|core| Links {
            home: Home::new(CoreId::new(core), cores),
            outgoing: Vec::new(),
            incoming: (0..count).map(|_| None).collect(),
        })
        .collect();
    for source in 0..count {
        for target in 0..count {
            if source == target {
                links[source].outgoing.push(None);
                continue;
            }
            let (producer, consumer) = RingBuffer::new(ring);
            links[source].outgoing.push(Some(producer));
            links[target].incoming[source] = Some(consumer);
        }
    }
    links
}

/// A message at its port.
pub(crate) struct Arrived {
    pub(crate) source: CoreId,
    pub(crate) call: Option<u64>,
    pub(crate) payload: Payload,
}

/// What arrived at one port and was not taken yet.
#[derive(Default)]
struct PortState {
    queue: VecDeque<Arrived>,
    filled: Signal,
}

/// One core's mail.
pub(crate) struct Mail {
    core: CoreId,
    links: Links,
    /// Per target, what its ring had no room for.
    backlog: Vec<VecDeque<Envelope>>,
    ports: BTreeMap<u32, PortState>,
    /// Credits in use, by target and port.
    used: BTreeMap<(CoreId, u32), u32>,
    /// Credits to give back at the end of the turn, by source and port.
    owed: BTreeMap<(CoreId, u32), u32>,
    /// Credits came back.
    credited: Signal,
    calls: Table<oneshot::Sender<Payload>>,
    /// Envelopes put into rings, per target, since the driver was last told.
    unannounced: Vec<u32>,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mail(core {})", self.core)
    }
}

impl Mail {
    pub(crate) fn new(core: CoreId, links: Links) -> Self {
        let cores = links.outgoing.len();
        Self {
            core,
            links,
            backlog: (0..cores).map(|_| VecDeque::new()).collect(),
            ports: BTreeMap::new(),
            used: BTreeMap::new(),
            owed: BTreeMap::new(),
            credited: Signal::new(),
            calls: Table::default(),
            unannounced: vec![0; cores],
        }
    }

    /// Messages that wait in the rings, by source.
    pub(crate) fn sample(&self, counts: &mut Vec<u32>) {
        counts.clear();
        counts.extend(self.links.incoming.iter().map(|ring| {
            let slots = ring.as_ref().map_or(0, Consumer::slots);
            u32::try_from(slots).unwrap_or(u32::MAX)
        }));
    }

    /// Takes one envelope from `source` in, and says for the trace what it was.
    pub(crate) fn take_in(&mut self, source: CoreId) -> u32 {
        let ring = self.links.incoming[source.index()].as_mut();
        let envelope = ring
            .expect("a core has no ring to itself")
            .pop()
            .expect("as many messages as were counted");
        self.arrive(source, envelope)
    }

    fn arrive(&mut self, source: CoreId, envelope: Envelope) -> u32 {
        match envelope {
            Envelope::Message {
                port,
                call,
                payload,
            } => {
                let state = self.ports.entry(port).or_default();
                state.queue.push_back(Arrived {
                    source,
                    call,
                    payload,
                });
                state.filled.notify();
                port
            }
            Envelope::Credit { port, count } => {
                self.credit(source, port, count);
                TRACE_CREDIT
            }
            Envelope::Reply {
                port,
                call,
                payload,
            } => {
                self.credit(source, port, 1);
                if let (Some(sender), Some(payload)) =
                    (self.calls.remove(Key::from_bits(call)), payload)
                {
                    sender.send(payload);
                }
                TRACE_REPLY
            }
        }
    }

    fn credit(&mut self, target: CoreId, port: u32, count: u32) {
        let used = self.used.entry((target, port)).or_default();
        assert!(*used >= count, "more credits came back than were used");
        *used -= count;
        self.credited.notify();
    }

    /// Uses one of `limit` credits for `port` of `target`, if one is free.
    pub(crate) fn take_credit(&mut self, target: CoreId, port: u32, limit: u32) -> bool {
        let used = self.used.entry((target, port)).or_default();
        let free = *used < limit;
        if free {
            *used += 1;
        }
        free
    }

    /// Notified when credits come back.
    pub(crate) fn credited(&self) -> Signal {
        self.credited.clone()
    }

    /// Sends an envelope whose credit was taken, or that needs none.
    pub(crate) fn send(&mut self, target: CoreId, envelope: Envelope) {
        if target == self.core {
            self.arrive(target, envelope);
            return;
        }
        let backlog = &mut self.backlog[target.index()];
        if !backlog.is_empty() {
            backlog.push_back(envelope);
            return;
        }
        let ring = self.links.outgoing[target.index()].as_mut();
        match ring.expect("a ring to every other core").push(envelope) {
            Ok(()) => self.unannounced[target.index()] += 1,
            Err(rtrb::PushError::Full(envelope)) => backlog.push_back(envelope),
        }
    }

    /// Makes a place for the reply of a call.
    pub(crate) fn open_call(&mut self, sender: oneshot::Sender<Payload>) -> u64 {
        self.calls.insert(sender).to_bits()
    }

    /// The caller does not wait any more.
    pub(crate) fn forget_call(&mut self, call: u64) {
        self.calls.remove(Key::from_bits(call));
    }

    /// Takes the oldest message of `port`. A message's credit goes back at the end of the turn, a call's with
    /// its reply.
    pub(crate) fn take(&mut self, port: u32) -> Option<Arrived> {
        let arrived = self.ports.get_mut(&port)?.queue.pop_front()?;
        if arrived.call.is_none() {
            *self.owed.entry((arrived.source, port)).or_default() += 1;
        }
        Some(arrived)
    }

    /// Notified when something arrives at `port`.
    pub(crate) fn filled(&mut self, port: u32) -> Signal {
        self.ports.entry(port).or_default().filled.clone()
    }

    /// Ends a turn: credits go back, backlogs move on, and the ground hears what is on its way.
    pub(crate) fn flush(&mut self, driver: &dyn Driver) {
        for ((source, port), count) in core::mem::take(&mut self.owed) {
            self.send(source, Envelope::Credit { port, count });
        }
        for target in 0..self.backlog.len() {
            self.flush_backlog(target);
            for _ in 0..core::mem::take(&mut self.unannounced[target]) {
                driver.wake(CoreId::new(u16::try_from(target).expect("a core")));
            }
        }
    }

    fn flush_backlog(&mut self, target: usize) {
        let Some(ring) = self.links.outgoing[target].as_mut() else {
            return;
        };
        while let Some(envelope) = self.backlog[target].pop_front() {
            if let Err(rtrb::PushError::Full(envelope)) = ring.push(envelope) {
                self.backlog[target].push_front(envelope);
                return;
            }
            self.unannounced[target] += 1;
        }
    }

    /// Whether something waits for room in a ring.
    pub(crate) fn has_backlog(&self) -> bool {
        self.backlog.iter().any(|queue| !queue.is_empty())
    }
}
