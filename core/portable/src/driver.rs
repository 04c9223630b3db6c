//! The [`Driver`] of one core: what its operations become.

use core::cell::RefCell;
use core::fmt;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use runtime::{
    Completion, CoreId, Descriptor, Driver, IoErrorKind, Job, Operation, OperationId, Output,
    Runtime,
};

use crate::arrivals::Arrivals;
use crate::file_work::{perform, unknown};
use crate::in_flight::{Cancellation, InFlight, Place};
use crate::landing::{Brought, Failure, Landing, Outcome, Remains};
use crate::node::Node;
use crate::open_file::OpenFile;
use crate::readiness::Readiness;
use crate::sockets::Sockets;
use crate::workers::Workers;

/// One core's ground. It lives on the core's thread and goes with its loop.
#[derive(Debug)]
pub(crate) struct PortableDriver {
    node: Arc<Node>,
    arrivals: Arc<Arrivals>,
    state: RefCell<State>,
}

/// What the driver changes when it is called.
struct State {
    in_flight: InFlight,
    files: BTreeMap<Descriptor, Arc<OpenFile>>,
    sockets: Sockets,
    /// What ended on this thread and is for the next turn.
    landed: Vec<Landing>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "State({} files, {:?})", self.files.len(), self.sockets)
    }
}

impl PortableDriver {
    /// The driver of `core`.
    pub(crate) fn new(node: Arc<Node>, core: CoreId) -> Self {
        let arrivals = Arc::clone(node.arrivals(core));
        let readiness = Readiness::new(Arc::clone(&arrivals));
        let sockets = Sockets::new(Arc::clone(&node.descriptors), readiness);
        Self {
            node,
            arrivals,
            state: RefCell::new(State {
                in_flight: InFlight::default(),
                files: BTreeMap::new(),
                sockets,
                landed: Vec::new(),
            }),
        }
    }

    /// Looks at the sockets that may be ready. Whether anything ended on this thread that no turn took yet.
    pub(crate) fn advance(&self, runtime: &Runtime) -> bool {
        let State {
            sockets, landed, ..
        } = &mut *self.state.borrow_mut();
        sockets.advance(runtime, landed);
        !landed.is_empty()
    }

    /// Moves what ended, here and on other threads, into `completions`. What failed operations leave behind is
    /// dropped here: on the core's thread, and after the turn's look at what waits, so that a recording counts it
    /// in the turn in which a replay finds it.
    pub(crate) fn take_completions(&self, completions: &mut Vec<Completion>) {
        let mut state = self.state.borrow_mut();
        let mut landed = core::mem::take(&mut state.landed);
        self.arrivals.take(&mut landed);
        for landing in landed.drain(..) {
            let Landing { id, outcome } = landing;
            state.in_flight.leave(id);
            let result = match outcome {
                Ok(Brought::Output(output)) => Ok(output),
                Ok(Brought::File(file)) => {
                    let descriptor = self.node.descriptors.take();
                    state.files.insert(descriptor, Arc::new(file));
                    Ok(Output::Opened(descriptor))
                }
                Err(Failure { error, remains }) => {
                    drop(remains);
                    Err(error)
                }
            };
            completions.push(Completion::last(id, result));
        }
        state.landed = landed;
    }

    /// Has `workers` do `work` on `file`, unless the operation is cancelled before they come to it.
    fn work(
        &self,
        state: &mut State,
        workers: &Workers,
        (id, operation): (OperationId, Operation),
        file: Option<Arc<OpenFile>>,
        work: fn(Option<&OpenFile>, Operation) -> Outcome,
    ) {
        let cancellation = Cancellation::default();
        state
            .in_flight
            .enter(id, Place::Worker(cancellation.clone()));
        let arrivals = Arc::clone(&self.arrivals);
        workers.submit(Box::new(move || {
            let landing = if cancellation.is_asked() {
                Landing::cancelled(id, Remains::from(operation))
            } else {
                Landing::new(id, work(file.as_deref(), operation))
            };
            arrivals.land(landing);
            // After its landing: a close that waits for this file lands behind it.
            drop(file);
        }));
    }

    fn close(&self, state: &mut State, id: OperationId, descriptor: Descriptor) {
        if let Some(file) = state.files.remove(&descriptor) {
            // It closes, and this operation lands, when the last operation on it ended. That may take the disk's
            // time (a large file without a name frees its blocks then), so it is not done here.
            file.closes(id, Arc::clone(&self.arrivals));
            self.node.descriptors.give_up(descriptor);
            self.node.files.submit(Box::new(move || drop(file)));
            return;
        }
        let State {
            sockets, landed, ..
        } = state;
        let closed = sockets.close(descriptor, landed);
        let result = if closed {
            Ok(())
        } else {
            Err(IoErrorKind::InvalidInput)
        };
        landed.push(Landing::done(id, result));
    }
}

impl Driver for PortableDriver {
    fn submit(&self, id: OperationId, operation: Operation) {
        let state = &mut *self.state.borrow_mut();
        match operation {
            Operation::Open { .. }
            | Operation::Rename { .. }
            | Operation::Unlink { .. }
            | Operation::CreateDirectory { .. }
            | Operation::RemoveDirectory { .. }
            | Operation::SyncDirectory { .. }
            | Operation::ReadDirectory { .. }
            | Operation::Status { .. } => {
                self.work(state, &self.node.files, (id, operation), None, perform);
            }
            Operation::Lock { descriptor }
            | Operation::Read { descriptor, .. }
            | Operation::Write { descriptor, .. }
            | Operation::Sync { descriptor }
            | Operation::Allocate { descriptor, .. }
            | Operation::Truncate { descriptor, .. } => {
                match state.files.get(&descriptor).map(Arc::clone) {
                    file @ Some(_) => {
                        self.work(state, &self.node.files, (id, operation), file, perform);
                    }
                    None => state.landed.push(Landing::new(id, unknown(operation))),
                }
            }
            Operation::Listen { .. }
            | Operation::Accept { .. }
            | Operation::Connect { .. }
            | Operation::Receive { .. }
            | Operation::ReceiveInto { .. }
            | Operation::Send { .. }
            | Operation::Shutdown { .. } => {
                let State {
                    sockets,
                    in_flight,
                    landed,
                    ..
                } = state;
                sockets.submit(id, operation, in_flight, landed);
            }
            Operation::Close { descriptor } => self.close(state, id, descriptor),
            Operation::Offload { .. } => {
                self.work(state, &self.node.jobs, (id, operation), None, run_job);
            }
        }
    }

    fn cancel(&self, id: OperationId) {
        let State {
            in_flight,
            sockets,
            landed,
            ..
        } = &mut *self.state.borrow_mut();
        let landing = match in_flight.place(id) {
            Some(Place::Socket(descriptor)) => sockets.cancel(id, *descriptor),
            Some(Place::Connect) => sockets.cancel_connect(id),
            Some(Place::Worker(cancellation)) => {
                cancellation.ask();
                None
            }
            None => None,
        };
        landed.extend(landing);
    }

    fn wake(&self, core: CoreId) {
        self.node.arrivals(core).ring();
    }

    fn hand_over(&self, descriptor: Descriptor) {
        let State {
            sockets, landed, ..
        } = &mut *self.state.borrow_mut();
        sockets.hand_over(descriptor, landed);
    }
}

/// Runs an offloaded job. One that panics has no result: its caller is told that it was cancelled, and the panic's
/// own message is in the log already.
fn run_job(_file: Option<&OpenFile>, operation: Operation) -> Outcome {
    let Operation::Offload {
        job: Job(job),
        cost: _,
    } = operation
    else {
        return unknown(operation);
    };
    match catch_unwind(AssertUnwindSafe(job)) {
        Ok(result) => Ok(Brought::Output(Output::Finished(result))),
        Err(_) => Err(Failure::leaving(IoErrorKind::Other, Remains::Nothing)),
    }
}
