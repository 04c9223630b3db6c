//! The connection under a client: what is sent in order, and whom the next answer belongs to.

use core::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use runtime::sync::{Queue, Signal, oneshot};
use runtime::{
    Buf, Class, Frozen, IoError, IoErrorKind, Pieces, ReceiveHalf, Runtime, Scope, SendHalf, Stream,
};

use crate::error::ClientError;

/// Bytes of the size in front of an answer.
const SIZE_BYTES: usize = 4;
/// Bytes of the smallest answer: its correlation id.
const RESPONSE_BYTES_MIN: usize = 4;

/// What an answer, or the end of the connection, is told to.
type Told = oneshot::Sender<Result<Frozen, ClientError>>;

/// A connection that carries requests and answers. Dropped, it closes.
#[derive(Debug)]
pub(crate) struct Link {
    shared: Rc<Shared>,
    _tasks: Scope,
}

/// What the tasks and the callers of a link share.
#[derive(Debug)]
struct Shared {
    outgoing: Queue<Outgoing>,
    /// Sent, or being sent, and not answered; oldest first.
    waiting: RefCell<VecDeque<Waiting>>,
    /// The first failure: there is nothing after it.
    broken: RefCell<Option<ClientError>>,
    /// An answer came, or the end.
    answered: Signal,
    next_correlation_id: Cell<i32>,
    in_flight_max: usize,
    response_bytes_max: usize,
}

/// A request to be sent.
#[derive(Debug)]
struct Outgoing {
    pieces: Pieces,
    /// None where no answer comes.
    waiting: Option<Waiting>,
}

/// A request that waits for its answer.
#[derive(Debug)]
struct Waiting {
    correlation_id: i32,
    told: Told,
}

impl Link {
    /// Carries requests over `stream`.
    pub(crate) fn new(
        runtime: &Runtime,
        stream: Stream,
        in_flight_max: usize,
        response_bytes_max: usize,
    ) -> Self {
        let shared = Rc::new(Shared {
            outgoing: Queue::new(in_flight_max),
            waiting: RefCell::new(VecDeque::new()),
            broken: RefCell::new(None),
            answered: Signal::new(),
            next_correlation_id: Cell::new(0),
            in_flight_max,
            response_bytes_max,
        });
        let (receive, send) = stream.split();
        let tasks = runtime.scope("kafka client");
        let (reader, writer) = (Rc::clone(&shared), Rc::clone(&shared));
        let runtime = runtime.clone();
        drop(tasks.spawn(Class::Fetch, "client reader", async move {
            let why = read_all(&reader, &runtime, receive).await;
            reader.fail(why);
        }));
        drop(tasks.spawn(Class::Produce, "client writer", async move {
            if let Err(why) = write_all(&writer, send).await {
                writer.fail(ClientError::Network(why));
            }
        }));
        Self {
            shared,
            _tasks: tasks,
        }
    }

    /// A number for the next request.
    pub(crate) fn next_correlation_id(&self) -> i32 {
        let id = self.shared.next_correlation_id.get();
        self.shared
            .next_correlation_id
            .set(id.wrapping_add(1) & i32::MAX);
        id
    }

    /// Queues a request, waiting for room. Requests are sent in the order in which this returned.
    pub(crate) async fn send(
        &self,
        correlation_id: i32,
        pieces: Pieces,
    ) -> Result<oneshot::Receiver<Result<Frozen, ClientError>>, ClientError> {
        let (told, receiver) = oneshot::channel();
        let waiting = Waiting {
            correlation_id,
            told,
        };
        self.push(pieces, Some(waiting)).await?;
        Ok(receiver)
    }

    /// Queues a request that is not answered.
    pub(crate) async fn send_silent(&self, pieces: Pieces) -> Result<(), ClientError> {
        self.push(pieces, None).await
    }

    async fn push(&self, pieces: Pieces, waiting: Option<Waiting>) -> Result<(), ClientError> {
        let outgoing = Outgoing { pieces, waiting };
        let pushed = self.shared.outgoing.push(outgoing).await;
        pushed.map_err(|_unsent| self.shared.why())
    }

    /// Why nothing can be sent any more.
    pub(crate) fn broken(&self) -> Option<ClientError> {
        self.shared.broken.borrow().clone()
    }

    /// The end that those see whose answer went with the connection.
    pub(crate) fn why(&self) -> ClientError {
        self.shared.why()
    }
}

impl Shared {
    fn why(&self) -> ClientError {
        self.broken.borrow().clone().unwrap_or(ClientError::Closed)
    }

    /// The connection is over: everybody who waits is told.
    fn fail(&self, why: ClientError) {
        self.broken.borrow_mut().get_or_insert(why);
        self.outgoing.close();
        self.answered.notify();
        let mut lost: Vec<Waiting> = self.waiting.borrow_mut().drain(..).collect();
        while let Some(unsent) = self.outgoing.try_pop() {
            lost.extend(unsent.waiting);
        }
        for waiting in lost {
            waiting.told.send(Err(self.why()));
        }
    }

    /// Gives an answer to whom it belongs.
    fn deliver(&self, frame: Frozen) -> Result<(), ClientError> {
        let received = correlation_id(&frame).ok_or(ClientError::Incomplete("a header"))?;
        let expected = self
            .waiting
            .borrow()
            .front()
            .map(|waiting| waiting.correlation_id);
        if expected != Some(received) {
            return Err(ClientError::OutOfOrder { expected, received });
        }
        let oldest = self.waiting.borrow_mut().pop_front();
        if let Some(oldest) = oldest {
            oldest.told.send(Ok(frame));
        }
        self.answered.notify();
        Ok(())
    }
}

fn correlation_id(frame: &[u8]) -> Option<i32> {
    frame.first_chunk().map(|bytes| i32::from_be_bytes(*bytes))
}

async fn write_all(shared: &Shared, mut half: SendHalf) -> Result<(), IoError> {
    while let Some(outgoing) = shared.outgoing.pop().await {
        if let Some(waiting) = outgoing.waiting {
            room(shared).await;
            if shared.broken.borrow().is_some() {
                // It failed meanwhile: who waits for this one is told by its going.
                return Ok(());
            }
            // In line before it is sent: the answer may be there before the send is known to be done.
            shared.waiting.borrow_mut().push_back(waiting);
        }
        half.send(outgoing.pieces).await?;
    }
    Ok(())
}

/// Waits until fewer requests are on their way than may be.
async fn room(shared: &Shared) {
    while shared.waiting.borrow().len() >= shared.in_flight_max {
        let seen = shared.answered.seen();
        shared.answered.changed(seen).await;
    }
}

/// Delivers answers until the connection ends; returns why it did.
async fn read_all(shared: &Shared, runtime: &Runtime, mut half: ReceiveHalf) -> ClientError {
    loop {
        let frame = read_frame(runtime, &mut half, shared.response_bytes_max).await;
        if let Err(why) = frame.and_then(|frame| shared.deliver(frame)) {
            return why;
        }
    }
}

/// The next answer, without its size.
pub(crate) async fn read_frame(
    runtime: &Runtime,
    half: &mut ReceiveHalf,
    bytes_max: usize,
) -> Result<Frozen, ClientError> {
    let size = receive(half, SIZE_BYTES, runtime.buffer(SIZE_BYTES)).await?;
    let size = size
        .as_slice()
        .first_chunk()
        .map(|bytes| i32::from_be_bytes(*bytes));
    let size = size.ok_or(ClientError::Closed)?;
    let bytes = usize::try_from(size).ok();
    let bytes = bytes.filter(|bytes| (RESPONSE_BYTES_MIN..=bytes_max).contains(bytes));
    let bytes = bytes.ok_or(ClientError::ResponseSize(size))?;
    let frame = receive(half, bytes, runtime.buffer(bytes)).await?;
    Ok(frame.freeze())
}

async fn receive(half: &mut ReceiveHalf, bytes: usize, buffer: Buf) -> Result<Buf, ClientError> {
    half.receive_exact(bytes, buffer)
        .await
        .map_err(|error| match error.kind() {
            IoErrorKind::UnexpectedEnd => ClientError::Closed,
            _ => ClientError::Network(error),
        })
}
