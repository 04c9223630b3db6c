//! The cursor that all decoding goes through. It owns the rules that keep hostile bytes harmless.

use crate::error::{DecodeError, DecodeErrorKind};
use crate::uuid::Uuid;
use core::ops::Range;

/// More tagged fields than this in one structure are refused. Kafka's messages have at most a handful.
pub const TAGGED_FIELDS_MAX: u32 = 256;

/// A cursor over one message.
///
/// Duties that it fulfils for every message:
/// - a length is compared with the bytes left before it is used, and a count with the bytes that so many of the
///   smallest elements would take, before anything is allocated;
/// - memory for the whole message is charged against the budget before its first field ([`Decoder::charge`]);
/// - unknown tagged fields are skipped, not kept; the nesting of a message is that of its definition, so the stack
///   is bounded too.
#[derive(Clone, Debug)]
pub struct Decoder<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where reading must stop: the end of the bytes, or of the tagged field that is being read.
    end: usize,
    budget: usize,
}

impl<'a> Decoder<'a> {
    /// A cursor over `bytes` for a message that may take up to `budget` bytes of memory once it is decoded.
    pub const fn new(bytes: &'a [u8], budget: usize) -> Self {
        Self {
            bytes,
            at: 0,
            end: bytes.len(),
            budget,
        }
    }

    /// As [`Decoder::new`], from byte `at` on. Positions still count from the start of `bytes`.
    ///
    /// # Panics
    /// When `at` is past the end of `bytes`.
    pub const fn new_at(bytes: &'a [u8], at: usize, budget: usize) -> Self {
        assert!(at <= bytes.len());
        Self {
            bytes,
            at,
            end: bytes.len(),
            budget,
        }
    }

    /// Where the next field begins, in bytes.
    pub const fn position(&self) -> usize {
        self.at
    }

    /// Bytes left.
    #[inline]
    pub const fn remaining(&self) -> usize {
        self.end - self.at
    }

    /// Refuses to go on where decoding what is left could take more than the budget: `memory_bound` bytes of memory
    /// for each byte.
    pub fn charge(&mut self, memory_bound: usize, name: &'static str) -> Result<(), DecodeError> {
        let needed = self.remaining().saturating_mul(memory_bound);
        if needed > self.budget {
            let budget = self.budget;
            return Err(self.error(DecodeErrorKind::Budget { needed, budget }, name));
        }
        self.budget -= needed;
        Ok(())
    }

    /// Ends: nothing may be left.
    pub fn finish(self) -> Result<(), DecodeError> {
        match self.remaining() {
            0 => Ok(()),
            left => Err(self.error(DecodeErrorKind::Trailing(left), "end")),
        }
    }

    /// An error here.
    #[cold]
    pub(crate) const fn error(&self, kind: DecodeErrorKind, field: &'static str) -> DecodeError {
        DecodeError {
            kind,
            at: self.at,
            field,
        }
    }

    /// The bytes of a range that the decoder gave out.
    pub(crate) fn slice(&self, range: Range<usize>) -> &'a [u8] {
        &self.bytes[range]
    }

    /// The next `length` bytes.
    #[inline]
    fn take(&mut self, length: usize, field: &'static str) -> Result<&'a [u8], DecodeError> {
        let remaining = self.remaining();
        if length > remaining {
            return Err(self.error(
                DecodeErrorKind::Truncated {
                    needed: length,
                    remaining,
                },
                field,
            ));
        }
        let taken = &self.bytes[self.at..self.at + length];
        self.at += length;
        Ok(taken)
    }

    #[inline]
    fn array_of<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        let taken = self.take(N, field)?;
        Ok(taken.try_into().expect("as many bytes as were asked for"))
    }

    /// A byte that is not zero.
    #[inline]
    pub fn bool(&mut self, field: &'static str) -> Result<bool, DecodeError> {
        Ok(self.array_of::<1>(field)? != [0])
    }

    /// One byte.
    #[inline]
    pub fn int8(&mut self, field: &'static str) -> Result<i8, DecodeError> {
        self.array_of(field).map(i8::from_be_bytes)
    }

    /// Two bytes.
    #[inline]
    pub fn int16(&mut self, field: &'static str) -> Result<i16, DecodeError> {
        self.array_of(field).map(i16::from_be_bytes)
    }

    /// Two bytes without a sign.
    pub fn uint16(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        self.array_of(field).map(u16::from_be_bytes)
    }

    /// Four bytes.
    #[inline]
    pub fn int32(&mut self, field: &'static str) -> Result<i32, DecodeError> {
        self.array_of(field).map(i32::from_be_bytes)
    }

    /// Four bytes without a sign.
    pub fn uint32(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        self.array_of(field).map(u32::from_be_bytes)
    }

    /// Eight bytes.
    #[inline]
    pub fn int64(&mut self, field: &'static str) -> Result<i64, DecodeError> {
        self.array_of(field).map(i64::from_be_bytes)
    }

    /// Eight bytes of a floating-point number.
    pub fn float64(&mut self, field: &'static str) -> Result<f64, DecodeError> {
        self.array_of(field).map(f64::from_be_bytes)
    }

    /// Sixteen bytes.
    #[inline]
    pub fn uuid(&mut self, field: &'static str) -> Result<Uuid, DecodeError> {
        self.array_of(field).map(Uuid)
    }

    /// One to five bytes of seven bits, low ones first.
    #[inline]
    pub fn varint(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        // Nearly all are lengths and counts of one byte.
        match self.bytes.get(self.at) {
            Some(&byte) if byte < 0x80 && self.at < self.end => {
                self.at += 1;
                Ok(u32::from(byte))
            }
            _ => self.long_varint(field),
        }
    }

    fn long_varint(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        let mut value = 0_u32;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.array_of::<1>(field)?;
            let low = u32::from(byte & 0x7f);
            // The fifth byte has room for four bits.
            if shift == 28 && byte > 0x0f {
                return Err(self.error(DecodeErrorKind::Varint, field));
            }
            value |= low << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.error(DecodeErrorKind::Varint, field))
    }

    /// A length of the compact form: one more than it means, 0 for null.
    #[inline]
    fn compact_length(&mut self, field: &'static str) -> Result<Option<usize>, DecodeError> {
        let Some(length) = self.varint(field)?.checked_sub(1) else {
            return Ok(None);
        };
        let limited = i32::try_from(length)
            .ok()
            .and_then(|length| usize::try_from(length).ok());
        match limited {
            Some(length) => Ok(Some(length)),
            None => Err(self.error(DecodeErrorKind::Length(i64::from(length)), field)),
        }
    }

    /// A length of the old form: -1 for null.
    #[inline]
    fn plain_length(
        &mut self,
        length: i32,
        field: &'static str,
    ) -> Result<Option<usize>, DecodeError> {
        match usize::try_from(length) {
            Ok(length) => Ok(Some(length)),
            Err(_negative) if length == -1 => Ok(None),
            Err(_negative) => Err(self.error(DecodeErrorKind::Length(i64::from(length)), field)),
        }
    }

    #[inline]
    fn string_length(
        &mut self,
        flexible: bool,
        field: &'static str,
    ) -> Result<Option<usize>, DecodeError> {
        if !flexible {
            let length = i32::from(self.int16(field)?);
            return self.plain_length(length, field);
        }
        match self.compact_length(field)? {
            // The compact form could count further, but a string may not be longer than the old form could say.
            Some(length) if i16::try_from(length).is_err() => {
                let length = i64::try_from(length).unwrap_or(i64::MAX);
                Err(self.error(DecodeErrorKind::Length(length), field))
            }
            length => Ok(length),
        }
    }

    #[inline]
    fn long_length(
        &mut self,
        flexible: bool,
        field: &'static str,
    ) -> Result<Option<usize>, DecodeError> {
        if flexible {
            return self.compact_length(field);
        }
        let length = self.int32(field)?;
        self.plain_length(length, field)
    }

    /// Text that may be null, borrowed.
    #[inline]
    pub fn nullable_str(
        &mut self,
        flexible: bool,
        field: &'static str,
    ) -> Result<Option<&'a str>, DecodeError> {
        let Some(length) = self.string_length(flexible, field)? else {
            return Ok(None);
        };
        let taken = self.take(length, field)?;
        match str::from_utf8(taken) {
            Ok(text) => Ok(Some(text)),
            Err(_invalid) => Err(self.error(DecodeErrorKind::Utf8, field)),
        }
    }

    /// Text, borrowed.
    #[inline]
    pub fn str(&mut self, flexible: bool, field: &'static str) -> Result<&'a str, DecodeError> {
        let text = self.nullable_str(flexible, field)?;
        self.present(text, field)
    }

    /// Text.
    pub fn string(&mut self, flexible: bool, field: &'static str) -> Result<String, DecodeError> {
        self.str(flexible, field).map(str::to_owned)
    }

    /// Text that may be null where `nullable` says so.
    pub fn nullable_string(
        &mut self,
        flexible: bool,
        nullable: bool,
        field: &'static str,
    ) -> Result<Option<String>, DecodeError> {
        let text = self.nullable_str(flexible, field)?;
        self.allow_null(text, nullable, field)
            .map(|text| text.map(str::to_owned))
    }

    /// The range of bytes with a length in front, which may be null; `records` are such bytes.
    #[inline]
    pub fn nullable_range(
        &mut self,
        flexible: bool,
        field: &'static str,
    ) -> Result<Option<Range<usize>>, DecodeError> {
        let Some(length) = self.long_length(flexible, field)? else {
            return Ok(None);
        };
        let start = self.at;
        self.take(length, field)?;
        Ok(Some(start..self.at))
    }

    /// Bytes with a length in front, borrowed.
    pub fn bytes(&mut self, flexible: bool, field: &'static str) -> Result<&'a [u8], DecodeError> {
        let range = self.nullable_range(flexible, field)?;
        let range = self.present(range, field)?;
        Ok(&self.bytes[range])
    }

    /// Bytes with a length in front, borrowed, which may be null where `nullable` says so.
    pub fn nullable_bytes(
        &mut self,
        flexible: bool,
        nullable: bool,
        field: &'static str,
    ) -> Result<Option<&'a [u8]>, DecodeError> {
        let range = self.nullable_range(flexible, field)?;
        let range = self.allow_null(range, nullable, field)?;
        Ok(range.map(|range| &self.bytes[range]))
    }

    /// An array: each element by `read`, and at least `element_bytes_min` bytes of it on the wire.
    ///
    /// Room for all of them is made at once. That is safe, and it is what makes the bound exact: the count fits the
    /// bytes left and the budget was charged for them, while growing step by step would double now and then.
    pub fn vec<T>(
        &mut self,
        flexible: bool,
        element_bytes_min: usize,
        field: &'static str,
        read: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let count = self.array(flexible, element_bytes_min, field)?;
        self.elements(count, read)
    }

    /// As [`Decoder::vec`], for an array that may be null where `nullable` says so.
    pub fn nullable_vec<T>(
        &mut self,
        flexible: bool,
        nullable: bool,
        element_bytes_min: usize,
        field: &'static str,
        read: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<Vec<T>>, DecodeError> {
        match self.nullable_array(flexible, nullable, element_bytes_min, field)? {
            Some(count) => self.elements(count, read).map(Some),
            None => Ok(None),
        }
    }

    fn elements<T>(
        &mut self,
        count: usize,
        mut read: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let mut elements = Vec::with_capacity(count);
        for _ in 0..count {
            elements.push(read(self)?);
        }
        Ok(elements)
    }

    /// How many elements follow, each of at least `element_bytes_min` bytes.
    pub fn array(
        &mut self,
        flexible: bool,
        element_bytes_min: usize,
        field: &'static str,
    ) -> Result<usize, DecodeError> {
        let count = self.nullable_array(flexible, true, element_bytes_min, field)?;
        self.present(count, field)
    }

    /// As [`Decoder::array`], for an array that may be null where `nullable` says so.
    ///
    /// A caller may allocate for that many elements at once: the count fits the bytes, and the budget was charged.
    pub fn nullable_array(
        &mut self,
        flexible: bool,
        nullable: bool,
        element_bytes_min: usize,
        field: &'static str,
    ) -> Result<Option<usize>, DecodeError> {
        let length = self.long_length(flexible, field)?;
        let Some(count) = self.allow_null(length, nullable, field)? else {
            return Ok(None);
        };
        let remaining = self.remaining();
        if count > remaining / element_bytes_min.max(1) {
            return Err(self.error(DecodeErrorKind::Count { count, remaining }, field));
        }
        Ok(Some(count))
    }

    /// Whether a structure that may be null is there.
    pub fn nullable_struct(
        &mut self,
        nullable: bool,
        field: &'static str,
    ) -> Result<bool, DecodeError> {
        let present = (self.int8(field)? >= 0).then_some(());
        Ok(self.allow_null(present, nullable, field)?.is_some())
    }

    /// The tagged fields at the end of a structure. `read` is given the number of each and says whether it knew and
    /// read it; one that it does not know is skipped.
    pub fn tagged_fields(
        &mut self,
        mut read: impl FnMut(&mut Self, u32) -> Result<bool, DecodeError>,
    ) -> Result<(), DecodeError> {
        const FIELD: &str = "tagged fields";
        let count = self.varint(FIELD)?;
        if count > TAGGED_FIELDS_MAX {
            return Err(self.error(DecodeErrorKind::TaggedFieldCount(count), FIELD));
        }
        let mut next_tag = 0;
        for _ in 0..count {
            let tag = self.varint(FIELD)?;
            if u64::from(tag) < next_tag {
                return Err(self.error(DecodeErrorKind::TaggedFieldOrder(tag), FIELD));
            }
            next_tag = u64::from(tag) + 1;
            let needed = self.varint(FIELD)?;
            let size = usize::try_from(needed).unwrap_or(usize::MAX);
            let start = self.at;
            self.take(size, FIELD)?;
            let (field_end, end) = (self.at, self.end);
            (self.at, self.end) = (start, field_end);
            let known = read(self, tag)?;
            if known && self.at != field_end {
                let unread = self.remaining();
                return Err(self.error(DecodeErrorKind::TaggedFieldSize { size, unread }, FIELD));
            }
            (self.at, self.end) = (field_end, end);
        }
        Ok(())
    }

    /// The tagged fields of a structure that has none of its own.
    #[inline]
    pub fn skip_tagged_fields(&mut self) -> Result<(), DecodeError> {
        // Nearly always there is none at all.
        if self.at < self.end && self.bytes[self.at] == 0 {
            self.at += 1;
            return Ok(());
        }
        self.tagged_fields(|_decoder, _tag| Ok(false))
    }

    fn present<T>(&self, value: Option<T>, field: &'static str) -> Result<T, DecodeError> {
        value.ok_or_else(|| self.error(DecodeErrorKind::Null, field))
    }

    fn allow_null<T>(
        &self,
        value: Option<T>,
        nullable: bool,
        field: &'static str,
    ) -> Result<Option<T>, DecodeError> {
        match value {
            None if !nullable => Err(self.error(DecodeErrorKind::Null, field)),
            value => Ok(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn kind<T: core::fmt::Debug>(result: Result<T, DecodeError>) -> DecodeErrorKind {
        result.unwrap_err().kind
    }

    #[test]
    fn a_count_above_the_bytes_left_is_refused_before_anything_is_allocated() {
        let bytes = [0x7f, 0xff, 0xff, 0xff, 1, 2, 3];
        let refused = Decoder::new(&bytes, 0).vec(false, 2, "a", |decoder| decoder.int16("b"));
        let count = 0x7fff_ffff;
        assert_eq!(
            kind(refused),
            DecodeErrorKind::Count {
                count,
                remaining: 3
            }
        );
        let two = [0, 0, 0, 2, 1, 2, 3];
        assert!(Decoder::new(&two, 0).array(false, 2, "a").is_err());
        assert_eq!(Decoder::new(&two, 0).array(false, 1, "a"), Ok(2));
    }

    #[test]
    fn lengths_have_one_null_and_no_other_negative() {
        let null = [0xff, 0xff];
        assert_eq!(Decoder::new(&null, 0).nullable_str(false, "a"), Ok(None));
        assert_eq!(
            kind(Decoder::new(&null, 0).str(false, "a")),
            DecodeErrorKind::Null
        );
        let negative = [0xff, 0xfe];
        assert_eq!(
            kind(Decoder::new(&negative, 0).str(false, "a")),
            DecodeErrorKind::Length(-2)
        );
        assert_eq!(Decoder::new(&[0], 0).nullable_str(true, "a"), Ok(None));
        // One more than the largest text of the old form.
        let long = [0x81, 0x80, 0x02];
        assert_eq!(
            kind(Decoder::new(&long, 0).str(true, "a")),
            DecodeErrorKind::Length(0x8000)
        );
    }

    #[test]
    fn numbers_of_more_than_32_bits_are_refused() {
        let largest = [0xff, 0xff, 0xff, 0xff, 0x0f];
        assert_eq!(Decoder::new(&largest, 0).varint("a"), Ok(u32::MAX));
        for bytes in [
            [0xff, 0xff, 0xff, 0xff, 0x1f],
            [0x80, 0x80, 0x80, 0x80, 0x80],
        ] {
            assert_eq!(
                kind(Decoder::new(&bytes, 0).varint("a")),
                DecodeErrorKind::Varint
            );
        }
    }

    #[test]
    fn tagged_fields_are_ordered_sized_and_few() {
        let read = |bytes: &[u8]| {
            let mut seen = Vec::new();
            let mut decoder = Decoder::new(bytes, 0);
            decoder
                .tagged_fields(|decoder, tag| {
                    seen.push(tag);
                    Ok(tag == 1 && decoder.int8("one")? == 9)
                })
                .and_then(|()| decoder.finish())
                .map(|()| seen)
        };
        assert_eq!(read(&[2, 1, 1, 9, 5, 2, 0, 0]), Ok(vec![1, 5]));
        assert_eq!(
            kind(read(&[2, 1, 1, 9, 1, 1, 9])),
            DecodeErrorKind::TaggedFieldOrder(1)
        );
        let unread = DecodeErrorKind::TaggedFieldSize { size: 2, unread: 1 };
        assert_eq!(kind(read(&[1, 1, 2, 9, 9])), unread);
        let empty = DecodeErrorKind::Truncated {
            needed: 1,
            remaining: 0,
        };
        assert_eq!(kind(read(&[1, 1, 0])), empty);
        assert_eq!(
            kind(read(&[0x81, 2])),
            DecodeErrorKind::TaggedFieldCount(257)
        );
    }

    #[test]
    fn memory_is_charged_before_reading() {
        let mut decoder = Decoder::new(&[0; 10], 25);
        assert_eq!(decoder.charge(2, "a"), Ok(()));
        let refused = DecodeErrorKind::Budget {
            needed: 10,
            budget: 5,
        };
        assert_eq!(kind(decoder.charge(1, "a")), refused);
    }

    #[test]
    fn an_error_says_where() {
        let mut decoder = Decoder::new(&[0, 1, 0], 0);
        assert_eq!(decoder.int16("first"), Ok(1));
        let error = decoder.int16("second").unwrap_err();
        assert_eq!(
            error.to_string(),
            "second at byte 2: needs 2 bytes, 1 are left"
        );
    }
}
