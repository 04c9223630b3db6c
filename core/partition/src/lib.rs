//! One partition on one core: propose batches with an expected term, be told the exact outcome; read what is
//! visible.
//!
//! It knows no API key and no error code of Kafka's: `kafka` translates. It carries out what a group of `raft` decides
//! over one `storage::Log`, with the core's journal for what must not be forgotten; a group has one voter for now, and
//! its messages have nobody to go to.
//!
//! ```text
//!   any core                          the partition's core
//!   Router --PROPOSE--> Host --> intake --> raft::Group --append--> storage::Log --durable--> commit --> answer
//!          --READ-----> Host --> Replica --read-----> storage::Log  (never above the high watermark)
//!          --WATCH----> answered when the high watermark passed, or at the deadline
//! ```
//!
//! Invariants:
//! - proposals are appended in the order in which they arrive at the partition's core;
//! - a proposal is `Committed` only when its frame is committed, in the term in which it was proposed; `Lost` only when
//!   it is known never to be served; else `Unknown`;
//! - nothing at or above the high watermark is read by anyone, and nothing at all before a reign has committed a frame
//!   of its own;
//! - a broken invariant, or damage that cannot be explained, fences this replica and nothing else.
#![forbid(unsafe_code)]

pub mod calls;
mod host;
mod marks;
mod replica;
pub mod router;
mod voters;
mod watches;

pub use calls::{
    Ack, Committed, Open, Opened, Propose, ProposeError, Read, ReadAnswer, ReadError, Seek,
    SeekTarget, Sought, Watch, Watermarks,
};
pub use host::{Host, HostConfig};
pub use marks::MARKS;
pub use router::Router;
