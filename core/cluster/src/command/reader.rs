//! Takes fields off the front of bytes, and never past their end.

use super::CommandError;

/// What is left to read.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn byte(&mut self) -> Result<u8, CommandError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], CommandError> {
        let (array, rest) = self
            .rest
            .split_first_chunk()
            .ok_or(CommandError::Truncated)?;
        self.rest = rest;
        Ok(*array)
    }

    pub(super) fn length(&mut self) -> Result<usize, CommandError> {
        self.array()
            .map(|bytes| usize::from(u16::from_be_bytes(bytes)))
    }

    pub(super) fn text(&mut self) -> Result<&'a str, CommandError> {
        let length = self.length()?;
        let (text, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(CommandError::Truncated)?;
        self.rest = rest;
        str::from_utf8(text).map_err(|_not_utf8| CommandError::Text)
    }

    /// Checks that nothing is left.
    pub(super) fn end(&self) -> Result<(), CommandError> {
        match self.rest.len() {
            0 => Ok(()),
            bytes => Err(CommandError::Trailing { bytes }),
        }
    }
}
