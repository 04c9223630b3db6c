//! Cutting the end off a log, durably: what a later leader contradicts, and what recovery does not believe.

use model::LogIndex;
use runtime::{File, OpenOptions, Runtime};
use stdx::mutant;

use crate::error::{OnPath, PathError};
use crate::fatal;
use crate::frame::{FrameHeader, HEADER_BYTES};
use crate::log::{Log, Mark, State};
use crate::read::read_upto;
use crate::segments::{Unloaded, index_of};

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
        if !mutant!(S11) {
            fatal::sync_directory(runtime, directory).await?;
        }
    }
    fatal::check(runtime, file.truncate(position).await, "cut", path)?;
    if mutant!(S10) {
        return Ok(());
    }
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
        if last == self.dirty().index {
            return Ok(());
        }
        let (segment, path, behind, search_from) = self.place_of_cut(last).await?;
        let options = OpenOptions {
            write: true,
            ..OpenOptions::default()
        };
        let file = runtime.open(&path, options).await.on("open", &path)?;
        let (position, kept) = find_end(runtime, &file, &path, search_from, last).await?;
        // Others may have had it let go meanwhile.
        self.0.load_index(segment).await?;
        {
            // Readers look here first: from now on nobody is sent behind the cut.
            let mut state = self.0.state.borrow_mut();
            if !mutant!(S14) {
                state.reader = None;
            }
            state.indexes.retain(|kept| *kept < segment);
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
    /// which on to look.
    async fn place_of_cut(
        &self,
        last: LogIndex,
    ) -> Result<(LogIndex, String, Vec<String>, u64), PathError> {
        loop {
            let placed = self.0.state.borrow().place_of_cut(last);
            match placed {
                Ok(placed) => return Ok(placed),
                Err(Unloaded(segment)) => self.0.load_index(segment).await?,
            }
        }
    }
}

impl State {
    fn place_of_cut(
        &self,
        last: LogIndex,
    ) -> Result<(LogIndex, String, Vec<String>, u64), Unloaded> {
        let place = self.segments.by_index(last.next())?;
        let place = place.expect("a cut is within the log");
        let behind = self.segments.paths_behind(place.segment);
        let segment = self
            .segments
            .get(place.segment)
            .expect("it was found just now");
        // From the frame before, if there is one here: it becomes the last.
        let from = index_of(segment)?
            .by_index(last)
            .map_or(place.stretch.first.position, |before| before.first.position);
        Ok((place.segment, segment.path.clone(), behind, from))
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
