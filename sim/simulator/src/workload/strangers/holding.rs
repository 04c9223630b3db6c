//! Strangers who hold something of the broker's and do nothing.

use client::{ClientError, RawConnection};
use protocol::fetch::{FetchPartition, FetchRequest, FetchTopic};
use protocol::{ApiKey, request_frame};
use runtime::race;
use stdx::Duration;

use super::{STAY_INTERVAL, Stranger};
use crate::scenario::StrangerKind;
use crate::workload::shared::Phase;

/// Requests that are sent in a row without an answer being read.
const REQUESTS: i32 = 80;

/// How long a send may be stuck before the stranger leaves it at that.
const STUCK: Duration = Duration::from_secs(1);

/// How long a long poll is to wait, in milliseconds.
const WAIT_MS: i32 = 20_000;

/// The first version of Fetch with what is asked here, and topics by name.
const FETCH_VERSION: i16 = 12;

impl Stranger {
    /// Takes hold of something, and stays until the broker ends it or, if it holds to the end, for ever.
    pub(super) async fn hold(&mut self) -> Result<(), ClientError> {
        let mut raw = RawConnection::connect(&self.runtime, self.broker).await?;
        match self.kind {
            StrangerKind::HalfOpen { bytes } => {
                let mut head = bytes.to_be_bytes().to_vec();
                head.extend_from_slice(&ApiKey::Produce.number().to_be_bytes());
                head.extend_from_slice(&9_i16.to_be_bytes());
                raw.send(&head).await?;
            }
            StrangerKind::Deaf => self.ask(&mut raw, 0).await?,
            StrangerKind::Poller => self.ask(&mut raw, WAIT_MS).await?,
            _ => {}
        }
        match self.kind {
            // Who reads nothing does not notice an end either.
            StrangerKind::Deaf => self.stay(Phase::Reading).await,
            // A poll is answered in the end, if it takes minutes.
            StrangerKind::Poller => {
                race(read_on(&mut raw), self.stay(Phase::Done)).await;
                return Ok(());
            }
            _ => {}
        }
        if self.shared.phase() == Phase::Working {
            race(read_on(&mut raw), self.stay(Phase::Reading)).await;
        }
        if self.shared.phase() > Phase::Working {
            core::future::pending::<()>().await;
        }
        Ok(())
    }

    /// Asks for all records of some partition, many times in a row.
    async fn ask(&mut self, raw: &mut RawConnection, max_wait_ms: i32) -> Result<(), ClientError> {
        let place = self.shared.draw_place(&mut self.prng);
        let offset = if max_wait_ms == 0 {
            0
        } else {
            self.shared.ledger().partition(&place).high_watermark
        };
        let request = FetchRequest {
            max_wait_ms,
            min_bytes: if max_wait_ms == 0 { 1 } else { i32::MAX },
            topics: vec![FetchTopic {
                topic: place.0,
                partitions: vec![FetchPartition {
                    partition: place.1,
                    fetch_offset: offset,
                    partition_max_bytes: i32::MAX,
                    ..FetchPartition::default()
                }],
                ..FetchTopic::default()
            }],
            ..FetchRequest::default()
        };
        for id in 0..REQUESTS {
            let frame = request_frame(id, None, request.clone(), FETCH_VERSION)?;
            let bytes = frame.into_bytes();
            match self.runtime.timeout(STUCK, raw.send(&bytes)).await {
                Some(sent) => sent?,
                None => return Ok(()),
            }
        }
        Ok(())
    }

    async fn stay(&self, until: Phase) {
        while self.shared.phase() < until {
            self.runtime.sleep(STAY_INTERVAL).await;
        }
    }
}

/// Reads whatever comes, to the end of the connection.
async fn read_on(raw: &mut RawConnection) {
    while raw
        .receive(1 << 16)
        .await
        .is_ok_and(|bytes| !bytes.is_empty())
    {}
}
