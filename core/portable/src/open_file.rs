//! An open file, as file threads use it. Everything here blocks.

use std::fs::{File, TryLockError};
use std::io::{self, IoSlice};
use std::sync::{Arc, OnceLock};

use runtime::operation::{Pieces, pieces_len};
use runtime::{Buf, IoError, IoErrorKind, OpenOptions, OperationId, Output};
use rustix::fs::{Mode, OFlags};
use rustix::io::retry_on_intr;
use smallvec::SmallVec;

use crate::arrivals::Arrivals;
use crate::landing::{Brought, Failure, Landing, Outcome, Remains};

/// Who may read and write a file that is made: the owner writes, others read, less what the umask takes.
const MODE: Mode = Mode::from_raw_mode(0o644);

/// A file. The driver of its core holds it while it is open, and every operation on it while that is in flight; it
/// closes with the last of them.
#[derive(Debug)]
pub(crate) struct OpenFile {
    // Dropped in this order: the file is closed before its closing lands.
    file: File,
    closing: OnceLock<Closing>,
}

/// Lands a close when it is dropped.
#[derive(Debug)]
struct Closing {
    id: OperationId,
    arrivals: Arc<Arrivals>,
}

impl Drop for Closing {
    fn drop(&mut self) {
        self.arrivals.land(Landing::output(self.id, Output::Done));
    }
}

impl OpenFile {
    /// Opens the file at `path`.
    pub(crate) fn open(path: &str, options: OpenOptions) -> io::Result<Self> {
        let OpenOptions {
            write,
            create,
            create_new,
            direct,
        } = options;
        let mut flags = OFlags::CLOEXEC;
        flags |= if write { OFlags::RDWR } else { OFlags::RDONLY };
        flags.set(OFlags::CREATE, create);
        flags.set(OFlags::EXCL, create && create_new);
        #[cfg(target_os = "linux")]
        flags.set(OFlags::DIRECT, direct);
        let file = File::from(retry_on_intr(|| rustix::fs::open(path, flags, MODE))?);
        #[cfg(target_os = "macos")]
        rustix::fs::fcntl_nocache(&file, direct)?;
        // Elsewhere the page cache is used: `direct` is about speed, not about durability.
        #[cfg(not(any(target_os = "linux", target_os = "macos")))]
        drop(direct);
        Ok(Self {
            file,
            closing: OnceLock::new(),
        })
    }

    /// Says which close ends with this file's end.
    pub(crate) fn closes(&self, id: OperationId, arrivals: Arc<Arrivals>) {
        let closing = Closing { id, arrivals };
        assert!(self.closing.set(closing).is_ok(), "a file is closed once");
    }

    /// Reads at most `bytes` bytes behind what `buffer` holds.
    pub(crate) fn read(&self, offset: u64, bytes: usize, mut buffer: Buf) -> Outcome {
        let read = retry_on_intr(|| {
            let spare = &mut buffer.spare_mut()[..bytes];
            rustix::io::pread(&self.file, spare, offset)
        });
        match read {
            Ok(bytes) => {
                buffer.set_len(buffer.len() + bytes);
                Ok(Brought::Output(Output::Read { bytes, buffer }))
            }
            Err(errno) => Err(Failure::leaving(
                io::Error::from(errno),
                Remains::Buffer(buffer),
            )),
        }
    }

    /// Writes the pieces, and with `sync` their durability when all was written.
    pub(crate) fn write(&self, offset: u64, pieces: Pieces, sync: bool) -> Outcome {
        match self.write_and_sync(offset, &pieces, sync) {
            Ok((bytes, synced)) => Ok(Brought::Output(Output::Written {
                bytes,
                synced,
                pieces,
            })),
            Err(error) => Err(Failure::leaving(error, Remains::Pieces(pieces))),
        }
    }

    fn write_and_sync(
        &self,
        offset: u64,
        pieces: &Pieces,
        sync: bool,
    ) -> io::Result<(usize, bool)> {
        let slices: SmallVec<[IoSlice<'_>; 16]> =
            pieces.iter().map(|piece| IoSlice::new(piece)).collect();
        let bytes = retry_on_intr(|| rustix::io::pwritev(&self.file, &slices, offset))?;
        // What a short write left out is not there to be synced: the writer goes on, and syncs then.
        let synced = sync && bytes == pieces_len(pieces);
        if synced {
            self.file.sync_data()?;
        }
        Ok((bytes, synced))
    }

    /// Makes the data durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        // Never tried twice: a second sync may succeed without what the first one lost [fsyncgate].
        self.file.sync_data()
    }

    /// Reserves blocks.
    #[cfg(target_os = "linux")]
    pub(crate) fn allocate(&self, offset: u64, length: u64, keep_length: bool) -> io::Result<()> {
        let mut flags = rustix::fs::FallocateFlags::empty();
        flags.set(rustix::fs::FallocateFlags::KEEP_SIZE, keep_length);
        retry_on_intr(|| rustix::fs::fallocate(&self.file, flags, offset, length))?;
        Ok(())
    }

    /// Reserves nothing here: only the length is as it should be. A write may find the disk full later.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn allocate(&self, offset: u64, length: u64, keep_length: bool) -> io::Result<()> {
        let end = offset
            .checked_add(length)
            .ok_or(io::ErrorKind::InvalidInput)?;
        if !keep_length && self.file.metadata()?.len() < end {
            self.file.set_len(end)?;
        }
        Ok(())
    }

    /// Cuts or extends it.
    pub(crate) fn truncate(&self, length: u64) -> io::Result<()> {
        self.file.set_len(length)
    }

    /// Takes its lock, or says that someone else has it.
    pub(crate) fn lock(&self) -> Result<(), IoError> {
        match self.file.try_lock() {
            Ok(()) => Ok(()),
            Err(TryLockError::WouldBlock) => Err(IoErrorKind::Locked.into()),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }
}
