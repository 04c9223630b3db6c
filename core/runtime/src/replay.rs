//! Replaying a [`Recording`]: the same main function on cores whose ground is the recording.

use core::any::Any;
use core::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use crate::core_id::CoreId;
use crate::digest::Digest;
use crate::driver::Driver;
use crate::environment::{Crash, Environment, TraceEvent};
use crate::error::{IoError, IoErrorKind};
use crate::handle::{Main, Runtime};
use crate::mail::mesh;
use crate::operation::{
    Completion, Descriptor, Job, Operation, OperationId, Output, Pieces, Remains,
};
use crate::passive::{Core, CoreConfig, Inputs};
use crate::record::{RecordedCompletion, RecordedOutput, RecordedTurn, Recording};
use crate::task::Class;

/// Replays all cores together, each turn in the order in which it started, and returns the digests by core. They
/// equal the recording's when the seam is complete.
///
/// # Panics
/// When the replayed code asks for what the recording does not hold: it took another way.
pub fn replay(recording: &Recording, main: &Main) -> Vec<(CoreId, u128)> {
    let count = recording.digests.len();
    let cores = u16::try_from(count).expect("as many as were recorded");
    let mut played: Vec<Played> = mesh(cores)
        .into_iter()
        .zip(0_u16..)
        .map(|(links, id)| {
            let driver = Rc::new(ReplayDriver::default());
            let environment = Rc::new(ReplayEnvironment::default());
            let config = CoreConfig::new(CoreId::new(id), cores);
            let mut core = Core::new(
                config,
                links,
                Rc::clone(&driver) as Rc<dyn Driver>,
                Rc::clone(&environment) as Rc<dyn Environment>,
            );
            core.start(main);
            Played {
                core,
                driver,
                environment,
            }
        })
        .collect();
    let mut turns: Vec<&RecordedTurn> = recording.turns.iter().collect();
    turns.sort_by_key(|turn| turn.sequence);
    for turn in turns {
        played[turn.core.index()].turn(turn);
    }
    (0_u16..)
        .zip(&played)
        .map(|(id, played)| (CoreId::new(id), played.environment.digest.borrow().value()))
        .collect()
}

struct Played {
    core: Core,
    driver: Rc<ReplayDriver>,
    environment: Rc<ReplayEnvironment>,
}

impl Played {
    fn turn(&mut self, turn: &RecordedTurn) {
        let runtime = self.core.runtime();
        let mut completions: Vec<Completion> = turn
            .completions
            .iter()
            .map(|completion| self.driver.complete(&runtime, completion))
            .collect();
        self.environment
            .draws
            .replace(turn.draws.iter().copied().collect());
        self.environment
            .picks
            .replace(turn.picks.iter().copied().collect());
        self.core.turn(Inputs {
            now: turn.now,
            wall: turn.wall,
            completions: &mut completions,
            messages: &turn.messages,
            returns: &turn.returns,
        });
    }
}

/// What an operation in flight owns, to be given back as a ground would.
enum Owned {
    Nothing,
    Buffer(crate::buffer::Buf),
    Pieces(Pieces),
    Job(Job),
}

impl Owned {
    fn into_remains(self) -> Remains {
        match self {
            Self::Buffer(buffer) => Remains::Buffer(buffer),
            Self::Pieces(pieces) => Remains::Pieces(pieces),
            Self::Nothing | Self::Job(_) => Remains::Nothing,
        }
    }
}

#[derive(Default)]
struct ReplayDriver {
    in_flight: RefCell<BTreeMap<OperationId, Owned>>,
}

impl Driver for ReplayDriver {
    fn submit(&self, id: OperationId, operation: Operation) {
        let owned = match operation {
            Operation::Read { buffer, .. } | Operation::ReceiveInto { buffer, .. } => {
                Owned::Buffer(buffer)
            }
            Operation::Write { pieces, .. } | Operation::Send { pieces, .. } => {
                Owned::Pieces(pieces)
            }
            Operation::Offload { job, .. } => Owned::Job(job),
            _ => Owned::Nothing,
        };
        self.in_flight.borrow_mut().insert(id, owned);
    }

    fn cancel(&self, _id: OperationId) {}

    fn wake(&self, _core: CoreId) {}

    fn hand_over(&self, _descriptor: Descriptor) {}
}

impl ReplayDriver {
    fn complete(&self, runtime: &Runtime, recorded: &RecordedCompletion) -> Completion {
        let owned = self.in_flight.borrow_mut().remove(&recorded.id);
        let owned = owned.expect("the recording completes what was submitted");
        match &recorded.result {
            Ok(output) => Completion {
                id: recorded.id,
                result: restore(runtime, output, owned),
                remains: Remains::Nothing,
                more: recorded.more,
            },
            Err(error) => Completion::failed(recorded.id, *error, owned.into_remains()),
        }
    }
}

fn restore(runtime: &Runtime, recorded: &RecordedOutput, owned: Owned) -> Result<Output, IoError> {
    Ok(match (recorded, owned) {
        (RecordedOutput::Done, _) => Output::Done,
        (RecordedOutput::Opened(descriptor), _) => Output::Opened(*descriptor),
        (RecordedOutput::Listening(descriptor, address), _) => Output::Listening {
            descriptor: *descriptor,
            address: *address,
        },
        (RecordedOutput::Connected(descriptor, local, peer), _) => Output::Connected {
            descriptor: *descriptor,
            local: *local,
            peer: *peer,
        },
        (RecordedOutput::Read(bytes), Owned::Buffer(mut buffer)) => {
            buffer.extend_from_slice(bytes);
            Output::Read {
                bytes: bytes.len(),
                buffer,
            }
        }
        (RecordedOutput::Received { bytes, capacity }, _) => {
            let mut buffer = runtime.buffer(*capacity);
            buffer.extend_from_slice(bytes);
            Output::Received(buffer)
        }
        (RecordedOutput::Written(bytes, synced), Owned::Pieces(pieces)) => Output::Written {
            bytes: *bytes,
            synced: *synced,
            pieces,
        },
        (RecordedOutput::Entries(entries), _) => Output::Entries(entries.clone()),
        (RecordedOutput::Status(status), _) => Output::Status(*status),
        (RecordedOutput::Finished, Owned::Job(job)) => {
            Output::Finished(job.0() as Box<dyn Any + Send>)
        }
        _ => return Err(IoErrorKind::InvalidInput.into()),
    })
}

#[derive(Default)]
struct ReplayEnvironment {
    draws: RefCell<VecDeque<u64>>,
    picks: RefCell<VecDeque<usize>>,
    digest: RefCell<Digest>,
}

impl Environment for ReplayEnvironment {
    fn random(&self) -> u64 {
        self.draws
            .borrow_mut()
            .pop_front()
            .expect("as many draws as were recorded")
    }

    fn pick(&self, _class: Class, _ready: usize) -> usize {
        self.picks
            .borrow_mut()
            .pop_front()
            .expect("as many choices as were recorded")
    }

    fn traces(&self) -> bool {
        true
    }

    fn trace(&self, event: TraceEvent) {
        event.fold(&mut self.digest.borrow_mut());
    }

    fn crash(&self, why: &str) -> ! {
        std::panic::panic_any(Crash(why.to_owned()))
    }
}
