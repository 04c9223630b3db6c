//! Strangers who send what is wrong.

use client::{Acks, Client, ClientError, Options, RawConnection, TopicRef};
use protocol::fetch::{FetchPartition, FetchRequest, FetchTopic};
use protocol::{ApiKey, SERVED};
use records::{BatchBuilder, NewRecord};
use runtime::Frozen;
use stdx::Duration;

use super::Stranger;
use crate::oracles::refused;
use crate::scenario::StrangerKind;

/// How long a stranger listens for what the broker makes of it.
const LISTEN: Duration = Duration::from_secs(2);

/// Where in a batch the bytes begin that its checksum covers.
const CHECKED_FROM: usize = 21;

/// Bytes of a value that makes a batch too large.
const TOO_LARGE: usize = 1_100_000;

impl Stranger {
    /// Says something wrong.
    pub(super) async fn make_noise(&mut self) -> Result<(), ClientError> {
        match self.kind {
            StrangerKind::Breaker => self.write_badly().await,
            StrangerKind::Collector => self.collect().await,
            StrangerKind::Outdated => {
                let frame = self.outdated();
                self.say(&frame).await
            }
            _ => {
                let bytes = self.garbage();
                self.say(&bytes).await
            }
        }
    }

    async fn say(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        let mut raw = RawConnection::connect(&self.runtime, self.broker).await?;
        raw.send(bytes).await?;
        let listening = self.runtime.timeout(LISTEN, raw.receive(1 << 16));
        listening
            .await
            .map_or(Ok(()), |received| received.map(drop))
    }

    /// Bytes that are no request: of another protocol, of an impossible size, or of a request whose body is noise.
    fn garbage(&mut self) -> Vec<u8> {
        let mut noise = vec![0; self.prng.index(200) + 1];
        self.prng.fill(&mut noise);
        match self.prng.below(4) {
            0 => b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
            1 => i32::MAX.to_be_bytes().to_vec(),
            2 => noise,
            _ => {
                let (api, _, version) = *self.prng.choose(&SERVED);
                frame(api.number(), version, &noise)
            }
        }
    }

    /// A request that nobody serves.
    fn outdated(&mut self) -> Vec<u8> {
        let (api, first, last) = *self.prng.choose(&SERVED);
        match self.prng.below(3) {
            0 => frame(999, 0, &[]),
            1 => frame(api.number(), last + 1, &[]),
            // ApiVersions is answered in any version.
            _ if api == ApiKey::ApiVersions => frame(api.number(), -1, &[]),
            _ => frame(api.number(), first - 1, &[]),
        }
    }

    async fn client(&self) -> Result<Client, ClientError> {
        Client::connect(&self.runtime, self.broker, Options::named("stranger")).await
    }

    /// Writes a batch that must be refused.
    async fn write_badly(&mut self) -> Result<(), ClientError> {
        let client = self.client().await?;
        let place = self.shared.draw_place(&mut self.prng);
        let large = self.may_be_large && self.prng.chance(1, 10);
        let mut builder = BatchBuilder::new();
        let value = vec![7; if large { TOO_LARGE } else { 100 }];
        builder.push(&NewRecord::value(1, &value));
        let mut batch = builder.finish();
        if !large {
            let at = CHECKED_FROM + self.prng.index(batch.len() - CHECKED_FROM);
            batch[at] ^= 1 << self.prng.below(8);
        }
        let topic = TopicRef::named(&place.0);
        let written = client.produce(&topic, place.1, Frozen::from(batch), Acks::All);
        if let Ok(Some(written)) = written.await {
            self.shared
                .judge(Err(refused::taken(&place, written.base_offset)));
        }
        Ok(())
    }

    /// Reads from all partitions at once.
    async fn collect(&mut self) -> Result<(), ClientError> {
        let client = self.client().await?;
        let epoch = i32::try_from(self.prng.below(4)).expect("small") - 1;
        let room = *self.prng.choose(&[50, 1 << 20]);
        let partition = |(topic, partition): (String, i32)| FetchTopic {
            topic,
            partitions: vec![FetchPartition {
                partition,
                // Few terms are over when this is asked: a fenced one, a current one, or one that is yet to come.
                current_leader_epoch: if epoch == 2 { i32::MAX } else { epoch },
                partition_max_bytes: room,
                ..FetchPartition::default()
            }],
            ..FetchTopic::default()
        };
        let request = FetchRequest {
            max_wait_ms: 10,
            min_bytes: 1,
            max_bytes: *self.prng.choose(&[1, 1_000, 100_000]),
            session_epoch: 0,
            topics: self.shared.places().into_iter().map(partition).collect(),
            ..FetchRequest::default()
        };
        let version = *self.prng.choose(&[4, 9, 12]);
        client.start_in(request, version).await?.frame().await?;
        Ok(())
    }
}

/// A frame with the oldest header that there is.
fn frame(api_key: i16, version: i16, body: &[u8]) -> Vec<u8> {
    let size = i32::try_from(8 + body.len()).expect("small");
    let mut frame = size.to_be_bytes().to_vec();
    frame.extend_from_slice(&api_key.to_be_bytes());
    frame.extend_from_slice(&version.to_be_bytes());
    frame.extend_from_slice(&7_i32.to_be_bytes());
    frame.extend_from_slice(body);
    frame
}
