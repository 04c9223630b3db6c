//! What each core has: its partitions, its view of the cluster, its door. It serves on its own, and carries out the
//! node's orders.

use core::fmt;
use std::sync::Arc;

use cluster::View;
use partition::{Host, HostConfig, Router};
use runtime::{Class, Runtime};
use storage::DataPath;

use crate::config::Config;
use crate::connections::Connections;
use crate::event::{Event, Log};
use crate::orders::{Done, ORDERS, Order};

/// Of a core's memory, the share for requests that carry records, from before they are read until those are written. The
/// rest, beside what is named here, is for the heap and for pools.
const WRITES_PER_CENT: usize = 16;

/// What the door takes besides: for questions in few words and in many, for lists of topics, for what is kept of writes.
const ASIDE_PER_CENT: usize = 3 * WRITES_PER_CENT / kafka::config::QUESTIONS_SHARE
    + WRITES_PER_CENT / kafka::config::WRITE_ENTRIES_SHARE;

/// The share for answers that are not bound by their requests.
const ANSWERS_PER_CENT: usize = 25;

/// The share for what partitions have in flight to and from the disk.
const PARTITIONS_PER_CENT: usize = 25;

const _: () =
    assert!(WRITES_PER_CENT + ASIDE_PER_CENT + ANSWERS_PER_CENT + PARTITIONS_PER_CENT <= 80);

/// One core's part of a broker.
pub(crate) struct Worker {
    runtime: Runtime,
    host: Host,
    view: View,
    connections: Connections,
}

impl Worker {
    /// Puts the rooms of this core together. They do not touch the data folder before the controller has them open
    /// a partition, which is after the node has locked it.
    pub(crate) fn start(runtime: &Runtime, config: &Arc<Config>) -> Self {
        let host = Host::start(runtime.clone(), host_config(config, runtime));
        let view = View::new(runtime.clone());
        let door = kafka::Door::new(kafka::Context {
            runtime: runtime.clone(),
            router: Router::new(runtime.clone()),
            cluster: view.clone(),
            config: door_config(config),
            writes: runtime.budget("kafka writes", config.share(WRITES_PER_CENT, runtime)),
            answers: runtime.budget("kafka answers", config.share(ANSWERS_PER_CENT, runtime)),
        });
        let connections = Connections::new(runtime.clone(), door, Arc::clone(&config.log));
        let worker = Self {
            runtime: runtime.clone(),
            host,
            view,
            connections,
        };
        worker.follow();
        worker.tell_faults(Arc::clone(&config.log));
        worker
    }

    /// The connections of this core.
    pub(crate) fn connections(&self) -> Connections {
        self.connections.clone()
    }

    /// The view of this core.
    pub(crate) fn view(&self) -> View {
        self.view.clone()
    }

    /// Carries out orders, to the last.
    pub(crate) async fn run(self) {
        let orders = self.runtime.calls(ORDERS);
        loop {
            let (_, order, reply) = orders.recv().await;
            match order {
                Order::Drain => {
                    let connections_cut = self.connections.drain().await;
                    reply.send(Done { connections_cut });
                }
                Order::Close => {
                    self.host.stop().await;
                    reply.send(Done::default());
                    return;
                }
            }
        }
    }

    /// Tells of replicas that panicked, and are fenced, and of damage that was found: the node lives on.
    fn tell_faults(&self, log: Log) {
        let (faults, damages) = (self.host.faults(), self.host.damages());
        let telling = {
            let log = Log::clone(&log);
            async move {
                while let Some((key, why)) = faults.pop().await {
                    log(Event::ReplicaFenced { key, why });
                }
            }
        };
        let damage = async move {
            while let Some((key, what)) = damages.pop().await {
                log(Event::DamageFound { key, what });
            }
        };
        let root = self.runtime.root();
        drop(root.spawn(Class::Background, "tell of damage", damage));
        drop(
            self.runtime
                .root()
                .spawn(Class::Background, "tell of fenced replicas", telling),
        );
    }

    /// Follows the controller, and takes connections once there is something to see.
    fn follow(&self) {
        let root = self.runtime.root();
        let view = self.view.clone();
        drop(
            root.spawn(Class::Consensus, "follow the controller", async move {
                view.follow().await;
            }),
        );
        let (view, connections) = (self.view.clone(), self.connections.clone());
        drop(
            root.spawn(Class::Consensus, "wait for the controller", async move {
                view.ready().await;
                connections.start();
            }),
        );
    }
}

fn host_config(config: &Config, runtime: &Runtime) -> HostConfig {
    HostConfig {
        node: config.node,
        data: DataPath::new(&config.data),
        read_budget_bytes: config.share(PARTITIONS_PER_CENT, runtime),
        scrub_bytes_per_second: config.scrub_bytes_per_second / u64::from(runtime.cores()),
    }
}

fn door_config(config: &Config) -> kafka::Config {
    kafka::Config {
        node: config.node,
        auto_create_topics: config.auto_create_topics,
        default_partitions: config.default_partitions,
        idle_timeout: config.idle_timeout,
        ..kafka::Config::default()
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Worker({})", self.runtime.core())
    }
}
