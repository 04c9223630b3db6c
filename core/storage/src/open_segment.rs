//! One segment of an open log: what is known of its file.

use model::{LogIndex, Offset};
use runtime::{File, Frozen, IoError, OpenOptions, Pieces, Runtime};
use stdx::mutant;

use crate::footer::IndexPlace;
use crate::frame::{FrameHeader, FrameKind};
use crate::index::{IndexEntry, SparseIndex};
use crate::segment::{SEGMENT_HEADER_BYTES, SegmentHeader, file_name};

/// One segment of an open log.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) header: SegmentHeader,
    pub(crate) path: String,
    /// None while it is only on the disk.
    pub(crate) index: Option<SparseIndex>,
    /// Where the last frame that has a place ends: the next one begins here.
    pub(crate) bytes: u64,
    /// Blocks are reserved up to here, as far as it is known.
    pub(crate) reserved: u64,
    /// The offset after its last record that has a place.
    pub(crate) end_offset: Offset,
    /// The largest timestamp of its records; `i64::MIN` where it has none.
    pub(crate) max_timestamp: i64,
    /// The largest commit that a frame in it names.
    pub(crate) commit_seen: LogIndex,
    /// The frames that say who votes, and where they begin.
    pub(crate) configs: Vec<(LogIndex, u64)>,
    /// Where the index is on the disk: behind the frames, in a footer. Who writes a frame cuts that off first.
    pub(crate) footer: Option<IndexPlace>,
    /// Open for writing in the last segment; others are opened to be read.
    pub(crate) file: Option<File>,
}

impl Segment {
    /// A segment without frames.
    pub(crate) fn new(header: SegmentHeader, path: String, file: Option<File>) -> Self {
        Self {
            header,
            path,
            index: Some(SparseIndex::default()),
            bytes: SEGMENT_HEADER_BYTES as u64,
            reserved: SEGMENT_HEADER_BYTES as u64,
            end_offset: header.base_offset,
            max_timestamp: i64::MIN,
            commit_seen: LogIndex::ZERO,
            configs: Vec::new(),
            footer: None,
            file,
        }
    }

    /// Makes the file of a segment, durably: its header, and its name. A file that is there from an attempt that
    /// failed is written over: nothing was ever acknowledged in it.
    pub(crate) async fn create(
        runtime: &Runtime,
        directory: &str,
        header: SegmentHeader,
    ) -> Result<Self, IoError> {
        let path = format!("{directory}/{}", file_name(header.base_index));
        let options = OpenOptions {
            write: true,
            create: true,
            ..OpenOptions::default()
        };
        let file = runtime.open(&path, options).await?;
        let mut pieces = Pieces::new();
        pieces.push(Frozen::from(header.encode().to_vec()));
        file.write_at_sync(0, pieces).await?;
        // Data in a file whose name is not durable is not durable [alice].
        if !mutant!(S03) {
            runtime.sync_directory(directory).await?;
        }
        Ok(Self::new(header, path, Some(file)))
    }

    /// Whether it has no frame.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes == SEGMENT_HEADER_BYTES as u64
    }

    /// Gives the next frame its place.
    pub(crate) fn push(&mut self, header: &FrameHeader, max_timestamp: i64) {
        let entry = IndexEntry {
            index: header.index,
            offset: header.base_offset,
            position: self.bytes,
            max_timestamp,
        };
        if header.kind == FrameKind::Config {
            self.configs.push((header.index, self.bytes));
        }
        if let Some(index) = &mut self.index {
            index.push(entry, header.frame_bytes());
        }
        self.bytes += header.frame_bytes();
        self.end_offset = header.end_offset();
        self.max_timestamp = self.max_timestamp.max(max_timestamp);
        self.commit_seen = self.commit_seen.max(header.commit());
    }

    /// Forgets the frames from `position` on, and the footer. Its index is in memory. `newest` is the largest timestamp in
    /// what is left of the last stretch, if that is known.
    pub(crate) fn cut(&mut self, position: u64, newest: Option<i64>) {
        let index = self.index.as_mut().expect("who cuts has the index read");
        if !mutant!(S12) {
            index.cut(position, newest);
        }
        self.max_timestamp = index.max_timestamp();
        self.configs.retain(|(_, at)| *at < position);
        self.footer = None;
        (self.bytes, self.reserved) = (position, position);
    }
}
