//! A process that the kernel refuses io_uring, as a container's default profile does.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Loads the number of the system call.
const LOAD_NUMBER: libc::sock_filter = statement(0x20, 0);

const fn statement(code: u16, k: u32) -> libc::sock_filter {
    libc::sock_filter {
        code,
        jt: 0,
        jf: 0,
        k,
    }
}

/// Lets `command` run without `io_uring_setup`: it gets "operation not permitted" for it, and all else works.
#[expect(
    unsafe_code,
    reason = "a filter can only be installed between fork and exec"
)]
pub(crate) fn refuse_io_uring(command: &mut Command) {
    // SAFETY: `install` allocates nothing and takes no lock; it makes two system calls.
    unsafe {
        command.pre_exec(install);
    }
}

#[expect(unsafe_code, reason = "prctl is a system call")]
fn install() -> io::Result<()> {
    let setup = u32::try_from(libc::SYS_io_uring_setup).expect("a small number");
    let permission = u32::try_from(libc::EPERM).expect("a small number");
    let mut filter = [
        LOAD_NUMBER,
        // Equal: the next one. Else: the one after.
        libc::sock_filter {
            code: 0x15,
            jt: 0,
            jf: 1,
            k: setup,
        },
        statement(0x06, libc::SECCOMP_RET_ERRNO | permission),
        statement(0x06, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog {
        len: 4,
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: plain numbers, and a program that outlives the call.
    let refused = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
            || libc::prctl(
                libc::PR_SET_SECCOMP,
                libc::SECCOMP_MODE_FILTER,
                &raw const program,
            ) != 0
    };
    if refused {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
