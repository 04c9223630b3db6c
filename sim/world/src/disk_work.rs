//! Operations at the disk: how long they take, and what they do when their time has come.

use runtime::operation::pieces_len;
use runtime::{
    Buf, Descriptor, IoError, IoErrorKind, Operation, OperationId, Output, PAGE_BYTES, Pieces,
};

use crate::World;
use crate::descriptor::Opened;
use crate::disk::inode::InodeId;
use crate::disk::{Disk, Latency};
use crate::event::{Event, Place};
use crate::in_flight::{DiskWork, InFlight};
use crate::network::connection::Waiter;
use crate::network::link::add;
use crate::node::Node;

/// The system's number for a descriptor that does not allow what was asked of it.
const BAD_DESCRIPTOR: i32 = 9;

/// What becomes of an operation whose time at the disk has come.
enum Step {
    Done(Result<Output, IoError>),
    /// Its linked sync is next.
    Sync(DiskWork),
}

/// The open file that an operation is about, when it is about one.
fn file_of(operation: &Operation) -> Option<Descriptor> {
    match operation {
        Operation::Lock { descriptor }
        | Operation::Read { descriptor, .. }
        | Operation::Write { descriptor, .. }
        | Operation::Sync { descriptor }
        | Operation::Allocate { descriptor, .. }
        | Operation::Truncate { descriptor, .. } => Some(*descriptor),
        _ => None,
    }
}

impl World {
    pub(crate) fn submit_to_disk(&mut self, place: Place, id: OperationId, operation: Operation) {
        let mut file = None;
        if let Some(descriptor) = file_of(&operation) {
            file = self.opened(place, descriptor);
            let Some(Opened::File { inode, .. }) = file else {
                self.refuse(place, id, operation);
                return;
            };
            self.node_mut(place.node).disk.hold(inode);
        }
        let latency = match operation {
            Operation::Read { .. } => Latency::Read,
            Operation::Write { .. } | Operation::Allocate { .. } | Operation::Truncate { .. } => {
                Latency::Write
            }
            Operation::Sync { .. } | Operation::SyncDirectory { .. } => Latency::Sync,
            _ => Latency::Names,
        };
        let mark = self.node(place.node).disk.mark();
        let work = DiskWork {
            operation,
            file,
            mark,
            written: None,
        };
        self.put_to_disk(place, id, work, latency);
    }

    fn put_to_disk(&mut self, place: Place, id: OperationId, work: DiskWork, latency: Latency) {
        let now = self.now();
        let at = add(now, self.node_mut(place.node).disk.latency(latency));
        self.set(place, id, InFlight::Disk(work));
        self.heap.push(at, Event::Operation(place, id));
    }

    pub(crate) fn disk_due(&mut self, place: Place, id: OperationId, work: DiskWork) {
        let now = self.now();
        let node = self.node_mut(place.node);
        if let Some(until) = node.disk.stalled(now) {
            self.set(place, id, InFlight::Disk(work));
            self.heap.push(until, Event::Operation(place, id));
            return;
        }
        let file = work.file;
        match perform(node, place, work) {
            Step::Sync(work) => self.put_to_disk(place, id, work, Latency::Sync),
            Step::Done(result) => {
                if let Some(Opened::File { inode, .. }) = file {
                    node.disk.release(inode);
                }
                let failed = result.is_err();
                self.complete(Waiter { place, id }, result);
                if failed {
                    self.announce_loose_drops();
                }
            }
        }
    }
}

/// Does what an operation is to do.
fn perform(node: &mut Node, place: Place, mut work: DiskWork) -> Step {
    if let Some(Opened::File {
        inode,
        write,
        direct,
    }) = work.file
    {
        if let Operation::Write {
            offset,
            pieces,
            sync,
            ..
        } = &work.operation
        {
            let (offset, sync) = (*offset, *sync);
            if work.written.is_none() {
                match write_pieces(&mut node.disk, inode, offset, pieces, (write, direct)) {
                    Ok(bytes) if sync && bytes == pieces_len(pieces) => {
                        work.written = Some(bytes);
                        work.mark = node.disk.mark();
                        return Step::Sync(work);
                    }
                    Ok(bytes) => return Step::Done(Ok(written(work.operation, bytes, false))),
                    Err(error) => return Step::Done(Err(error)),
                }
            }
        }
        return Step::Done(perform_on_file(
            &mut node.disk,
            inode,
            (write, direct),
            work,
        ));
    }
    if let Operation::Open { path, options } = &work.operation {
        let opened = node.disk.open(path, *options).and_then(|inode| {
            let file = Opened::File {
                inode,
                write: options.write,
                direct: options.direct,
            };
            let descriptor = node.descriptors.open(place.core, file);
            if descriptor.is_none() {
                node.disk.release(inode);
            }
            descriptor.ok_or(IoErrorKind::TooManyOpenFiles)
        });
        return Step::Done(opened.map(Output::Opened).map_err(IoError::from));
    }
    Step::Done(perform_on_names(&mut node.disk, &work).map_err(IoError::from))
}

fn written(operation: Operation, bytes: usize, synced: bool) -> Output {
    let Operation::Write { pieces, .. } = operation else {
        unreachable!("only writes are written");
    };
    Output::Written {
        bytes,
        synced,
        pieces,
    }
}

type Access = (bool, bool);

fn write_pieces(
    disk: &mut Disk,
    inode: InodeId,
    offset: u64,
    pieces: &Pieces,
    (write, direct): Access,
) -> Result<usize, IoError> {
    may_write(write)?;
    let aligned =
        |piece: &runtime::Frozen| piece.len().is_multiple_of(PAGE_BYTES) && piece.is_page_aligned();
    if direct && !(offset.is_multiple_of(PAGE_BYTES as u64) && pieces.iter().all(aligned)) {
        return Err(IoErrorKind::InvalidInput.into());
    }
    let unit = if direct { PAGE_BYTES } else { 1 };
    Ok(disk.write(inode, offset, pieces, unit)?)
}

fn may_write(write: bool) -> Result<(), IoError> {
    if write {
        return Ok(());
    }
    Err(IoError::with_code(IoErrorKind::Other, BAD_DESCRIPTOR))
}

fn perform_on_file(
    disk: &mut Disk,
    inode: InodeId,
    (write, direct): Access,
    work: DiskWork,
) -> Result<Output, IoError> {
    match work.operation {
        Operation::Lock { descriptor } => disk.lock(inode, descriptor.0)?,
        Operation::Read {
            offset,
            bytes,
            buffer,
            ..
        } => {
            return read(disk, inode, offset, bytes, buffer, direct);
        }
        Operation::Write { .. } => {
            disk.sync(inode, work.mark)?;
            let bytes = work.written.unwrap_or_default();
            return Ok(written(work.operation, bytes, true));
        }
        Operation::Sync { .. } => disk.sync(inode, work.mark)?,
        Operation::Allocate {
            offset,
            length,
            keep_length,
            ..
        } => {
            may_write(write)?;
            disk.allocate(inode, offset, length, keep_length)?;
        }
        Operation::Truncate { length, .. } => {
            if !write {
                return Err(IoErrorKind::InvalidInput.into());
            }
            disk.truncate(inode, length)?;
        }
        _ => return Err(IoErrorKind::InvalidInput.into()),
    }
    Ok(Output::Done)
}

fn read(
    disk: &mut Disk,
    inode: InodeId,
    offset: u64,
    bytes: usize,
    mut buffer: Buf,
    direct: bool,
) -> Result<Output, IoError> {
    let aligned = offset.is_multiple_of(PAGE_BYTES as u64)
        && bytes.is_multiple_of(PAGE_BYTES)
        && buffer.len().is_multiple_of(PAGE_BYTES);
    if direct && !aligned {
        return Err(IoErrorKind::InvalidInput.into());
    }
    let bytes = disk.read(inode, offset, &mut buffer.spare_mut()[..bytes])?;
    buffer.set_len(buffer.len() + bytes);
    Ok(Output::Read { bytes, buffer })
}

fn perform_on_names(disk: &mut Disk, work: &DiskWork) -> Result<Output, IoErrorKind> {
    match &work.operation {
        Operation::Rename { source, target } => disk.rename(source, target)?,
        Operation::Unlink { path } => disk.unlink(path)?,
        Operation::CreateDirectory { path } => disk.create_directory(path)?,
        Operation::RemoveDirectory { path } => disk.remove_directory(path)?,
        Operation::SyncDirectory { path } => disk.sync_directory(path, work.mark)?,
        Operation::ReadDirectory { path } => return disk.read_directory(path).map(Output::Entries),
        Operation::Status { path } => return disk.status(path).map(Output::Status),
        _ => return Err(IoErrorKind::InvalidInput),
    }
    Ok(Output::Done)
}
