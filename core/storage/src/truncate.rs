//! Cutting the end off a log, durably: what a later leader contradicts, and what recovery does not believe.

use model::LogIndex;
use runtime::{File, OpenOptions, Runtime};

use crate::error::{OnPath, PathError};
use crate::fatal;
use crate::frame::{FrameHeader, HEADER_BYTES};
use crate::log::{Log, Mark};
use crate::read::read_upto;

/// Removes the files `behind`, the last one first, and cuts `file` at `position`. A crash in between leaves a log
/// that is contiguous and longer, which may be cut again. A sync that fails ends the process.
pub(crate) async fn cut(
    runtime: &Runtime,
    directory: &str,
    behind: &[String],
    (file, path): (&File, &str),
    position: u64,
) -> Result<(), PathError> {
    for path in behind.iter().rev() {
        runtime.unlink(path).await.on("remove", path)?;
        fatal::sync_directory(runtime, directory).await?;
    }
    fatal::check(runtime, file.truncate(position).await, "cut", path)?;
    fatal::sync(runtime, file, path).await
}

impl Log {
    /// Cuts everything behind the frame `last` off, durably. The caller appends nothing meanwhile, and has lowered,
    /// durably, whatever it derived from what goes now; it never cuts what is committed.
    ///
    /// What is in flight is waited for first, so no completion from before can be taken for one from after; who
    /// remembers a [`Mark`] across this compares [`Log::truncations`].
    ///
    /// # Panics
    /// When `last` is above the log's end or below its start: the caller is broken.
    pub async fn truncate_suffix(&self, last: LogIndex) -> Result<(), PathError> {
        assert!(last <= self.dirty().index);
        self.drained().await;
        let runtime = &self.0.runtime;
        let Some((segment, path, behind, search_from)) = self.place_of_cut(last) else {
            return Ok(());
        };
        let options = OpenOptions {
            write: true,
            ..OpenOptions::default()
        };
        let file = runtime.open(&path, options).await.on("open", &path)?;
        let (position, kept) = find_end(runtime, &file, &path, search_from, last).await?;
        {
            // Readers look here first: from now on nobody is sent behind the cut.
            let mut state = self.0.state.borrow_mut();
            state.reader = None;
            state.truncations += 1;
            state.epochs.cut(last);
            let (base_offset, base_origin) = state.segments.cut(segment, position);
            let (end_offset, origin) = kept.map_or((base_offset, base_origin), |kept| {
                (kept.end_offset(), kept.origin)
            });
            let mark = Mark {
                index: last,
                end_offset,
            };
            (state.dirty, state.flushed, state.prev_origin) = (mark, mark, origin);
            let active = state.active();
            (active.end_offset, active.file) = (end_offset, Some(file.clone()));
        }
        cut(
            runtime,
            &self.0.config.directory,
            &behind,
            (&file, &path),
            position,
        )
        .await?;
        self.0.moved.notify();
        Ok(())
    }

    /// How often the end was cut off since the log was opened.
    pub fn truncations(&self) -> u64 {
        self.0.state.borrow().truncations
    }

    /// Waits until everything appended is durable, however long the device is full.
    async fn drained(&self) {
        loop {
            let seen = self.0.moved.seen();
            if self.dirty() == self.flushed() {
                return;
            }
            self.0.moved.changed(seen).await;
        }
    }

    /// The segment in which the frame behind `last` begins, its path, the paths behind it, and a frame in it from
    /// which on to look. None when there is no such frame.
    fn place_of_cut(&self, last: LogIndex) -> Option<(LogIndex, String, Vec<String>, u64)> {
        let state = self.0.state.borrow();
        if last == state.dirty.index {
            return None;
        }
        let place = state
            .segments
            .by_index(last.next())
            .expect("a cut is within the log");
        let behind = state.segments.paths_behind(place.segment);
        let segment = state
            .segments
            .get(place.segment)
            .expect("it was found just now");
        // From the frame before, if there is one here: it becomes the last.
        let from = segment
            .index
            .by_index(last)
            .map_or(place.stretch.first.position, |before| before.first.position);
        Some((place.segment, segment.path.clone(), behind, from))
    }
}

/// Where the frame `last` ends, and its header; where the search began, when it is in an earlier segment.
async fn find_end(
    runtime: &Runtime,
    file: &File,
    path: &str,
    mut position: u64,
    last: LogIndex,
) -> Result<(u64, Option<FrameHeader>), PathError> {
    let mut kept = None;
    loop {
        let buffer = runtime.buffer(HEADER_BYTES);
        let buffer = read_upto(file, position, HEADER_BYTES, buffer)
            .await
            .on("read", path)?;
        let header = (buffer.len() == HEADER_BYTES)
            .then(|| FrameHeader::decode(buffer.as_slice()).ok())
            .flatten();
        let Some(header) = header.filter(|header| header.index <= last) else {
            return Ok((position, kept));
        };
        position += header.frame_bytes();
        kept = Some(header);
    }
}
