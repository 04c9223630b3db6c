//! The way home of memory: a buffer or a lease may be dropped on any core, and what it held returns to the core
//! that gave it out.
//!
//! Each core has one queue per core that may drop (and one for outside any turn). A return is applied when the
//! home core's turn takes it in, so it is an input like a message: counted, recorded, delayed by the simulator.
//! That is why `Drop` here only pushes to a queue and marks the home core as to be woken.

use core::cell::Cell;
use std::sync::Arc;

use crossbeam_queue::SegQueue;

use crate::buffer::Block;
use crate::core_id::{CORES_MAX, CoreId};

/// Words of the set of cores.
const SET_WORDS: usize = CORES_MAX as usize / 64;

/// What comes home.
#[derive(Debug)]
pub(crate) struct Returned {
    /// Memory of the pool.
    pub(crate) block: Option<Block>,
    /// A budget's number and the bytes it gets back.
    pub(crate) lease: Option<(u16, usize)>,
}

/// The queues in which one core's memory returns.
#[derive(Debug)]
pub(crate) struct Home {
    core: CoreId,
    /// By the core that dropped; the last one is for drops outside any turn.
    queues: Box<[SegQueue<Returned>]>,
}

impl Home {
    pub(crate) fn new(core: CoreId, cores: u16) -> Arc<Self> {
        Arc::new(Self {
            core,
            queues: (0..=cores).map(|_| SegQueue::new()).collect(),
        })
    }

    /// Queues: the cores of the node and one for outside.
    pub(crate) fn sources(&self) -> usize {
        self.queues.len()
    }

    /// What waits from `source`.
    pub(crate) fn waiting(&self, source: usize) -> usize {
        self.queues[source].len()
    }

    /// The oldest return from `source`.
    pub(crate) fn take(&self, source: usize) -> Option<Returned> {
        self.queues[source].pop()
    }

    /// Sends something home from wherever this runs.
    pub(crate) fn give_back(&self, returned: Returned) {
        let outside = self.queues.len() - 1;
        let source = CURRENT
            .get()
            .map_or(outside, |core| core.index().min(outside));
        self.queues[source].push(returned);
        TOUCHED.with(|touched| {
            let mut set = touched.get();
            set[self.core.index() / 64] |= 1 << (self.core.index() % 64);
            touched.set(set);
        });
    }
}

thread_local! {
    /// The core whose turn runs on this thread.
    static CURRENT: Cell<Option<CoreId>> = const { Cell::new(None) };
    /// Cores to which something was returned since the set was last taken.
    static TOUCHED: Cell<[u64; SET_WORDS]> = const { Cell::new([0; SET_WORDS]) };
}

/// While it lives, drops on this thread count as those of one core.
#[derive(Debug)]
pub(crate) struct OnCore {
    before: Option<CoreId>,
}

impl OnCore {
    pub(crate) fn enter(core: CoreId) -> Self {
        Self {
            before: CURRENT.replace(Some(core)),
        }
    }
}

impl Drop for OnCore {
    fn drop(&mut self) {
        CURRENT.set(self.before);
    }
}

/// Takes the cores to which this thread returned something since it was last asked, in ascending order. A ground
/// that runs the cores of several nodes on one thread asks after each drop outside a turn: nothing else tells it
/// whom to wake.
pub fn take_touched(mut each: impl FnMut(CoreId)) {
    let set = TOUCHED.replace([0; SET_WORDS]);
    for (word, mut bits) in (0_u16..).zip(set) {
        while bits != 0 {
            let bit = bits.trailing_zeros();
            bits &= bits - 1;
            each(CoreId::new(
                word * 64 + u16::try_from(bit).expect("below 64"),
            ));
        }
    }
}
