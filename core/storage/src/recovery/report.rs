//! What recovery found, in words for whoever reads the log of the process.

use core::fmt;

use model::Offset;

/// What a start found in one log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Segments.
    pub segments: usize,
    /// Good frames.
    pub frames: u64,
    /// The offset after the last record in them.
    pub end_offset: Offset,
    /// Bytes that were cut off.
    pub bytes_cut: u64,
    /// Whether there was an end that was never acknowledged.
    pub torn: bool,
    /// Footers that were damaged. With them nothing is lost.
    pub footers_damaged: usize,
    /// Bad frames that a start would not look at. Who reads them is refused.
    pub frames_damaged: usize,
    /// Whether a range is fenced.
    pub fenced: bool,
    /// Sentences, where there is something to say.
    pub lines: Vec<String>,
}

impl fmt::Display for RecoveryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} segments, {} frames", self.segments, self.frames)?;
        self.lines.iter().try_for_each(|line| write!(f, "; {line}"))
    }
}
