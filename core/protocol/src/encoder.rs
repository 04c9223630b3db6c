//! The writer that all encoding goes through.

use crate::error::EncodeError;
use crate::uuid::Uuid;

/// Writes one message to a vector.
///
/// Records are not written: the encoder notes where they belong and how long they are ([`Cut`]), so that header
/// bytes and records can be handed to the network as they lie.
#[derive(Debug, Default)]
pub struct Encoder {
    bytes: Vec<u8>,
    cuts: Vec<Cut>,
}

/// A place in the encoder's bytes where records belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Bytes of the encoder in front of the records.
    pub at: usize,
    /// Bytes of the records.
    pub length: usize,
}

/// Where the body of a tagged field begins, to be given back to [`Encoder::end_tagged`].
#[derive(Debug)]
#[must_use]
pub(crate) struct TaggedField {
    start: usize,
}

impl Encoder {
    /// An empty one.
    pub const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            cuts: Vec::new(),
        }
    }

    /// One that writes behind what `bytes` holds.
    pub const fn onto(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            cuts: Vec::new(),
        }
    }

    /// What was written, without the records.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What was written, for a message that has no records.
    ///
    /// # Panics
    /// Where it has: they would be lost.
    pub fn into_bytes(self) -> Vec<u8> {
        assert!(self.cuts.is_empty());
        self.bytes
    }

    /// What was written, and where records belong, in order.
    pub fn into_pieces(self) -> (Vec<u8>, Vec<Cut>) {
        (self.bytes, self.cuts)
    }

    /// Bytes of the message so far, records included.
    pub fn len(&self) -> usize {
        self.bytes.len() + self.cuts.iter().map(|cut| cut.length).sum::<usize>()
    }

    /// Whether nothing was written.
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// One byte, 1 or 0.
    pub fn bool(&mut self, value: bool) {
        self.bytes.push(u8::from(value));
    }

    /// One byte.
    pub fn int8(&mut self, value: i8) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    /// Two bytes.
    pub fn int16(&mut self, value: i16) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    /// Two bytes without a sign.
    pub fn uint16(&mut self, value: u16) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    /// Four bytes.
    pub fn int32(&mut self, value: i32) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    /// Four bytes without a sign.
    pub fn uint32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    /// Eight bytes.
    pub fn int64(&mut self, value: i64) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    /// Eight bytes of a floating-point number.
    pub fn float64(&mut self, value: f64) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    /// Sixteen bytes.
    pub fn uuid(&mut self, value: Uuid) {
        self.bytes.extend_from_slice(&value.0);
    }

    /// One to five bytes of seven bits, low ones first.
    pub fn varint(&mut self, value: u32) {
        let (bytes, length) = varint_bytes(value);
        self.bytes.extend_from_slice(&bytes[..length]);
    }

    /// Text.
    pub fn string(
        &mut self,
        flexible: bool,
        text: &str,
        field: &'static str,
    ) -> Result<(), EncodeError> {
        let too_long = |_overflow| EncodeError::too_long(field, text.len());
        let length = i16::try_from(text.len()).map_err(too_long)?;
        if flexible {
            self.varint(u32::from(length.unsigned_abs()) + 1);
        } else {
            self.int16(length);
        }
        self.bytes.extend_from_slice(text.as_bytes());
        Ok(())
    }

    /// Text that may be null where `nullable` says so.
    pub fn nullable_string(
        &mut self,
        flexible: bool,
        nullable: bool,
        text: Option<&str>,
        field: &'static str,
    ) -> Result<(), EncodeError> {
        match text {
            Some(text) => self.string(flexible, text, field)?,
            None if !nullable => return Err(EncodeError::null(field)),
            None if flexible => self.varint(0),
            None => self.int16(-1),
        }
        Ok(())
    }

    /// Bytes with their length in front.
    pub fn length_and_bytes(
        &mut self,
        flexible: bool,
        bytes: &[u8],
        field: &'static str,
    ) -> Result<(), EncodeError> {
        self.array(flexible, bytes.len(), field)?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Bytes that may be null where `nullable` says so.
    pub fn nullable_length_and_bytes(
        &mut self,
        flexible: bool,
        nullable: bool,
        bytes: Option<&[u8]>,
        field: &'static str,
    ) -> Result<(), EncodeError> {
        self.nullable_array(flexible, nullable, bytes.map(<[u8]>::len), field)?;
        self.bytes.extend_from_slice(bytes.unwrap_or_default());
        Ok(())
    }

    /// The length of records, which go here and are kept apart; null where there is none.
    pub fn records(
        &mut self,
        flexible: bool,
        nullable: bool,
        length: Option<usize>,
        field: &'static str,
    ) -> Result<(), EncodeError> {
        self.nullable_array(flexible, nullable, length, field)?;
        if let Some(length) = length {
            self.cuts.push(Cut {
                at: self.bytes.len(),
                length,
            });
        }
        Ok(())
    }

    /// How many elements follow.
    pub fn array(
        &mut self,
        flexible: bool,
        count: usize,
        field: &'static str,
    ) -> Result<(), EncodeError> {
        let length =
            i32::try_from(count).map_err(|_overflow| EncodeError::too_long(field, count))?;
        if flexible {
            self.varint(length.unsigned_abs() + 1);
        } else {
            self.int32(length);
        }
        Ok(())
    }

    /// How many elements follow, or null where `nullable` allows it.
    pub fn nullable_array(
        &mut self,
        flexible: bool,
        nullable: bool,
        count: Option<usize>,
        field: &'static str,
    ) -> Result<(), EncodeError> {
        match count {
            Some(count) => self.array(flexible, count, field)?,
            None if !nullable => return Err(EncodeError::null(field)),
            None if flexible => self.varint(0),
            None => self.int32(-1),
        }
        Ok(())
    }

    /// Whether a structure that may be null where `nullable` says so follows.
    pub fn nullable_struct(
        &mut self,
        nullable: bool,
        present: bool,
        field: &'static str,
    ) -> Result<(), EncodeError> {
        if !present && !nullable {
            return Err(EncodeError::null(field));
        }
        self.int8(if present { 1 } else { -1 });
        Ok(())
    }

    /// Begins the tagged field of this number.
    pub(crate) fn begin_tagged(&mut self, tag: u32) -> TaggedField {
        self.varint(tag);
        TaggedField {
            start: self.bytes.len(),
        }
    }

    /// Ends it: its size goes in front of it. Tagged fields are small, and have no records.
    pub(crate) fn end_tagged(
        &mut self,
        tagged: &TaggedField,
        field: &'static str,
    ) -> Result<(), EncodeError> {
        let size = self.bytes.len() - tagged.start;
        let size = u32::try_from(size).map_err(|_overflow| EncodeError::too_long(field, size))?;
        let (bytes, length) = varint_bytes(size);
        self.bytes
            .splice(tagged.start..tagged.start, bytes.into_iter().take(length));
        Ok(())
    }

    /// Writes `value` over the four bytes at `at`.
    pub(crate) fn overwrite_int32(&mut self, at: usize, value: i32) {
        self.bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
    }
}

/// The number's bytes, and how many of them count.
fn varint_bytes(value: u32) -> ([u8; 5], usize) {
    let mut bytes = [0; 5];
    let (mut rest, mut length) = (value, 0);
    loop {
        let [.., low] = (rest & 0x7f).to_be_bytes();
        rest >>= 7;
        bytes[length] = if rest == 0 { low } else { low | 0x80 };
        length += 1;
        if rest == 0 {
            return (bytes, length);
        }
    }
}
