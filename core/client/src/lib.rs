//! The one Kafka protocol client on the runtime: for the simulator's workload, the command line, and the harness.
//!
//! One [`Client`] is one connection to one broker. It does not look for leaders, does not retry, does not batch:
//! whoever uses it decides that, and learns exactly what happened. It keeps no group and no transaction.
//!
//! ```text
//!   Client.start --> outgoing (bounded) --> writer task --> socket
//!      |                                        |
//!   Pending <-- oneshot <-- reader task <-- waiting, in the order of sending
//!      response / timeout
//! ```
//!
//! | file | noun |
//! |---|---|
//! | `client` | [`Client`]: connecting, versions, any message |
//! | `link` | the connection: two tasks, correlation, order |
//! | `pending` | [`Pending`]: a request on its way |
//! | `versions` | [`Versions`]: what both sides speak |
//! | `topics`, `produce`, `fetch`, `list_offsets`, `epoch_end` | typed calls for one topic or partition |
//! | `raw` | [`RawConnection`]: any bytes, for tests |
//! | `options`, `error` | bounds; what can go wrong |
//!
//! Invariants:
//! - an answer belongs to the oldest request that was not answered, or the connection is broken;
//! - after the first failure of the connection every request on it fails, those on their way with an error that says
//!   that their outcome is open ([`ClientError::is_indeterminate`]);
//! - a broker is a stranger too: sizes are checked before memory is given to an answer, and nothing panics.
//!
//! Assumption: the caller bounds how many batches it holds; the client bounds how many requests are on their way.
#![forbid(unsafe_code)]

pub mod client;
mod epoch_end;
pub mod error;
pub mod fetch;
mod link;
pub mod list_offsets;
pub mod options;
pub mod pending;
pub mod produce;
pub mod raw;
mod slices;
pub mod topics;
pub mod versions;

pub use client::Client;
pub use epoch_end::EpochEnd;
pub use error::ClientError;
pub use fetch::{FetchOptions, Fetched};
pub use list_offsets::Listed;
pub use options::Options;
pub use pending::Pending;
pub use produce::{Acks, Produced, Producing};
pub use raw::RawConnection;
pub use slices::Slices;
pub use topics::TopicRef;
pub use versions::Versions;
