//! The controller: which topics there are, and what each core knows of them.
//!
//! It decides; it never touches a client's record, and it knows neither Kafka's protocol nor its error codes: `kafka`
//! translates. It keeps no file of its own: what it decided are the records of a partition like any other.
//!
//! ```text
//!   any core                         core 0                                        every core
//!   View.create_topic --CONTROL--> Controller: check --propose--> partition          View
//!                                      |   (TopicTable)              |                ^
//!                                      |<------ committed -----------'                |
//!                                      |-- open the replicas on their cores           |
//!                                      '-- UPDATES: command, revision, leaders -------'
//!   answer <---------------------------'
//! ```
//!
//! | file | noun |
//! |---|---|
//! | `command` | [`Command`], what is decided, and its bytes |
//! | `topic_table` | [`TopicTable`], the pure heart that commands are applied to |
//! | `refusal` | [`Refusal`] and [`Limits`]: what a table does not accept |
//! | `view` | [`View`], one core's copy, and the way to ask for changes |
//! | `controller` | [`Controller`], on core 0: checks, commits, applies, tells everybody |
//! | `update` | [`update::Update`], what the controller tells the cores |
//!
//! Invariants:
//! - a command is applied only once it is committed, everywhere in the order of its [`Revision`];
//! - a topic is seen by a view only after its replicas were asked to open; a deleted one leaves every view before
//!   its files go;
//! - the identity of a topic is never used again, its name may be;
//! - a committed command that cannot be read, or contradicts the ones before it, stops the controller: it is
//!   damage, and guessing would spread it;
//! - deletion is restartable: the table remembers what is being removed until nothing of it is left.
//!
//! Assumptions: one node, whose controller partition has one replica on core 0; a partition answers each proposal
//! with its exact outcome.
#![forbid(unsafe_code)]

pub mod broker;
pub mod cluster_id;
pub mod command;
pub mod controller;
pub mod error;
pub mod event;
pub mod refusal;
pub mod revision;
pub mod topic;
pub mod topic_table;
pub mod update;
pub mod view;

pub use broker::Broker;
pub use cluster_id::ClusterId;
pub use command::{Command, CommandError};
pub use controller::{CONTROL, Config, Controller};
pub use error::{ClusterError, StartError};
pub use event::{Event, Log};
pub use refusal::{Limits, Refusal};
pub use revision::Revision;
pub use topic::Topic;
pub use topic_table::TopicTable;
pub use view::{CreateTopic, View};
