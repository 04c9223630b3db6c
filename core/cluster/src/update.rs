//! What the controller tells each core, in one order.

use std::sync::Arc;

use model::{NodeId, PartitionKey, Term};
use runtime::Port;

use crate::broker::Broker;
use crate::command::Command;
use crate::refusal::Limits;
use crate::revision::Revision;
use crate::topic_table::TopicTable;

/// Where updates arrive on each core. A core that does not keep up holds the controller back, not memory.
pub const UPDATES: Port<Update> = Port::new(21, "cluster updates", 64);

/// Who leads a partition: the term of its reign. Merged by the largest term.
pub type Leader = (PartitionKey, Term);

/// One piece of news.
#[derive(Clone, Debug)]
pub enum Update {
    /// All there is: the first update of every core.
    Snapshot(Arc<Snapshot>),
    /// A command was committed. Revisions come without a gap.
    Applied {
        /// The revision that it makes.
        revision: Revision,
        /// The command.
        command: Arc<Command>,
        /// The leaders that came with it.
        leaders: Arc<[Leader]>,
    },
    /// Partitions have leaders that had none. About a topic that is gone it means nothing.
    Led(Arc<[Leader]>),
}

/// The whole state of a cluster at one revision.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// How far the controller's log was applied.
    pub revision: Revision,
    /// The topics.
    pub table: TopicTable,
    /// Who leads.
    pub leaders: Vec<Leader>,
    /// The brokers.
    pub brokers: Vec<Broker>,
    /// The broker on which the controller is.
    pub controller: NodeId,
    /// How much the cluster may hold.
    pub limits: Limits,
}
