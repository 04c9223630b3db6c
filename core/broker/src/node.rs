//! What there is one of, on core 0: the order of start, and the order of shutdown.

use core::fmt;
use core::time::Duration;
use std::rc::Rc;
use std::sync::Arc;

use cluster::{Broker, ClusterId, Controller, Limits, View};
use partition::Router;
use runtime::{Class, CoreId, Either, IoError, IoErrorKind, Listener, Runtime, Scope, race};
use storage::{DataFolder, DataPath, FolderError, Uuid};

use crate::acceptor::Acceptor;
use crate::config::Config;
use crate::connections::Connections;
use crate::error::StartError;
use crate::event::Event;
use crate::handle::{Handle, STOP_LOOK_INTERVAL};
use crate::orders::{Done, ORDERS, Order};

/// Connections that the system keeps waiting until they are accepted, for each listener.
const BACKLOG: u32 = 1024;

/// How long a folder or a port that is in use is waited for.
const RELEASE_TIME_MAX: Duration = Duration::from_secs(2);

/// How often it is tried again meanwhile.
const RELEASE_LOOK_INTERVAL: Duration = Duration::from_millis(20);

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
        // The folder first: a second broker by mistake hears of the lock before it does anything at all. And it is
        // held to the very end, whatever happens in between: other cores write to it until they are closed.
        let folder = match self.open_folder().await {
            Ok(folder) => folder,
            Err(error) => {
                self.order_all(Order::Close).await;
                return Err(error);
            }
        };
        let outcome = self.run_in(folder, handle).await;
        if outcome.is_ok() {
            self.tell(Event::Closed);
        }
        outcome
    }

    /// The same, once the folder is ours.
    async fn run_in(&self, mut folder: DataFolder, handle: &Handle) -> Result<(), StartError> {
        // A signal that comes during a long recovery ends that too: what was recovered so far is kept.
        let started = race(self.start(&mut folder), self.stopping(handle)).await;
        let outcome = match started {
            Either::Left(Ok(running)) => {
                self.stopping(handle).await;
                self.tell(Event::Stopping);
                self.stop(running).await;
                Ok(())
            }
            Either::Left(Err(error)) => Err(error),
            Either::Right(()) => Ok(()),
        };
        self.order_all(Order::Close).await;
        drop(folder);
        outcome
    }

    async fn start(&self, folder: &mut DataFolder) -> Result<Running, StartError> {
        // First the addresses: a port in use is said at once, not after a long recovery. Clients that connect already
        // wait in the backlog.
        let listeners = self.listen().await?;
        let begun = Router::new(self.runtime.clone())
            .begin(&DataPath::new(&self.config.data))
            .await;
        begun.map_err(StartError::Journal)?;
        let controller = self.start_controller(folder).await?;
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
        })
    }

    /// Takes down what serves clients, each step after the one before it.
    async fn stop(&self, running: Running) {
        let Running {
            acceptor,
            controller,
        } = running;
        drop(acceptor);
        let Done { connections_cut } = self.order_all(Order::Drain).await;
        self.tell(Event::Drained { connections_cut });
        drop(controller);
    }

    async fn open_folder(&self) -> Result<DataFolder, StartError> {
        let open = async || DataFolder::open(&self.runtime, &self.config.data).await;
        let in_use = |error: &FolderError| matches!(error, FolderError::InUse(_));
        let opened = self.when_free(open, in_use).await;
        let folder = opened.map_err(StartError::Folder)?;
        self.tell(Event::FolderOpened {
            path: self.config.data.clone(),
            created: folder.identity().cluster.is_none(),
        });
        Ok(folder)
    }

    /// Tries again for a while what somebody else has still: a process that was killed lets go of its files and ports
    /// some milliseconds after it is gone, as those of its requests to the kernel end that were under way.
    async fn when_free<T, E>(
        &self,
        take: impl AsyncFn() -> Result<T, E>,
        is_in_use: impl Fn(&E) -> bool,
    ) -> Result<T, E> {
        let until = self.runtime.now() + RELEASE_TIME_MAX;
        loop {
            match take().await {
                Err(error) if is_in_use(&error) && self.runtime.now() < until => {
                    self.runtime.sleep(RELEASE_LOOK_INTERVAL).await;
                }
                taken => return taken,
            }
        }
    }

    async fn listen(&self) -> Result<Vec<Listener>, StartError> {
        let mut listeners = Vec::new();
        for at in &self.config.listen {
            let address = at.address;
            let listen = async || self.runtime.listen(address, BACKLOG).await;
            let in_use = |error: &IoError| error.kind() == IoErrorKind::AddressInUse;
            match self.when_free(listen, in_use).await {
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
