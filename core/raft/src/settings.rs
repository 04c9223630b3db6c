//! How a group behaves.

use stdx::Duration;

/// Times and bounds. The same for all replicas of a group, or elections take longer than they have to.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Between two beats of a leader.
    pub heartbeat: Duration,
    /// How long a follower is loyal to a silent leader, and how long a leader goes on without a quorum.
    pub election_min: Duration,
    /// How long it takes at most until it tries to be elected; drawn anew each time.
    pub election_max: Duration,
    /// Messages with frames that are on their way to one follower.
    pub in_flight_messages_max: usize,
    /// Bytes of frames that are on their way to one follower, but for a single larger one.
    pub in_flight_bytes_max: u64,
    /// Bytes of frames in one message, but for a single larger one.
    pub message_bytes_max: u64,
    /// Frames in one message: many have no bytes.
    pub message_frames_max: usize,
    /// Bytes of frames that are not committed yet; a leader that has more refuses proposals.
    pub uncommitted_bytes_max: u64,
    /// Frames that a learner may lack when it becomes a voter.
    pub catch_up_frames: u64,
    /// Frames that a follower may lack of what is committed; one that lacks more waits for its turn, see
    /// [`crate::Turns`].
    pub lag_max: u64,
    /// Bytes of frames that a learner is sent in a second, but for what was begun; a little more or less, since it is looked at
    /// with beats.
    pub learner_bytes_per_second: u64,
    /// Read barriers that wait.
    pub reads_max: usize,
    /// The host beats, for all groups of its core together, with [`crate::Heartbeats`].
    pub pulsed: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_millis(150),
            election_min: Duration::from_millis(1_500),
            election_max: Duration::from_secs(3),
            in_flight_messages_max: 64,
            in_flight_bytes_max: 4 << 20,
            message_bytes_max: 1 << 20,
            message_frames_max: 1_024,
            uncommitted_bytes_max: 16 << 20,
            catch_up_frames: 1_000,
            lag_max: 1_000,
            learner_bytes_per_second: 64 << 20,
            reads_max: 1_024,
            pulsed: false,
        }
    }
}
