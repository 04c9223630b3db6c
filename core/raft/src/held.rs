//! Messages that may not leave before something is durable.

use std::collections::VecDeque;

use model::LogIndex;
use stdx::mutant;

use crate::effect::Effect;
use crate::message::{Body, Message};

/// Messages that wait. Beyond it the oldest goes unsaid: the next beat asks again.
const HELD_MAX: usize = 256;

#[derive(Clone, Debug)]
struct Held {
    /// The change of the hard state that the message reveals.
    change: u64,
    /// The frame whose durability it claims, and of which log.
    flushed: LogIndex,
    epoch: u64,
    message: Message,
}

/// The messages of one group that wait, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeldMessages(VecDeque<Held>);

impl HeldMessages {
    /// Holds `message` until the change of the hard state is durable, and the log `epoch` up to `flushed`.
    pub(crate) fn hold(&mut self, message: Message, change: u64, flushed: LogIndex, epoch: u64) {
        if self.0.len() == HELD_MAX {
            self.0.pop_front();
        }
        self.0.push_back(Held {
            change,
            flushed,
            epoch,
            message,
        });
    }

    /// Gives the memory back that nothing needs now.
    pub(crate) fn give_back(&mut self) {
        if self.0.is_empty() {
            self.0 = VecDeque::new();
        }
    }

    /// Lets out what may leave now. What claims something of a log that was cut since is dropped.
    pub(crate) fn release(
        &mut self,
        change: u64,
        flushed: LogIndex,
        epoch: u64,
        out: &mut Vec<Effect>,
    ) {
        self.0.retain_mut(|held| {
            let says = matches!(held.message.body, Body::Appended { .. });
            let claims_log = says || held.flushed > LogIndex::ZERO;
            if claims_log && held.epoch != epoch {
                return false;
            }
            let durable = held.change <= change && held.flushed <= flushed;
            if durable {
                let mut body = core::mem::replace(&mut held.message.body, Body::Stale);
                note_flushed(&mut body, flushed);
                let message = Message {
                    body,
                    ..held.message
                };
                out.push(Effect::Send(message));
            }
            !durable
        });
    }
}

/// What is durable by now is said, of what the message speaks of.
fn note_flushed(body: &mut Body, durable: LogIndex) {
    match body {
        Body::Appended {
            verified, flushed, ..
        } => {
            *flushed = if mutant!(R03) {
                *verified
            } else {
                durable.min(*verified)
            };
        }
        // It may have lost some since.
        Body::BeatReply { flushed, .. } => *flushed = durable.min(*flushed),
        _ => {}
    }
}
