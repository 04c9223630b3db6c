//! Whole frames out of a stream. While nothing comes, no memory is held.
//!
//! ```text
//!   int32 size | int16 api key | int16 version | int32 correlation id | ...
//!   '-------- the head: read first, 8 bytes ---'
//!              '------------------- the frame, `size` bytes -------------
//! ```

use core::pin::pin;

use protocol::frame::PRODUCE_FRAME_BYTES_MAX;
use runtime::{Buf, Either, Frozen, IoError, IoErrorKind, Lease, ReceiveHalf, Runtime, race};
use stdx::{Duration, Instant};

use crate::closed::{Closed, Foreign};
use crate::config::{Config, FRAME_BYTES_PER_SECOND_MIN};
use crate::marks;
use crate::pressure::Hold;

/// Bytes asked for when a frame is to begin: small requests come whole, several at once.
const READ_AHEAD_BYTES: usize = 4096;

/// Bytes of the size, the API key and the version.
const HEAD_BYTES: usize = 8;

/// Bytes of the smallest frame: API key, version, correlation id.
const FRAME_BYTES_MIN: i32 = 8;

/// What is known of a frame before it is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    /// Bytes of the frame.
    pub(crate) bytes: usize,
    /// What it asks.
    pub(crate) api_key: i16,
    /// In which version.
    pub(crate) version: i16,
}

/// Reads the frames of one connection.
#[derive(Debug)]
pub(crate) struct FrameReader {
    runtime: Runtime,
    half: ReceiveHalf,
    /// Bytes that came and were not looked at yet. At least one while it is there.
    ahead: Option<Ahead>,
    idle_timeout: Duration,
    frame_timeout: Duration,
}

#[derive(Debug)]
struct Ahead {
    buffer: Buf,
    at: usize,
}

impl Head {
    fn parse(bytes: [u8; HEAD_BYTES]) -> Result<Self, Closed> {
        let [s0, s1, s2, s3, k0, k1, v0, v1] = bytes;
        Ok(Self {
            bytes: check_size([s0, s1, s2, s3])?,
            api_key: i16::from_be_bytes([k0, k1]),
            version: i16::from_be_bytes([v0, v1]),
        })
    }

    #[cfg(test)]
    pub(crate) fn of(api_key: i16, version: i16, bytes: usize) -> Self {
        Self {
            bytes,
            api_key,
            version,
        }
    }
}

/// The size of a frame, if it can be one at all: no request may be larger than a produce.
fn check_size(bytes: [u8; 4]) -> Result<usize, Closed> {
    let size = i32::from_be_bytes(bytes);
    match usize::try_from(size) {
        // Larger than any frame may be: rather not Kafka's protocol.
        Ok(_) if let Some(foreign) = Foreign::recognise(bytes) => {
            marks::FOREIGN_REFUSED.hit();
            Err(Closed::Foreign(foreign))
        }
        Ok(size_bytes) if size >= FRAME_BYTES_MIN && size_bytes <= PRODUCE_FRAME_BYTES_MAX => {
            Ok(size_bytes)
        }
        _ => {
            marks::FRAME_REFUSED.hit();
            Err(Closed::FrameSize(size))
        }
    }
}

impl FrameReader {
    pub(crate) fn new(runtime: Runtime, half: ReceiveHalf, config: &Config) -> Self {
        Self {
            runtime,
            half,
            ahead: None,
            idle_timeout: config.idle_timeout,
            frame_timeout: config.frame_timeout,
        }
    }

    /// The head of the next frame. The wait for its first byte is bounded while the connection is not `busy`.
    pub(crate) async fn head(&mut self, busy: impl Fn() -> bool) -> Result<Head, Closed> {
        if self.ahead.is_none() {
            self.first_byte(busy).await?;
        }
        let deadline = self.runtime.now() + self.frame_timeout;
        let mut head = [0; HEAD_BYTES];
        let mut filled = 0;
        loop {
            filled += self.take(&mut head[filled..]);
            if let Some(size) = head[..filled].first_chunk() {
                // What is impossible is refused as soon as it shows: nothing may follow it.
                check_size(*size)?;
            }
            if filled == HEAD_BYTES {
                return Head::parse(head);
            }
            let buffer = self.in_time(deadline, READ_AHEAD_BYTES).await?;
            self.keep(buffer).map_err(|_end| Closed::CutOff)?;
        }
    }

    /// The frame that `head` began, in memory that `lease` pays for.
    pub(crate) async fn frame(
        &mut self,
        head: &Head,
        lease: Lease,
        hold: &Hold<'_>,
    ) -> Result<Frozen, Closed> {
        let seconds = head.bytes.div_ceil(FRAME_BYTES_PER_SECOND_MIN);
        let slack = Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX));
        let deadline = self.runtime.now() + self.frame_timeout.saturating_add(slack);
        let mut buffer = self.runtime.buffer(head.bytes);
        buffer.attach(lease);
        buffer.extend_from_slice(&head.api_key.to_be_bytes());
        buffer.extend_from_slice(&head.version.to_be_bytes());
        let ready = self.take(&mut buffer.spare_mut()[..head.bytes - 4]);
        buffer.set_len(4 + ready);
        hold.moved(self.runtime.now(), ready);
        while buffer.len() < head.bytes {
            let missing = head.bytes - buffer.len();
            let left = deadline.since(self.runtime.now());
            let before = buffer.len();
            let received = self.half.receive_into(missing, buffer);
            let received = self.runtime.timeout(left, received);
            let Either::Left(received) = race(received, hold.cut()).await else {
                return Err(Closed::TooSlow);
            };
            buffer = received.ok_or_else(timed_out)?.map_err(broken)?;
            hold.moved(self.runtime.now(), buffer.len() - before);
        }
        Ok(buffer.freeze())
    }

    /// Waits for the first byte of a frame. The receive is not given up when its time is over while the
    /// connection is busy: bytes that it took would be lost with it.
    async fn first_byte(&mut self, busy: impl Fn() -> bool) -> Result<(), Closed> {
        let Self {
            runtime,
            half,
            idle_timeout,
            ..
        } = self;
        let buffer = {
            let mut received = pin!(half.receive(READ_AHEAD_BYTES));
            loop {
                match race(received.as_mut(), runtime.sleep(*idle_timeout)).await {
                    Either::Left(buffer) => break buffer.map_err(broken)?,
                    Either::Right(()) if busy() => {}
                    Either::Right(()) => {
                        marks::IDLE_CLOSED.hit();
                        return Err(Closed::Idle);
                    }
                }
            }
        };
        self.keep(buffer)
    }

    async fn in_time(&mut self, deadline: Instant, bytes_max: usize) -> Result<Buf, Closed> {
        let left = deadline.since(self.runtime.now());
        let received = self
            .runtime
            .timeout(left, self.half.receive(bytes_max))
            .await;
        received.ok_or_else(timed_out)?.map_err(broken)
    }

    /// Keeps what came for the next reads.
    fn keep(&mut self, buffer: Buf) -> Result<(), Closed> {
        if buffer.is_empty() {
            return Err(Closed::EndOfStream);
        }
        self.ahead = Some(Ahead { buffer, at: 0 });
        Ok(())
    }

    /// Moves what is ahead into `target`, as far as both go. What is used up goes home.
    fn take(&mut self, target: &mut [u8]) -> usize {
        let Some(ahead) = &mut self.ahead else {
            return 0;
        };
        let bytes = &ahead.buffer.as_slice()[ahead.at..];
        let count = bytes.len().min(target.len());
        target[..count].copy_from_slice(&bytes[..count]);
        ahead.at += count;
        if ahead.at == ahead.buffer.len() {
            self.ahead = None;
        }
        count
    }
}

fn timed_out() -> Closed {
    marks::FRAME_TIMED_OUT.hit();
    Closed::FrameTimeout
}

fn broken(error: IoError) -> Closed {
    match error.kind() {
        IoErrorKind::UnexpectedEnd => Closed::CutOff,
        _ => Closed::Network(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_sizes_are_refused() {
        for size in [-1, 0, 7, i32::MIN] {
            assert_eq!(check_size(size.to_be_bytes()), Err(Closed::FrameSize(size)));
        }
        let largest = i32::try_from(PRODUCE_FRAME_BYTES_MAX).expect("a size");
        assert_eq!(
            check_size(largest.to_be_bytes()),
            Ok(PRODUCE_FRAME_BYTES_MAX)
        );
        for size in [largest + 1, i32::MAX] {
            assert_eq!(check_size(size.to_be_bytes()), Err(Closed::FrameSize(size)));
        }
        assert_eq!(check_size(8_i32.to_be_bytes()), Ok(8));
        assert_eq!(check_size(*b"POST"), Err(Closed::Foreign(Foreign::Http)));
    }
}
