//! One value from one task to another.

use core::cell::RefCell;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::rc::Rc;

use crate::task::Cancelled;

#[derive(Debug)]
struct Slot<T> {
    value: Option<T>,
    waker: Option<Waker>,
    sender_gone: bool,
    receiver_gone: bool,
}

/// A pair whose ends live on one core.
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let slot = Rc::new(RefCell::new(Slot {
        value: None,
        waker: None,
        sender_gone: false,
        receiver_gone: false,
    }));
    (Sender(Rc::clone(&slot)), Receiver(slot))
}

/// The end that sends.
#[derive(Debug)]
pub struct Sender<T>(Rc<RefCell<Slot<T>>>);

impl<T> Sender<T> {
    /// Sends the value. It is dropped when nobody waits any more.
    pub fn send(self, value: T) {
        let unwanted = {
            let mut slot = self.0.borrow_mut();
            if slot.receiver_gone {
                Some(value)
            } else {
                slot.value = Some(value);
                None
            }
        };
        drop(unwanted);
    }

    /// Whether the other end is gone.
    pub fn is_unwanted(&self) -> bool {
        self.0.borrow().receiver_gone
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let waker = {
            let mut slot = self.0.borrow_mut();
            slot.sender_gone = true;
            slot.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// The end that waits: [`Cancelled`] when the sender went without sending.
#[derive(Debug)]
pub struct Receiver<T>(Rc<RefCell<Slot<T>>>);

impl<T> Future for Receiver<T> {
    type Output = Result<T, Cancelled>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut slot = self.0.borrow_mut();
        if let Some(value) = slot.value.take() {
            return Poll::Ready(Ok(value));
        }
        if slot.sender_gone {
            return Poll::Ready(Err(Cancelled));
        }
        slot.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let value = {
            let mut slot = self.0.borrow_mut();
            slot.receiver_gone = true;
            slot.value.take()
        };
        drop(value);
    }
}
