//! One io_uring: set up as well as the kernel can, fed without loss, entered once per turn.

use core::fmt;
use core::time::Duration;
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use io_uring::squeue::{Entry, Flags};
use io_uring::types::{SubmitArgs, Timespec};
use io_uring::{Builder, IoUring};
use runtime::{IoError, IoErrorKind};

use crate::facilities::{Facilities, check_features, check_operations, probe};

/// Entries of the submission queue. What a turn submits beyond them goes to the kernel within the turn.
const SUBMISSIONS: u32 = 512;

/// Entries of the completion queue: a burst on thousands of connections fits, what does not the kernel keeps.
const COMPLETIONS: u32 = 8192;

/// How long to stay in the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Not at all.
    No,
    /// Until a completion, at most this long.
    AtMost(Duration),
    /// Until a completion.
    Forever,
}

/// One completion queue entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Completed {
    /// The token.
    pub(crate) token: u64,
    /// What the system call would have returned, a failure as a negative number.
    pub(crate) result: i32,
    /// The kernel's flags.
    pub(crate) flags: u32,
}

/// Entries that must reach the kernel in one batch: one, or a pair of which the second is linked to the first.
#[derive(Clone, Debug)]
pub(crate) struct Submission {
    first: Entry,
    linked: Option<Entry>,
}

impl Submission {
    /// One entry.
    pub(crate) fn one(entry: Entry) -> Self {
        Self {
            first: entry,
            linked: None,
        }
    }

    /// Two entries, of which the second starts when the first did all that it was asked to, and is cancelled
    /// otherwise.
    pub(crate) fn linked(first: Entry, second: Entry) -> Self {
        Self {
            first: first.flags(Flags::IO_LINK),
            linked: Some(second),
        }
    }

    fn len(&self) -> usize {
        1 + usize::from(self.linked.is_some())
    }
}

/// The ring of one core. Its methods are called on that core's thread only, which also made it.
pub(crate) struct Ring {
    uring: IoUring,
    /// What the submission queue had no room for although it was offered to the kernel. It is bounded by the
    /// operations in flight.
    overflow: VecDeque<Submission>,
    facilities: Facilities,
    skips_success: bool,
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Ring({}, overflow {})",
            self.uring.as_raw_fd(),
            self.overflow.len()
        )
    }
}

impl Ring {
    /// The best ring that the kernel gives and `allowed` allows.
    pub(crate) fn new(allowed: Facilities) -> Result<Self, IoError> {
        let (uring, deferred_work) = set_up(allowed.deferred_work)?;
        check_features(uring.params())?;
        let probe = probe(&uring)?;
        check_operations(&probe)?;
        let facilities = Facilities {
            deferred_work,
            ..allowed.probed(&probe)
        };
        Ok(Self {
            skips_success: uring.params().is_feature_skip_cqe_on_success(),
            uring,
            overflow: VecDeque::new(),
            facilities,
        })
    }

    /// What it has of what was allowed.
    pub(crate) fn facilities(&self) -> Facilities {
        self.facilities
    }

    /// The ring itself, for registering memory with it.
    pub(crate) fn inner(&self) -> &IoUring {
        &self.uring
    }

    /// A second descriptor of the ring, for other cores to address their messages to.
    pub(crate) fn share(&self) -> Result<OwnedFd, IoError> {
        // SAFETY: the ring's descriptor is open as long as `self` is.
        let fd = unsafe { BorrowedFd::borrow_raw(self.uring.as_raw_fd()) };
        Ok(fd.as_fd().try_clone_to_owned()?)
    }

    /// `entry` without a completion for the case that all went well, where the kernel can do that.
    pub(crate) fn quiet(&self, entry: Entry) -> Entry {
        if self.skips_success {
            entry.flags(Flags::SKIP_SUCCESS)
        } else {
            entry
        }
    }

    /// Queues `submission` behind all earlier ones.
    ///
    /// # Safety
    /// What its entries point to stays valid and in its place until their final completions were reaped.
    pub(crate) unsafe fn push(&mut self, submission: Submission) {
        if self.overflow.is_empty() && !self.has_room(submission.len()) {
            // A failure is temporary or met again by the turn's own entry, which reports it.
            drop(self.uring.submit());
        }
        if self.overflow.is_empty() && self.has_room(submission.len()) {
            // SAFETY: the caller's promise.
            unsafe { self.place(&submission) };
        } else {
            self.overflow.push_back(submission);
        }
    }

    /// Whether something is queued that the kernel did not take, although it was asked to.
    pub(crate) fn is_clogged(&self) -> bool {
        !self.overflow.is_empty()
    }

    /// Hands everything queued to the kernel, and waits there as `wait` says. Returns early, without a word, on a
    /// signal and where the kernel is short of memory or of room for completions: the next turn comes again.
    pub(crate) fn enter(&mut self, wait: Wait) -> Result<(), IoError> {
        self.refill();
        let (queued, has_work) = {
            let submissions = self.uring.submission();
            (
                !submissions.is_empty(),
                submissions.taskrun() || submissions.cq_overflow(),
            )
        };
        // While more waits than the queue holds, sleeping would leave it behind.
        let wait = if self.is_clogged() { Wait::No } else { wait };
        let entered = match wait {
            Wait::No if !queued && !has_work => return Ok(()),
            Wait::No => self.uring.submit(),
            Wait::Forever => self.uring.submit_and_wait(1),
            Wait::AtMost(duration) => {
                let timeout = Timespec::from(duration);
                let arguments = SubmitArgs::new().timespec(&timeout);
                self.uring.submitter().submit_with_args(1, &arguments)
            }
        };
        match entered {
            Ok(_) => Ok(()),
            Err(error) => match error.raw_os_error() {
                // The time is up; a signal came.
                Some(libc::ETIME | libc::EINTR) => Ok(()),
                // Room for completions or memory is short: reap, and come again. Other threads may need the
                // processor for that.
                Some(libc::EBUSY | libc::EAGAIN | libc::ENOMEM) => {
                    std::thread::yield_now();
                    Ok(())
                }
                _ => Err(error.into()),
            },
        }
    }

    /// Takes all completions that are there.
    pub(crate) fn reap(&mut self, completed: &mut Vec<Completed>) {
        completed.extend(self.uring.completion().map(|entry| Completed {
            token: entry.user_data(),
            result: entry.result(),
            flags: entry.flags(),
        }));
    }

    fn has_room(&mut self, entries: usize) -> bool {
        let submissions = self.uring.submission();
        submissions.capacity() - submissions.len() >= entries
    }

    /// Moves what overflowed into the queue.
    fn refill(&mut self) {
        while let Some(submission) = self.overflow.front() {
            let entries = submission.len();
            if !self.has_room(entries) {
                // A failure is temporary, or met by the entry that follows.
                drop(self.uring.submit());
                if !self.has_room(entries) {
                    return;
                }
            }
            let submission = self.overflow.pop_front().expect("the front is there");
            // SAFETY: `push` got the promise when this was queued.
            unsafe { self.place(&submission) };
        }
    }

    /// Puts `submission` into the queue, which has room for it.
    ///
    /// # Safety
    /// As for [`Ring::push`].
    unsafe fn place(&mut self, submission: &Submission) {
        let mut submissions = self.uring.submission();
        // SAFETY: the caller's promise.
        let pushed = unsafe { submissions.push(&submission.first) };
        pushed.expect("room was checked");
        if let Some(linked) = &submission.linked {
            // SAFETY: the caller's promise.
            let pushed = unsafe { submissions.push(linked) };
            pushed.expect("room for two was checked");
        }
    }
}

/// Rings from the best to the plainest; each needs a newer kernel than the next.
type SetUp = fn(&mut Builder);

const DEFERRED: SetUp = |builder| {
    // Linux 6.1: completions are worked off in `io_uring_enter` of this thread and nowhere else.
    builder.setup_single_issuer().setup_defer_taskrun();
    COOPERATIVE(builder);
};

const SINGLE: SetUp = |builder| {
    // Linux 6.0.
    builder.setup_single_issuer();
    COOPERATIVE(builder);
};

const COOPERATIVE: SetUp = |builder| {
    // Linux 5.19: completions do not interrupt the thread; a flag says that there is work.
    builder.setup_coop_taskrun().setup_taskrun_flag();
    WHOLE(builder);
};

const WHOLE: SetUp = |builder| {
    // Linux 5.18: an entry that fails does not keep the ones behind it from the kernel.
    builder.setup_submit_all();
};

const PLAIN: SetUp = |_| {};

/// The first ring that the kernel accepts, and whether its work is deferred.
fn set_up(deferred: bool) -> Result<(IoUring, bool), IoError> {
    let steps: [(SetUp, bool); 5] = [
        (DEFERRED, true),
        (SINGLE, false),
        (COOPERATIVE, false),
        (WHOLE, false),
        (PLAIN, false),
    ];
    let skipped = if deferred { 0 } else { steps.len() - 1 };
    let mut last = io::Error::from(io::ErrorKind::Unsupported);
    for (step, is_deferred) in steps.into_iter().skip(skipped) {
        let mut builder = IoUring::builder();
        builder.setup_cqsize(COMPLETIONS).setup_clamp();
        step(&mut builder);
        match builder.build(SUBMISSIONS) {
            Ok(ring) => return Ok((ring, is_deferred)),
            // What this kernel does not know it calls invalid; anything else the next step would meet too.
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => last = error,
            Err(error) => return Err(error.into()),
        }
    }
    if last.raw_os_error() == Some(libc::EINVAL) {
        return Err(IoErrorKind::Unsupported.into());
    }
    Err(last.into())
}
