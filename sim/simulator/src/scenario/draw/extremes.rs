//! What now and then goes to an extreme, after the rest was drawn.

use stdx::Prng;

use crate::scenario::{BrokerShape, ClientShape, TopicShape};

/// Bytes of the largest batch where batches are large.
const LARGE_BATCH_BYTES_MAX: u32 = 5 << 20;

/// Lets one client write batches larger than a frame usually is, a few of them.
pub(super) fn enlarge(
    prng: &mut Prng,
    topics: &mut [TopicShape],
    clients: &mut [ClientShape],
    broker: &mut BrokerShape,
) {
    broker.memory_bytes = 512 << 20;
    for topic in topics {
        topic.on_first_use = false;
        topic.message_bytes_max = Some(LARGE_BATCH_BYTES_MAX);
    }
    for client in clients.iter_mut() {
        // Their topics would take less.
        client.mix.create_topic = 0;
    }
    let client = prng.index(clients.len());
    let client = &mut clients[client];
    client.operations = client.operations.min(40);
    client.pace_micros = client.pace_micros.max(10_000);
    client.records_max = 50;
    client.value_bytes_max = 80_000;
    client.mix.produce_none += 8;
    if prng.chance(1, 2) {
        // One core may hold more of them than its log lets wait for a disk that stands still.
        broker.cores = vec![1];
    }
    client.fetch_bytes_max = *prng.choose(&[1, 1 << 20]);
}

/// Where something breaks, half of the clients give their writes less time than a broken disk takes.
pub(super) fn shorten(prng: &mut Prng, clients: &mut [ClientShape]) {
    for client in clients {
        client.commit_millis = *prng.choose(&[30_000, 30_000, 1_000, 20]);
    }
}
