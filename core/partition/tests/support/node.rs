//! A node of several cores, each with a host; what a test does runs on the first.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use model::{Offset, PartitionIndex, PartitionKey, TopicId};
use partition::{
    Ack, Committed, Host, HostConfig, Open, Opened, Propose, ProposeError, Read, ReadAnswer, Router,
};
use records::{BatchBuilder, Batches, NewRecord};
use runtime::sync::Queue;
use runtime::{CoreId, Frozen, Runtime};
use stdx::Duration;
use storage::{DataFolder, DataPath};
use world::{Cause, NodeConfig, NodeId, NodeState, World, WorldConfig};

const DATA: &str = "/data";

/// A machine, and lives of a node on it.
pub(crate) struct Machine {
    pub(crate) world: World,
    pub(crate) node: NodeId,
    /// How the broker on it is known.
    pub(crate) node_number: i32,
}

impl Machine {
    pub(crate) fn new(seed: u64) -> Self {
        let mut world = World::new(seed, WorldConfig::default());
        let node = world.add_machine(NodeConfig::default());
        Self {
            world,
            node,
            node_number: 1,
        }
    }

    /// Runs `test` in a life of a node of `cores` cores. When it ends, the node stops in order.
    pub(crate) fn live<F, R>(&mut self, cores: u16, test: F)
    where
        F: FnOnce(Bench) -> R + Send + 'static,
        R: Future<Output = ()> + 'static,
    {
        self.try_live(cores, test);
        assert!(
            self.world.is_completed(self.node),
            "{:?}",
            self.world.deaths().last()
        );
    }

    /// The same, where the node may be made to die: by the world, or by itself for [`PLANTED`].
    pub(crate) fn try_live<F, R>(&mut self, cores: u16, test: F)
    where
        F: FnOnce(Bench) -> R + Send + 'static,
        R: Future<Output = ()> + 'static,
    {
        self.world.set_cores(self.node, cores);
        let (test, over) = (
            Arc::new(Mutex::new(Some(test))),
            Arc::new(AtomicBool::new(false)),
        );
        let number = model::NodeId(self.node_number);
        let main = world::program(move |runtime: Runtime| {
            let (test, over) = (Arc::clone(&test), Arc::clone(&over));
            async move {
                let data = DataPath::new(DATA);
                let host = Host::start(
                    runtime.clone(),
                    HostConfig {
                        node: number,
                        data: data.clone(),
                        read_budget_bytes: 4 << 20,
                        scrub_bytes_per_second: 1 << 20,
                    },
                );
                if runtime.core() == CoreId::ZERO {
                    let folder = DataFolder::open(&runtime, DATA).await.unwrap();
                    let router = Router::new(runtime.clone());
                    router.begin(&data).await.unwrap();
                    let test = test.lock().unwrap().take().expect("one first core");
                    test(Bench {
                        router,
                        runtime: runtime.clone(),
                        damages: host.damages(),
                    })
                    .await;
                    over.store(true, Ordering::Relaxed);
                    host.stop().await;
                    drop(folder);
                } else {
                    while !over.load(Ordering::Relaxed) {
                        runtime.sleep(Duration::from_millis(1)).await;
                    }
                    host.stop().await;
                }
            }
        });
        let deaths = self.world.deaths().len();
        self.world.start(self.node, main);
        while self.world.state(self.node) == NodeState::Running {
            assert!(self.world.step());
        }
        for death in &self.world.deaths()[deaths..] {
            let meant = match &death.cause {
                Cause::Crash(_) => true,
                Cause::Own(why) => why == PLANTED,
            };
            assert!(meant, "{death:?}");
        }
    }
}

/// Why a node ends itself where a test means it to.
pub(crate) const PLANTED: &str = "planted by the test";

/// What a test works with.
#[derive(Clone)]
pub(crate) struct Bench {
    pub(crate) runtime: Runtime,
    pub(crate) router: Router,
    /// What the first core found in the background.
    pub(crate) damages: Queue<(PartitionKey, String)>,
}

/// Partition `number` of the topic of all tests.
pub(crate) fn key(number: i32) -> PartitionKey {
    PartitionKey {
        topic: TopicId([5; 16]),
        partition: PartitionIndex(number),
    }
}

/// One batch of `values`.
pub(crate) fn batch(values: &[u64]) -> Frozen {
    let mut builder = BatchBuilder::new();
    for value in values {
        builder.push(&NewRecord::value(7, &value.to_le_bytes()));
    }
    Frozen::from(builder.finish())
}

impl Bench {
    pub(crate) async fn open(&self, key: PartitionKey) -> Opened {
        self.router
            .open(Open {
                key,
                segment_bytes: 1 << 20,
            })
            .await
            .unwrap()
    }

    pub(crate) async fn propose(
        &self,
        key: PartitionKey,
        batches: Frozen,
        ack: Ack,
    ) -> Result<Committed, ProposeError> {
        let propose = Propose {
            key,
            expected_term: None,
            batches,
            ack,
            stamp_append_time: false,
        };
        self.router.propose(propose).await.outcome().await
    }

    /// A read of up to a MiB.
    pub(crate) fn read_from(key: PartitionKey, offset: i64) -> Read {
        Read {
            key,
            offset: Offset(offset),
            bytes_max: 1 << 20,
            at_least_one: true,
            patient: true,
            current_epoch: None,
        }
    }

    /// All values that are visible.
    pub(crate) async fn values(&self, key: PartitionKey) -> Vec<u64> {
        let mut values = Vec::new();
        loop {
            let next = i64::try_from(values.len()).unwrap();
            let answer = self
                .router
                .read(Self::read_from(key, next))
                .await
                .outcome()
                .await
                .unwrap();
            if answer.batches.is_empty() {
                assert_eq!(answer.watermarks.high_watermark, Offset(next));
                return values;
            }
            values.extend(values_of(&answer));
        }
    }
}

/// The values in an answer.
pub(crate) fn values_of(answer: &ReadAnswer) -> Vec<u64> {
    let batches = answer.batches.iter().flat_map(|piece| Batches::new(piece));
    let records = batches.flat_map(|batch| batch.unwrap().records().unwrap());
    records
        .map(|record| u64::from_le_bytes(record.unwrap().value.unwrap().try_into().unwrap()))
        .collect()
}
