//! A log looked at from outside: what a start would make of it, and what is in it. Nothing is changed, locked, or made.
//!
//! It is for files that nobody writes to: those of a broker that was stopped, or a copy. What a start decides is decided by
//! the same code ([`crate::recovery`]), with its hands bound.

use model::{LogIndex, Offset};
use runtime::{Budget, File, IoErrorKind, OpenOptions, Runtime};

use crate::error::{OnPath, PathError};
use crate::footer::{FooterError, Trailer};
use crate::frame::{FRAME_BYTES_MAX, FrameHeader, HEADER_BYTES};
use crate::identity::{IDENTITY_BYTES, Identity, IdentityError};
use crate::log::LogConfig;
use crate::read::read_upto;
use crate::recovery::check::{Fault, Tip, check_body, check_header};
use crate::recovery::{self, Hand, Recovered, RecoveryReport};
use crate::seal;
use crate::segment::{SEGMENT_HEADER_BYTES, SegmentError, SegmentHeader};

/// What a start would make of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// All of it is believed.
    Sound,
    /// All but an end that was never acknowledged.
    TornTail,
    /// Something that was acknowledged, or may have been, cannot be read.
    Damaged,
}

/// What a segment holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentFacts {
    /// Its file.
    pub path: String,
    /// Its first frame, and the last that is good; none where it has no good frame.
    pub frames: (LogIndex, Option<LogIndex>),
    /// Its first offset, and the one behind its last record.
    pub offsets: (Offset, Offset),
    /// The largest timestamp of its records, if it has any.
    pub max_timestamp: Option<i64>,
    /// Where its good frames end, in bytes.
    pub data_bytes: u64,
    /// Bytes of the footer behind them; zero where there is none that can be believed.
    pub footer_bytes: u64,
    /// Where its file ends.
    pub file_bytes: u64,
}

/// What was found in a log.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// Its segments, up to the first that is bad.
    pub segments: Vec<SegmentFacts>,
    /// What a start would make of it.
    pub health: Health,
    /// What a start would say.
    pub report: RecoveryReport,
}

/// Has the log in a folder judged as a start would.
///
/// # Errors
/// When a file cannot be opened, or its folder not listed.
pub async fn inspect(
    runtime: &Runtime,
    budget: &Budget,
    config: &LogConfig,
) -> Result<Inspection, PathError> {
    let Recovered {
        segments,
        mut report,
        ..
    } = recovery::recover(runtime, budget, config, Hand::Looks).await?;
    let mut facts = Vec::with_capacity(segments.len());
    let mut numbered = segments.iter().peekable();
    while let Some(segment) = numbered.next() {
        let status = runtime.status(&segment.path).await;
        let length = status.on("look at", &segment.path)?.length;
        let first = segment.header.base_index;
        // The last one's last frame is counted by the report.
        let last = numbered
            .peek()
            .map_or(report.frames, |next| next.header.base_index.0 - 1);
        let newest = Some(segment.max_timestamp);
        facts.push(SegmentFacts {
            path: segment.path.clone(),
            frames: (first, (last >= first.0).then_some(LogIndex(last))),
            offsets: (segment.header.base_offset, segment.end_offset),
            max_timestamp: newest.filter(|&timestamp| timestamp != i64::MIN),
            footer_bytes: segment.footer.map_or(0, |_| length - segment.bytes),
            data_bytes: segment.bytes,
            file_bytes: length,
        });
    }
    let damaged = report.footers_damaged + report.frames_damaged > 0;
    let mut health = if report.fenced || damaged {
        Health::Damaged
    } else if report.torn {
        Health::TornTail
    } else {
        Health::Sound
    };
    for segment in &facts {
        if let Some(position) = padding(runtime, segment).await? {
            health = Health::Damaged;
            let path = &segment.path;
            report.lines.push(format!(
                "{path}: the bytes between two frames are not zero at {position}: nothing that was written is there, and \
                 something was"
            ));
        }
    }
    Ok(Inspection {
        segments: facts,
        health,
        report,
    })
}

/// The first place between the good frames of a segment that is not zero.
async fn padding(runtime: &Runtime, segment: &SegmentFacts) -> Result<Option<u64>, PathError> {
    let mut first = None;
    walk(runtime, &segment.path, segment.data_bytes, |frame| {
        let at = frame.padding.iter().position(|&byte| byte != 0);
        if let (None, Some(at)) = (first, at) {
            let body = HEADER_BYTES as u64 + u64::from(frame.header.body_bytes);
            first = Some(frame.position + body + at as u64);
        }
    })
    .await?;
    Ok(first)
}

/// A good frame of a segment.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// Where it begins in its file.
    pub position: u64,
    /// Its header.
    pub header: FrameHeader,
    /// Its body: whole.
    pub body: &'a [u8],
    /// What lies between it and the next.
    pub padding: &'a [u8],
}

/// What a walk through a segment came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walked {
    /// The segment's header, or why there is none.
    pub header: Result<SegmentHeader, SegmentError>,
    /// Good frames.
    pub frames: u64,
    /// Where they end.
    pub end: u64,
    /// What is behind them says so; or why it does not.
    pub footer: Result<Trailer, FooterError>,
    /// Why they end, unless the file or the footer says so.
    pub fault: Option<Fault>,
}

/// Visits the good frames of a segment that begin before `upto`, in order, each checked whole and against the one before.
///
/// # Errors
/// When the file cannot be opened or read.
pub async fn walk(
    runtime: &Runtime,
    path: &str,
    upto: u64,
    mut visit: impl FnMut(Found<'_>),
) -> Result<Walked, PathError> {
    let file = runtime
        .open(path, OpenOptions::default())
        .await
        .on("open", path)?;
    let length = runtime.status(path).await.on("look at", path)?.length;
    let reader = Reader {
        runtime,
        file: &file,
        length,
        path,
    };
    let head = reader.read(0, SEGMENT_HEADER_BYTES).await?;
    let mut walked = Walked {
        header: SegmentHeader::decode(&head),
        frames: 0,
        end: SEGMENT_HEADER_BYTES as u64,
        footer: Err(FooterError::Missing),
        fault: None,
    };
    let Ok(header) = walked.header else {
        walked.end = 0;
        return Ok(walked);
    };
    let footer = seal::read(runtime, (&file, length), &header).await;
    walked.footer = footer.map(|footer| footer.trailer);
    let length = walked.footer.map_or(length, |footer| footer.data_bytes);
    let mut tip = Tip::behind(&header);
    while walked.end < length.min(upto) {
        let left = length - walked.end;
        let head = reader.read(walked.end, HEADER_BYTES).await?;
        let header = match check_header(&head, left, &tip) {
            Ok(header) => header,
            Err(fault) => {
                walked.fault = Some(fault);
                return Ok(walked);
            }
        };
        let from = walked.end + HEADER_BYTES as u64;
        let rest = usize::try_from(header.frame_bytes()).unwrap_or(usize::MAX) - HEADER_BYTES;
        let rest = reader.read(from, rest).await?;
        let (body, padding) = rest.split_at((header.body_bytes as usize).min(rest.len()));
        if let Err(fault) = check_body(&header, body) {
            walked.fault = Some(fault);
            return Ok(walked);
        }
        visit(Found {
            position: walked.end,
            header,
            body,
            padding,
        });
        tip.pass(&header);
        walked.frames += 1;
        walked.end += header.frame_bytes();
    }
    Ok(walked)
}

struct Reader<'a> {
    runtime: &'a Runtime,
    file: &'a File,
    length: u64,
    path: &'a str,
}

impl Reader<'_> {
    /// `bytes` from `position` on, or as many as there are: what a header that verifies asks for is in the file.
    async fn read(&self, position: u64, bytes: usize) -> Result<Vec<u8>, PathError> {
        let left = usize::try_from(self.length.saturating_sub(position)).unwrap_or(usize::MAX);
        let wanted = bytes.min(left);
        let mut all = Vec::with_capacity(wanted);
        while all.len() < wanted {
            let part = (wanted - all.len()).min(FRAME_BYTES_MAX);
            let buffer = self.runtime.buffer(part);
            let read = read_upto(self.file, position + all.len() as u64, part, buffer);
            let buffer = read.await.on("read", self.path)?;
            if buffer.is_empty() {
                break;
            }
            all.extend_from_slice(buffer.as_slice());
        }
        Ok(all)
    }
}

/// Whose a data folder is; none where it has no identity.
///
/// # Errors
/// When the file is there and cannot be read.
pub async fn identity(
    runtime: &Runtime,
    data: &str,
) -> Result<Option<Result<Identity, IdentityError>>, PathError> {
    let path = format!("{}/identity", data.trim_end_matches('/'));
    let file = match runtime.open(&path, OpenOptions::default()).await {
        Err(error) if error.kind() == IoErrorKind::NotFound => return Ok(None),
        file => file.on("open", &path)?,
    };
    let buffer = runtime.buffer(IDENTITY_BYTES);
    let read = read_upto(&file, 0, IDENTITY_BYTES, buffer).await;
    let bytes = read.on("read", &path)?;
    Ok(Some(Identity::decode(bytes.as_slice())))
}
