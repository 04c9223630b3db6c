//! The two directions of translation between the system's words and ours: numbers of errors and descriptors.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, IntoRawFd, OwnedFd, RawFd};

use runtime::{Descriptor, IoError};
use rustix::io::Errno;

/// What a system call's error means to rooms.
pub(crate) fn error(errno: Errno) -> IoError {
    io::Error::from_raw_os_error(errno.raw_os_error()).into()
}

/// What the negative result of a completion queue entry means to rooms.
pub(crate) fn error_of_result(result: i32) -> IoError {
    io::Error::from_raw_os_error(result.wrapping_neg()).into()
}

/// The number that the kernel knows `descriptor` by: its very own.
pub(crate) fn raw(descriptor: Descriptor) -> RawFd {
    RawFd::try_from(descriptor.0).expect("a descriptor is made from a number of the kernel's")
}

/// A number of the kernel's as our descriptor.
pub(crate) fn descriptor_of_raw(fd: RawFd) -> Descriptor {
    Descriptor(u32::try_from(fd).expect("the kernel's numbers are not negative"))
}

/// Gives `fd` up to whoever holds the returned descriptor.
pub(crate) fn into_descriptor(fd: OwnedFd) -> Descriptor {
    descriptor_of_raw(fd.into_raw_fd())
}

/// Lends `descriptor` to one system call.
///
/// # Safety
/// The descriptor stays open while the borrow lives.
pub(crate) unsafe fn borrow<'a>(descriptor: Descriptor) -> BorrowedFd<'a> {
    // SAFETY: the number is not -1, as `raw` checks; the caller keeps it open.
    unsafe { BorrowedFd::borrow_raw(raw(descriptor)) }
}

/// Takes ownership of a number that the kernel gave to this process, in a completion or to an operation.
///
/// # Safety
/// Nothing else owns it.
pub(crate) unsafe fn own(fd: RawFd) -> OwnedFd {
    use std::os::fd::FromRawFd;
    // SAFETY: the caller is the only owner.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    debug_assert!(fd.as_raw_fd() >= 0);
    fd
}
