//! How a partition comes to a core and leaves it: one change at a time for each.

use core::cell::Cell;
use std::collections::btree_map::Entry;
use std::rc::Rc;

use model::PartitionKey;
use raft::ReplicaId;
use runtime::{Class, Scope, ScopeFault};
use storage::Group;

use super::{Inner, Ready, Slot};
use crate::calls::{Open, Opened, ReadError};
use crate::marks;
use crate::replica::{Ground, Replica};

const STOPPING: &str = "the node is stopping";
const NOT_BEGUN: &str = "this core has no journal yet";

/// A node has had no other copy of a partition: a topic that is made again has another identity.
const FIRST_INCARNATION: u32 = 0;

/// Opens a partition; one that is open already is as good.
pub(super) async fn open(inner: &Rc<Inner>, open: Open) -> Result<Opened, String> {
    loop {
        let seen = inner.changed.seen();
        if inner.stopping.get() {
            return Err(STOPPING.to_owned());
        }
        match inner.slots.borrow_mut().entry(open.key) {
            Entry::Vacant(vacant) => {
                vacant.insert(Slot::Opening);
                break;
            }
            Entry::Occupied(occupied) => match occupied.get() {
                Slot::Ready(ready) => return Ok(opened(&ready.replica)),
                Slot::Fenced(why) => return Err(why.clone()),
                Slot::Opening | Slot::Removing => {}
            },
        }
        marks::OPEN_WAITED.hit();
        inner.changed.changed(seen).await;
    }
    let key = open.key;
    let scope = Rc::new(inner.runtime.scope("replica"));
    let result = start(inner, &scope, open).await;
    let (slot, answer) = match result {
        Ok(ready) => {
            let answer = opened(&ready.replica);
            (Some(Slot::Ready(ready)), Ok(answer))
        }
        Err(Failure::Refused(why)) => (None, Err(why)),
        Err(Failure::Panicked(fault)) => {
            let why = fenced(key, &fault);
            inner.tell(key, &why);
            (Some(Slot::Fenced(why.clone())), Err(why))
        }
    };
    match slot {
        Some(slot) => inner.slots.borrow_mut().insert(key, slot),
        None => inner.slots.borrow_mut().remove(&key),
    };
    inner.changed.notify();
    answer
}

enum Failure {
    Refused(String),
    Panicked(ScopeFault),
}

/// Starts a replica in its scope: a panic on the way is its own affair.
async fn start(inner: &Rc<Inner>, scope: &Rc<Scope>, open: Open) -> Result<Ready, Failure> {
    let (key, spawner) = (open.key, scope.spawner());
    let (runtime, budget, data) = (
        inner.runtime.clone(),
        inner.budget.clone(),
        inner.data.clone(),
    );
    let journal = inner.journal.borrow().clone();
    let journal = journal.ok_or_else(|| Failure::Refused(NOT_BEGUN.to_owned()))?;
    let me = ReplicaId {
        node: inner.node,
        incarnation: FIRST_INCARNATION,
    };
    let task = scope.spawn(Class::Consensus, "open", async move {
        let directory = data
            .create_partition(&runtime, key)
            .await
            .map_err(|error| error.to_string())?;
        let ground = Ground {
            runtime,
            spawner,
            budget,
            journal,
            directory,
            me,
        };
        Replica::open(ground, open).await
    });
    match task.await {
        Ok(Ok(replica)) => {
            let ended = Rc::new(Cell::new(false));
            let ready = Ready {
                replica,
                scope: Rc::clone(scope),
                ended: Rc::clone(&ended),
            };
            let (inner, scope) = (Rc::clone(inner), Rc::clone(scope));
            let root = inner.runtime.root();
            let supervision = async move { supervise(&inner, key, &scope, &ended).await };
            root.spawn(Class::Consensus, "supervise a replica", supervision);
            Ok(ready)
        }
        Ok(Err(why)) => Err(Failure::Refused(why)),
        Err(_cancelled) => match scope.join().await {
            Err(fault) => Err(Failure::Panicked(fault)),
            Ok(()) => Err(Failure::Refused(STOPPING.to_owned())),
        },
    }
}

/// Fences a replica when a task of it panics.
async fn supervise(inner: &Inner, key: PartitionKey, scope: &Scope, ended: &Cell<bool>) {
    let result = scope.join().await;
    ended.set(true);
    inner.changed.notify();
    let Err(fault) = result else {
        return;
    };
    let why = fenced(key, &fault);
    inner.tell(key, &why);
    let panicked = inner
        .slots
        .borrow_mut()
        .get_mut(&key)
        .and_then(|slot| match slot {
            Slot::Ready(_) => Some(core::mem::replace(slot, Slot::Fenced(why))),
            _ => None,
        });
    // Dropped here, where nothing is borrowed: who still waits for it is told so by that.
    drop(panicked);
}

impl Ready {
    /// Waits until the last of its tasks is over.
    pub(super) async fn over(&self, inner: &Inner) {
        loop {
            let seen = inner.changed.seen();
            if self.ended.get() {
                return;
            }
            inner.changed.changed(seen).await;
        }
    }
}

fn fenced(key: PartitionKey, fault: &ScopeFault) -> String {
    marks::REPLICA_FENCED.hit();
    format!(
        "the replica of partition {key} is fenced: {fault}; its files are kept, and the rest of the node goes on"
    )
}

/// Removes a partition with its folder.
pub(super) async fn remove(inner: &Rc<Inner>, key: PartitionKey) -> Result<(), String> {
    let before = loop {
        let seen = inner.changed.seen();
        if inner.stopping.get() {
            return Err(STOPPING.to_owned());
        }
        {
            let mut slots = inner.slots.borrow_mut();
            if !matches!(slots.get(&key), Some(Slot::Opening | Slot::Removing)) {
                break slots.insert(key, Slot::Removing);
            }
        }
        inner.changed.changed(seen).await;
    };
    if let Some(Slot::Ready(ready)) = before {
        ready.replica.leave(&ReadError::UnknownPartition);
        ready.scope.cancel();
        ready.over(inner).await;
    }
    let removed = inner.data.remove_partition(&inner.runtime, key).await;
    if let (Ok(()), Some(journal)) = (&removed, &*inner.journal.borrow()) {
        journal.forget(Group::of(key));
    }
    inner.slots.borrow_mut().remove(&key);
    inner.changed.notify();
    removed.map_err(|error| error.to_string())
}

fn opened(replica: &Replica) -> Opened {
    Opened {
        watermarks: replica.watermarks(),
        recovered: replica.report().end_offset,
        fenced: replica.report().fenced,
        report: replica.report().lines.clone(),
    }
}
