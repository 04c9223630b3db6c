//! The scan of one segment file: every frame in order, in bounded memory, up to the first that is bad.

use records::layout;
use runtime::{Buf, File, IoError, Runtime};
use stdx::{Duration, crc32c, crc32c_append};

use super::check::{Fault, Search, Tip, check_body, check_header, check_large_body, search};
use super::derived::Notes;
use crate::frame::{FRAME_BYTES_MAX, FrameHeader, HEADER_BYTES};
use crate::marks;
use crate::open_segment::Segment;
use crate::read::read_upto;

/// Bytes of a file in memory at once.
pub(crate) const SCAN_BYTES: usize = FRAME_BYTES_MAX;

/// Bytes behind a bad frame that are searched: far more than all writes that were ever in flight together.
const SEARCH_BYTES_MAX: u64 = 256 << 20;

/// Where a scan ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    pub(crate) position: u64,
    /// None: the file ends behind the last good frame.
    pub(crate) fault: Option<Fault>,
    /// Where a search for further frames begins.
    pub(crate) search_from: u64,
}

impl Stop {
    /// Behind the last frame, and nothing is wrong.
    pub(crate) fn at_end(position: u64) -> Self {
        Self {
            position,
            fault: None,
            search_from: position,
        }
    }
}

/// A file under the scan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scan<'a> {
    pub(crate) runtime: &'a Runtime,
    pub(crate) file: &'a File,
    pub(crate) file_bytes: u64,
    /// How long to pause behind each MiB.
    pub(crate) pause: Duration,
}

impl Scan<'_> {
    /// Passes the good frames of `segment`, noting them there, in `tip` and in `derived`.
    pub(crate) async fn frames(
        &self,
        segment: &mut Segment,
        tip: &mut Tip,
        derived: &mut impl Notes,
    ) -> Stop {
        loop {
            let position = segment.bytes;
            if position >= self.file_bytes {
                return Stop::at_end(position);
            }
            let window = match self.read(position).await {
                Ok(window) => window,
                // The bad spot may be far behind: only what cannot be had is lost.
                Err(error) => match self.read_frame(position).await {
                    Some(window) => window,
                    None => return stop_at(position, Fault::Unreadable(error), None),
                },
            };
            let checked = pass_window(window.as_slice(), self.file_bytes, segment, tip, derived);
            if segment.bytes > position {
                // What is at its end may only be cut off by the window: it begins the next one.
                continue;
            }
            // Fewer bytes than the length of the file promised.
            let (header, fault) = checked.err().unwrap_or((None, Fault::CutOff));
            let whole = fault == Fault::CutOff
                && header.is_some_and(|header| self.has_whole(position, &header));
            let Some(header) = header.filter(|_| whole) else {
                return stop_at(position, fault, header);
            };
            match self.large_body(position, &header, window).await {
                Ok(max_timestamp) => note(segment, tip, derived, (&header, None), max_timestamp),
                Err(fault) => return stop_at(position, fault, Some(header)),
            }
        }
    }

    /// Searches what follows `from` for frames; whether all of it could be searched.
    pub(crate) async fn search(&self, from: u64, tip: &Tip) -> (Search, bool) {
        let mut found = Search {
            next: from,
            ..Search::default()
        };
        let end = self.file_bytes.min(from.saturating_add(SEARCH_BYTES_MAX));
        while found.next + HEADER_BYTES as u64 <= end {
            let Ok(window) = self.read(found.next).await else {
                return (found, false);
            };
            let part = search(window.as_slice(), tip);
            if part.next == 0 {
                break;
            }
            found.frames += part.frames;
            found.commit_seen = found.commit_seen.max(part.commit_seen);
            found.next += part.next;
        }
        (found, end == self.file_bytes)
    }

    /// Bytes from `position` on.
    async fn read(&self, position: u64) -> Result<Buf, IoError> {
        let left = usize::try_from(self.file_bytes - position).unwrap_or(usize::MAX);
        if self.pause > Duration::ZERO {
            let kibs = u32::try_from(left.min(SCAN_BYTES).div_ceil(1 << 10)).unwrap_or(1 << 10);
            self.runtime
                .sleep(self.pause.saturating_mul(kibs) / (1 << 10))
                .await;
        }
        read_upto(
            self.file,
            position,
            left.min(SCAN_BYTES),
            self.runtime.buffer(SCAN_BYTES),
        )
        .await
    }

    /// The bytes of the frame at `position` alone, as many as a window has, if the device gives those.
    async fn read_frame(&self, position: u64) -> Option<Buf> {
        let head = self.read_some(position, HEADER_BYTES).await?;
        let bytes = FrameHeader::decode(&head).ok()?.frame_bytes();
        let bytes = bytes.min(self.file_bytes - position).min(SCAN_BYTES as u64);
        let bytes = usize::try_from(bytes).ok()?;
        let buffer = self.runtime.buffer(bytes);
        let read = read_upto(self.file, position, bytes, buffer).await;
        stdx::sometimes!(marks::SCAN_NARROWED, read.is_ok());
        read.ok()
    }

    /// Exactly these bytes, if the file and the device give them.
    pub(crate) async fn read_some(&self, position: u64, bytes: usize) -> Option<Vec<u8>> {
        let buffer = self.runtime.buffer(bytes);
        let read = read_upto(self.file, position, bytes, buffer).await;
        let read = read.ok().filter(|read| read.len() == bytes)?;
        Some(read.as_slice().to_vec())
    }

    fn has_whole(&self, position: u64, header: &FrameHeader) -> bool {
        position + HEADER_BYTES as u64 + u64::from(header.body_bytes) <= self.file_bytes
    }

    /// Checks a body that is larger than a window, of which `window` has the beginning.
    async fn large_body(
        &self,
        position: u64,
        header: &FrameHeader,
        window: Buf,
    ) -> Result<i64, Fault> {
        let end = position + HEADER_BYTES as u64 + u64::from(header.body_bytes);
        let body = &window.as_slice()[HEADER_BYTES..];
        let first = body[..body.len().min(layout::HEADER_BYTES)].to_vec();
        let mut at = position + window.len() as u64;
        let mut crc = crc32c(body);
        drop(window);
        while at < end {
            let within = Scan {
                file_bytes: end.min(self.file_bytes),
                ..*self
            };
            let window = within.read(at).await.map_err(Fault::Unreadable)?;
            let wanted = usize::try_from(end - at)
                .unwrap_or(usize::MAX)
                .min(window.len());
            if wanted == 0 {
                return Err(Fault::CutOff);
            }
            crc = crc32c_append(crc, &window.as_slice()[..wanted]);
            at += wanted as u64;
        }
        check_large_body(header, crc, &first)
    }
}

fn stop_at(position: u64, fault: Fault, header: Option<FrameHeader>) -> Stop {
    let passed = header.map_or(crate::frame::FRAME_ALIGN_BYTES as u64, |header| {
        header.frame_bytes()
    });
    Stop {
        position,
        fault: Some(fault),
        search_from: position.saturating_add(passed),
    }
}

/// Passes the frames of a window until one is bad or cut off: its header, where that is good, and the fault.
fn pass_window(
    window: &[u8],
    file_bytes: u64,
    segment: &mut Segment,
    tip: &mut Tip,
    derived: &mut impl Notes,
) -> Result<(), (Option<FrameHeader>, Fault)> {
    let start = segment.bytes;
    while segment.bytes < start + window.len() as u64 {
        let at = usize::try_from(segment.bytes - start).expect("within a window");
        let bytes = &window[at..];
        let header = match check_header(bytes, file_bytes - segment.bytes, tip) {
            Ok(header) => header,
            Err(fault) => {
                // Its header may be good all the same, and its commit counts then.
                let known = (bytes.len() >= HEADER_BYTES)
                    .then(|| FrameHeader::decode(bytes).ok())
                    .flatten();
                let known =
                    known.filter(|header| header.group == tip.group && header.index > tip.index);
                if let Some(header) = known {
                    tip.saw(&header);
                }
                return Err((known, fault));
            }
        };
        let body = HEADER_BYTES..HEADER_BYTES + header.body_bytes as usize;
        let Some(body) = bytes.get(body) else {
            return Err((Some(header), Fault::CutOff));
        };
        match check_body(&header, body) {
            Ok(max_timestamp) => note(segment, tip, derived, (&header, Some(body)), max_timestamp),
            Err(fault) => {
                tip.saw(&header);
                return Err((Some(header), fault));
            }
        }
    }
    Ok(())
}

/// Notes a good frame.
fn note(
    segment: &mut Segment,
    tip: &mut Tip,
    derived: &mut impl Notes,
    (header, body): (&FrameHeader, Option<&[u8]>),
    max_timestamp: i64,
) {
    segment.push(header, max_timestamp);
    derived.note(header, body);
    tip.pass(header);
}
