//! The controller, on core 0: it checks what is asked, commits it, applies it, and tells every core.

use core::cell::{Cell, RefCell};
use core::fmt;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use model::{NodeId, PartitionKey, TopicName};
use partition::{ProposeError, Router};
use runtime::sync::Signal;
use runtime::{CallPort, Class, CoreId, Runtime};

use crate::broker::Broker;
use crate::cluster_id::ClusterId;
use crate::command::Command;
use crate::error::{ClusterError, StartError};
use crate::event::{Event, Log};
use crate::refusal::Limits;
use crate::revision::Revision;
use crate::topic_table::TopicTable;
use crate::update::{Leader, Snapshot, UPDATES, Update};

mod command_log;
mod progress;
mod reconciler;
mod replicas;

use command_log::{CommandLog, Read};
use replicas::Replicas;

/// Asks the controller for a change, on core 0. [`Command::CreateTopic`] and [`Command::DeleteTopic`] are for
/// everybody, through [`crate::View`]; the others are its own.
pub const CONTROL: CallPort<Command, Result<Revision, ClusterError>> =
    CallPort::new(20, "cluster control", 256);

/// Times that a command is proposed while reigns change under it.
const PROPOSE_ATTEMPTS_MAX: u32 = 3;

/// What a controller is made with.
#[derive(Clone)]
pub struct Config {
    /// This broker.
    pub node: NodeId,
    /// The cluster to which it is known to belong. None: a node that never was in one.
    pub cluster: Option<ClusterId>,
    /// All brokers, as clients are told of them.
    pub brokers: Vec<Broker>,
    /// Bytes at which a segment is full, where a topic does not say otherwise.
    pub segment_bytes: u64,
    /// How much the cluster may hold.
    pub limits: Limits,
    /// Takes what there is to tell.
    pub log: Log,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { node, brokers, .. } = self;
        write!(f, "Config(node {node}, brokers {brokers:?})")
    }
}

/// Decides for the cluster. One per node, on core 0; [`Controller::run`] ends only by being dropped.
pub struct Controller(Rc<Shared>);

/// What the two tasks of a controller share.
struct Shared {
    runtime: Runtime,
    config: Config,
    replicas: Replicas,
    table: RefCell<TopicTable>,
    revision: Cell<Revision>,
    /// Partitions of live topics whose replicas could not be opened so far.
    unopened: RefCell<BTreeSet<PartitionKey>>,
    /// There is something to reconcile.
    work: Signal,
    /// Taken by the one task that proposes.
    commands: RefCell<Option<CommandLog>>,
}

impl Controller {
    /// Opens the controller's log, replays it, names the cluster if it has no name, opens the replicas of all
    /// topics, and tells every core. Views are ready once their cores took that in.
    pub async fn start(runtime: Runtime, config: Config) -> Result<Self, StartError> {
        let router = Router::new(runtime.clone());
        let (mut commands, opened) =
            CommandLog::open(&runtime, router.clone(), config.segment_bytes).await?;
        (config.log)(Event::recovered(PartitionKey::CONTROLLER, opened));
        let mut table = TopicTable::new();
        replay(&mut commands, &mut table).await?;
        (config.log)(Event::Replayed {
            revision: commands.revision(),
            topics: table.topics().len(),
        });
        match (config.cluster, table.cluster_id()) {
            (None, None) => name_cluster(&runtime, &config, &mut commands, &mut table).await?,
            (None, Some(_)) => {}
            (Some(expected), found) if found == Some(expected) => {}
            // Naming the cluster anew would hide that everything it knew is gone.
            (Some(expected), found) => return Err(StartError::OtherCluster { expected, found }),
        }
        let replicas = Replicas::new(
            runtime.clone(),
            router,
            config.segment_bytes,
            Rc::clone(&config.log),
        );
        let topics: Vec<_> = table.topics().cloned().collect();
        let (leaders, unopened) = replicas.open(&topics).await;
        let controller = Self(Rc::new(Shared {
            runtime,
            replicas,
            table: RefCell::new(table),
            revision: Cell::new(commands.revision()),
            unopened: RefCell::new(unopened),
            work: Signal::new(),
            commands: RefCell::new(Some(commands)),
            config,
        }));
        controller.0.tell_everything(leaders).await;
        Ok(controller)
    }

    /// The cluster.
    ///
    /// # Panics
    /// Never: it has a name since it started.
    pub fn cluster_id(&self) -> ClusterId {
        self.0
            .table
            .borrow()
            .cluster_id()
            .expect("a controller starts with a name")
    }

    /// Serves [`CONTROL`], and drives this node's replicas to what was decided. A panic in it ends the node: there
    /// is nobody else to decide.
    ///
    /// # Panics
    /// When it is called twice.
    pub async fn run(&self) {
        let commands = self.0.commands.take().expect("a controller runs once");
        let scope = self.0.runtime.scope("controller");
        let (shared, reconciling) = (Rc::clone(&self.0), Rc::clone(&self.0));
        drop(scope.spawn(Class::Consensus, "control", async move {
            shared.serve(commands).await;
        }));
        drop(scope.spawn(Class::Background, "reconcile", async move {
            reconciler::run(&reconciling).await;
        }));
        if let Err(fault) = scope.join().await {
            self.0.runtime.crash(&fault.to_string());
        }
    }
}

impl fmt::Debug for Controller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Controller(revision {})", self.0.revision.get())
    }
}

/// Applies every committed command to `table`.
async fn replay(commands: &mut CommandLog, table: &mut TopicTable) -> Result<(), StartError> {
    loop {
        let Read {
            commands: read,
            more,
        } = commands.read().await?;
        for (offset, command) in read {
            table
                .apply(&command)
                .map_err(|refusal| StartError::Damaged {
                    offset: offset.0,
                    reason: refusal.to_string(),
                })?;
        }
        if !more {
            return Ok(());
        }
    }
}

/// Draws the name of a new cluster and commits it.
async fn name_cluster(
    runtime: &Runtime,
    config: &Config,
    commands: &mut CommandLog,
    table: &mut TopicTable,
) -> Result<(), StartError> {
    let cluster_id = ClusterId::from_random(runtime.random(), runtime.random());
    let command = Command::ClusterNamed { cluster_id };
    let committed = commands.propose(&command).await;
    committed.map_err(|error| StartError::Name(outcome(&error)))?;
    replay(commands, table).await?;
    (config.log)(Event::ClusterNamed(cluster_id));
    Ok(())
}

/// What a proposal's end means to whoever asked for the change.
fn outcome(error: &ProposeError) -> ClusterError {
    match error {
        ProposeError::NoSpace => ClusterError::NoSpace,
        ProposeError::Stopping => ClusterError::Stopping,
        ProposeError::Lost | ProposeError::Unknown => ClusterError::Unknown,
        // Of the others nothing was appended: asking again is right.
        ProposeError::Overloaded
        | ProposeError::NotLeader
        | ProposeError::WrongTerm { .. }
        | ProposeError::UnknownPartition
        | ProposeError::Fenced(_) => ClusterError::Overloaded,
    }
}

impl Shared {
    /// Carries out one command after the other.
    async fn serve(&self, mut commands: CommandLog) -> ! {
        let calls = self.runtime.calls(CONTROL);
        loop {
            let (_, command, reply) = calls.recv().await;
            reply.send(self.carry_out(&mut commands, command).await);
        }
    }

    async fn carry_out(
        &self,
        commands: &mut CommandLog,
        command: Command,
    ) -> Result<Revision, ClusterError> {
        for _ in 0..PROPOSE_ATTEMPTS_MAX {
            self.table.borrow().check(&command, &self.config.limits)?;
            let proposed = commands.propose(&command).await;
            if proposed == Err(ProposeError::Stopping) {
                return Err(ClusterError::Stopping);
            }
            // Whatever else the outcome was: what is committed by now is applied before anything else is checked.
            self.catch_up(commands).await?;
            match proposed {
                Ok(offset) => {
                    let revision = Revision::after(offset);
                    assert!(
                        self.revision.get() >= revision,
                        "a committed command can be read"
                    );
                    return Ok(revision);
                }
                Err(ProposeError::WrongTerm { current }) => commands.reign(current),
                Err(ProposeError::Fenced(reason)) => {
                    self.runtime
                        .crash(&format!("the controller's partition is fenced: {reason}"));
                }
                Err(error) => return Err(outcome(&error)),
            }
        }
        Err(ClusterError::Overloaded)
    }

    /// Applies what was committed since the last time, and carries out what it means.
    async fn catch_up(&self, commands: &mut CommandLog) -> Result<(), ClusterError> {
        loop {
            let read = match commands.read().await {
                Ok(read) => read,
                Err(StartError::Damaged { offset, reason }) => {
                    let why =
                        format!("the controller's log is damaged at offset {offset}: {reason}");
                    self.runtime.crash(&why);
                }
                Err(_) => return Err(ClusterError::Unknown),
            };
            for (offset, command) in read.commands {
                self.take_in(Revision::after(offset), command).await;
            }
            if !read.more {
                return Ok(());
            }
        }
    }

    /// Applies one committed command, here first, then on every core.
    async fn take_in(&self, revision: Revision, command: Command) {
        let before = self.named_by(&command);
        if let Err(refusal) = self.table.borrow_mut().apply(&command) {
            self.runtime.crash(&format!(
                "committed command {revision} is a contradiction: {refusal}"
            ));
        }
        self.revision.set(revision);
        let leaders = match &command {
            Command::CreateTopic { id, .. } => {
                let topic = self.table.borrow().topic_by_id(*id).cloned();
                let (leaders, unopened) = self.replicas.open(topic.as_slice()).await;
                self.unopened.borrow_mut().extend(unopened);
                leaders
            }
            Command::DeleteTopic { id } => {
                self.unopened.borrow_mut().retain(|key| key.topic != *id);
                Vec::new()
            }
            Command::ClusterNamed { .. } | Command::ForgetTopic { .. } => Vec::new(),
        };
        if let Some(event) = event_of(&command, before) {
            (self.config.log)(event);
        }
        self.tell(&Update::Applied {
            revision,
            command: Arc::new(command),
            leaders: leaders.into(),
        })
        .await;
        // After everybody knows: a deleted topic leaves every view before its files go.
        self.work.notify();
    }

    /// The name of the topic that `command` is about to take away.
    fn named_by(&self, command: &Command) -> Option<TopicName> {
        let table = self.table.borrow();
        match command {
            Command::DeleteTopic { id } => table.topic_by_id(*id).map(|topic| topic.name.clone()),
            Command::ForgetTopic { id } => {
                let topic = table.deleting().find(|topic| topic.id == *id);
                topic.map(|topic| topic.name.clone())
            }
            Command::ClusterNamed { .. } | Command::CreateTopic { .. } => None,
        }
    }

    async fn tell_everything(&self, leaders: Vec<Leader>) {
        let snapshot = Snapshot {
            revision: self.revision.get(),
            table: self.table.borrow().clone(),
            leaders,
            brokers: self.config.brokers.clone(),
            controller: self.config.node,
            limits: self.config.limits,
        };
        self.tell(&Update::Snapshot(Arc::new(snapshot))).await;
    }

    /// Sends `update` to every core, this one included.
    async fn tell(&self, update: &Update) {
        for core in 0..self.runtime.cores() {
            self.runtime
                .send(CoreId::new(core), UPDATES, update.clone())
                .await;
        }
    }
}

fn event_of(command: &Command, before: Option<TopicName>) -> Option<Event> {
    match command {
        Command::CreateTopic {
            name, partitions, ..
        } => Some(Event::TopicCreated {
            name: name.clone(),
            partitions: *partitions,
        }),
        Command::DeleteTopic { .. } => before.map(|name| Event::TopicDeleted { name }),
        Command::ForgetTopic { .. } => before.map(|name| Event::TopicForgotten { name }),
        Command::ClusterNamed { .. } => None,
    }
}
