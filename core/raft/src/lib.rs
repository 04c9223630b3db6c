//! Consensus on one log, many times on one core: Raft without I/O, clock, tasks or randomness of its own.
//!
//! It decides what is appended, cut off, voted, said and committed; whoever hosts it carries that out. It knows frames
//! by index, term, kind and size, and never their bodies. `partition` hosts it, with one voter to a group so far.
//!
//! ```text
//!                 Input                                     Effect
//!   time ------> +-----------------------------------+ ---> Persist, Append, Truncate, Begin, Install
//!   messages --> | Group::step                        | ---> Send, Fetch
//!   proposals -> |   follower <-> candidate -> leader | ---> Commit, Resolved, Refused, ReadReady
//!   durable ---> |                                    | ---> Fence, Repair, Lagging, CaughtUp
//!   faults ----> +-----------------------------------+ ---> Role, Reconfigured, Broken
//! ```
//!
//! | file | noun |
//! |---|---|
//! | `group`, `describe` | [`Group`]: the state of a replica, and the one way in; in words |
//! | `role` | follower, candidate, leader, and what each keeps |
//! | `election`, `vote` | becoming leader, and letting somebody become it |
//! | `lead`, `replicate`, `progress`, `commit` | a leader's work |
//! | `follow`, `conflict`, `catch_up` | a follower's work |
//! | `flush` | when frames become durable, and what is seen before |
//! | `repair`, `holes` | frames that cannot be read any more |
//! | `heartbeat`, `pulse`, `quiet` | one beat for each pair of nodes, however many groups they share |
//! | `membership`, `config`, `members` | who votes, and how that changes |
//! | `prefix`, `install` | where the log begins, moving that, and beginning anew there |
//! | `reads`, `transfer` | barriers for readers; handing leadership over |
//! | `log_view`, `reigns`, `position`, `frame` | the log as consensus knows it |
//! | `hard_state`, `held` | what must be durable before what is said |
//! | `proposals` | exact outcomes |
//! | `effect`, `message`, `settings`, `replica` | the words |
//! | `trace` | what the specification is told, in tests |
//!
//! Watermarks, never mixed: `dirty` is appended, `flushed` is durable here, `matched` and `durable` are the same of
//! another replica as its leader knows them, `commit` is durable on a majority of every set of voters, `visible` is with a
//! majority, and beyond the commit only of what was proposed to be lazy.
//!
//! Invariants:
//! - in a term at most one replica leads, and a leader never cuts its own log;
//! - what is committed is in the log of every later leader;
//! - a vote, a term and an acknowledgement leave only when what they promise is durable;
//! - what is told of a log that was cut since changes nothing;
//! - at most one configuration in a log is not committed;
//! - what is before the start of a log was committed, and durable there when it went;
//! - each index from the start to the end has one frame, or a gap in its place, which was committed and has its term;
//! - what cannot be read any more is not acknowledged, still votes, and is written again only as it was: from whoever has
//!   one of its term, or what comes behind it, or by the checksum, or where both know it to be committed.
//!
//! Duties of whoever carries out effects, in this order:
//! 1. begin them in the order in which they come, and let each end when it will;
//! 2. a [`Effect::Persist`] is one atomic record; its number comes back when it is durable, and not when it is not;
//! 3. [`Effect::Truncate`], [`Effect::Fence`], [`Effect::Install`] and [`Effect::Repair`] are carried out before any later
//!    of these and any later [`Effect::Append`]; `Flushed` carries
//!    the `epoch` of the append that it speaks of, and covers everything before it too;
//! 4. after [`Effect::Broken`] nothing more is asked of the group, and nothing of it is thrown away;
//! 5. a tick comes at [`Group::deadline`] at the latest; time never goes back;
//! 6. who was [`Effect::Lagging`] is given its turn one day, in which order [`Turns`] says.
//!
//! Assumptions: an incarnation's durable state is never lost nor given to another one, and messages are not forged.
#![forbid(unsafe_code)]

pub mod catch_up;
mod commit;
pub mod config;
mod conflict;
mod describe;
pub mod effect;
mod election;
pub mod flush;
mod follow;
pub mod frame;
pub mod group;
pub mod hard_state;
pub mod heartbeat;
mod held;
mod holes;
mod install;
mod lead;
pub mod log_view;
mod members;
mod membership;
pub mod message;
pub mod position;
pub mod prefix;
mod progress;
mod proposals;
pub mod pulse;
pub mod quiet;
mod reads;
mod reigns;
mod repair;
pub mod replica;
mod replicate;
mod role;
pub mod settings;
pub mod trace;
mod transfer;
mod vote;

pub use catch_up::{Turns, Urgency};
pub use config::{Config, Voters};
pub use effect::{Effect, Input, Outcome, Purpose, Refusal};
pub use flush::Ack;
pub use frame::{Frame, FrameKind, Frames, Sizes};
pub use group::Group;
pub use hard_state::HardState;
pub use heartbeat::Heartbeats;
pub use holes::Hole;
pub use log_view::LogView;
pub use message::{Ballot, Body, Message};
pub use position::Position;
pub use prefix::Prefix;
pub use pulse::{Pulse, PulseReply};
pub use quiet::Quiet;
pub use repair::Lack;
pub use replica::ReplicaId;
pub use settings::Settings;
