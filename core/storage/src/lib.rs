//! The segment log of one partition, and the data folder that they all lie in.
//!
//! It is not consensus: it appends what it is given, in the order of the calls, says what is durable, and finds it
//! again. It knows batches only as far as it has to: their sizes, offsets, timestamps and checksums.
//!
//! ```text
//!   Batcher ---> append ---> writer ---> segment file            reads
//!   (frames that   |           | up to four durable writes         |
//!    take more)    |           | in flight                         |
//!                dirty       flushed (a completed prefix)        index -> window -> batches
//!
//!   a log:    [segment 1 .........][segment 918 .......][segment 1640 ...        one file each
//!   a segment: header | frame | frame | frame | footer, when the next one is begun or the log closed
//!   a frame:   64 bytes that verify by themselves | whole batches, as clients fetch them
//! ```
//!
//! Invariants:
//! - nothing counts as flushed before a sync that covers it, and everything before it, succeeded;
//! - frames are dense in index and contiguous in offset, and each names the identity of the one before it;
//! - a segment is begun when the one before it is durable whole, so a tear can only be in the last one;
//! - a footer is written when all before it is durable, believed as a whole, and never needed;
//! - what recovery cuts off was never acknowledged; what may have been is fenced, named, and kept;
//! - bytes that do not verify are never served; a sync that failed is never tried again.
//!
//! Assumptions about the disk: a sync that succeeds makes what was written before it durable; unsynced writes reach
//! the disk in any order, whole sectors at a time, or not at all; a name is durable when its directory was synced;
//! writing the same bytes over durable ones cannot lose them; space that was never written reads as zero.
//!
//! | file | noun |
//! |---|---|
//! | `frame`, `segment`, `footer`, `identity`, `fields` | the layouts on disk: `papers/format` has the written truth |
//! | `batcher`, `frame_builder`, `gather`, `prefix` | a frame in the making: the gather list, the stamped copy of a batch's header |
//! | `log`, `append`, `writer` | one open log: what it knows, the way in, the task that writes |
//! | `segments`, `open_segment` | the files of a log, and what is known of each |
//! | `index`, `indexes`, `epochs` | where to begin to look |
//! | `seal` | ending a segment |
//! | `read`, `seek`, `fence` | the way out, and what is not served |
//! | `recovery` | what is believed after a crash, and why |
//! | `inspect` | the same from outside, with nothing touched; and what is in a segment |
//! | `scrub` | looking at what no start looks at |
//! | `truncate` | cutting the end off, durably |
//! | `fatal` | what ends the process |
//! | `folder` | the data folder: identity, lock, layout |
//! | `journal` | what a core's replicas must never forget |
#![forbid(unsafe_code)]

mod append;
mod batcher;
pub mod epochs;
mod error;
mod fatal;
mod fence;
mod fields;
mod folder;
pub mod footer;
pub mod frame;
mod frame_builder;
mod gather;
mod group;
mod identity;
pub mod index;
mod indexes;
pub mod inspect;
pub mod journal;
mod log;
mod marks;
mod open_segment;
mod prefix;
pub mod read;
pub mod recovery;
mod scrub;
mod seal;
mod seek;
pub mod segment;
mod segments;
#[cfg(test)]
mod testing;
mod truncate;
mod writer;

pub use batcher::{Append, Batched, Batcher};
pub use epochs::EpochMap;
pub use error::{AppendError, JournalError, PathError, ReadError};
pub use fence::Fence;
pub use folder::{DataFolder, DataPath, FolderError};
pub use frame::{FrameHeader, FrameKind};
pub use frame_builder::FrameBuilder;
pub use group::Group;
pub use identity::{DATA_VERSION, Identity, IdentityError, Uuid};
pub use log::{Log, LogConfig, Mark, Opened, QUEUED_BYTES_MAX, SEGMENT_BYTES_MIN};
pub use marks::MARKS;
pub use read::{READ_BUDGET_BYTES_MIN, ReadRequest};
pub use recovery::RecoveryReport;
pub use scrub::Scrubbed;
pub use seek::Sought;
pub use writer::{NO_SPACE_PAUSE, WRITE_BYTES_MAX, WRITES_IN_FLIGHT_MAX};
