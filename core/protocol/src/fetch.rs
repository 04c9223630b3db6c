//! Fetch as the client reads it: in place.
//!
//! [`ResponseView`] walks a frame once, checking everything but the records, and then hands out topics and partitions
//! without error, allocation or copy.

use crate::decoder::Decoder;
use crate::error::{DecodeError, DecodeErrorKind};
use crate::message::Message;
use crate::uuid::Uuid;
use core::ops::Range;

pub use crate::messages::fetch::*;

/// A checked fetch response, borrowed from its frame.
#[derive(Clone, Debug)]
pub struct ResponseView<'a> {
    /// How long the client is asked to be quiet, milliseconds.
    pub throttle_time_ms: i32,
    /// What is wrong with the whole; zero before version 7.
    pub error_code: i16,
    /// The fetch session; zero without one.
    pub session_id: i32,
    topics: Topics<'a>,
    endpoints: Endpoints<'a>,
}

impl<'a> ResponseView<'a> {
    /// Checks the response whose body begins at `body` in `frame`.
    ///
    /// Errors: those of decoding; bytes left over are one.
    pub fn parse(frame: &'a [u8], body: usize, version: i16) -> Result<Self, DecodeError> {
        type Owned = FetchResponse<Vec<u8>>;
        let mut decoder = Decoder::new_at(frame, body, 0);
        if !(Owned::MIN_VERSION..=Owned::MAX_VERSION).contains(&version) {
            return Err(decoder.error(DecodeErrorKind::Version(version), Owned::NAME));
        }
        let layout = Layout {
            version,
            flexible: version >= Owned::FLEXIBLE_FROM,
        };
        let throttle_time_ms = decoder.int32("throttle_time_ms")?;
        let error_code = if version >= 7 {
            decoder.int16("error_code")?
        } else {
            0
        };
        let session_id = if version >= 7 {
            decoder.int32("session_id")?
        } else {
            0
        };
        let count = decoder.array(layout.flexible, layout.topic_bytes_min(), "responses")?;
        let topics = Topics {
            decoder: decoder.clone(),
            left: count,
            layout,
        };
        for _ in 0..count {
            layout.topic(&mut decoder)?;
        }
        let mut endpoints = Endpoints {
            decoder: decoder.clone(),
            left: 0,
        };
        if layout.flexible {
            decoder.tagged_fields(|decoder, tag| {
                if tag != 0 || version < 16 {
                    return Ok(false);
                }
                let count = decoder.array(true, ENDPOINT_BYTES_MIN, "node_endpoints")?;
                endpoints = Endpoints {
                    decoder: decoder.clone(),
                    left: count,
                };
                for _ in 0..count {
                    endpoint(decoder)?;
                }
                Ok(true)
            })?;
        }
        decoder.finish()?;
        Ok(Self {
            throttle_time_ms,
            error_code,
            session_id,
            topics,
            endpoints,
        })
    }

    /// The topics, in the order of the response.
    pub fn topics(&self) -> Topics<'a> {
        self.topics.clone()
    }

    /// Where the leaders that partitions name listen.
    pub fn node_endpoints(&self) -> Endpoints<'a> {
        self.endpoints.clone()
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

    /// Index, error, two offsets, null transactions, null records; later versions only add to it.
    const fn partition_bytes_min(self) -> usize {
        let fixed = 4 + 2 + 8 + 8;
        if self.flexible {
            fixed + 8 + 1 + 4 + 1 + 1
        } else {
            fixed + 4 + 4
        }
    }

    /// Reads a topic to its end.
    fn topic<'a>(self, decoder: &mut Decoder<'a>) -> Result<TopicView<'a>, DecodeError> {
        let (mut topic, mut topic_id) = ("", Uuid::ZERO);
        if self.version >= 13 {
            topic_id = decoder.uuid("topic_id")?;
        } else {
            topic = decoder.str(self.flexible, "topic")?;
        }
        let count = decoder.array(self.flexible, self.partition_bytes_min(), "partitions")?;
        let partitions = Partitions {
            decoder: decoder.clone(),
            left: count,
            layout: self,
        };
        for _ in 0..count {
            self.partition(decoder)?;
        }
        if self.flexible {
            decoder.skip_tagged_fields()?;
        }
        Ok(TopicView {
            topic,
            topic_id,
            partitions,
        })
    }

    fn partition<'a>(self, decoder: &mut Decoder<'a>) -> Result<PartitionView<'a>, DecodeError> {
        let mut view = PartitionView {
            partition_index: decoder.int32("partition_index")?,
            error_code: decoder.int16("error_code")?,
            high_watermark: decoder.int64("high_watermark")?,
            last_stable_offset: decoder.int64("last_stable_offset")?,
            log_start_offset: if self.version >= 5 {
                decoder.int64("log_start_offset")?
            } else {
                -1
            },
            aborted_transactions: self.aborted_transactions(decoder)?,
            preferred_read_replica: if self.version >= 11 {
                decoder.int32("preferred_read_replica")?
            } else {
                -1
            },
            ..PartitionView::default()
        };
        view.records_range = decoder.nullable_range(self.flexible, "records")?;
        view.records = view.records_range.clone().map(|range| decoder.slice(range));
        if self.flexible {
            decoder.tagged_fields(|decoder, tag| {
                match tag {
                    0 => view.diverging_epoch = EpochEndOffset::read(decoder, self.version)?,
                    1 => view.current_leader = LeaderIdAndEpoch::read(decoder, self.version)?,
                    2 => view.snapshot_id = SnapshotId::read(decoder, self.version)?,
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(view)
    }

    /// Reads the list to its end.
    fn aborted_transactions<'a>(
        self,
        decoder: &mut Decoder<'a>,
    ) -> Result<Option<AbortedTransactions<'a>>, DecodeError> {
        const FIELD: &str = "aborted_transactions";
        let bytes_min = if self.flexible { 8 + 8 + 1 } else { 8 + 8 };
        let count = decoder.nullable_array(self.flexible, true, bytes_min, FIELD)?;
        let Some(left) = count else { return Ok(None) };
        let transactions = AbortedTransactions {
            decoder: decoder.clone(),
            left,
            version: self.version,
        };
        for _ in 0..left {
            AbortedTransaction::read(decoder, self.version)?;
        }
        Ok(Some(transactions))
    }
}

/// Why the iterators below do not fail.
const CHECKED: &str = "parse walked the same bytes";

/// The topics of a response.
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
}

/// One topic of a response.
#[derive(Clone, Debug)]
pub struct TopicView<'a> {
    /// Its name; empty from version 13 on.
    pub topic: &'a str,
    /// Its id; zero before version 13.
    pub topic_id: Uuid,
    partitions: Partitions<'a>,
}

impl<'a> TopicView<'a> {
    /// Its partitions, in the order of the response.
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
}

/// One partition of a response. Fields are those of [`PartitionData`].
#[derive(Clone, Debug, Default)]
pub struct PartitionView<'a> {
    /// Which one.
    pub partition_index: i32,
    /// What is wrong with it.
    pub error_code: i16,
    /// One past the last offset that consumers may see.
    pub high_watermark: i64,
    /// One past the last offset that readers of committed data may see.
    pub last_stable_offset: i64,
    /// The first offset there is; -1 before version 5.
    pub log_start_offset: i64,
    /// Where a follower's log leaves the leader's.
    pub diverging_epoch: EpochEndOffset,
    /// Who leads now, with `NOT_LEADER_OR_FOLLOWER`.
    pub current_leader: LeaderIdAndEpoch,
    /// The snapshot that a follower should start from.
    pub snapshot_id: SnapshotId,
    /// Transactions among the records that were given up; `None` where the reader did not ask.
    pub aborted_transactions: Option<AbortedTransactions<'a>>,
    /// Who should be asked instead; -1 for nobody.
    pub preferred_read_replica: i32,
    /// Batches, the last of which may be cut off; `None` where they are null.
    pub records: Option<&'a [u8]>,
    /// Where they lie in the frame.
    pub records_range: Option<Range<usize>>,
}

/// The aborted transactions of a partition.
#[derive(Clone, Debug)]
pub struct AbortedTransactions<'a> {
    decoder: Decoder<'a>,
    left: usize,
    version: i16,
}

impl Iterator for AbortedTransactions<'_> {
    type Item = AbortedTransaction;

    fn next(&mut self) -> Option<AbortedTransaction> {
        self.left = self.left.checked_sub(1)?;
        Some(AbortedTransaction::read(&mut self.decoder, self.version).expect(CHECKED))
    }
}

/// The endpoints of a response.
#[derive(Clone, Debug)]
pub struct Endpoints<'a> {
    decoder: Decoder<'a>,
    left: usize,
}

impl<'a> Iterator for Endpoints<'a> {
    type Item = EndpointView<'a>;

    fn next(&mut self) -> Option<EndpointView<'a>> {
        self.left = self.left.checked_sub(1)?;
        Some(endpoint(&mut self.decoder).expect(CHECKED))
    }
}

/// Where a broker listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndpointView<'a> {
    /// Which broker.
    pub node_id: i32,
    /// Its host.
    pub host: &'a str,
    /// Its port.
    pub port: i32,
    /// Where it stands.
    pub rack: Option<&'a str>,
}

/// Two numbers, two lengths, tags.
const ENDPOINT_BYTES_MIN: usize = 4 + 1 + 4 + 1 + 1;

fn endpoint<'a>(decoder: &mut Decoder<'a>) -> Result<EndpointView<'a>, DecodeError> {
    let view = EndpointView {
        node_id: decoder.int32("node_id")?,
        host: decoder.str(true, "host")?,
        port: decoder.int32("port")?,
        rack: decoder.nullable_str(true, "rack")?,
    };
    decoder.skip_tagged_fields()?;
    Ok(view)
}
