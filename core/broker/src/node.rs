//! What there is one of, on core 0: the order of start, and the order of shutdown.

use core::fmt;
use core::time::Duration;
use std::rc::Rc;
use std::sync::Arc;

use cluster::{Broker, ClusterId, Controller, Limits, View};
use runtime::{Class, CoreId, Either, IoErrorKind, Listener, Runtime, Scope, race};
use storage::{DataFolder, Uuid};

use crate::acceptor::Acceptor;
use crate::config::Config;
use crate::connections::Connections;
use crate::error::StartError;
use crate::event::Event;
use crate::handle::{Handle, STOP_LOOK_INTERVAL};
use crate::orders::{Done, ORDERS, Order};

/// Connections that the system keeps waiting until they are accepted, for each listener.
const BACKLOG: u32 = 1024;

/// How long a core has for an order; drains have their own, shorter bound within it.
const ORDER_TIME_MAX: Duration = Duration::from_secs(10);

/// The node.
pub(crate) struct Node {
    runtime: Runtime,
    config: Arc<Config>,
    view: View,
    connections: Connections,
}

/// What runs between start and shutdown, in the order in which it goes.
struct Running {
    acceptor: Acceptor,
    /// Owns the controller.
    controller: Scope,
    folder: DataFolder,
}

impl Node {
    pub(crate) fn new(
        runtime: Runtime,
        config: Arc<Config>,
        view: View,
        connections: Connections,
    ) -> Self {
        Self {
            runtime,
            config,
            view,
            connections,
        }
    }

    /// Starts, runs until `handle` stops it, and shuts down. All cores end with it.
    pub(crate) async fn run(&self, handle: &Handle) -> Result<(), StartError> {
        // A signal that comes during a long recovery ends that too: what was recovered so far is kept.
        let started = race(self.start(), self.stopping(handle)).await;
        let outcome = match started {
            Either::Left(Ok(running)) => {
                self.stopping(handle).await;
                self.tell(Event::Stopping);
                self.stop(running).await;
                return Ok(());
            }
            Either::Left(Err(error)) => Err(error),
            Either::Right(()) => Ok(()),
        };
        self.order_all(Order::Close).await;
        outcome
    }

    async fn start(&self) -> Result<Running, StartError> {
        // The folder first: a second broker by mistake hears of the lock before it does anything at all.
        let mut folder = self.open_folder().await?;
        // Then the addresses: a port in use is said at once, not after a long recovery. Clients that connect already
        // wait in the backlog.
        let listeners = self.listen().await?;
        let controller = self.start_controller(&mut folder).await?;
        self.view.ready().await;
        let addresses = listeners.iter().map(Listener::address).collect();
        let acceptor = Acceptor::start(
            &self.runtime,
            listeners,
            self.connections.clone(),
            self.config.connections_max,
            Arc::clone(&self.config.log),
        );
        self.tell(Event::Ready { addresses });
        Ok(Running {
            acceptor,
            controller,
            folder,
        })
    }

    /// Takes everything down, each step after the one before it.
    async fn stop(&self, running: Running) {
        let Running {
            acceptor,
            controller,
            folder,
        } = running;
        drop(acceptor);
        let Done { connections_cut } = self.order_all(Order::Drain).await;
        self.tell(Event::Drained { connections_cut });
        drop(controller);
        self.order_all(Order::Close).await;
        drop(folder);
        self.tell(Event::Closed);
    }

    async fn open_folder(&self) -> Result<DataFolder, StartError> {
        let opened = DataFolder::open(&self.runtime, &self.config.data).await;
        let folder = opened.map_err(StartError::Folder)?;
        self.tell(Event::FolderOpened {
            path: self.config.data.clone(),
            created: folder.identity().cluster.is_none(),
        });
        Ok(folder)
    }

    async fn listen(&self) -> Result<Vec<Listener>, StartError> {
        let mut listeners = Vec::new();
        for at in &self.config.listen {
            let address = at.address;
            match self.runtime.listen(address, BACKLOG).await {
                Ok(listener) => {
                    let address = listener.address();
                    self.tell(Event::Listening { address });
                    listeners.push(listener);
                }
                Err(error) if at.optional && error.kind() != IoErrorKind::AddressInUse => {
                    self.tell(Event::ListenSkipped { address, error });
                }
                Err(error) => return Err(StartError::Listen { address, error }),
            }
        }
        if listeners.is_empty() {
            return Err(StartError::NoAddress);
        }
        Ok(listeners)
    }

    async fn start_controller(&self, folder: &mut DataFolder) -> Result<Scope, StartError> {
        let (host, port) = self.config.advertise.clone().unwrap_or_default();
        let log = Arc::clone(&self.config.log);
        let config = cluster::Config {
            node: self.config.node,
            cluster: folder
                .identity()
                .cluster
                .map(|Uuid(bytes)| ClusterId(bytes)),
            brokers: vec![Broker {
                node: self.config.node,
                host,
                port,
                rack: None,
            }],
            segment_bytes: self.config.segment_bytes,
            limits: Limits::default(),
            log: Rc::new(move |event| log(Event::Cluster(event))),
        };
        let controller = Controller::start(self.runtime.clone(), config).await;
        let controller = controller.map_err(StartError::Controller)?;
        if folder.identity().cluster.is_none() {
            let ClusterId(bytes) = controller.cluster_id();
            let noted = folder.set_cluster(Uuid(bytes)).await;
            noted.map_err(|error| StartError::Folder(error.into()))?;
        }
        let scope = self.runtime.scope("controller");
        drop(scope.spawn(Class::Consensus, "controller", async move {
            controller.run().await;
        }));
        Ok(scope)
    }

    async fn stopping(&self, handle: &Handle) {
        while !handle.is_stopping() {
            self.runtime.sleep(STOP_LOOK_INTERVAL).await;
        }
    }

    /// Gives `order` to all cores at once, and waits for each. What came of it on all of them together.
    async fn order_all(&self, order: Order) -> Done {
        let mut given = Vec::new();
        for core in (0..self.runtime.cores()).map(CoreId::new) {
            given.push((core, self.runtime.start_call(core, ORDERS, order).await));
        }
        let deadline = self.runtime.now() + ORDER_TIME_MAX;
        let mut done = Done::default();
        for (core, call) in given {
            let left = deadline.since(self.runtime.now());
            match self.runtime.timeout(left, call).await {
                Some(Ok(of_core)) => done.connections_cut += of_core.connections_cut,
                Some(Err(_)) | None => self.tell(Event::CoreLate {
                    core,
                    order: order.verb(),
                }),
            }
        }
        done
    }

    fn tell(&self, event: Event) {
        (self.config.log)(event);
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Node")
    }
}
