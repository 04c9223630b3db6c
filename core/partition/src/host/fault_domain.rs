//! A replica is a fault domain: a panic in it ends it and nothing else.

use model::{NodeId, Offset, PartitionIndex, PartitionKey, TopicId};
use records::{BatchBuilder, NewRecord};
use runtime::{Class, Frozen, Runtime};
use stdx::Duration;
use storage::{DataFolder, DataPath};

use super::{Host, HostConfig};
use crate::calls::{Ack, Open, Propose, ProposeError, Read, ReadError, Watch};
use crate::marks;
use crate::router::Router;

const DATA: &str = "/data";

fn key(number: i32) -> PartitionKey {
    PartitionKey {
        topic: TopicId([7; 16]),
        partition: PartitionIndex(number),
    }
}

fn open(number: i32) -> Open {
    Open {
        key: key(number),
        segment_bytes: 1 << 20,
    }
}

fn propose(number: i32) -> Propose {
    let mut batch = BatchBuilder::new();
    batch.push(&NewRecord::value(7, b"value"));
    Propose {
        key: key(number),
        expected_term: None,
        batches: Frozen::from(batch.finish()),
        ack: Ack::Quorum,
        stamp_append_time: false,
    }
}

fn read(number: i32) -> Read {
    Read {
        key: key(number),
        offset: Offset::ZERO,
        bytes_max: 1 << 20,
        at_least_one: true,
        patient: true,
        current_epoch: None,
    }
}

/// Lets a task of the partition's replica panic.
async fn plant_panic(host: &Host, number: i32) {
    let ready = host.0.slots.borrow()[&key(number)].ready();
    let scope = ready.expect("it is open").scope;
    let task = scope.spawn(Class::Produce, "planted", async { panic!("planted") });
    let _cancelled: Result<(), _> = task.await;
}

#[test]
fn a_panic_fences_its_replica_and_nothing_else() {
    world::block_on(1, |runtime: Runtime| async move {
        let folder = DataFolder::open(&runtime, DATA).await.expect("a folder");
        let config = HostConfig {
            node: NodeId(1),
            data: DataPath::new(DATA),
            read_budget_bytes: 4 << 20,
            // Slow: it is in the first log all the time.
            scrub_bytes_per_second: 1,
        };
        let host = Host::start(runtime.clone(), config);
        let router = Router::new(runtime.clone());
        let early = router.open(open(0)).await;
        assert!(early.is_err_and(|why| why.contains("journal")));
        let begun = router.begin(&DataPath::new(DATA)).await;
        begun.expect("a journal");
        for number in 0..2 {
            router.open(open(number)).await.expect("opened");
            let written = router.propose(propose(number)).await.outcome().await;
            assert_eq!(written.expect("written").base_offset, Offset::ZERO);
        }
        runtime.sleep(Duration::from_secs(6)).await;
        let watch = Watch {
            key: key(0),
            offset: Offset(1),
            deadline: runtime.now() + Duration::from_mins(1),
        };
        let watching = router.watch(watch).await;

        plant_panic(&host, 0).await;

        // Who waited for it is told, who asks is told why, and so is whoever assembled the node.
        assert!(watching.outcome().await.is_err());
        let refused = router.propose(propose(0)).await.outcome().await;
        assert!(matches!(refused, Err(ProposeError::Fenced(why)) if why.contains("planted")));
        let refused = router.read(read(0)).await.outcome().await;
        assert!(matches!(refused, Err(ReadError::Fenced(_))));
        assert!(router.open(open(0)).await.is_err(), "it stays fenced");
        let (fenced, why) = host.faults().pop().await.expect("told");
        assert_eq!(fenced, key(0));
        assert!(why.contains("planted"));
        assert_eq!(marks::REPLICA_FENCED.hits(), 1);

        // The other one goes on, and the node stops in good order.
        let written = router.propose(propose(1)).await.outcome().await;
        assert_eq!(written.expect("written").base_offset, Offset(1));
        let found = router.read(read(1)).await.outcome().await.expect("read");
        assert_eq!(found.watermarks.high_watermark, Offset(2));
        host.stop().await;
        drop(folder);
    });
}
