//! One partition on one core: propose batches with an expected term, be told the exact outcome; read what is
//! visible.
//!
//! It knows no API key and no error code of Kafka's: `kafka` translates. It keeps one replica for now; consensus
//! arrives between [`calls`] and the log without changing either: `commit` is `flushed` until then.
//!
//! ```text
//!   any core                          the partition's core
//!   Router --PROPOSE--> Host --> Replica --append--> storage::Log --flushed--> commit --> answer
//!          --READ-----> Host --> Replica --read-----> storage::Log  (never above the high watermark)
//!          --WATCH----> answered when the high watermark passed, or at the deadline
//! ```
//!
//! Invariants:
//! - proposals are appended in the order in which they arrive at the partition's core;
//! - a proposal is `Committed` only when its frame is durable and its term still reigns; `Lost` only when it is
//!   known never to be served; else `Unknown`;
//! - nothing at or above the high watermark is read by anyone;
//! - a broken invariant, or damage that cannot be explained, fences this replica and nothing else.
#![forbid(unsafe_code)]

pub mod calls;
mod host;
mod marks;
mod outcomes;
mod replica;
pub mod router;
mod watches;

pub use calls::{
    Ack, Committed, Found, Open, Opened, Propose, ProposeError, Read, ReadAnswer, ReadError, Seek,
    SeekTarget, Watch, Watermarks,
};
pub use host::{Host, HostConfig};
pub use marks::MARKS;
pub use router::Router;
