//! The Kafka door: it takes connections that speak Kafka's protocol, and carries what they ask to the rooms below.
//!
//! It decides nothing about data: it decodes, routes, waits, translates errors, and keeps order and memory in
//! bounds. It knows no file, no replica and no topic table of its own, and it opens no listener: whoever accepts
//! connections gives them to [`Door::serve`].
//!
//! ```text
//!            one task                                             another task
//!   socket --> frame: size, admission, lease, body     +------+
//!                |                                     | in   |--> second stage --> socket
//!                '--> dispatch --> handler: stage one ->|flight|    (oldest first)
//!                                    |  propose         +------+       |  outcome, read, wait
//!                                    v                                 v
//!                                 Router ------------------------> partitions, on any core
//! ```
//!
//! A handler is two-staged. Its first stage brings what the request asks for on its way, in the order of the
//! requests; the connection's next request is read as soon as that is done. Its second stage waits for outcomes
//! and builds the answer; it runs when the answers before it are sent, so a connection never holds more than one
//! answer in memory. Requests that change what later requests see (`CreateTopics`, a topic made by `Metadata`)
//! do all their work in the first stage.
//!
//! | file | noun |
//! |---|---|
//! | `door` | [`Door`], what all connections of a core share |
//! | `connection` | one connection: its two tasks, and how they end |
//! | `frame` | whole frames out of a stream, without memory while idle |
//! | `admission` | what a frame may cost before its body is read |
//! | `memory` | the kinds of memory, and the budgets of them |
//! | `pressure` | who holds memory and does nothing, and makes room for others |
//! | `dispatch` | from API key and version to a handler |
//! | `handlers` | one file per API key, each opening with what it serves |
//! | `errors` | the one translation into Kafka's error codes |
//! | `closed` | [`Closed`], why a connection ended |
//! | `settings` | the names of topic settings that are accepted |
//! | `instruments`, `marks` | counters, histograms, coverage |
//!
//! Invariants:
//! - answers leave in the order of the requests (mutant `K00` breaks it);
//! - memory for a frame, and for what decoding it may allocate, is leased before its body is read; what is kept of a
//!   write is leased before the write goes its way; memory for an answer whose size is not bound by its request is
//!   leased before it is built;
//! - nobody waits for memory while it holds some that the others wait for: see `memory`;
//! - a client that holds memory and does nothing keeps nobody else out for longer than seconds;
//! - a connection in any state ends by itself: each wait for the client has a bound;
//! - bytes from outside are checked before they are used; what cannot be right ends the connection with a typed
//!   reason, and nothing else.
//!
//! Assumptions: a partition answers every call that it took, and the runtime's clock stands still within a turn.
#![forbid(unsafe_code)]

mod admission;
mod answer;
pub mod closed;
pub mod config;
mod connection;
mod dispatch;
pub mod door;
mod ending;
mod errors;
mod frame;
mod handlers;
mod instruments;
pub mod marks;
mod memory;
mod pressure;
mod request;
pub mod settings;
mod slices;

pub use closed::{Closed, Foreign};
pub use config::Config;
pub use door::{Context, Door, Ended};
pub use marks::MARKS;
