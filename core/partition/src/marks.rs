//! Rare branches of this room, for the simulator's coverage table.

stdx::marks! {
    /// A proposal named a term that does not reign.
    WRONG_TERM = "partition: a proposal was refused for its term";
    /// A proposal was not whole batches: the door is broken.
    NOT_BATCHES = "partition: a proposal was not whole batches";
    /// A proposal or a reader came before the reign had committed a frame of its own.
    NOT_SERVING = "partition: somebody was refused by a reign that does not serve yet";
    /// A frame waited because too much was not committed.
    PROPOSAL_WAITED = "partition: a frame waited for others to be committed";
    /// A replica was opened whose hard state was in no journal.
    HARD_STATE_MISSING = "partition: a replica had a log and no hard state";
    /// A replica's queue of proposals was full.
    PROPOSALS_FULL = "partition: a proposal was refused for a full queue";
    /// A watch was answered because more became visible.
    WATCH_PASSED = "partition: a watch saw the high watermark pass";
    /// A watch was answered at its deadline.
    WATCH_EXPIRED = "partition: a watch ended at its deadline";
    /// A read began in the middle of a batch.
    READ_WITHIN_A_BATCH = "partition: a read began within a batch";
    /// A reader knew an epoch that is over.
    EPOCH_FENCED = "partition: a reader's epoch was fenced";
    /// A reader knew an epoch that has not begun here.
    EPOCH_UNKNOWN = "partition: a reader's epoch was unknown";
    /// Somebody asked where an epoch ends that has not begun here.
    EPOCH_END_UNKNOWN = "partition: the end of an epoch that has not begun was sought";
    /// The end of an epoch was asked for that a damaged log does not have.
    EPOCH_END_FENCED = "partition: an epoch's end was in what cannot be read";
    /// Somebody asked where an epoch ended that is over.
    EPOCH_END_OF_ANOTHER = "partition: the end of an epoch that is over was told";
    /// A replica panicked and was fenced.
    REPLICA_FENCED = "partition: a replica was fenced after a panic";
    /// A replica was opened on a damaged log.
    OPENED_DAMAGED = "partition: a replica was opened on a fenced log";
    /// A commit mark closed the log after a rest.
    COMMIT_MARKED = "partition: a commit mark was appended after a rest";
    /// An open waited for another open or a removal of the same partition.
    OPEN_WAITED = "partition: an open waited for its turn";
    /// Proposals were still open when the node stopped.
    STOPPED_WITH_PROPOSALS = "partition: a node stopped with proposals in flight";
    /// A node stopped before the journal had what its log ends with.
    STOPPED_UNCLAIMED = "partition: a node stopped before all of a log was claimed";
    /// All segments of a core were looked at.
    SCRUBBED_ALL = "partition: all segments of a core were scrubbed";
    /// Damage was found in the background, and told.
    DAMAGE_TOLD = "partition: scrubbing told of damage";
}
