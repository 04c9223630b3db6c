//! Typed mail: a [`Port`] takes messages of one type, a [`CallPort`] takes requests and answers them.
//!
//! A port is a constant that both sides know:
//!
//! ```
//! use runtime::{CallPort, Port};
//! const GREETINGS: Port<String> = Port::new(1, "greetings", 64);
//! const SQUARES: CallPort<u64, u64> = CallPort::new(2, "squares", 64);
//! ```

use core::fmt;
use core::future::Future;
use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll};

use crate::core_id::CoreId;
use crate::handle::Runtime;
use crate::mail::{Arrived, Envelope, Payload};
use crate::sync::oneshot;
use crate::task::Cancelled;

/// Where messages of type `T` go on each core. Its number is unique in a program.
pub struct Port<T> {
    number: u32,
    name: &'static str,
    credits: u32,
    message: PhantomData<fn(T) -> T>,
}

/// Where requests of type `Q` go on each core, to be answered by an `R`. Numbered among the ports.
pub struct CallPort<Q, R> {
    port: Port<Q>,
    reply: PhantomData<fn() -> R>,
}

impl<T> Clone for Port<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Port<T> {}

impl<Q, R> Clone for CallPort<Q, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Q, R> Copy for CallPort<Q, R> {}

impl<T> fmt::Debug for Port<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Port({} {})", self.number, self.name)
    }
}

impl<Q, R> fmt::Debug for CallPort<Q, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.port.fmt(f)
    }
}

impl<T> Port<T> {
    /// Port `number`, on which each core may have `credits` messages to each other core that were not taken yet.
    ///
    /// # Panics
    /// When `credits` is zero.
    pub const fn new(number: u32, name: &'static str, credits: u32) -> Self {
        assert!(credits > 0);
        Self {
            number,
            name,
            credits,
            message: PhantomData,
        }
    }
}

impl<Q, R> CallPort<Q, R> {
    /// Port `number`, on which each core may have `credits` calls to each other core that were not answered yet.
    ///
    /// # Panics
    /// When `credits` is zero.
    pub const fn new(number: u32, name: &'static str, credits: u32) -> Self {
        Self {
            port: Port::new(number, name, credits),
            reply: PhantomData,
        }
    }
}

impl Runtime {
    /// Sends `message` to `port` of core `target`, waiting for a credit.
    pub async fn send<T: Send + 'static>(&self, target: CoreId, port: Port<T>, message: T) {
        self.credit(target, &port).await;
        let envelope = Envelope::Message {
            port: port.number,
            call: None,
            payload: Box::new(message),
        };
        self.mail().send(target, envelope);
    }

    /// Sends `message` if a credit is free now; it comes back otherwise.
    pub fn try_send<T: Send + 'static>(
        &self,
        target: CoreId,
        port: Port<T>,
        message: T,
    ) -> Result<(), T> {
        if !self.mail().take_credit(target, port.number, port.credits) {
            return Err(message);
        }
        let envelope = Envelope::Message {
            port: port.number,
            call: None,
            payload: Box::new(message),
        };
        self.mail().send(target, envelope);
        Ok(())
    }

    /// The end of `port` on this core. What arrived before is in it.
    pub fn inbox<T: Send + 'static>(&self, port: Port<T>) -> Inbox<T> {
        Inbox {
            runtime: self.clone(),
            port,
        }
    }

    /// Asks core `target` and waits for its answer. [`Cancelled`] when it was dropped unanswered.
    pub async fn call<Q: Send + 'static, R: Send + 'static>(
        &self,
        target: CoreId,
        port: CallPort<Q, R>,
        request: Q,
    ) -> Result<R, Cancelled> {
        self.start_call(target, port, request).await.await
    }

    /// Asks core `target`, waiting only for a credit: once this returns, the request is on its way, behind every
    /// earlier one to that core. The answer is the future's.
    pub async fn start_call<Q: Send + 'static, R: Send + 'static>(
        &self,
        target: CoreId,
        port: CallPort<Q, R>,
        request: Q,
    ) -> CallInFlight<R> {
        self.credit(target, &port.port).await;
        let (sender, receiver) = oneshot::channel::<Payload>();
        let mut mail = self.mail();
        let call = mail.open_call(sender);
        mail.send(
            target,
            Envelope::Message {
                port: port.port.number,
                call: Some(call),
                payload: Box::new(request),
            },
        );
        drop(mail);
        CallInFlight {
            runtime: self.clone(),
            number: call,
            receiver,
            reply: PhantomData,
        }
    }

    /// The end of `port` on this core.
    pub fn calls<Q: Send + 'static, R: Send + 'static>(&self, port: CallPort<Q, R>) -> Calls<Q, R> {
        Calls {
            runtime: self.clone(),
            port,
        }
    }

    async fn credit<T>(&self, target: CoreId, port: &Port<T>) {
        loop {
            let credited = self.mail().credited();
            let seen = credited.seen();
            if self.mail().take_credit(target, port.number, port.credits) {
                return;
            }
            credited.changed(seen).await;
        }
    }

    async fn arrived(&self, port: u32) -> Arrived {
        loop {
            let filled = self.mail().filled(port);
            let seen = filled.seen();
            if let Some(arrived) = self.mail().take(port) {
                return arrived;
            }
            filled.changed(seen).await;
        }
    }
}

/// The answer to a call that is on its way. Dropped, the answer is not waited for; the call is carried out.
#[derive(Debug)]
pub struct CallInFlight<R> {
    runtime: Runtime,
    number: u64,
    receiver: oneshot::Receiver<Payload>,
    reply: PhantomData<fn() -> R>,
}

impl<R: 'static> Future for CallInFlight<R> {
    type Output = Result<R, Cancelled>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let payload = match Pin::new(&mut self.receiver).poll(context) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Err(cancelled)) => return Poll::Ready(Err(cancelled)),
            Poll::Ready(Ok(payload)) => payload,
        };
        Poll::Ready(Ok(*payload
            .downcast()
            .expect("a port answers with its reply type")))
    }
}

impl<R> Drop for CallInFlight<R> {
    fn drop(&mut self) {
        self.runtime.mail().forget_call(self.number);
    }
}

/// Takes the messages of one port.
#[derive(Debug)]
pub struct Inbox<T> {
    runtime: Runtime,
    port: Port<T>,
}

impl<T: Send + 'static> Inbox<T> {
    /// The next message and the core that sent it.
    pub async fn recv(&self) -> (CoreId, T) {
        let arrived = self.runtime.arrived(self.port.number).await;
        let message = arrived
            .payload
            .downcast()
            .expect("a port carries its message type");
        (arrived.source, *message)
    }
}

/// Takes the calls of one port.
#[derive(Debug)]
pub struct Calls<Q, R> {
    runtime: Runtime,
    port: CallPort<Q, R>,
}

impl<Q: Send + 'static, R: Send + 'static> Calls<Q, R> {
    /// The next request, the core that sent it, and the way to answer.
    pub async fn recv(&self) -> (CoreId, Q, Reply<R>) {
        let port = self.port.port.number;
        let arrived = self.runtime.arrived(port).await;
        let request = arrived
            .payload
            .downcast()
            .expect("a port carries its request type");
        let reply = Reply {
            runtime: self.runtime.clone(),
            target: arrived.source,
            port,
            call: arrived.call.expect("a call port takes calls"),
            answered: false,
            answer: PhantomData,
        };
        (arrived.source, *request, reply)
    }
}

/// Answers one call. Dropped, it tells the caller that there will be no answer.
pub struct Reply<R> {
    runtime: Runtime,
    target: CoreId,
    port: u32,
    call: u64,
    answered: bool,
    answer: PhantomData<fn(R)>,
}

impl<R: Send + 'static> Reply<R> {
    /// Answers.
    pub fn send(mut self, reply: R) {
        self.answer(Some(Box::new(reply)));
    }
}

impl<R> Reply<R> {
    fn answer(&mut self, payload: Option<Payload>) {
        self.answered = true;
        let Self {
            target, port, call, ..
        } = *self;
        self.runtime.mail().send(
            target,
            Envelope::Reply {
                port,
                call,
                payload,
            },
        );
    }
}

impl<R> Drop for Reply<R> {
    fn drop(&mut self) {
        if !self.answered {
            self.answer(None);
        }
    }
}

impl<R> fmt::Debug for Reply<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply(to core {})", self.target)
    }
}
