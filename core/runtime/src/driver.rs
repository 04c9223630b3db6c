//! What a ground implements.

use crate::core_id::CoreId;
use crate::operation::{Descriptor, Operation, OperationId};

/// One core's ground: it takes operations and wakes other cores. Time and completions go the other way, as
/// [`crate::Inputs`] of the next turn.
///
/// Duties of an implementation:
/// - `submit` queues and returns; the completion comes with a later turn;
/// - each operation gets exactly one final completion, cancelled or not, unless the node dies;
/// - the memory in an operation stays alive and unmoved until that completion, which brings it back;
/// - writes to one descriptor may be in flight together and complete in any order;
/// - a linked sync happens after its write and only when that wrote everything.
pub trait Driver {
    /// Queues `operation`.
    fn submit(&self, id: OperationId, operation: Operation);

    /// Asks to end `id` early. Best effort: it may complete as if nothing had been asked.
    fn cancel(&self, id: OperationId);

    /// Tells that one message, or memory that comes home, is on its way from this core to `core`.
    fn wake(&self, core: CoreId);

    /// Detaches `descriptor` from this core, so that another core of the node may use it from now on. No
    /// operation is in flight on it.
    fn hand_over(&self, descriptor: Descriptor);
}
