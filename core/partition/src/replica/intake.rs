//! The way in: proposals become frames in the making, and wait for their outcome.

use std::collections::VecDeque;
use std::rc::Rc;

use model::Offset;
use raft::{Input, Outcome};
use runtime::{Reply, Runtime};
use stdx::Timestamp;
use storage::{Append, AppendError, Batcher, FrameBuilder, FrameKind};

use super::Replica;
use crate::calls::{Ack, Committed, Propose, ProposeError};
use crate::marks;

/// Proposals that may wait to be taken.
pub(super) const PROPOSALS_MAX: usize = 1024;

pub(super) type ProposeReply = Reply<Result<Committed, ProposeError>>;
pub(super) type Proposal = (Propose, ProposeReply);

/// What was taken: frames that are not appended yet, and who waits for them and for those that are.
pub(super) struct Intake {
    batcher: Batcher,
    waiters: VecDeque<Waiter>,
}

/// Who waits, for a frame by its number; what to tell when it is committed.
struct Waiter {
    frame: u64,
    committed: Committed,
    reply: ProposeReply,
}

impl Intake {
    pub(super) fn new(runtime: Runtime, end_offset: Offset) -> Self {
        Self {
            batcher: Batcher::new(runtime, end_offset),
            waiters: VecDeque::new(),
        }
    }

    /// The offset after the last record that was taken.
    pub(super) fn end_offset(&self) -> Offset {
        self.batcher.end_offset()
    }

    /// Takes out the oldest frame, which the group gave its place.
    pub(super) fn take(&mut self) -> FrameBuilder {
        let (_, frame) = self
            .batcher
            .take()
            .expect("a frame is proposed while it is here");
        frame
    }

    /// Tells those who wait for a frame what became of it.
    pub(super) fn resolve(&mut self, frame: u64, outcome: Outcome) {
        let start = self.waiters.partition_point(|waiter| waiter.frame < frame);
        let end = self.waiters.partition_point(|waiter| waiter.frame <= frame);
        for waiter in self.waiters.drain(start..end) {
            waiter.reply.send(match outcome {
                Outcome::Committed { .. } => Ok(waiter.committed),
                Outcome::Lost => Err(ProposeError::Lost),
                // Nothing is proposed to be lazy yet: that it may be lost is no reason to say that it is there.
                Outcome::Unknown | Outcome::Seen { .. } => Err(ProposeError::Unknown),
            });
        }
    }

    /// Another reign, or none: what was not appended never will be.
    pub(super) fn restart(&mut self, end_offset: Offset) {
        self.drop_frames(&ProposeError::Lost);
        self.batcher.restart(end_offset);
    }

    /// Ends all waits.
    pub(super) fn abandon(&mut self) {
        stdx::sometimes!(marks::STOPPED_WITH_PROPOSALS, !self.waiters.is_empty());
        self.drop_frames(&ProposeError::Stopping);
        for waiter in self.waiters.drain(..) {
            waiter.reply.send(Err(ProposeError::Unknown));
        }
    }

    /// Tells those who wait for frames that are not appended.
    fn drop_frames(&mut self, why: &ProposeError) {
        let Some((first, _)) = self.batcher.oldest() else {
            return;
        };
        let start = self.waiters.partition_point(|waiter| waiter.frame < first);
        for waiter in self.waiters.drain(start..) {
            waiter.reply.send(Err(why.clone()));
        }
    }
}

impl Replica {
    /// Takes a proposal; it is appended in the order of these calls.
    pub(crate) fn propose(&self, propose: Propose, reply: ProposeReply) {
        if let Err((_, reply)) = self.proposals.try_push((propose, reply)) {
            marks::PROPOSALS_FULL.hit();
            let stopping = self.proposals.is_closed();
            reply.send(Err(if stopping {
                ProposeError::Stopping
            } else {
                ProposeError::Overloaded
            }));
        }
    }

    /// Task: puts what is proposed into frames, as many together as came together.
    pub(super) async fn take_proposals(self: Rc<Self>) {
        while let Some(proposal) = self.proposals.pop().await {
            self.put(proposal);
            while let Some(proposal) = self.proposals.try_pop() {
                self.put(proposal);
            }
            self.pump();
        }
    }

    fn put(&self, (propose, reply): Proposal) {
        let ack = propose.ack;
        match self.admit(&propose) {
            Err(error) => reply.send(Err(error)),
            Ok((_, committed)) if ack != Ack::Quorum => reply.send(Ok(committed)),
            Ok((frame, committed)) => self.intake.borrow_mut().waiters.push_back(Waiter {
                frame,
                committed,
                reply,
            }),
        }
    }

    /// Puts a proposal into a frame, if it may; which, and where.
    fn admit(&self, propose: &Propose) -> Result<(u64, Committed), ProposeError> {
        let mut intake = self.intake.borrow_mut();
        let (waiting, bytes) = (intake.batcher.bytes(), propose.batches.len());
        self.log.admit(waiting, bytes).map_err(refusal)?;
        let standing = self.standing.get();
        if !standing.serves {
            marks::NOT_SERVING.hit();
            return Err(ProposeError::NotLeader);
        }
        let term = standing.term;
        if propose
            .expected_term
            .is_some_and(|expected| expected != term)
        {
            marks::WRONG_TERM.hit();
            return Err(ProposeError::WrongTerm { current: term });
        }
        let append_time = propose.stamp_append_time.then(|| self.runtime.wall());
        let batched = intake.batcher.add(&Append {
            term,
            kind: FrameKind::Data,
            batches: &propose.batches,
            append_time,
        });
        let batched = batched.map_err(refusal)?;
        let committed = Committed {
            base_offset: batched.base_offset,
            term,
            log_start: self.log.log_start(),
            // As it stands in the batches: in milliseconds.
            append_time: append_time.map(|time| Timestamp::from_millis(time.as_millis())),
        };
        Ok((batched.frame, committed))
    }

    /// Proposes what waits, as long as the disk wants more: meanwhile the last frame takes whatever comes.
    pub(super) fn pump(self: &Rc<Self>) {
        while !self.closed.get() && self.log.wants_frame() {
            let Some((frame, bytes)) = self.intake.borrow().batcher.oldest() else {
                return;
            };
            let bytes = u32::try_from(bytes).expect("a records field is under 2 GiB");
            self.step(Input::Propose {
                token: frame,
                expected_term: Some(self.standing.get().term),
                frames: core::iter::once(bytes).collect(),
                ack: raft::Ack::Durable,
            });
            let left = self.intake.borrow().batcher.oldest();
            if left.is_some_and(|(left, _)| left == frame) {
                // Refused: too much is not committed yet.
                return;
            }
        }
    }

    /// Waits until everything that was taken is appended, or cannot be for lack of space.
    pub(super) async fn drain(self: &Rc<Self>) {
        let moved = self.log.moved();
        loop {
            let seen = moved.seen();
            self.look_at_log();
            self.pump();
            if self.intake.borrow().batcher.is_empty() || self.log.has_no_space() {
                return;
            }
            moved.changed(seen).await;
        }
    }
}

fn refusal(error: AppendError) -> ProposeError {
    match error {
        AppendError::Overloaded => ProposeError::Overloaded,
        AppendError::NoSpace => ProposeError::NoSpace,
        AppendError::Closed => ProposeError::Stopping,
        AppendError::Fenced(why) => ProposeError::Fenced(why),
        // The door validates: this is a bug of ours, and it is refused before anything was appended.
        AppendError::NotBatches(_) => {
            marks::NOT_BATCHES.hit();
            ProposeError::Fenced(format!("the proposal was refused: {error}"))
        }
    }
}
