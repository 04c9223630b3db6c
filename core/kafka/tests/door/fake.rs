//! Partitions in memory behind the real ports, so that a test decides how slow they are.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use model::{LeaderEpoch, Offset, PartitionKey, Term};
use partition::calls::{OPEN, PROPOSE, READ, REMOVE, SEEK, WATCH};
use partition::{
    Committed, Opened, Propose, Read, ReadAnswer, ReadError, Seek, SeekTarget, Sought, Watermarks,
};
use records::{Batches, stamp};
use runtime::sync::Signal;
use runtime::{Class, Frozen, Runtime};
use stdx::Duration;

/// The partition of every topic whose writes take [`SLOW_COMMIT`].
pub(crate) const SLOW: i32 = 1;
pub(crate) const SLOW_COMMIT: Duration = Duration::from_millis(200);

/// The partition of every topic whose reads take [`STUCK_READ`].
pub(crate) const STUCK: i32 = 60;
const STUCK_READ: Duration = Duration::from_secs(30);

#[derive(Default)]
struct Log {
    /// End offset and bytes of each batch.
    batches: Vec<(i64, Frozen)>,
    end: i64,
    visible: i64,
}

#[derive(Clone, Default)]
struct Host {
    logs: Rc<RefCell<BTreeMap<PartitionKey, Log>>>,
    grown: Signal,
}

impl Log {
    fn marks(&self) -> Watermarks {
        Watermarks {
            log_start: Offset::ZERO,
            high_watermark: Offset(self.visible),
            log_end: Offset(self.end),
            term: Term(1),
        }
    }
}

/// Serves all ports of this core.
pub(crate) fn start(runtime: &Runtime) {
    let host = Host::default();
    let root = runtime.root();
    let (own, core) = (host.clone(), runtime.clone());
    drop(root.spawn(Class::Produce, "fake proposals", async move {
        let calls = core.calls(PROPOSE);
        loop {
            let (_, propose, reply) = calls.recv().await;
            let (own, inner) = (own.clone(), core.clone());
            let appended = own.append(&propose);
            drop(
                core.root()
                    .spawn(Class::Produce, "fake commit", async move {
                        if propose.key.partition.0 == SLOW {
                            inner.sleep(SLOW_COMMIT).await;
                        }
                        own.commit(propose.key);
                        reply.send(Ok(appended));
                    }),
            );
        }
    }));
    let (own, core) = (host.clone(), runtime.clone());
    drop(root.spawn(Class::Fetch, "fake reads", async move {
        let calls = core.calls(READ);
        loop {
            let (_, read, reply) = calls.recv().await;
            let (own, inner) = (own.clone(), core.clone());
            drop(core.root().spawn(Class::Fetch, "fake read", async move {
                if read.key.partition.0 == STUCK {
                    inner.sleep(STUCK_READ).await;
                }
                reply.send(own.read(&read));
            }));
        }
    }));
    let (own, core) = (host.clone(), runtime.clone());
    drop(root.spawn(Class::Fetch, "fake seeks", async move {
        let calls = core.calls(SEEK);
        loop {
            let (_, seek, reply) = calls.recv().await;
            reply.send(own.seek(&seek));
        }
    }));
    let (own, core) = (host.clone(), runtime.clone());
    drop(root.spawn(Class::Fetch, "fake watches", async move {
        let calls = core.calls(WATCH);
        loop {
            let (_, watch, reply) = calls.recv().await;
            let (own, inner) = (own.clone(), core.clone());
            drop(core.root().spawn(Class::Fetch, "fake watch", async move {
                let over = inner.sleep_until(watch.deadline);
                runtime::race(own.passed(watch.key, watch.offset), over).await;
                reply.send(own.marks(watch.key));
            }));
        }
    }));
    serve_openings(runtime, host);
}

fn serve_openings(runtime: &Runtime, host: Host) {
    let root = runtime.root();
    let (own, core) = (host.clone(), runtime.clone());
    drop(root.spawn(Class::Consensus, "fake opens", async move {
        let calls = core.calls(OPEN);
        loop {
            let (_, open, reply) = calls.recv().await;
            own.logs.borrow_mut().entry(open.key).or_default();
            reply.send(Ok(Opened {
                recovered: Offset::ZERO,
                fenced: false,
                watermarks: own.marks(open.key).unwrap(),
                report: Vec::new(),
            }));
        }
    }));
    let core = runtime.clone();
    drop(root.spawn(Class::Consensus, "fake removals", async move {
        let calls = core.calls(REMOVE);
        loop {
            let (_, key, reply) = calls.recv().await;
            host.logs.borrow_mut().remove(&key);
            reply.send(Ok(()));
        }
    }));
}

impl Host {
    fn append(&self, propose: &Propose) -> Committed {
        let mut logs = self.logs.borrow_mut();
        let log = logs.get_mut(&propose.key).unwrap();
        let base_offset = Offset(log.end);
        let mut bytes = propose.batches.to_vec();
        log.end = stamp(&mut bytes, log.end, 1, None).unwrap();
        for batch in Batches::new(&bytes) {
            let batch = batch.unwrap();
            log.batches
                .push((batch.end_offset(), Frozen::from(batch.bytes().to_vec())));
        }
        Committed {
            base_offset,
            term: Term(1),
            log_start: Offset::ZERO,
            append_time: None,
        }
    }

    fn commit(&self, key: PartitionKey) {
        let mut logs = self.logs.borrow_mut();
        let log = logs.get_mut(&key).unwrap();
        log.visible = log.end;
        self.grown.notify();
    }

    fn marks(&self, key: PartitionKey) -> Result<Watermarks, ReadError> {
        let logs = self.logs.borrow();
        logs.get(&key)
            .map(Log::marks)
            .ok_or(ReadError::UnknownPartition)
    }

    async fn passed(&self, key: PartitionKey, offset: Offset) {
        loop {
            let seen = self.grown.seen();
            if self.marks(key).unwrap().high_watermark > offset {
                return;
            }
            self.grown.changed(seen).await;
        }
    }

    fn read(&self, read: &Read) -> Result<ReadAnswer, ReadError> {
        let logs = self.logs.borrow();
        let log = logs.get(&read.key).ok_or(ReadError::UnknownPartition)?;
        if read.offset > log.marks().high_watermark {
            return Err(ReadError::OutOfRange(log.marks()));
        }
        let mut left = read.bytes_max;
        let wanted = log.batches.iter();
        let wanted = wanted.filter(|(end, _)| *end > read.offset.0 && *end <= log.visible);
        let mut batches = Vec::new();
        for (_, batch) in wanted {
            let first = batches.is_empty() && read.at_least_one;
            if batch.len() > left && !first {
                break;
            }
            left = left.saturating_sub(batch.len());
            batches.push(batch.clone());
        }
        Ok(ReadAnswer {
            batches,
            watermarks: log.marks(),
        })
    }

    fn seek(&self, seek: &Seek) -> Result<Sought, ReadError> {
        let watermarks = self.marks(seek.key)?;
        let position = match seek.target {
            SeekTarget::Earliest => Some((Offset::ZERO, -1)),
            SeekTarget::Latest => Some((watermarks.high_watermark, -1)),
            SeekTarget::Timestamp(_) | SeekTarget::MaxTimestamp | SeekTarget::EpochEnd(_) => None,
        };
        Ok(Sought {
            position,
            epoch: LeaderEpoch(1),
            watermarks,
        })
    }
}
