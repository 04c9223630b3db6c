//! Kafka's record batch, version 2: the one form of data that is the same on the wire, on the disk and in a fetch
//! response. This room looks at batches, checks them, stamps them, and builds small ones.
//!
//! It is not a codec of compressed data, it opens no records on the produce path, and it knows no topic, no file
//! and no socket: bytes in, facts out.
//!
//! ```text
//!   a records field: one to many batches, back to back
//!   +-----------+-----------+- - - - - -+
//!   | batch     | batch     |           |          Batches      walk them
//!   +-----------+-----------+- - - - - -+          validate     refuse what a client may not send
//!   |           |
//!   0        8       12      16    17     21                                 61
//!   +--------+--------+-------+-----+------+----------------------------------+----------------+
//!   | base   | batch  | leader|magic| crc  | attributes, deltas, timestamps,  | records,       |
//!   | offset | length | epoch | = 2 |      | producer, sequence, record count | maybe squeezed |
//!   +--------+--------+-------+-----+------+----------------------------------+----------------+
//!   '------- stamped by the leader --------'------------ covered by crc -----------------------'
//! ```
//!
//! | file | noun |
//! |---|---|
//! | `layout` | where each field of the header lies |
//! | `attributes` | codec, timestamp type and flags |
//! | `batch` | [`BatchView`], one batch, and [`Batches`], the walk over several |
//! | `validate` | [`validate()`], what a produced field must obey |
//! | `stamp` | [`stamp()`], [`BatchMut`]: what the leader writes into a batch |
//! | `combine` | [`combine()`]: the checksum of a concatenation from the checksums of its parts |
//! | `record`, `varint` | [`RecordIter`]: the records of a batch that is not compressed |
//! | `builder` | [`BatchBuilder`], for clients and tests |
//! | `error` | [`RecordsError`] |
//!
//! Invariants:
//! - everything is total on any bytes: an error, never a panic, and nothing is allocated by reading;
//! - a length is compared with the bytes at hand before it is used;
//! - a checksum that the leader has to change is moved by the difference of the header, never taken anew from the
//!   records, so that damage which happened after the client's own sum stays visible.
//!
//! It assumes that a records field is under 2 GiB, which Kafka's 32-bit lengths enforce.

#![forbid(unsafe_code)]

pub mod attributes;
pub mod batch;
pub mod builder;
pub mod combine;
pub mod error;
pub mod layout;
pub mod record;
pub mod stamp;
pub mod validate;
mod varint;

pub use attributes::{Attributes, Compression, TimestampType};
pub use batch::{BatchView, Batches};
pub use builder::{BatchBuilder, NewRecord, Producer};
pub use combine::combine;
pub use error::RecordsError;
pub use record::{Header, Headers, Record, RecordIter};
pub use stamp::{BatchMut, stamp};
pub use validate::{Limits, Validated, validate};
