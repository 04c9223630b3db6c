//! Operations and results folded into one number each, for traces and digests.

use core::net::SocketAddr;

use crate::digest::Digest;
use crate::error::IoError;
use crate::operation::{EntryKind, OpenOptions, Operation, Output, ShutdownSide, pieces_len};

/// A number that stands for the kind of `operation` and its arguments.
///
/// Bytes to be written are not looked at: those that were written count in the result. A send that is taken piece by
/// piece is submitted again with all that is left, so each byte would count as often as there are pieces before it.
pub fn of_operation(operation: &Operation) -> u64 {
    let mut digest = Digest::new();
    fold_operation(&mut digest, operation);
    fold(&digest)
}

/// A number that stands for a result and its bytes, those that were written among them.
pub fn of_result(result: &Result<Output, IoError>) -> u64 {
    let mut digest = Digest::new();
    match result {
        Ok(output) => fold_output(&mut digest, output),
        Err(error) => digest.words(&[100, error.kind() as u64]),
    }
    fold(&digest)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the low half of a digest is a digest"
)]
fn fold(digest: &Digest) -> u64 {
    digest.value() as u64
}

fn fold_operation(digest: &mut Digest, operation: &Operation) {
    match operation {
        Operation::Open { path, options } => fold_path(digest, options_bits(*options), path),
        Operation::Lock { descriptor } => digest.words(&[2, u64::from(descriptor.0)]),
        Operation::Read {
            descriptor,
            offset,
            bytes,
            ..
        } => digest.words(&[3, u64::from(descriptor.0), *offset, *bytes as u64]),
        Operation::Write {
            descriptor,
            offset,
            pieces,
            sync,
        } => {
            digest.words(&[
                4,
                u64::from(descriptor.0),
                *offset,
                pieces_len(pieces) as u64,
                u64::from(*sync),
            ]);
        }
        Operation::Sync { descriptor } => digest.words(&[5, u64::from(descriptor.0)]),
        Operation::Allocate {
            descriptor,
            offset,
            length,
            keep_length,
        } => digest.words(&[
            6,
            u64::from(descriptor.0),
            *offset,
            *length,
            u64::from(*keep_length),
        ]),
        Operation::Truncate { descriptor, length } => {
            digest.words(&[7, u64::from(descriptor.0), *length]);
        }
        Operation::Rename { source, target } => {
            fold_path(digest, 8, source);
            fold_path(digest, 8, target);
        }
        Operation::Unlink { path } => fold_path(digest, 9, path),
        Operation::CreateDirectory { path } => fold_path(digest, 10, path),
        Operation::RemoveDirectory { path } => fold_path(digest, 11, path),
        Operation::SyncDirectory { path } => fold_path(digest, 12, path),
        Operation::ReadDirectory { path } => fold_path(digest, 13, path),
        Operation::Status { path } => fold_path(digest, 14, path),
        Operation::Close { descriptor } => digest.words(&[22, u64::from(descriptor.0)]),
        Operation::Offload { .. } => digest.words(&[23]),
        socket => fold_socket(digest, socket),
    }
}

/// The operations on connections.
fn fold_socket(digest: &mut Digest, operation: &Operation) {
    match operation {
        Operation::Listen { address, backlog } => {
            digest.words(&[15, u64::from(*backlog)]);
            fold_address(digest, *address);
        }
        Operation::Accept { descriptor } => digest.words(&[16, u64::from(descriptor.0)]),
        Operation::Connect { address } => {
            digest.words(&[17]);
            fold_address(digest, *address);
        }
        Operation::Receive {
            descriptor,
            bytes_max,
        } => {
            digest.words(&[18, u64::from(descriptor.0), *bytes_max as u64]);
        }
        Operation::ReceiveInto {
            descriptor, bytes, ..
        } => {
            digest.words(&[19, u64::from(descriptor.0), *bytes as u64]);
        }
        Operation::Send { descriptor, pieces } => {
            digest.words(&[20, u64::from(descriptor.0), pieces_len(pieces) as u64]);
        }
        Operation::Shutdown { descriptor, side } => {
            digest.words(&[
                21,
                u64::from(descriptor.0),
                u64::from(*side == ShutdownSide::Both),
            ]);
        }
        _ => unreachable!("the others are folded by the caller"),
    }
}

fn fold_output(digest: &mut Digest, output: &Output) {
    match output {
        Output::Done => digest.words(&[1]),
        Output::Opened(descriptor) => digest.words(&[2, u64::from(descriptor.0)]),
        Output::Listening {
            descriptor,
            address,
        } => {
            digest.words(&[3, u64::from(descriptor.0)]);
            fold_address(digest, *address);
        }
        Output::Connected {
            descriptor,
            local,
            peer,
        } => {
            digest.words(&[4, u64::from(descriptor.0)]);
            fold_address(digest, *local);
            fold_address(digest, *peer);
        }
        Output::Read { bytes, buffer } => {
            digest.words(&[5, *bytes as u64]);
            digest.bytes(&buffer.as_slice()[buffer.len() - bytes..]);
        }
        Output::Received(buffer) => {
            digest.words(&[6, buffer.len() as u64]);
            digest.bytes(buffer.as_slice());
        }
        Output::Written {
            bytes,
            synced,
            pieces,
        } => {
            digest.words(&[7, *bytes as u64, u64::from(*synced)]);
            let mut left = *bytes;
            for piece in pieces {
                let taken = piece.len().min(left);
                digest.bytes(&piece[..taken]);
                left -= taken;
            }
        }
        Output::Entries(entries) => {
            digest.words(&[8, entries.len() as u64]);
            for entry in entries {
                fold_path(
                    digest,
                    u64::from(entry.kind == EntryKind::Directory),
                    &entry.name,
                );
            }
        }
        Output::Status(status) => {
            digest.words(&[
                9,
                u64::from(status.kind == EntryKind::Directory),
                status.length,
            ]);
        }
        Output::Finished(_) => digest.words(&[10]),
    }
}

fn options_bits(options: OpenOptions) -> u64 {
    let OpenOptions {
        write,
        create,
        create_new,
        direct,
    } = options;
    0x10 | u64::from(write)
        | u64::from(create) << 1
        | u64::from(create_new) << 2
        | u64::from(direct) << 3
}

fn fold_path(digest: &mut Digest, tag: u64, path: &str) {
    digest.words(&[tag, path.len() as u64]);
    digest.bytes(path.as_bytes());
}

fn fold_address(digest: &mut Digest, address: SocketAddr) {
    match address {
        SocketAddr::V4(address) => digest.bytes(&address.ip().octets()),
        SocketAddr::V6(address) => digest.bytes(&address.ip().octets()),
    }
    digest.words(&[u64::from(address.port())]);
}
