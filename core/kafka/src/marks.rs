//! Rare branches of the door, for the coverage table.

stdx::marks! {
    /// A frame had to wait for memory before it was read.
    FRAME_WAITED = "kafka: back-pressure, a frame waited for memory";
    /// A long poll ended because another client waited for the memory of the requests behind it.
    POLL_HURRIED = "kafka: a long poll was hurried, others waited for its memory";
    /// A connection had as much memory in unanswered requests as one may have.
    SHARE_USED_UP = "kafka: back-pressure, a connection used its share of memory up";
    /// A slow client was cut because another one waited for the memory that it held.
    CUT_FOR_MEMORY = "kafka: a slow client was cut, others waited for its memory";
    /// A connection had as many requests in flight as it may.
    PIPELINE_FULL = "kafka: back-pressure, a connection had its requests in flight";
    /// A write had to wait for memory in which to keep what it asked.
    ENTRIES_WAITED = "kafka: back-pressure, a write waited for memory for its answer";
    /// An answer had to wait for memory before it was built.
    ANSWER_WAITED = "kafka: back-pressure, an answer waited for memory";
    /// A request was answered later than one that came after it was ready to be.
    ORDER_WAITED = "kafka: answers behind waited for the one in front";
    /// A long poll ended because data came.
    POLL_WOKEN = "kafka: a long poll was woken by data";
    /// A long poll ended because its time was over.
    POLL_EXPIRED = "kafka: a long poll ended by time";
    /// A long poll ended because its connection or the door did.
    POLL_CUT_SHORT = "kafka: a long poll ended with its connection";
    /// A frame was refused for its size, unread.
    FRAME_REFUSED = "kafka: a frame was refused by its size";
    /// Somebody spoke another protocol.
    FOREIGN_REFUSED = "kafka: TLS or HTTP on the Kafka port";
    /// A header or body did not decode.
    MALFORMED_REFUSED = "kafka: a malformed request ended its connection";
    /// A version that is not served was asked for.
    VERSION_REFUSED = "kafka: a version that is not served";
    /// A produced batch was refused.
    BATCH_REFUSED = "kafka: a produced batch was refused";
    /// A produce with acks=0 failed and its connection was closed.
    SILENT_PRODUCE_FAILED = "kafka: acks=0 failed, the connection was closed";
    /// A produce ran out of the time that its client gave it.
    PRODUCE_TIMED_OUT = "kafka: a produce ran out of time";
    /// A client did not take its answer in time.
    SEND_TIMED_OUT = "kafka: a slow reader was cut off";
    /// A client did not finish a frame in time.
    FRAME_TIMED_OUT = "kafka: a slow writer was cut off";
    /// A connection was idle for too long.
    IDLE_CLOSED = "kafka: an idle connection was closed";
    /// A topic was made because somebody asked for it.
    TOPIC_AUTO_CREATED = "kafka: a topic was made on first use";
    /// A client tried to begin a fetch session.
    SESSION_DECLINED = "kafka: a fetch session was declined";
    /// A read of a fetch took too long, the fetch went without it.
    READ_GIVEN_UP = "kafka: a fetch gave up on a slow read";
    /// A fetch with more requests behind it went without what there was no memory for.
    READ_NOT_WAITED = "kafka: a fetch did not wait for memory, others were behind it";
    /// A fetch was too large for what was left, and went empty.
    FETCH_CUT = "kafka: a fetch left partitions for the next one";
}
