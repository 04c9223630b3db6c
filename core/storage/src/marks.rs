//! Rare branches of this room, for the simulator's coverage table.

stdx::marks! {
    /// Recovery cut frames that were never acknowledged.
    TORN_TAIL_CUT = "storage: recovery cut a torn tail";
    /// Recovery found bytes behind the torn frame that still read as frames.
    FRAMES_BEHIND_THE_TEAR = "storage: frames were readable behind a torn one";
    /// Recovery searched for frames behind a bad one.
    RESYNC_SCANNED = "storage: recovery searched for frames behind a bad one";
    /// Recovery wrote the tail again, whose sync nobody had seen.
    TAIL_REWRITTEN = "storage: recovery wrote an unproven tail again";
    /// Recovery removed a last segment whose header never became whole.
    HEADERLESS_SEGMENT_REMOVED = "storage: recovery removed a segment without a header";
    /// Recovery found a committed frame unreadable.
    FENCED_LOST_COMMITTED = "storage: a log was fenced because a committed frame is unreadable";
    /// Recovery found a frame unreadable that a later segment proves durable.
    FENCED_CLAIMED = "storage: a log was fenced because a durable frame is unreadable";
    /// A scan went on up to bytes that the device does not give.
    SCAN_NARROWED = "storage: recovery read a frame in front of unreadable bytes";
    /// A start took a segment for what its footer says.
    FOOTER_BELIEVED = "storage: recovery believed a footer";
    /// A footer did not fit, and the frames were read.
    FOOTER_DAMAGED = "storage: recovery found a damaged footer";
    /// An index was read from its footer.
    INDEX_LOADED = "storage: an index was read from a footer";
    /// An index was made from the frames, since the footer's was damaged.
    INDEX_REBUILT = "storage: a damaged index was made from the frames";
    /// A segment with a footer was written again.
    SEGMENT_UNSEALED = "storage: a footer was cut off before a write";
    /// A log was closed with a footer, so that its next start reads no frame.
    CLOSED_WITH_FOOTER = "storage: a log was closed with a footer";
    /// All durable frames of a segment were looked at, in the background.
    SCRUBBED = "storage: a segment was scrubbed";
    /// A bad frame was found so.
    SCRUB_FOUND_DAMAGE = "storage: scrubbing found damage";
    /// A segment was full and another was begun.
    ROLLED = "storage: a segment was rolled";
    /// A write was started while another was in flight.
    WRITES_OVERLAPPED = "storage: a write began while another was in flight";
    /// A later write completed before an earlier one.
    WRITES_COMPLETED_OUT_OF_ORDER = "storage: writes completed out of order";
    /// Several appends went into one frame.
    FRAME_SHARED = "storage: appends shared a frame";
    /// A frame was larger than the usual bound, for a single batch.
    FRAME_OVERSIZED = "storage: a single batch made an oversized frame";
    /// The device was full: writing waits.
    NO_SPACE_ENTERED = "storage: a write found no space";
    /// There is room again.
    NO_SPACE_LEFT = "storage: writing went on after no space";
    /// An append was refused because too much waits already.
    APPEND_OVERLOADED = "storage: an append was refused as overloaded";
    /// A read went on in the next segment.
    READ_ACROSS_SEGMENTS = "storage: a read crossed a segment boundary";
    /// A read needed a larger window for one frame.
    READ_WIDENED = "storage: a read was widened to a large frame";
    /// A read was tried again with fewer bytes, to see which of them the device gives.
    READ_NARROWED = "storage: a read was narrowed around unreadable bytes";
    /// A read returned less because memory was short.
    READ_CUT_BY_MEMORY = "storage: a read was cut short by the memory budget";
    /// A read found damage and fenced the range.
    READ_FOUND_DAMAGE = "storage: a read found damage";
}
