//! Segments with a footer: believed without being read, or given one again.

use model::LogIndex;
use runtime::{File, IoErrorKind};

use super::check::{Tip, check_body};
use super::derived::CONFIGS_KEPT;
use super::scan::Scan;
use super::{Hand, Recovery};
use crate::error::PathError;
use crate::fatal;
use crate::footer::{FooterError, IndexPlace, Trailer};
use crate::frame::{FRAME_BYTES_MAX, FrameHeader, FrameKind, HEADER_BYTES};
use crate::marks;
use crate::open_segment::Segment;
use crate::seal::{self, Footer};

impl Recovery<'_> {
    /// Takes a segment for what its footer says. Only frames that say who votes are read, and if one cannot be, none is
    /// believed: whether it was.
    pub(super) async fn believe(
        &mut self,
        scan: &Scan<'_>,
        segment: &mut Segment,
        footer: &Footer,
    ) -> bool {
        let Footer { trailer, sections } = footer;
        if !self.is_plausible(segment, footer) {
            return false;
        }
        // The last ones are kept, should there be very many.
        let kept = sections.configs.len().saturating_sub(CONFIGS_KEPT);
        let mut bodies = Vec::new();
        for &(index, position) in &sections.configs[kept..] {
            let Some(body) = config_at(scan, segment, (index, position)).await else {
                return false;
            };
            bodies.push((index, body));
        }
        for reign in &sections.reigns {
            self.derived.epochs.push(*reign);
        }
        for (index, body) in bodies {
            self.derived.configure(index, body);
        }
        self.tip = tip_behind(&self.tip, trailer);
        segment.bytes = trailer.data_bytes;
        segment.end_offset = trailer.end_offset;
        segment.max_timestamp = trailer.max_timestamp;
        segment.commit_seen = trailer.commit_seen;
        segment.configs.clone_from(&sections.configs);
        segment.index = None;
        segment.footer = Some(trailer.index);
        marks::FOOTER_BELIEVED.hit();
        true
    }

    /// Whether the reigns that a footer tells go on from what came before.
    fn is_plausible(&self, segment: &Segment, footer: &Footer) -> bool {
        let reigns = &footer.sections.reigns;
        let begins = reigns.first().is_some_and(|first| {
            first.index == segment.header.base_index && first.term >= self.tip.term
        });
        let ends = reigns.last().is_some_and(|last| {
            last.term == footer.trailer.term && last.index <= footer.trailer.last
        });
        begins && ends
    }

    /// Makes the footer of a segment whose frames were read again, unless frames are to be written there.
    pub(super) async fn mend_sealed(
        &mut self,
        segment: &mut Segment,
        (file, file_bytes): (&File, u64),
        footer: Result<Footer, FooterError>,
        is_last: bool,
    ) -> Result<(), PathError> {
        let path = &segment.path;
        let line = match footer {
            Ok(footer) => {
                segment.footer = Some(footer.trailer.index);
                self.footer_is_untrue(&segment.path);
                None
            }
            // What is behind the last frame of the last segment was cut off, or would be.
            Err(_) if is_last => return Ok(()),
            Err(FooterError::Missing) if file_bytes == segment.bytes => None,
            Err(error) => {
                let made = self.hand.says("is made again", "would be made again");
                Some(format!(
                    "{path}: {error}: its frames were read one by one, and all are there; it {made}"
                ))
            }
        };
        if let Some(line) = line {
            marks::FOOTER_DAMAGED.hit();
            self.report.footers_damaged += 1;
            self.report.lines.push(line);
        }
        if self.hand == Hand::Mends {
            self.write_footer(segment, file).await?;
        }
        Ok(())
    }

    pub(super) fn footer_is_untrue(&mut self, path: &str) {
        self.report.footers_damaged += 1;
        self.report.lines.push(format!(
            "{path}: its footer says something else than its frames"
        ));
    }

    fn footer(&self, segment: &Segment) -> Option<(Vec<u8>, IndexPlace)> {
        let last = (self.tip.index, self.tip.origin);
        seal::footer_of(segment, &self.derived.epochs, last)
    }

    /// Nothing is lost with a crash meanwhile: the frames are not touched.
    async fn write_footer(&self, segment: &mut Segment, file: &File) -> Result<(), PathError> {
        let Some((bytes, place)) = self.footer(segment) else {
            return Ok(());
        };
        let cut = file.truncate(segment.bytes).await;
        fatal::check(self.runtime, cut, "cut", &segment.path)?;
        segment.footer = None;
        match seal::write(file, segment.bytes, bytes, true).await {
            Ok(()) => segment.footer = Some(place),
            // Its index stays in memory, and the next start does it.
            Err(error) if error.kind() == IoErrorKind::NoSpace => {}
            written => fatal::check(self.runtime, written, "write", &segment.path)?,
        }
        Ok(())
    }
}

/// Where a scan would have come to behind the segment with this trailer.
fn tip_behind(before: &Tip, trailer: &Trailer) -> Tip {
    Tip {
        index: trailer.last,
        end_offset: trailer.end_offset,
        origin: trailer.origin,
        term: trailer.term,
        commit_seen: before.commit_seen.max(trailer.commit_seen),
        ..*before
    }
}

/// The body of a frame that says who votes, if it is there and good.
async fn config_at(
    scan: &Scan<'_>,
    segment: &Segment,
    (index, position): (LogIndex, u64),
) -> Option<Vec<u8>> {
    let left = scan.file_bytes.checked_sub(position)?;
    let head = scan.read_some(position, HEADER_BYTES).await?;
    let header = FrameHeader::decode(&head).ok()?;
    let fits = header.kind == FrameKind::Config
        && header.index == index
        && header.group == segment.header.group
        && header.frame_bytes() <= left.min(FRAME_BYTES_MAX as u64);
    if !fits {
        return None;
    }
    let from = position + HEADER_BYTES as u64;
    let body = scan.read_some(from, header.body_bytes as usize).await?;
    check_body(&header, &body).ok()?;
    Some(body)
}
