//! Produce as the broker reads it: in place.
//!
//! [`RequestView`] walks a frame once, checking everything but the records, and then hands out topics and partitions
//! without error, allocation or copy. Records come as a slice and as the range of it inside the frame, so that the
//! owner of the frame's buffer can share that range instead of copying it.

use crate::decoder::Decoder;
use crate::error::{DecodeError, DecodeErrorKind};
use crate::message::Message;
use crate::uuid::Uuid;
use core::ops::Range;

pub use crate::messages::produce::*;

/// A checked produce request, borrowed from its frame.
#[derive(Clone, Debug)]
pub struct RequestView<'a> {
    /// Whose transaction the batches belong to.
    pub transactional_id: Option<&'a str>,
    /// 0: no answer, 1: the leader has it, -1: every replica that must have it has it.
    pub acks: i16,
    /// How long to wait for replicas, milliseconds.
    pub timeout_ms: i32,
    topics: Topics<'a>,
}

impl<'a> RequestView<'a> {
    /// Checks the request whose body begins at `body` in `frame`.
    ///
    /// Errors: those of decoding; bytes left over are one.
    pub fn parse(frame: &'a [u8], body: usize, version: i16) -> Result<Self, DecodeError> {
        type Owned = ProduceRequest<Vec<u8>>;
        let mut decoder = Decoder::new_at(frame, body, 0);
        if !(Owned::MIN_VERSION..=Owned::MAX_VERSION).contains(&version) {
            return Err(decoder.error(DecodeErrorKind::Version(version), Owned::NAME));
        }
        let layout = Layout {
            version,
            flexible: version >= Owned::FLEXIBLE_FROM,
        };
        let transactional_id = decoder.nullable_str(layout.flexible, "transactional_id")?;
        let acks = decoder.int16("acks")?;
        let timeout_ms = decoder.int32("timeout_ms")?;
        let count = decoder.array(layout.flexible, layout.topic_bytes_min(), "topic_data")?;
        let topics = Topics {
            decoder: decoder.clone(),
            left: count,
            layout,
        };
        for _ in 0..count {
            layout.topic(&mut decoder)?;
        }
        layout.tags(&mut decoder)?;
        decoder.finish()?;
        Ok(Self {
            transactional_id,
            acks,
            timeout_ms,
            topics,
        })
    }

    /// The topics, in the order of the request.
    pub fn topics(&self) -> Topics<'a> {
        self.topics.clone()
    }
}

/// How a version lays out what repeats.
#[derive(Clone, Copy, Debug)]
struct Layout {
    version: i16,
    flexible: bool,
}

impl Layout {
    /// Name or id, an empty array, tags.
    const fn topic_bytes_min(self) -> usize {
        match (self.version, self.flexible) {
            (13.., _) => 16 + 1 + 1,
            (_, true) => 1 + 1 + 1,
            (_, false) => 2 + 4,
        }
    }

    /// Index, null records, tags.
    const fn partition_bytes_min(self) -> usize {
        if self.flexible { 4 + 1 + 1 } else { 4 + 4 }
    }

    /// Reads a topic to its end.
    fn topic<'a>(self, decoder: &mut Decoder<'a>) -> Result<TopicView<'a>, DecodeError> {
        let (mut name, mut topic_id) = ("", Uuid::ZERO);
        if self.version >= 13 {
            topic_id = decoder.uuid("topic_id")?;
        } else {
            name = decoder.str(self.flexible, "name")?;
        }
        let count = decoder.array(self.flexible, self.partition_bytes_min(), "partition_data")?;
        let partitions = Partitions {
            decoder: decoder.clone(),
            left: count,
            layout: self,
        };
        for _ in 0..count {
            self.partition(decoder)?;
        }
        self.tags(decoder)?;
        Ok(TopicView {
            name,
            topic_id,
            partitions,
        })
    }

    #[inline]
    fn partition<'a>(self, decoder: &mut Decoder<'a>) -> Result<PartitionView<'a>, DecodeError> {
        let index = decoder.int32("index")?;
        let records_range = decoder.nullable_range(self.flexible, "records")?;
        let records = records_range.clone().map(|range| decoder.slice(range));
        self.tags(decoder)?;
        Ok(PartitionView {
            index,
            records,
            records_range,
        })
    }

    fn tags(self, decoder: &mut Decoder<'_>) -> Result<(), DecodeError> {
        if self.flexible {
            decoder.skip_tagged_fields()
        } else {
            Ok(())
        }
    }
}

/// Why the iterators below do not fail.
const CHECKED: &str = "parse walked the same bytes";

/// The topics of a request.
#[derive(Clone, Debug)]
pub struct Topics<'a> {
    decoder: Decoder<'a>,
    left: usize,
    layout: Layout,
}

impl<'a> Iterator for Topics<'a> {
    type Item = TopicView<'a>;

    fn next(&mut self) -> Option<TopicView<'a>> {
        self.left = self.left.checked_sub(1)?;
        Some(self.layout.topic(&mut self.decoder).expect(CHECKED))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Topics<'_> {}

/// One topic of a request.
#[derive(Clone, Debug)]
pub struct TopicView<'a> {
    /// Its name; empty from version 13 on.
    pub name: &'a str,
    /// Its id; zero before version 13.
    pub topic_id: Uuid,
    partitions: Partitions<'a>,
}

impl<'a> TopicView<'a> {
    /// Its partitions, in the order of the request.
    pub fn partitions(&self) -> Partitions<'a> {
        self.partitions.clone()
    }
}

/// The partitions of a topic.
#[derive(Clone, Debug)]
pub struct Partitions<'a> {
    decoder: Decoder<'a>,
    left: usize,
    layout: Layout,
}

impl<'a> Iterator for Partitions<'a> {
    type Item = PartitionView<'a>;

    fn next(&mut self) -> Option<PartitionView<'a>> {
        self.left = self.left.checked_sub(1)?;
        Some(self.layout.partition(&mut self.decoder).expect(CHECKED))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Partitions<'_> {}

/// One partition of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionView<'a> {
    /// Which one.
    pub index: i32,
    /// Its records, unchecked; `None` where they are null.
    pub records: Option<&'a [u8]>,
    /// Where they lie in the frame.
    pub records_range: Option<Range<usize>>,
}
