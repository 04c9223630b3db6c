//! One core's copy of what the cluster decided, and the way to ask for changes.

use core::cell::{Ref, RefCell};
use core::fmt;
use std::collections::BTreeMap;
use std::rc::Rc;

use model::{LeaderEpoch, NodeId, PartitionKey, Term, TopicId, TopicName};
use runtime::sync::Signal;
use runtime::{CoreId, Runtime};

use crate::broker::Broker;
use crate::command::Command;
use crate::controller::CONTROL;
use crate::error::ClusterError;
use crate::refusal::Limits;
use crate::revision::Revision;
use crate::topic::Topic;
use crate::topic_table::TopicTable;
use crate::update::{UPDATES, Update};

/// A topic to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTopic {
    /// Its name.
    pub name: TopicName,
    /// Its partitions.
    pub partitions: i32,
    /// Replicas of each: a real number, the door puts its default in place of Kafka's minus one.
    pub replication_factor: i16,
    /// What is set for it, by Kafka's names, already known to be legal.
    pub configs: Vec<(String, String)>,
    /// Only say whether it could be created. The topic that comes back is none then.
    pub validate_only: bool,
}

/// What this core knows of the cluster. Cheap to clone; clones share it.
///
/// It is a follower: behind the controller by what is on its way, never ahead of what is committed. Whoever asked
/// for a change through it sees that change in it when the answer is there.
#[derive(Clone)]
pub struct View(Rc<Shared>);

struct Shared {
    runtime: Runtime,
    state: RefCell<State>,
    changed: Signal,
}

struct State {
    ready: bool,
    revision: Revision,
    table: TopicTable,
    leaders: BTreeMap<PartitionKey, Term>,
    brokers: Vec<Broker>,
    controller: NodeId,
    limits: Limits,
}

impl View {
    /// The view of this core: empty until [`View::follow`] has taken the first update.
    pub fn new(runtime: Runtime) -> Self {
        Self(Rc::new(Shared {
            runtime,
            state: RefCell::new(State {
                ready: false,
                revision: Revision::ZERO,
                table: TopicTable::new(),
                leaders: BTreeMap::new(),
                brokers: Vec::new(),
                controller: NodeId(0),
                limits: Limits::default(),
            }),
            changed: Signal::new(),
        }))
    }

    /// Takes the controller's updates in, for as long as it is polled. Once per core.
    pub async fn follow(&self) {
        let updates = self.0.runtime.inbox(UPDATES);
        loop {
            let (_, update) = updates.recv().await;
            let applied = self.0.state.borrow_mut().take_in(update);
            if let Err(why) = applied {
                self.0.runtime.crash(&why);
            }
            self.0.changed.notify();
        }
    }

    /// Waits until there is something to see.
    pub async fn ready(&self) {
        self.until(|state| state.ready).await;
    }

    /// The topic of this name.
    pub fn topic(&self, name: &TopicName) -> Option<Topic> {
        self.state().table.topic(name).cloned()
    }

    /// The topic of this identity.
    pub fn topic_by_id(&self, id: TopicId) -> Option<Topic> {
        self.state().table.topic_by_id(id).cloned()
    }

    /// All topics, by name.
    pub fn topics(&self) -> Vec<Topic> {
        self.state().table.topics().cloned().collect()
    }

    /// The name of the cluster; empty before [`View::ready`].
    pub fn cluster_id(&self) -> String {
        let state = self.state();
        state
            .table
            .cluster_id()
            .map(|id| id.to_string())
            .unwrap_or_default()
    }

    /// How far this core is.
    pub fn revision(&self) -> Revision {
        self.state().revision
    }

    /// Notified whenever something in the view changed.
    pub fn changed(&self) -> Signal {
        self.0.changed.clone()
    }

    /// The brokers.
    pub fn brokers(&self) -> Vec<Broker> {
        self.state().brokers.clone()
    }

    /// The broker on which the controller is.
    pub fn controller(&self) -> NodeId {
        self.state().controller
    }

    /// The epoch of a partition's leader. None: it has none yet, its replica could not be opened so far.
    pub fn leader_epoch(&self, key: PartitionKey) -> Option<LeaderEpoch> {
        self.state()
            .leaders
            .get(&key)
            .map(|term| term.leader_epoch())
    }

    /// Creates a topic; once this returns, every view of this core has it and its replicas were asked to open.
    pub async fn create_topic(&self, create: CreateTopic) -> Result<Topic, ClusterError> {
        let CreateTopic {
            name,
            partitions,
            replication_factor,
            configs,
            validate_only,
        } = create;
        let runtime = &self.0.runtime;
        let id = TopicId::from_random(runtime.random(), runtime.random());
        let topic = Topic::new(name.clone(), id, partitions, &configs);
        let command = Command::CreateTopic {
            name,
            id,
            partitions,
            replication_factor,
            configs,
        };
        if validate_only {
            let state = self.state();
            state.table.check(&command, &state.limits)?;
        } else {
            self.ask(command).await?;
        }
        Ok(topic)
    }

    /// Deletes a topic; once this returns, no view of this core has it, and its files are on their way out.
    pub async fn delete_topic(&self, id: TopicId) -> Result<(), ClusterError> {
        self.ask(Command::DeleteTopic { id }).await
    }

    /// Has the controller carry out `command`, and waits until this core knows.
    async fn ask(&self, command: Command) -> Result<(), ClusterError> {
        let answer = self.0.runtime.call(CoreId::ZERO, CONTROL, command).await;
        let revision = answer.unwrap_or(Err(ClusterError::Stopping))?;
        // The update left core 0 before the answer did; only taking it in is left.
        self.until(|state| state.revision >= revision).await;
        Ok(())
    }

    async fn until(&self, holds: impl Fn(&State) -> bool) {
        loop {
            let seen = self.0.changed.seen();
            if holds(&self.state()) {
                return;
            }
            self.0.changed.changed(seen).await;
        }
    }

    fn state(&self) -> Ref<'_, State> {
        self.0.state.borrow()
    }
}

impl State {
    /// Applies an update. An error says that the controller's own order is broken: nothing may go on then.
    fn take_in(&mut self, update: Update) -> Result<(), String> {
        match update {
            Update::Snapshot(snapshot) => {
                self.ready = true;
                self.revision = snapshot.revision;
                self.table = snapshot.table.clone();
                self.leaders = snapshot.leaders.iter().copied().collect();
                self.brokers.clone_from(&snapshot.brokers);
                self.controller = snapshot.controller;
                self.limits = snapshot.limits;
            }
            Update::Applied {
                revision,
                command,
                leaders,
            } => {
                if revision.0 != self.revision.0 + 1 {
                    return Err(format!(
                        "a core's view is at {}, its next update is {revision}",
                        self.revision
                    ));
                }
                self.revision = revision;
                self.forget_leaders(&command);
                let applied = self.table.apply(&command);
                applied.map_err(|refusal| {
                    format!("a core's view refuses update {revision}: {refusal}")
                })?;
                self.lead(&leaders);
            }
            Update::Led(leaders) => self.lead(&leaders),
        }
        Ok(())
    }

    fn forget_leaders(&mut self, command: &Command) {
        if let Command::DeleteTopic { id } = command
            && let Some(topic) = self.table.topic_by_id(*id)
        {
            for key in topic.keys() {
                self.leaders.remove(&key);
            }
        }
    }

    fn lead(&mut self, leaders: &[(PartitionKey, Term)]) {
        for &(key, term) in leaders {
            // News of a topic that was deleted meanwhile is late, not wrong.
            if self.table.topic_by_id(key.topic).is_some() {
                let known = self.leaders.entry(key).or_insert(term);
                *known = term.max(*known);
            }
        }
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "View(revision {})", self.revision())
    }
}
