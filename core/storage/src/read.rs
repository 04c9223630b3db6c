//! Reading: whole batches from an offset on, verified, in memory that is leased.

pub mod window;

use model::{LogIndex, Offset};
use runtime::{Budget, Buf, File, Frozen, IoError, IoErrorKind, OpenOptions, PAGE_BYTES};

use crate::error::{OnPath, ReadError};
use crate::fence::Fence;
use crate::frame::{FRAME_BYTES_MAX, HEADER_BYTES};
use crate::index::{INDEX_STRIDE_BYTES, SparseIndex};
use crate::log::{Log, State};
use crate::marks;
use crate::segment::SEGMENT_HEADER_BYTES;
use crate::segments::Unloaded;
use window::{Ask, End};

/// Bytes that one read of the file takes, unless a single frame is larger.
const WINDOW_BYTES_MAX: u64 = FRAME_BYTES_MAX as u64;

/// Of the memory that is free, one window takes this part at most, but for the least.
const WINDOW_SHARE: u64 = 4;

/// What a window may take where next to nothing is free.
const WINDOW_BYTES_LEAST: u64 = 64 << 10;

/// The smallest budget for reads: one window.
pub const READ_BUDGET_BYTES_MIN: usize = FRAME_BYTES_MAX;

/// What to read.
#[derive(Clone, Copy, Debug)]
pub struct ReadRequest {
    /// The first offset wanted. The batch that has it is returned whole.
    pub offset: Offset,
    /// Bytes at most, but for `at_least_one`.
    pub bytes_max: usize,
    /// Nothing at or above this offset is returned.
    pub upto: Offset,
    /// Return the first batch whatever its size.
    pub at_least_one: bool,
    /// Wait for memory. Otherwise nothing comes where there is none at once.
    pub patient: bool,
}

/// A place to read on from: the start of a frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor {
    /// The segment, by its first frame.
    pub(crate) segment: LogIndex,
    /// Where in its file.
    pub(crate) position: u64,
    /// Where its frames end.
    pub(crate) end: u64,
    /// Bytes that the frame at `position` may need, as far as the index or the frame's header said.
    pub(crate) frame_bytes: u64,
}

impl Log {
    /// Reads whole batches in order, beginning with the one that has the offset. Less than asked for may come.
    /// Memory is leased from `budget`, given back with the last of the batches.
    pub async fn read(
        &self,
        request: &ReadRequest,
        budget: &Budget,
    ) -> Result<Vec<Frozen>, ReadError> {
        let mut reader = Reader {
            log: self,
            budget,
            ask: Ask {
                group: self.0.config.group,
                offset: request.offset,
                upto: request.upto,
                bytes_max: request.bytes_max,
                at_least_one: request.at_least_one,
            },
            flushed: self.flushed().end_offset,
            patient: request.patient,
            batches: Vec::new(),
        };
        let mut cursor = self.look_up(|state| state.locate(request.offset)).await?;
        while let Some(here) = cursor.filter(|_| reader.wants_more()) {
            cursor = match reader.pass(here).await {
                Ok(next) => next,
                Err(error) if reader.batches.is_empty() => return Err(error),
                // The next read begins there and is told.
                Err(_) => None,
            };
        }
        Ok(reader.batches)
    }

    /// The file of a segment, open for reading, and its path.
    pub(crate) async fn open_segment(
        &self,
        segment: LogIndex,
    ) -> Result<(File, String), ReadError> {
        let (path, open) = {
            let state = self.0.state.borrow();
            let known = state
                .segments
                .get(segment)
                .expect("a cursor's segment is in the log");
            let cached = state
                .reader
                .as_ref()
                .filter(|(base, _)| *base == segment)
                .map(|(_, file)| file);
            (known.path.clone(), known.file.as_ref().or(cached).cloned())
        };
        if let Some(file) = open {
            return Ok((file, path));
        }
        let opened = self.0.runtime.open(&path, OpenOptions::default()).await;
        let file = opened.on("open", &path).map_err(ReadError::Failed)?;
        let replaced = self
            .0
            .state
            .borrow_mut()
            .reader
            .replace((segment, file.clone()));
        drop(replaced);
        Ok((file, path))
    }

    /// Fences what is damaged at a place, up to where the index knows the next good frame.
    pub(crate) fn damaged(
        &self,
        here: &Cursor,
        position: u64,
        start: Offset,
        why: &str,
    ) -> ReadError {
        let state = &mut *self.0.state.borrow_mut();
        marks::READ_FOUND_DAMAGE.hit();
        let segment = state
            .segments
            .get(here.segment)
            .expect("a cursor's segment is in the log");
        let index = segment.index.iter();
        let mut stretches = index.flat_map(SparseIndex::stretches);
        let stretch = stretches.find(|stretch| position < stretch.end);
        let end = stretch
            .and_then(|stretch| stretch.end_offset)
            .unwrap_or(segment.end_offset);
        let fence = Fence {
            start,
            end: Some(end.max(start.advance(1))),
            path: segment.path.clone(),
            position,
            why: format!("{why}; this copy is damaged and nothing of it is served"),
        };
        let error = ReadError::Fenced(fence.to_string());
        state.fences.add(fence);
        error
    }
}

impl State {
    /// Where to begin to read the record `offset`.
    pub(crate) fn locate(&self, offset: Offset) -> Result<Option<Cursor>, Unloaded> {
        let place = self.segments.by_offset(offset)?;
        Ok(place.and_then(|place| {
            Some(Cursor {
                segment: place.segment,
                position: place.stretch.first.position,
                end: self.segments.get(place.segment)?.bytes,
                // A stretch of one large frame is as long as that; of what could not be looked at nobody knows.
                frame_bytes: match place.stretch.first.max_timestamp {
                    i64::MAX => HEADER_BYTES as u64,
                    _ => place.stretch.end - place.stretch.first.position,
                },
            })
        }))
    }

    /// The frame at `position` of the cursor's segment, or the first one behind that segment.
    fn onward(&self, here: Cursor, position: u64, frame_bytes: u64) -> Option<Cursor> {
        let mut segment = self.segments.get(here.segment)?;
        if position < segment.bytes {
            return Some(Cursor {
                position,
                end: segment.bytes,
                frame_bytes,
                ..here
            });
        }
        loop {
            segment = self.segments.after(segment.header.base_index)?;
            if segment.is_empty() {
                continue;
            }
            marks::READ_ACROSS_SEGMENTS.hit();
            let index = segment.index.iter();
            let first = index.flat_map(SparseIndex::stretches).next();
            return Some(Cursor {
                segment: segment.header.base_index,
                position: SEGMENT_HEADER_BYTES as u64,
                end: segment.bytes,
                // Where nobody knows, its header will say.
                frame_bytes: first.map_or(HEADER_BYTES as u64, |first| {
                    first.end - first.first.position
                }),
            });
        }
    }
}

/// One read on its way.
struct Reader<'a> {
    log: &'a Log,
    budget: &'a Budget,
    ask: Ask,
    /// What was durable before anything was read: only below it must every frame be whole.
    flushed: Offset,
    patient: bool,
    batches: Vec<Frozen>,
}

/// What came of reading one window.
enum Window {
    /// The bytes; fewer than wanted where the file ends.
    Bytes(Buf),
    /// The device does not give them.
    Unreadable(String),
    /// There is no memory for more than was read already.
    NoMemory,
}

impl Reader<'_> {
    fn wants_more(&self) -> bool {
        self.ask.offset < self.ask.upto && (self.ask.bytes_max > 0 || self.ask.at_least_one)
    }

    /// Reads one window at `here`; where to go on, if that is wanted.
    async fn pass(&mut self, here: Cursor) -> Result<Option<Cursor>, ReadError> {
        if let Some(fence) = self.log.fenced_at(self.ask.offset) {
            return Err(ReadError::Fenced(fence));
        }
        let mut wanted = self.window_bytes(&here);
        let mut window = self.window(&here, wanted).await?;
        let least = bytes_of(here.frame_bytes.max(HEADER_BYTES as u64));
        if wanted > least && matches!(window, Window::Unreadable(_)) {
            // The bad spot may be far behind: only what cannot be had is fenced.
            marks::READ_NARROWED.hit();
            wanted = least;
            window = self.window(&here, wanted).await?;
        }
        let (position, why) = match window {
            Window::Bytes(buffer) => {
                let short = buffer.len() < wanted;
                let (position, end) = self.take(here.position, buffer);
                match end {
                    End::Full => return Ok(None),
                    End::Cut(needed)
                        if position >= here.end || !short && position + needed <= here.end =>
                    {
                        return Ok(self.log.0.state.borrow().onward(here, position, needed));
                    }
                    End::Cut(_) => (position, "the file ends within a frame".to_owned()),
                    End::Damaged(why) => (position, why),
                }
            }
            Window::Unreadable(why) => (here.position, why),
            Window::NoMemory => {
                marks::READ_CUT_BY_MEMORY.hit();
                return Ok(None);
            }
        };
        if self.ask.offset >= self.flushed {
            // Above what was durable nothing was promised: what does not read there is not there yet.
            return Ok(None);
        }
        // It knows how far the damage goes at most.
        let index = self.log.0.load_index(here.segment).await;
        index.map_err(ReadError::Failed)?;
        Err(self.log.damaged(&here, position, self.ask.offset, &why))
    }

    /// Takes what a window has; where in the file the next frame begins, and why it ended.
    fn take(&mut self, position: u64, mut buffer: Buf) -> (u64, End) {
        let found = window::take(buffer.as_mut_slice(), &self.ask);
        if !found.runs.is_empty() {
            let bytes = buffer.freeze();
            self.batches
                .extend(found.runs.into_iter().map(|run| bytes.slice(run)));
            self.ask.at_least_one = false;
        }
        self.ask.offset = found.offset;
        self.ask.bytes_max = self.ask.bytes_max.saturating_sub(found.bytes);
        (position + found.passed, found.end)
    }

    /// Bytes to read at `here`.
    fn window_bytes(&self, here: &Cursor) -> usize {
        let wanted = (self.ask.bytes_max as u64)
            .saturating_add(INDEX_STRIDE_BYTES)
            .min(WINDOW_BYTES_MAX);
        // Where much is held already, less is taken: slow readers of much leave room for others.
        let fair = (self.budget.limit() - self.budget.used()) as u64 / WINDOW_SHARE;
        let wanted = wanted.min(fair.max(WINDOW_BYTES_LEAST));
        let bytes = wanted.max(here.frame_bytes).min(here.end - here.position);
        bytes_of(bytes)
    }

    async fn window(&self, here: &Cursor, bytes: usize) -> Result<Window, ReadError> {
        stdx::sometimes!(marks::READ_WIDENED, bytes as u64 > WINDOW_BYTES_MAX);
        let leased = leased_bytes(bytes);
        if leased > self.budget.limit() {
            return Err(ReadError::TooLarge {
                bytes: leased,
                bytes_max: self.budget.limit(),
            });
        }
        let lease = match self.budget.try_reserve(leased) {
            Some(lease) => lease,
            // Who holds memory must not wait for more: two such readers would wait for each other.
            None if !self.batches.is_empty() || !self.patient => return Ok(Window::NoMemory),
            None => self.budget.reserve(leased).await,
        };
        let (file, path) = self.log.open_segment(here.segment).await?;
        let mut buffer = self.log.0.runtime.buffer(bytes);
        buffer.attach(lease);
        match read_upto(&file, here.position, bytes, buffer).await {
            Ok(buffer) => Ok(Window::Bytes(buffer)),
            Err(error) if error.kind() == IoErrorKind::Device => {
                Ok(Window::Unreadable(error.to_string()))
            }
            Err(error) => Err(error).on("read", &path).map_err(ReadError::Failed),
        }
    }
}

fn bytes_of(bytes: u64) -> usize {
    usize::try_from(bytes).expect("a window is a frame or less, and that is under 4 GiB")
}

/// Reads `bytes` bytes, or what there is before the end of the file.
pub(crate) async fn read_upto(
    file: &File,
    position: u64,
    bytes: usize,
    mut buffer: Buf,
) -> Result<Buf, IoError> {
    let start = buffer.len();
    loop {
        let read = buffer.len() - start;
        if read == bytes {
            return Ok(buffer);
        }
        buffer = file
            .read_at(position + read as u64, bytes - read, buffer)
            .await?;
        if buffer.len() - start == read {
            return Ok(buffer);
        }
    }
}

/// Bytes that a buffer for `bytes` takes from its pool, which gives out powers of two up to a window's size.
pub(crate) fn leased_bytes(bytes: usize) -> usize {
    let pages = bytes.div_ceil(PAGE_BYTES).max(1);
    let rounded = if pages * PAGE_BYTES <= FRAME_BYTES_MAX {
        pages.next_power_of_two()
    } else {
        pages
    };
    rounded * PAGE_BYTES
}
