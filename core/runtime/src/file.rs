//! Files.

use std::rc::Rc;

use crate::buffer::Buf;
use crate::error::{IoError, IoErrorKind};
use crate::handle::Runtime;
use crate::operation::{
    Descriptor, OpenOptions, Operation, Output, PIECES_MAX, Pieces, advance_pieces, pieces_len,
};

/// An open file. Clones share it; the last one closes it.
#[derive(Clone, Debug)]
pub struct File(Rc<OpenFile>);

#[derive(Debug)]
struct OpenFile {
    runtime: Runtime,
    descriptor: Descriptor,
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        self.runtime.close_detached(self.descriptor);
    }
}

impl Runtime {
    /// Opens the file at `path`.
    pub async fn open(&self, path: &str, options: OpenOptions) -> Result<File, IoError> {
        let operation = Operation::Open {
            path: path.to_owned(),
            options,
        };
        match self.operate(operation).await? {
            Output::Opened(descriptor) => Ok(File(Rc::new(OpenFile {
                runtime: self.clone(),
                descriptor,
            }))),
            _ => unreachable!("an open completes with a file"),
        }
    }
}

impl File {
    /// Reads at most `bytes` bytes at `offset` behind what `buffer` holds: one read, which may be short. At the
    /// end of the file the buffer comes back as it was. On an error the buffer is gone.
    ///
    /// # Panics
    /// When the bytes do not fit.
    pub async fn read_at(&self, offset: u64, bytes: usize, buffer: Buf) -> Result<Buf, IoError> {
        assert!(bytes <= buffer.spare_len());
        let operation = Operation::Read {
            descriptor: self.0.descriptor,
            offset,
            bytes,
            buffer,
        };
        match self.0.runtime.operate(operation).await? {
            Output::Read { buffer, .. } => Ok(buffer),
            _ => unreachable!("a read completes with its buffer"),
        }
    }

    /// Reads exactly `bytes` bytes at `offset` behind what `buffer` holds. `UnexpectedEnd` when the file ends
    /// before.
    pub async fn read_exact_at(
        &self,
        mut offset: u64,
        mut bytes: usize,
        mut buffer: Buf,
    ) -> Result<Buf, IoError> {
        while bytes > 0 {
            let before = buffer.len();
            buffer = self.read_at(offset, bytes, buffer).await?;
            let read = buffer.len() - before;
            if read == 0 {
                return Err(IoErrorKind::UnexpectedEnd.into());
            }
            offset += read as u64;
            bytes -= read;
        }
        Ok(buffer)
    }

    /// Writes all of `pieces` at `offset`. Not durable before a sync.
    pub async fn write_at(&self, offset: u64, pieces: Pieces) -> Result<(), IoError> {
        self.write(offset, pieces, false).await
    }

    /// Writes all of `pieces` at `offset` and syncs: what was written, and every write to this file that
    /// completed before this call, is durable when it returns.
    pub async fn write_at_sync(&self, offset: u64, pieces: Pieces) -> Result<(), IoError> {
        self.write(offset, pieces, true).await
    }

    async fn write(&self, mut offset: u64, mut pieces: Pieces, sync: bool) -> Result<(), IoError> {
        let mut bytes_left = pieces_len(&pieces);
        let mut synced = !sync;
        while bytes_left > 0 {
            let later = pieces
                .drain(pieces.len().min(PIECES_MAX)..)
                .collect::<Pieces>();
            let operation = Operation::Write {
                descriptor: self.0.descriptor,
                offset,
                pieces,
                sync: sync && later.is_empty(),
            };
            let Output::Written {
                bytes,
                synced: linked,
                pieces: mut rest,
            } = self.0.runtime.operate(operation).await?
            else {
                unreachable!("a write completes with its pieces");
            };
            if bytes == 0 {
                return Err(IoErrorKind::Device.into());
            }
            advance_pieces(&mut rest, bytes);
            rest.extend(later);
            pieces = rest;
            offset += bytes as u64;
            bytes_left -= bytes;
            synced = linked || !sync;
        }
        if synced { Ok(()) } else { self.sync().await }
    }

    /// Makes every write that completed before this call durable. A failure is final: what was not synced may be
    /// lost although later syncs succeed [fsyncgate 2018]; nothing retries it.
    pub async fn sync(&self) -> Result<(), IoError> {
        let descriptor = self.0.descriptor;
        self.0
            .runtime
            .operate_done(Operation::Sync { descriptor })
            .await
    }

    /// Reserves blocks for `length` bytes from `offset`; the length of the file stays with `keep_length`.
    pub async fn allocate(
        &self,
        offset: u64,
        length: u64,
        keep_length: bool,
    ) -> Result<(), IoError> {
        let operation = Operation::Allocate {
            descriptor: self.0.descriptor,
            offset,
            length,
            keep_length,
        };
        self.0.runtime.operate_done(operation).await
    }

    /// Cuts the file, or extends it with zeroes, to `length` bytes.
    pub async fn truncate(&self, length: u64) -> Result<(), IoError> {
        let descriptor = self.0.descriptor;
        self.0
            .runtime
            .operate_done(Operation::Truncate { descriptor, length })
            .await
    }

    /// Takes the file's lock for as long as it is open here. `Locked` when another process, or another opening
    /// of it, has it.
    pub async fn lock(&self) -> Result<(), IoError> {
        let descriptor = self.0.descriptor;
        self.0
            .runtime
            .operate_done(Operation::Lock { descriptor })
            .await
    }
}
