//! All frames of a segment with a footer, looked at though no start would: which of them are bad.

use model::{LogIndex, Offset};

use super::Recovery;
use super::check::{Fault, Tip, check_header};
use super::derived::{Derived, Notes};
use super::scan::Scan;
use crate::frame::{FrameHeader, HEADER_BYTES};
use crate::index::SparseIndex;
use crate::open_segment::Segment;
use crate::seal::{self, Footer};
use crate::segment::SegmentHeader;

/// Bad frames of a segment that are told one by one: where there are more, all behind them count as bad.
const BAD_FRAMES_MAX: usize = 64;

/// A frame that is bad, or several in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bad {
    /// The first.
    pub(crate) index: LogIndex,
    /// Where it begins in the file.
    pub(crate) position: u64,
    /// The first offset of its records, and the one behind the last.
    pub(crate) offsets: (Offset, Offset),
    /// What is wrong with it.
    pub(crate) fault: Fault,
}

/// What the frames of a segment came to.
#[derive(Debug)]
pub(crate) struct Verified {
    /// Those that are bad, in order.
    pub(crate) bad: Vec<Bad>,
    /// What is known of the others.
    pub(crate) segment: Segment,
    /// Behind the last.
    pub(crate) tip: Tip,
}

/// Looks at all frames of a segment with a footer, which end where the scanned file does for `scan`, and tells `notes` of
/// the good ones. Behind a header that is bad it goes on where `index` knows the next frame; without one it ends there.
pub(crate) async fn verify(
    scan: &Scan<'_>,
    header: &SegmentHeader,
    (end_offset, index): (Offset, Option<&SparseIndex>),
    notes: &mut impl Notes,
) -> Verified {
    let mut verified = Verified {
        bad: Vec::new(),
        segment: Segment::new(*header, String::new(), None),
        tip: Tip::behind(header),
    };
    let Verified { bad, segment, tip } = &mut verified;
    while let Some(fault) = scan.frames(segment, tip, notes).await.fault {
        let (position, start) = (segment.bytes, tip.end_offset);
        let index_of_bad = tip.index.next();
        let goes_on = bad.len() < BAD_FRAMES_MAX && go_on(scan, index, segment, tip).await;
        let end = if goes_on { tip.end_offset } else { end_offset };
        bad.push(Bad {
            index: index_of_bad,
            position,
            offsets: (start, end),
            fault,
        });
        if !goes_on {
            break;
        }
    }
    verified
}

/// Moves behind a bad frame: behind that one where its header is good, and otherwise to the next one that the index knows,
/// and that has a good header. Whether there is one.
async fn go_on(
    scan: &Scan<'_>,
    index: Option<&SparseIndex>,
    segment: &mut Segment,
    tip: &mut Tip,
) -> bool {
    if let Some(header) = known_header(scan, segment.bytes, tip).await {
        segment.push(&header, i64::MIN);
        tip.pass(&header);
        return true;
    }
    let entries = index.map_or(&[][..], SparseIndex::entries);
    // Not to what is only on its way to the disk: the index knows that too, and nothing is wrong with it.
    let behind = segment.bytes + 1..scan.file_bytes;
    for entry in entries
        .iter()
        .filter(|entry| behind.contains(&entry.position))
    {
        let Some(head) = scan.read_some(entry.position, HEADER_BYTES).await else {
            continue;
        };
        let header = FrameHeader::decode(&head).ok();
        let fits = |header: &FrameHeader| {
            header.group == tip.group
                && header.index == entry.index
                && header.base_offset == entry.offset
        };
        let Some(header) = header.filter(fits) else {
            continue;
        };
        // What it is chained to cannot be read.
        tip.index = LogIndex(header.index.0 - 1);
        tip.end_offset = header.base_offset;
        tip.origin = header.prev_origin;
        segment.bytes = entry.position;
        return true;
    }
    false
}

/// The header of a frame whose body is bad, if that is good itself.
async fn known_header(scan: &Scan<'_>, position: u64, tip: &Tip) -> Option<FrameHeader> {
    let left = scan.file_bytes - position;
    let head = scan.read_some(position, HEADER_BYTES).await?;
    check_header(&head, left, tip).ok()
}

impl Recovery<'_> {
    /// Looks at the frames of a segment that a start would believe, and says what it would not see.
    pub(super) async fn look_behind(
        &mut self,
        scan: &Scan<'_>,
        segment: &Segment,
        footer: &Footer,
    ) {
        let mut derived = Derived::default();
        let (header, path) = (&segment.header, &segment.path);
        let index = seal::read_index(self.runtime, scan.file, &footer.trailer.index, header).await;
        let known = (segment.end_offset, index.as_ref().ok());
        let verified = verify(scan, header, known, &mut derived).await;
        for bad in &verified.bad {
            self.report.frames_damaged += 1;
            self.report.lines.push(bad.line(&segment.path));
        }
        let Footer { trailer, sections } = footer;
        if let Err(error) = index {
            self.report.footers_damaged += 1;
            self.report.lines.push(format!(
                "{}: {error}: nothing is lost, and it is made from the frames whenever it is wanted",
                segment.path
            ));
        }
        let Verified { bad, segment, tip } = &verified;
        let made = seal::footer_of(segment, &derived.epochs, (tip.index, tip.origin));
        let said = (trailer.last, trailer.end_offset, trailer.origin);
        let same = (tip.index, tip.end_offset, tip.origin) == said
            && made.is_some_and(|(_, place)| place == trailer.index)
            && tip.term == trailer.term
            && tip.commit_seen <= trailer.commit_seen
            && segment.max_timestamp == trailer.max_timestamp
            && segment.configs == sections.configs
            && derived
                .epochs
                .within(header.base_index, tip.index, header.base_offset)
                == sections.reigns;
        if bad.is_empty() && !same {
            self.footer_is_untrue(path);
        }
    }
}

impl Bad {
    /// What it is and what it means, in words.
    pub(crate) fn line(&self, path: &str) -> String {
        let Self {
            index,
            position,
            offsets: (start, end),
            fault,
        } = self;
        let means = if start == end {
            "it holds no record".to_owned()
        } else {
            format!(
                "records from {start} up to {end} that were acknowledged cannot be read here, and all others can"
            )
        };
        format!("{path} at {position}: frame {index} is bad ({fault}); it was durable, and {means}")
    }
}
