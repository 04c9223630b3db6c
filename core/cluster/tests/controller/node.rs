//! One node with a controller and nothing above it, living and dying in a world.

use std::future::Future;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use cluster::{Broker, ClusterId, Config, Controller, Limits, StartError, View};
use partition::{Host, HostConfig, Router};
use runtime::{Class, CoreId, Port, Runtime};
use storage::{DataFolder, DataPath, Uuid};
use world::{NodeConfig, NodeId, World, WorldConfig};

/// Where the data of every node lies.
pub(crate) const DATA: &str = "/data";

/// Ends a core.
const STOP: Port<()> = Port::new(90, "test stop", 4);

/// What a life has in its hands.
#[derive(Clone)]
pub(crate) struct Life {
    pub(crate) runtime: Runtime,
    pub(crate) view: View,
}

/// Notes of a life that outlive it.
pub(crate) type Notes = Arc<Mutex<Vec<String>>>;

pub(crate) fn world(seed: u64, cores: u16) -> (World, NodeId) {
    let mut world = World::new(seed, WorldConfig::default());
    let node = world.add_machine(NodeConfig::with_cores(cores));
    (world, node)
}

/// Runs a node whose last core does `script` once it sees the cluster. True when it came to its end; a death, or a
/// start that failed (its reason is the last note), is false.
pub(crate) fn live<F, R>(world: &mut World, node: NodeId, notes: &Notes, script: F) -> bool
where
    F: Fn(Life, Notes) -> R + Send + Sync + 'static,
    R: Future<Output = ()> + 'static,
{
    let (notes, script) = (Arc::clone(notes), Arc::new(script));
    let done = Arc::new(Mutex::new(false));
    let finished = Arc::clone(&done);
    let main = world::program(move |runtime| {
        let (notes, script, done) = (
            Arc::clone(&notes),
            Arc::clone(&script),
            Arc::clone(&finished),
        );
        async move {
            let config = HostConfig {
                node: model::NodeId(1),
                data: DataPath::new(DATA),
                read_budget_bytes: 16 << 20,
                scrub_bytes_per_second: 0,
            };
            let host = Host::start(runtime.clone(), config);
            let view = View::new(runtime.clone());
            let following = view.clone();
            runtime
                .root()
                .spawn(Class::Consensus, "follow", async move {
                    following.follow().await;
                });
            if runtime.core() == CoreId::ZERO {
                let start = lead(runtime.clone(), Arc::clone(&notes));
                let on_failure = (runtime.clone(), Arc::clone(&notes));
                runtime.root().spawn(Class::Consensus, "lead", async move {
                    let (runtime, notes) = on_failure;
                    if let Err(error) = start.await {
                        notes.lock().unwrap().push(error.to_string());
                        stop_all(&runtime).await;
                    }
                });
            }
            if runtime.core().number() == runtime.cores() - 1 {
                let life = Life {
                    runtime: runtime.clone(),
                    view,
                };
                runtime.root().spawn(Class::Produce, "script", async move {
                    life.view.ready().await;
                    script(life.clone(), notes).await;
                    *done.lock().unwrap() = true;
                    stop_all(&life.runtime).await;
                });
            }
            runtime.inbox(STOP).recv().await;
            host.stop().await;
        }
    });
    world.start(node, main);
    world.run_to_end(node) && *done.lock().unwrap()
}

async fn stop_all(runtime: &Runtime) {
    for core in 0..runtime.cores() {
        runtime.send(CoreId::new(core), STOP, ()).await;
    }
}

/// What core 0 does: the folder, the controller.
async fn lead(runtime: Runtime, notes: Notes) -> Result<(), StartError> {
    let opened = DataFolder::open(&runtime, DATA).await;
    let mut folder = opened.map_err(|error| StartError::Open(error.to_string()))?;
    let known = folder.identity().cluster;
    let config = Config {
        node: model::NodeId(1),
        cluster: known.map(|Uuid(bytes)| ClusterId(bytes)),
        brokers: vec![Broker {
            node: model::NodeId(1),
            host: String::new(),
            port: 0,
            rack: None,
        }],
        segment_bytes: 1 << 20,
        limits: Limits::default(),
        log: Rc::new(move |event| {
            if matches!(event, cluster::Event::Opening { .. }) {
                notes.lock().unwrap().push(event.to_string());
            }
        }),
    };
    let begun = Router::new(runtime.clone())
        .begin(&DataPath::new(DATA))
        .await;
    begun.map_err(|error| StartError::Open(error.to_string()))?;
    let controller = Controller::start(runtime, config).await?;
    if known.is_none() {
        let ClusterId(bytes) = controller.cluster_id();
        let noted = folder.set_cluster(Uuid(bytes)).await;
        noted.map_err(|error| StartError::Open(error.to_string()))?;
    }
    controller.run().await;
    Ok(())
}
