//! One direction of a connection: bytes in order, and the segments that carry them.

use std::collections::VecDeque;

use stdx::Instant;

/// What one segment carries. Bytes themselves stand in the pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carried {
    /// A wish to connect.
    Connect,
    /// The answer that somebody listens.
    Accepted,
    /// The answer that nobody does.
    Refused,
    /// So many bytes.
    Bytes(usize),
    /// Nothing more will be sent.
    End,
    /// The connection is over.
    Reset,
    /// The other direction's receiver took so many bytes.
    Taken(usize),
}

impl Carried {
    /// A number that stands for it in the digest.
    pub(crate) fn summary(self) -> u64 {
        match self {
            Self::Connect => 1,
            Self::Accepted => 2,
            Self::Refused => 3,
            Self::Bytes(bytes) => (bytes as u64) << 3 | 4,
            Self::End => 5,
            Self::Reset => 6,
            Self::Taken(bytes) => (bytes as u64) << 3 | 7,
        }
    }
}

/// A segment under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    pub(crate) at: Instant,
    pub(crate) carried: Carried,
}

/// Bytes and segments in the order in which they were sent.
///
/// Invariants: `bytes` holds `arrived` bytes that the receiver may take, then those of the segments under way;
/// `outstanding` is at least that many and at most the window; at most one event of the heap is about the first
/// segment, and `scheduled` says whether there is one.
#[derive(Debug, Default)]
pub(crate) struct Pipe {
    pub(crate) segments: VecDeque<Segment>,
    bytes: VecDeque<u8>,
    pub(crate) arrived: usize,
    /// Bytes that the sender sent and does not know to be taken.
    pub(crate) outstanding: usize,
    /// Bytes that the receiver took and did not tell the sender of.
    owed: usize,
    /// The sender said that nothing more comes.
    pub(crate) ended: bool,
    /// The receiver knows.
    pub(crate) end_arrived: bool,
    pub(crate) scheduled: bool,
    pub(crate) stalled_until: Instant,
    last_at: Instant,
}

impl Pipe {
    /// Appends a segment that arrives at `at`, or when the one before it does.
    pub(crate) fn push(&mut self, at: Instant, carried: Carried) {
        self.last_at = self.last_at.max(at);
        self.segments.push_back(Segment {
            at: self.last_at,
            carried,
        });
    }

    /// Appends bytes, to be announced by segments.
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        self.outstanding += bytes.len();
    }

    /// Takes the first `out.len()` bytes that arrived.
    pub(crate) fn take(&mut self, out: &mut [u8]) {
        assert!(out.len() <= self.arrived);
        let (first, second) = self.bytes.as_slices();
        let part = first.len().min(out.len());
        out[..part].copy_from_slice(&first[..part]);
        let rest = out.len() - part;
        out[part..].copy_from_slice(&second[..rest]);
        self.bytes.drain(..out.len());
        self.arrived -= out.len();
        self.owed += out.len();
    }

    /// What to tell the sender about room, when it is worth telling: a full window is always more than half
    /// taken once its receiver has caught up, so nobody waits for ever.
    pub(crate) fn settle(&mut self, window: usize) -> Option<usize> {
        let worth = self.owed > 0 && self.owed * 2 >= window;
        worth.then(|| core::mem::take(&mut self.owed))
    }

    /// Bytes under way.
    pub(crate) fn in_flight(&self) -> usize {
        self.bytes.len() - self.arrived
    }

    /// Loses what is under way, and what arrived and was not taken.
    pub(crate) fn clear(&mut self) {
        self.segments.clear();
        self.bytes.clear();
        self.arrived = 0;
    }

    /// Loses what arrived and was not taken.
    pub(crate) fn lose_arrived(&mut self) {
        self.bytes.drain(..self.arrived);
        self.arrived = 0;
    }

    /// Loses the segments under way; what arrived stays.
    pub(crate) fn lose_in_flight(&mut self) {
        self.segments.clear();
        self.bytes.truncate(self.arrived);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_as_they_went_in_and_room_is_told_in_halves() {
        let mut pipe = Pipe::default();
        pipe.put(b"abcdef");
        pipe.arrived = 4;
        assert_eq!(pipe.in_flight(), 2);
        let mut out = [0; 3];
        pipe.take(&mut out);
        assert_eq!(&out, b"abc");
        assert_eq!(pipe.settle(8), None);
        pipe.take(&mut out[..1]);
        assert_eq!(pipe.settle(8), Some(4));
        assert_eq!(pipe.settle(8), None);
        assert_eq!(pipe.outstanding, 6);
    }

    #[test]
    fn segments_never_overtake() {
        let mut pipe = Pipe::default();
        pipe.push(Instant::from_nanos(9), Carried::Bytes(1));
        pipe.push(Instant::from_nanos(5), Carried::End);
        assert_eq!(pipe.segments[1].at, Instant::from_nanos(9));
    }
}
