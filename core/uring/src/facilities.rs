//! What a kernel offers beyond the least that this ground needs, and the check that it offers that least.

use std::io;

use io_uring::{IoUring, Parameters, Probe, opcode};
use runtime::{IoError, IoErrorKind};

/// What this ground uses where the kernel has it and does without where not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facilities of a kernel"
)]
pub struct Facilities {
    /// Rings whose completions are worked off only when their own thread asks (Linux 6.1); without, the kernel
    /// interrupts it.
    pub deferred_work: bool,
    /// Buffers registered for receives that have none of their own (5.19); without, a receive polls first and
    /// takes its buffer then.
    pub provided_buffers: bool,
    /// Waking another core by an entry in its ring (5.18); without, by its event descriptor.
    pub message_rings: bool,
    /// Truncating in the ring (6.9); without, on a helper thread.
    pub truncate: bool,
}

impl Facilities {
    /// Everything that is known.
    pub const ALL: Self = Self {
        deferred_work: true,
        provided_buffers: true,
        message_rings: true,
        truncate: true,
    };

    /// Nothing: a plain ring as Linux 5.15 has it.
    pub const PLAIN: Self = Self {
        deferred_work: false,
        provided_buffers: false,
        message_rings: false,
        truncate: false,
    };

    /// Those of `self` whose operations `probe` knows. The others are found out by trying.
    pub(crate) fn probed(self, probe: &Probe) -> Self {
        Self {
            message_rings: self.message_rings && probe.is_supported(opcode::MsgRingData::CODE),
            truncate: self.truncate && probe.is_supported(opcode::Ftruncate::CODE),
            ..self
        }
    }
}

/// Operations that a kernel must have.
const NEEDED: [u8; 18] = [
    opcode::Accept::CODE,
    opcode::AsyncCancel::CODE,
    opcode::Close::CODE,
    opcode::Connect::CODE,
    opcode::Fallocate::CODE,
    opcode::Fsync::CODE,
    opcode::MkDirAt::CODE,
    opcode::OpenAt::CODE,
    opcode::PollAdd::CODE,
    opcode::Read::CODE,
    opcode::Recv::CODE,
    opcode::RenameAt::CODE,
    opcode::Send::CODE,
    opcode::SendMsg::CODE,
    opcode::Shutdown::CODE,
    opcode::UnlinkAt::CODE,
    opcode::Write::CODE,
    opcode::Writev::CODE,
];

/// Whether a node can run here: Ok, or what the kernel refuses. `PermissionDenied` where a sandbox forbids
/// io_uring, `Unsupported` where the kernel is too old.
pub fn is_available() -> Result<(), IoError> {
    let ring = IoUring::new(8)?;
    check_features(ring.params())?;
    check_operations(&probe(&ring)?)
}

/// Asks the kernel which operations it has.
pub(crate) fn probe(ring: &IoUring) -> io::Result<Probe> {
    let mut probe = Probe::new();
    ring.submitter().register_probe(&mut probe)?;
    Ok(probe)
}

/// Ok when the ring has the features that the core loop stands on.
pub(crate) fn check_features(parameters: &Parameters) -> Result<(), IoError> {
    // Sleeping with a deadline in the one system call.
    let sleeps = parameters.is_feature_ext_arg();
    // A completion is never dropped: the kernel keeps what the queue has no room for.
    let keeps = parameters.is_feature_nodrop();
    // What an entry points to is read at submission, except for what the in-flight table keeps anyway; a socket
    // that is not ready is polled by the kernel and not by a thread of its own.
    let polls = parameters.is_feature_fast_poll();
    if sleeps && keeps && polls {
        Ok(())
    } else {
        Err(IoErrorKind::Unsupported.into())
    }
}

/// Ok when every needed operation is there.
pub(crate) fn check_operations(probe: &Probe) -> Result<(), IoError> {
    if NEEDED.iter().all(|&code| probe.is_supported(code)) {
        Ok(())
    } else {
        Err(IoErrorKind::Unsupported.into())
    }
}
