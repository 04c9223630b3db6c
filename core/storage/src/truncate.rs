//! Cutting the end off a log, durably: what a later leader contradicts, and what recovery does not believe.

use model::LogIndex;
use runtime::{File, IoErrorKind, OpenOptions, Runtime};
use stdx::{Duration, mutant};

use crate::error::{OnPath, PathError};
use crate::fatal;
use crate::frame::{FrameHeader, HEADER_BYTES};
use crate::log::{Log, Mark, State, WriterState};
use crate::open_segment::Segment;
use crate::read::read_upto;
use crate::recovery::check::Tip;
use crate::recovery::derived::Ignored;
use crate::recovery::scan::Scan;
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
    ///
    /// # Errors
    /// When a file cannot be opened or read, or the frame `last` is damaged: then nothing was cut off. What fails later ends
    /// the process.
    pub async fn truncate_suffix(&self, last: LogIndex) -> Result<(), PathError> {
        assert!(last <= self.dirty().index);
        self.drained().await;
        if last == self.dirty().index {
            return Ok(());
        }
        // Nothing is written meanwhile, a footer neither.
        let _paused = Paused::new(self);
        self.cut_off(last).await
    }

    async fn cut_off(&self, last: LogIndex) -> Result<(), PathError> {
        let runtime = &self.0.runtime;
        let Place {
            segment,
            path,
            behind,
            search_from,
        } = self.place_of_cut(last).await?;
        let options = OpenOptions {
            write: true,
            ..OpenOptions::default()
        };
        let file = runtime.open(&path, options).await.on("open", &path)?;
        let (position, kept) = find_end(runtime, &file, &path, search_from, last).await?;
        let kept_here = kept.is_some_and(|kept| kept.last.index == last);
        if !kept_here && segment <= last {
            // What cannot be read is not what may be cut off.
            let damaged = IoErrorKind::Device.into();
            return Err(PathError::new("find the frame to keep in", &path, damaged));
        }
        let newest = match kept {
            Some(kept) => {
                self.newest(&file, segment, (search_from, position), &kept.first)
                    .await
            }
            None => Some(i64::MIN),
        };
        // Others may have had it let go meanwhile.
        while self.has_no_index(segment) {
            self.0.load_index(segment).await?;
        }
        self.forget(segment, last, (position, newest, kept, &file));
        let directory = &self.0.config.directory;
        let done = cut(runtime, directory, &behind, (&file, &path), position).await;
        if let Err(error) = done {
            // It is forgotten here, and may be there still.
            fatal::stop(runtime, error.verb, &error.path, error.error);
        }
        Ok(())
    }

    fn has_no_index(&self, segment: LogIndex) -> bool {
        let state = self.0.state.borrow();
        let segment = state.segments.get(segment);
        segment.is_some_and(|segment| segment.index.is_none())
    }

    /// Nobody is sent behind the cut any more.
    fn forget(
        &self,
        segment: LogIndex,
        last: LogIndex,
        (position, newest, kept, file): (u64, Option<i64>, Option<Kept>, &File),
    ) {
        let mut state = self.0.state.borrow_mut();
        if !mutant!(S14) {
            state.reader = None;
        }
        state.indexes.retain(|kept| *kept < segment);
        state.truncations += 1;
        state.epochs.cut(last);
        let (base_offset, base_origin) = state.segments.cut(segment, position, newest);
        let (end_offset, origin) = kept.map_or((base_offset, base_origin), |kept| {
            (kept.last.end_offset(), kept.last.origin)
        });
        let mark = Mark {
            index: last,
            end_offset,
        };
        (state.dirty, state.flushed, state.prev_origin) = (mark, mark, origin);
        state.fences.cut(end_offset);
        let active = state.active();
        (active.end_offset, active.file) = (end_offset, Some(file.clone()));
    }

    /// The largest timestamp of the frames between two places of a file; None where one of them is damaged.
    async fn newest(
        &self,
        file: &File,
        segment: LogIndex,
        (from, to): (u64, u64),
        first: &FrameHeader,
    ) -> Option<i64> {
        let header = self.0.state.borrow().segments.get(segment)?.header;
        let mut passed = Segment::new(header, String::new(), None);
        passed.bytes = from;
        let mut tip = Tip {
            index: LogIndex(first.index.0 - 1),
            end_offset: first.base_offset,
            origin: first.prev_origin,
            ..Tip::start(header.group)
        };
        let scan = Scan {
            runtime: &self.0.runtime,
            file,
            file_bytes: to,
            pause: Duration::ZERO,
        };
        let stop = scan.frames(&mut passed, &mut tip, &mut Ignored).await;
        stop.fault.is_none().then_some(passed.max_timestamp)
    }

    /// How often the end was cut off since the log was opened.
    pub fn truncations(&self) -> u64 {
        self.0.state.borrow().truncations
    }

    /// Waits until everything appended is durable, however long the device is full, and a log that is being closed is.
    async fn drained(&self) {
        loop {
            let seen = self.0.moved.seen();
            {
                let state = self.0.state.borrow();
                let settled = !state.closing || state.writer == WriterState::Ended;
                if state.dirty == state.flushed && settled {
                    return;
                }
            }
            self.0.moved.changed(seen).await;
        }
    }

    async fn place_of_cut(&self, last: LogIndex) -> Result<Place, PathError> {
        loop {
            let placed = self.0.state.borrow().place_of_cut(last);
            match placed {
                Ok(placed) => return Ok(placed),
                Err(Unloaded(segment)) => self.0.load_index(segment).await?,
            }
        }
    }
}

/// The writer waits until this is dropped, however that comes.
struct Paused<'a> {
    log: &'a Log,
    before: WriterState,
}

impl<'a> Paused<'a> {
    fn new(log: &'a Log) -> Self {
        let mut state = log.0.state.borrow_mut();
        let before = core::mem::replace(&mut state.writer, WriterState::Waits);
        Self { log, before }
    }
}

impl Drop for Paused<'_> {
    fn drop(&mut self) {
        let inner = &self.log.0;
        inner.state.borrow_mut().writer = self.before;
        inner.work.notify();
        inner.moved.notify();
    }
}

/// Where a log is cut.
struct Place {
    /// The segment in which the first frame that goes begins.
    segment: LogIndex,
    path: String,
    /// Files of the segments behind it.
    behind: Vec<String>,
    /// A frame in it from which on to look.
    search_from: u64,
}

impl State {
    fn place_of_cut(&self, last: LogIndex) -> Result<Place, Unloaded> {
        let place = self.segments.by_index(last.next())?;
        let place = place.expect("a cut is within the log");
        let segment = self
            .segments
            .get(place.segment)
            .expect("it was found just now");
        // From the frame before, if there is one here: it becomes the last.
        let before = index_of(segment)?.by_index(last);
        let stretch = before.unwrap_or(place.stretch);
        Ok(Place {
            segment: place.segment,
            path: segment.path.clone(),
            behind: self.segments.paths_behind(place.segment),
            search_from: stretch.first.position,
        })
    }
}

/// Frames that stay in a stretch: the first and the last of them.
#[derive(Clone, Copy, Debug)]
struct Kept {
    first: FrameHeader,
    last: FrameHeader,
}

/// Where the frame `last` ends, or the last before it that can be read, and which stay; where the search began, when it
/// is in an earlier segment.
async fn find_end(
    runtime: &Runtime,
    file: &File,
    path: &str,
    mut position: u64,
    last: LogIndex,
) -> Result<(u64, Option<Kept>), PathError> {
    let mut kept: Option<Kept> = None;
    loop {
        let buffer = runtime.buffer(HEADER_BYTES);
        let buffer = read_upto(file, position, HEADER_BYTES, buffer)
            .await
            .on("read", path)?;
        let header = (buffer.len() == HEADER_BYTES)
            .then(|| FrameHeader::decode(buffer.as_slice()).ok())
            .flatten();
        let follows = |header: &FrameHeader| {
            header.index <= last && kept.is_none_or(|kept| header.index == kept.last.index.next())
        };
        let Some(header) = header.filter(follows) else {
            return Ok((position, kept));
        };
        position += header.frame_bytes();
        let first = kept.map_or(header, |kept| kept.first);
        kept = Some(Kept {
            first,
            last: header,
        });
    }
}
