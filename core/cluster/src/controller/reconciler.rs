//! Drives this node's replicas to what was decided: what could not be opened is opened, what was deleted goes. It
//! keeps no list of its own, the table is the list, so it starts over after a crash where it left off.

use core::time::Duration;
use std::collections::VecDeque;

use model::PartitionKey;
use runtime::{CoreId, race};

use super::{CONTROL, Shared};
use crate::command::Command;
use crate::topic::Topic;
use crate::update::Update;

/// How long what failed waits until it is tried again.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// Works for as long as it is polled.
pub(super) async fn run(shared: &Shared) -> ! {
    loop {
        let seen = shared.work.seen();
        let opened = open_missing(shared).await;
        let removed = remove_deleted(shared).await;
        let changed = shared.work.changed(seen);
        if opened && removed {
            changed.await;
        } else {
            race(changed, shared.runtime.sleep(RETRY_INTERVAL)).await;
        }
    }
}

/// Tries again to open what could not be opened. True when nothing is missing.
async fn open_missing(shared: &Shared) -> bool {
    let missing = {
        let (table, unopened) = (shared.table.borrow(), shared.unopened.borrow());
        let open = |&key: &PartitionKey| {
            let topic = table.topic_by_id(key.topic)?;
            Some(shared.replicas.open_of(topic, key))
        };
        unopened.iter().filter_map(open).collect::<VecDeque<_>>()
    };
    if missing.is_empty() {
        return true;
    }
    let (leaders, unopened) = shared.replicas.open_each(missing).await;
    if !leaders.is_empty() {
        let opened = |key| leaders.iter().any(|&(leader, _)| leader == key);
        shared.unopened.borrow_mut().retain(|&key| !opened(key));
        shared.tell(&Update::Led(leaders.into())).await;
    }
    unopened.is_empty()
}

/// Removes what is left of deleted topics, and has the table forget those of which nothing is. True when all are
/// gone.
async fn remove_deleted(shared: &Shared) -> bool {
    let deleting: Vec<_> = shared.table.borrow().deleting().cloned().collect();
    let mut all_gone = true;
    for topic in deleting {
        let gone = shared.replicas.remove(&topic).await;
        let forgotten = gone && forget(shared, &topic).await;
        all_gone = all_gone && forgotten;
    }
    all_gone
}

async fn forget(shared: &Shared, topic: &Topic) -> bool {
    let command = Command::ForgetTopic { id: topic.id };
    let answer = shared.runtime.call(CoreId::ZERO, CONTROL, command).await;
    matches!(answer, Ok(Ok(_)))
}
