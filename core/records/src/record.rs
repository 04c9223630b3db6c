//! The records of a batch that is not compressed.
//!
//! ```text
//!   varint length | i8 attributes | varlong timestamp delta | varint offset delta
//!   varint key length (-1 null)   | key
//!   varint value length (-1 null) | value
//!   varint header count | { varint name length | name | varint value length (-1 null) | value }*
//! ```

use crate::attributes::TimestampType;
use crate::batch::BatchView;
use crate::error::RecordsError;
use crate::varint;

/// The fewest bytes a record takes: its length and six fields of one byte.
pub const RECORD_BYTES_MIN: usize = 7;
/// The fewest bytes a header takes: two lengths.
const HEADER_BYTES_MIN: usize = 2;

/// One record, borrowed from its batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its offset; saturated where the batch's fields are nonsense.
    pub offset: i64,
    /// Milliseconds since 1970: its own, or the time of the append where the batch says so.
    pub timestamp: i64,
    /// What compaction and partitioning go by.
    pub key: Option<&'a [u8]>,
    /// The value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Names and values beside it.
    pub headers: Headers<'a>,
}

/// One header of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// Its name: UTF-8 by contract, unchecked here.
    pub name: &'a [u8],
    /// Its value.
    pub value: Option<&'a [u8]>,
}

/// The headers of a record: an iterator that cannot fail, since parsing the record walked them once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers<'a> {
    count: usize,
    bytes: &'a [u8],
}

impl<'a> Headers<'a> {
    /// Checks that `count` headers fill `bytes` exactly.
    fn parse(count: i32, bytes: &'a [u8]) -> Option<Self> {
        let count = usize::try_from(count).ok()?;
        if count > bytes.len() / HEADER_BYTES_MIN {
            return None;
        }
        let mut rest = bytes;
        for _ in 0..count {
            (_, rest) = read_header(rest)?;
        }
        rest.is_empty().then_some(Self { count, bytes })
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        self.count = self.count.checked_sub(1)?;
        let (header, rest) = read_header(self.bytes)?;
        self.bytes = rest;
        Some(header)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.count, Some(self.count))
    }
}

impl ExactSizeIterator for Headers<'_> {}

/// The records of one batch, in order.
///
/// Ends after an error. Bytes behind the last record are an error too, given instead of the end.
#[derive(Clone, Debug)]
pub struct RecordIter<'a> {
    batch: BatchView<'a>,
    rest: &'a [u8],
    left: usize,
    failed: bool,
}

impl<'a> RecordIter<'a> {
    /// The records of `batch`, whose payload the caller knows to be plain.
    pub(crate) fn new(batch: BatchView<'a>) -> Result<Self, RecordsError> {
        let (count, rest) = (batch.record_count(), batch.payload());
        let left = usize::try_from(count)
            .ok()
            .filter(|&count| count <= rest.len() / RECORD_BYTES_MIN)
            .ok_or(RecordsError::Count { at: 0, count })?;
        Ok(Self {
            batch,
            rest,
            left,
            failed: false,
        })
    }

    /// Where the next record begins, in bytes from the first.
    fn at(&self) -> usize {
        self.batch.payload().len() - self.rest.len()
    }

    fn read(&mut self) -> Result<Record<'a>, &'static str> {
        let (length, rest) = varint::read_i32(self.rest).ok_or("length")?;
        let length = usize::try_from(length).map_err(|_negative| "length")?;
        let (body, rest) = rest.split_at_checked(length).ok_or("length")?;
        // Record attributes have no meaning yet; a reader passes over them.
        let (_attributes, body) = body.split_first().ok_or("attributes")?;
        let (timestamp_delta, body) = varint::read_i64(body).ok_or("timestamp delta")?;
        let (offset_delta, body) = varint::read_i32(body).ok_or("offset delta")?;
        let (key, body) = read_nullable(body).ok_or("key")?;
        let (value, body) = read_nullable(body).ok_or("value")?;
        let (header_count, body) = varint::read_i32(body).ok_or("header count")?;
        let headers = Headers::parse(header_count, body).ok_or("headers")?;
        self.rest = rest;
        let timestamp = match self.batch.attributes().timestamp_type() {
            TimestampType::CreateTime => {
                self.batch.base_timestamp().saturating_add(timestamp_delta)
            }
            TimestampType::AppendTime => self.batch.max_timestamp(),
        };
        let offset = self
            .batch
            .base_offset()
            .saturating_add(i64::from(offset_delta));
        Ok(Record {
            offset,
            timestamp,
            key,
            value,
            headers,
        })
    }
}

impl<'a> Iterator for RecordIter<'a> {
    type Item = Result<Record<'a>, RecordsError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let at = self.at();
        if self.left == 0 {
            self.failed = !self.rest.is_empty();
            return self
                .failed
                .then_some(Err(RecordsError::RecordsTrailing { at }));
        }
        self.left -= 1;
        match self.read() {
            Ok(record) => Some(Ok(record)),
            Err(part) => {
                self.failed = true;
                Some(Err(RecordsError::Record { at, part }))
            }
        }
    }
}

impl core::iter::FusedIterator for RecordIter<'_> {}

/// A varint length and as many bytes; -1 is null, any other negative number an error.
fn read_nullable(bytes: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let (length, rest) = varint::read_i32(bytes)?;
    if length == -1 {
        return Some((None, rest));
    }
    let (field, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    Some((Some(field), rest))
}

fn read_header(bytes: &[u8]) -> Option<(Header<'_>, &[u8])> {
    let (name, rest) = read_nullable(bytes)?;
    let (value, rest) = read_nullable(rest)?;
    Some((Header { name: name?, value }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::{BatchBuilder, NewRecord};
    use crate::layout;

    fn one() -> Vec<u8> {
        let mut builder = BatchBuilder::new();
        builder.push(&NewRecord {
            timestamp: 5,
            key: Some(b"k"),
            value: None,
            headers: &[
                Header {
                    name: b"h",
                    value: Some(b"v"),
                },
                Header {
                    name: b"n",
                    value: None,
                },
            ],
        });
        builder.finish()
    }

    fn read(bytes: &[u8]) -> Result<Vec<Record<'_>>, RecordsError> {
        BatchView::split(bytes)?.0.records()?.collect()
    }

    #[test]
    fn a_record_is_read_as_it_was_built() {
        let bytes = one();
        let records = read(&bytes).unwrap();
        let [record] = records.as_slice() else {
            panic!("one record")
        };
        assert_eq!((record.offset, record.timestamp), (0, 5));
        assert_eq!((record.key, record.value), (Some(&b"k"[..]), None));
        let headers: Vec<_> = record.headers.clone().collect();
        assert_eq!(
            headers[0],
            Header {
                name: b"h",
                value: Some(b"v")
            }
        );
        assert_eq!(
            headers[1],
            Header {
                name: b"n",
                value: None
            }
        );
    }

    #[test]
    fn bytes_behind_the_last_record_are_an_error() {
        let mut bytes = one();
        bytes.push(0);
        let length = i32::try_from(bytes.len() - layout::LENGTH_OVERHEAD_BYTES).unwrap();
        bytes[layout::BATCH_LENGTH].copy_from_slice(&length.to_be_bytes());
        assert!(matches!(
            read(&bytes),
            Err(RecordsError::RecordsTrailing { .. })
        ));
    }

    #[test]
    fn a_count_beyond_the_bytes_is_refused_at_once() {
        let mut bytes = one();
        for count in [-1, 1_000, i32::MAX] {
            bytes[layout::RECORD_COUNT].copy_from_slice(&count.to_be_bytes());
            assert_eq!(read(&bytes), Err(RecordsError::Count { at: 0, count }));
        }
    }
}
