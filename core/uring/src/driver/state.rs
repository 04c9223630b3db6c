//! What a driver keeps, and its verbs: begin, advance, end, close, cancel, ring.

use io_uring::opcode;
use io_uring::types::Fd;
use runtime::{Completion, CoreId, Descriptor, IoErrorKind, OperationId, Runtime};

use crate::descriptors::Descriptors;
use crate::doorbell::Doorbell;
use crate::files;
use crate::helpers::Desk;
use crate::in_flight::{Flight, InFlight};
use crate::provided::Provided;
use crate::ring::{Completed, Ring, Submission};
use crate::token::Token;
use crate::work::{Context, Part, Start, Step, Work};

/// What changes while it works.
pub(super) struct State {
    pub(super) ring: Ring,
    pub(super) in_flight: InFlight,
    pub(super) descriptors: Descriptors,
    pub(super) desk: Desk,
    pub(super) provided: Option<Provided>,
    pub(super) receive_buffer_bytes: u32,
    /// Completions for the next turn.
    pub(super) ready: Vec<Completion>,
    /// Entries reaped and not looked at yet; empty in between.
    pub(super) completed: Vec<Completed>,
    pub(super) event: EventRead,
    /// Nothing is taken any more.
    pub(super) is_over: bool,
}

/// The read of the core's event descriptor that is always in the ring.
#[derive(Debug)]
pub(super) struct EventRead {
    /// Its place on the heap is the kernel's while the read is in flight.
    pub(super) counter: Box<[u8; 8]>,
    pub(super) in_flight: bool,
}

impl State {
    /// Nothing in flight on `ring`, nothing with the helpers behind `desk`.
    pub(super) fn new(ring: Ring, desk: Desk) -> Self {
        Self {
            ring,
            in_flight: InFlight::default(),
            descriptors: Descriptors::default(),
            desk,
            provided: None,
            receive_buffer_bytes: 0,
            ready: Vec::new(),
            completed: Vec::new(),
            event: EventRead {
                counter: Box::new([0; 8]),
                in_flight: false,
            },
            is_over: false,
        }
    }

    pub(super) fn put(&mut self, id: OperationId, descriptor: Option<Descriptor>, work: Work) {
        if let Some(descriptor) = descriptor {
            self.descriptors.begin(descriptor);
        }
        self.in_flight.put(Flight {
            id,
            descriptor,
            cancelling: false,
            work,
        });
    }

    pub(super) fn begin(&mut self, id: OperationId, descriptor: Option<Descriptor>, start: Start) {
        self.put(id, descriptor, start.work);
        self.push(start.submission);
    }

    /// Queues entries whose memory, if they have any, belongs to work in the table.
    pub(super) fn push(&mut self, submission: Submission) {
        // SAFETY: what entries of operations point to is owned by their work, on the heap, and the work is in the
        // table until the step's last entry was reaped. `shut_down` leaks it where that does not come about.
        unsafe { self.ring.push(submission) }
    }

    /// Takes a completed entry of the operation in `slot` and does what comes next.
    pub(super) fn advance(
        &mut self,
        runtime: &Runtime,
        slot: u32,
        generation: u32,
        part: Part,
        completed: Completed,
    ) {
        let flight = self.in_flight.take(slot);
        let Flight {
            id,
            descriptor,
            cancelling,
            work,
        } = flight.expect("an entry completes for an operation in flight");
        assert!(
            Token::is_of(generation, id),
            "a slot is used again after its last entry"
        );
        let is_closing =
            descriptor.is_some_and(|descriptor| self.descriptors.is_closing(descriptor));
        let context = Context {
            runtime,
            provided: &mut self.provided,
            receive_buffer_bytes: self.receive_buffer_bytes,
            token: Token::operation(id).to_bits(),
            cancelling: cancelling || is_closing,
        };
        let (work, submission) = match work.advance(part, completed, context) {
            Step::Over(result) => return self.end(descriptor, Completion::last(id, result)),
            Step::Failed(error, remains) => {
                return self.end(descriptor, Completion::failed(id, error, remains));
            }
            Step::Wait(work) => (work, None),
            Step::Next(start) => (start.work, Some(start.submission)),
        };
        self.in_flight.put(Flight {
            id,
            descriptor,
            cancelling,
            work,
        });
        if let Some(submission) = submission {
            self.push(submission);
        }
    }

    /// Ends an operation that was taken out of the table, and closes its descriptor if that waited for it.
    pub(super) fn end(&mut self, descriptor: Option<Descriptor>, completion: Completion) {
        self.ready.push(completion);
        let close = descriptor.and_then(|descriptor| self.descriptors.end(descriptor));
        if let Some((close, descriptor)) = close.zip(descriptor) {
            self.push(files::close(Token::operation(close).to_bits(), descriptor));
        }
    }

    /// Closes `descriptor`, after what is in flight on it was cancelled and ended.
    pub(super) fn close(&mut self, id: OperationId, descriptor: Descriptor) {
        self.put(id, None, Work::Close);
        if self.descriptors.close(descriptor, id) {
            self.push(files::close(Token::operation(id).to_bits(), descriptor));
            return;
        }
        // Rare: whoever drops a descriptor has dropped its futures, and so cancelled them, before.
        let on_it = |flight: &&Flight| flight.descriptor == Some(descriptor);
        let ids: Vec<OperationId> = self.in_flight.iter().filter(on_it).map(|f| f.id).collect();
        for id in ids {
            self.cancel(id);
        }
    }

    /// Asks the kernel, or the helpers, to give up on `id`.
    pub(super) fn cancel(&mut self, id: OperationId) {
        let Some(flight) = self.in_flight.get_mut(id) else {
            return;
        };
        if flight.cancelling {
            return;
        }
        flight.cancelling = true;
        match flight.work {
            // Closing is how things end; it is not given up on.
            Work::Close => {}
            Work::Helper => {
                if self.desk.take_back(id) {
                    let flight = self.in_flight.take(id.slot).expect("it was there");
                    let cancelled = Err(IoErrorKind::Cancelled.into());
                    self.end(flight.descriptor, Completion::last(id, cancelled));
                }
            }
            _ => {
                let entry = opcode::AsyncCancel::new(Token::operation(id).to_bits()).build();
                let entry = self.ring.quiet(entry.user_data(Token::Cancel.to_bits()));
                self.push(Submission::one(entry));
            }
        }
    }

    /// Rings `core`, which sleeps.
    pub(super) fn ring_core(&mut self, core: CoreId, doorbell: &Doorbell) {
        let target = doorbell
            .ring()
            .filter(|_| self.ring.facilities().message_rings);
        let Some(target) = target else {
            doorbell.ring_event();
            return;
        };
        let there = Token::Rung.to_bits();
        let here = Token::RingFailed(core).to_bits();
        let entry = opcode::MsgRingData::new(Fd(target), 0, there, None).build();
        let entry = self.ring.quiet(entry.user_data(here));
        self.push(Submission::one(entry));
    }

    /// Puts the read of the event descriptor into the ring.
    pub(super) fn listen_for_events(&mut self, event: i32) {
        let counter = self.event.counter.as_mut_ptr();
        let entry = opcode::Read::new(Fd(event), counter, 8).build();
        self.event.in_flight = true;
        // The counter is not the table's, but as long-lived: see `shut_down`.
        self.push(Submission::one(entry.user_data(Token::Event.to_bits())));
    }
}
