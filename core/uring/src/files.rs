//! File operations as entries of the ring.

use std::ffi::CString;
use std::os::fd::{AsRawFd, OwnedFd};

use io_uring::opcode;
use io_uring::squeue::Entry;
use io_uring::types::{Fd, FsyncFlags};
use libc::iovec;
use runtime::operation::{PIECES_MAX, Remains, pieces_len};
use runtime::{
    Buf, Descriptor, Frozen, IoError, IoErrorKind, OpenOptions, OperationId, Output, Pieces,
};

use crate::os;
use crate::ring::Submission;
use crate::token::Token;
use crate::work::{Context, Part, Start, Step, Work, count};

/// The most that the kernel reads or writes in one call: it cuts longer ones off at this many bytes.
const TRANSFER_BYTES_MAX: usize = 0x7fff_f000;

/// Rights of new files and directories, before the process's mask.
const FILE_MODE: libc::mode_t = 0o644;
const DIRECTORY_MODE: libc::mode_t = 0o755;

/// Paths are taken as seen from the working directory.
const HERE: Fd = Fd(libc::AT_FDCWD);

/// Opens `path`.
pub(crate) fn open(token: u64, path: String, options: OpenOptions) -> Result<Start, IoError> {
    let path = c_string(path)?;
    let OpenOptions {
        write,
        create,
        create_new,
        direct,
    } = options;
    let mut flags = libc::O_CLOEXEC;
    flags |= if write { libc::O_RDWR } else { libc::O_RDONLY };
    if create || create_new {
        flags |= libc::O_CREAT;
    }
    if create_new {
        flags |= libc::O_EXCL;
    }
    if direct {
        flags |= libc::O_DIRECT;
    }
    let entry = opcode::OpenAt::new(HERE, path.as_ptr())
        .flags(flags)
        .mode(FILE_MODE);
    Ok(Start::new(
        Work::Open { _path: path },
        entry.build().user_data(token),
    ))
}

/// Reads at most `bytes` behind what `buffer` holds.
pub(crate) fn read(
    token: u64,
    descriptor: Descriptor,
    offset: u64,
    bytes: usize,
    mut buffer: Buf,
) -> Start {
    let (memory, bytes) = spare(&mut buffer, bytes);
    let entry = opcode::Read::new(fd(descriptor), memory, bytes).offset(offset);
    Start::new(Work::Read(buffer), entry.build().user_data(token))
}

/// Where `buffer` takes more, and how much of `bytes` goes there in one call.
pub(crate) fn spare(buffer: &mut Buf, bytes: usize) -> (*mut u8, u32) {
    let spare = buffer.spare_mut();
    let bytes = transfer_len(bytes.min(spare.len()));
    (spare.as_mut_ptr(), bytes)
}

/// `bytes`, cut off at what one call transfers.
pub(crate) fn transfer_len(bytes: usize) -> u32 {
    u32::try_from(bytes.min(TRANSFER_BYTES_MAX)).expect("the most is below 2^31")
}

/// The pieces of a write or send as the kernel reads them. It points into the pieces.
#[derive(Debug)]
pub(crate) struct Gather(Box<[iovec]>);

impl Gather {
    /// The list of `pieces`, or an error when the kernel would not take as many.
    pub(crate) fn new(pieces: &[Frozen]) -> Result<Self, IoError> {
        if pieces.len() > PIECES_MAX {
            return Err(IoErrorKind::InvalidInput.into());
        }
        let list = pieces.iter().map(|piece| iovec {
            iov_base: piece.as_ptr().cast_mut().cast(),
            iov_len: piece.len(),
        });
        Ok(Self(list.collect()))
    }

    /// Its first entry.
    pub(crate) fn as_ptr(&self) -> *const iovec {
        self.0.as_ptr()
    }

    /// Its entries.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    fn entries(&self) -> u32 {
        u32::try_from(self.0.len()).expect("at most PIECES_MAX")
    }
}

/// A write, alone or with a sync linked to it.
#[derive(Debug)]
pub(crate) struct Write {
    pieces: Pieces,
    _gather: Option<Gather>,
    /// What the write and the linked sync brought; both are needed where there is one.
    written: Option<i32>,
    synced: Option<i32>,
    is_linked: bool,
}

impl Write {
    /// Writes `pieces`, and syncs behind that if `sync` says so.
    pub(crate) fn start(
        id: OperationId,
        descriptor: Descriptor,
        offset: u64,
        pieces: Pieces,
        sync: bool,
    ) -> Result<Start, IoError> {
        let token = Token::operation(id).to_bits();
        let bytes = pieces_len(&pieces);
        let (gather, entry) = write_entry(descriptor, offset, &pieces)?;
        let entry = entry.user_data(token);
        // The kernel cuts a longer write off and does not call it short: its sync would claim too much.
        let is_linked = sync && bytes <= TRANSFER_BYTES_MAX;
        let submission = if is_linked {
            let token = Token::linked_sync(id).to_bits();
            Submission::linked(entry, sync_entry(fd(descriptor)).user_data(token))
        } else {
            Submission::one(entry)
        };
        let work = Work::Write(Box::new(Self {
            pieces,
            _gather: gather,
            written: None,
            synced: None,
            is_linked,
        }));
        Ok(Start { work, submission })
    }

    /// Takes one of its completions; the last one decides.
    pub(crate) fn advance(mut self: Box<Self>, part: Part, result: i32) -> Step {
        match part {
            Part::Main => self.written = Some(result),
            Part::LinkedSync => self.synced = Some(result),
        }
        match (self.written, self.synced) {
            (Some(written), None) if !self.is_linked => self.finish(written, false),
            (Some(written), Some(synced)) => {
                if written >= 0 && synced < 0 && synced != -libc::ECANCELED {
                    return Step::Failed(os::error_of_result(synced), Remains::Pieces(self.pieces));
                }
                // A short write breaks the link, and the sync counts as cancelled: what was written stands.
                self.finish(written, synced >= 0)
            }
            _ => Step::Wait(Work::Write(self)),
        }
    }

    fn finish(self, written: i32, synced: bool) -> Step {
        match count(written) {
            Ok(bytes) => Step::Over(Ok(Output::Written {
                bytes,
                synced,
                pieces: self.pieces,
            })),
            Err(error) => Step::Failed(error, Remains::Pieces(self.pieces)),
        }
    }
}

fn write_entry(
    descriptor: Descriptor,
    offset: u64,
    pieces: &[Frozen],
) -> Result<(Option<Gather>, Entry), IoError> {
    let fd = fd(descriptor);
    if let [piece] = pieces {
        let entry = opcode::Write::new(fd, piece.as_ptr(), transfer_len(piece.len()));
        return Ok((None, entry.offset(offset).build()));
    }
    let gather = Gather::new(pieces)?;
    let entry = opcode::Writev::new(fd, gather.as_ptr(), gather.entries());
    Ok((Some(gather), entry.offset(offset).build()))
}

fn sync_entry(fd: Fd) -> Entry {
    opcode::Fsync::new(fd).flags(FsyncFlags::DATASYNC).build()
}

/// Makes a file's data durable.
pub(crate) fn sync(token: u64, descriptor: Descriptor) -> Start {
    Start::new(Work::Plain, sync_entry(fd(descriptor)).user_data(token))
}

/// Reserves blocks.
pub(crate) fn allocate(
    token: u64,
    descriptor: Descriptor,
    offset: u64,
    length: u64,
    keep_length: bool,
) -> Start {
    let mode = if keep_length {
        libc::FALLOC_FL_KEEP_SIZE
    } else {
        0
    };
    let entry = opcode::Fallocate::new(fd(descriptor), length)
        .offset(offset)
        .mode(mode);
    Start::new(Work::Plain, entry.build().user_data(token))
}

/// Cuts or extends a file, in a ring that can.
pub(crate) fn truncate(token: u64, descriptor: Descriptor, length: u64) -> Start {
    let entry = opcode::Ftruncate::new(fd(descriptor), length);
    Start::new(Work::Plain, entry.build().user_data(token))
}

/// Gives `source` the name `target`.
pub(crate) fn rename(token: u64, source: String, target: String) -> Result<Start, IoError> {
    let (source, target) = (c_string(source)?, c_string(target)?);
    let entry = opcode::RenameAt::new(HERE, source.as_ptr(), HERE, target.as_ptr());
    let work = Work::Paths {
        _source: source,
        _target: Some(target),
    };
    Ok(Start::new(work, entry.build().user_data(token)))
}

/// Removes a file's name.
pub(crate) fn unlink(token: u64, path: String) -> Result<Start, IoError> {
    remove(token, path, 0)
}

/// Removes an empty directory.
pub(crate) fn remove_directory(token: u64, path: String) -> Result<Start, IoError> {
    remove(token, path, libc::AT_REMOVEDIR)
}

fn remove(token: u64, path: String, flags: i32) -> Result<Start, IoError> {
    let path = c_string(path)?;
    let entry = opcode::UnlinkAt::new(HERE, path.as_ptr()).flags(flags);
    Ok(Start::new(one_path(path), entry.build().user_data(token)))
}

/// Makes a directory.
pub(crate) fn create_directory(token: u64, path: String) -> Result<Start, IoError> {
    let path = c_string(path)?;
    let entry = opcode::MkDirAt::new(HERE, path.as_ptr()).mode(DIRECTORY_MODE);
    Ok(Start::new(one_path(path), entry.build().user_data(token)))
}

/// Makes the names in a directory durable: opens it, syncs it, and closes it with the end of the work.
#[derive(Debug)]
pub(crate) enum SyncDirectory {
    /// It is being opened.
    Opening {
        /// Its path.
        _path: CString,
    },
    /// It is being synced.
    Syncing {
        /// It.
        _directory: OwnedFd,
    },
}

impl SyncDirectory {
    /// Starts with the directory at `path`.
    pub(crate) fn start(token: u64, path: String) -> Result<Start, IoError> {
        let path = c_string(path)?;
        let entry = opcode::OpenAt::new(HERE, path.as_ptr())
            .flags(libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC);
        let work = Work::SyncDirectory(Self::Opening { _path: path });
        Ok(Start::new(work, entry.build().user_data(token)))
    }

    /// Takes the completion of one step.
    pub(crate) fn advance(self, result: i32, context: &Context<'_>) -> Step {
        if let Err(error) = count(result) {
            return Step::Over(Err(error));
        }
        match self {
            Self::Opening { .. } => {
                // SAFETY: the kernel opened it for this operation alone.
                let directory = unsafe { os::own(result) };
                if context.cancelling {
                    return Step::Over(Err(IoErrorKind::Cancelled.into()));
                }
                let entry = opcode::Fsync::new(Fd(directory.as_raw_fd()));
                let work = Work::SyncDirectory(Self::Syncing {
                    _directory: directory,
                });
                Step::Next(Start::new(work, entry.build().user_data(context.token)))
            }
            Self::Syncing { .. } => Step::Over(Ok(Output::Done)),
        }
    }
}

/// Gives a descriptor up.
pub(crate) fn close(token: u64, descriptor: Descriptor) -> Submission {
    Submission::one(opcode::Close::new(fd(descriptor)).build().user_data(token))
}

/// A descriptor as entries name it.
pub(crate) fn fd(descriptor: Descriptor) -> Fd {
    Fd(os::raw(descriptor))
}

fn one_path(path: CString) -> Work {
    Work::Paths {
        _source: path,
        _target: None,
    }
}

fn c_string(path: String) -> Result<CString, IoError> {
    // No system has a path with a zero byte in it.
    CString::new(path).or(Err(IoErrorKind::InvalidInput.into()))
}
