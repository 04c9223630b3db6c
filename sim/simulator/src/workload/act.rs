//! One operation: sent, answered, judged.

use core::future::Future;
use core::pin::Pin;
use std::sync::Arc;

use client::{Acks, Client, ClientError, FetchOptions, Fetched, Producing, TopicRef, list_offsets};
use protocol::ErrorCode;
use records::{BatchView, RecordsError};
use runtime::{Frozen, Runtime};
use stdx::Duration;

use super::shared::Shared;
use crate::ledger::{BatchId, Place, Promise, batch_bytes};
use crate::oracles::{acknowledged, contiguous, epochs, immutable, refused, visible};

/// What to do.
#[derive(Clone, Debug)]
pub(super) enum Action {
    Produce {
        acks: Acks,
        records: u32,
        value_bytes_max: u32,
    },
    Fetch {
        offset: i64,
        bytes_max: i32,
        wait: Duration,
    },
    ListOffsets {
        timestamp: i64,
    },
    EpochEnd {
        epoch: i32,
    },
    Metadata,
    CreateTopic {
        name: String,
        partitions: i32,
    },
}

/// Where and with what to do it.
#[derive(Clone, Debug)]
pub(super) struct Act {
    pub(super) runtime: Runtime,
    pub(super) shared: Arc<Shared>,
    pub(super) client: Client,
    pub(super) topic: TopicRef,
    pub(super) place: Place,
}

/// What is left to do once the request is on its way.
pub(super) type Rest = Pin<Box<dyn Future<Output = ()>>>;

impl Act {
    /// Sends the request of `action`, and returns how its answer is waited for and judged.
    pub(super) async fn begin(self, action: Action) -> Option<Rest> {
        match action {
            Action::Produce {
                acks,
                records,
                value_bytes_max,
            } => self.produce(acks, records, value_bytes_max).await,
            Action::Fetch {
                offset,
                bytes_max,
                wait,
            } => Some(Box::pin(self.fetch(offset, bytes_max, wait))),
            Action::ListOffsets { timestamp } => Some(Box::pin(self.list_offsets(timestamp))),
            Action::EpochEnd { epoch } => Some(Box::pin(self.epoch_end(epoch))),
            Action::Metadata => Some(Box::pin(self.metadata())),
            Action::CreateTopic { name, partitions } => {
                Some(Box::pin(self.create_topic(name, partitions)))
            }
        }
    }

    async fn produce(self, acks: Acks, records: u32, value_bytes_max: u32) -> Option<Rest> {
        let id = self
            .shared
            .ledger()
            .send(&self.place, records, value_bytes_max);
        let bytes = batch_bytes(
            id,
            records,
            value_bytes_max,
            self.runtime.wall().as_millis(),
        );
        let batch = Frozen::from(bytes);
        if acks == Acks::None {
            let sent = self
                .client
                .produce(&self.topic, self.place.1, batch, acks)
                .await;
            self.settle("produce acks=0", sent.map(drop));
            return None;
        }
        match self
            .client
            .start_produce(&self.topic, self.place.1, batch, acks)
            .await
        {
            Ok(producing) => Some(Box::pin(self.produced(id, acks, producing))),
            Err(error) => {
                refused::note(&mut self.shared.ledger(), id, &error);
                self.settle("produce", Err(error));
                None
            }
        }
    }

    async fn produced(self, id: BatchId, acks: Acks, producing: Producing) {
        match producing.outcome().await {
            Ok(answer) => {
                let promise = if acks == Acks::All {
                    Promise::Committed
                } else {
                    Promise::Appended
                };
                let noted =
                    acknowledged::note(&mut self.shared.ledger(), id, promise, answer.base_offset);
                self.shared.judge(noted);
                self.settle("produce", Ok(()));
            }
            Err(error) => {
                refused::note(&mut self.shared.ledger(), id, &error);
                self.settle("produce", Err(error));
            }
        }
    }

    async fn fetch(self, offset: i64, bytes_max: i32, wait: Duration) {
        let told_before = self.shared.ledger().partition(&self.place).high_watermark;
        let options = FetchOptions {
            bytes_max,
            wait,
            ..FetchOptions::default()
        };
        let answer = self
            .client
            .fetch(&self.topic, self.place.1, offset, &options)
            .await;
        self.judge_fetch(offset, told_before, answer);
    }

    /// Judges an answer, and returns the offset after the last batch in it.
    pub(super) fn judge_fetch(
        &self,
        offset: i64,
        told_before: i64,
        answer: Result<Fetched, ClientError>,
    ) -> Option<(i64, i64)> {
        let answer = match answer {
            Ok(answer) => answer,
            Err(error)
                if error.code() == Some(ErrorCode::OffsetOutOfRange) && offset <= told_before =>
            {
                self.shared
                    .judge(Err(visible::refused(&self.place, offset, told_before)));
                return None;
            }
            Err(error) => {
                self.settle("fetch", Err(error));
                return None;
            }
        };
        let batches: Result<Vec<BatchView<'_>>, RecordsError> = answer.batches().collect();
        let batches = match batches {
            Ok(batches) => batches,
            Err(error) => {
                self.shared
                    .judge(Err(immutable::unreadable(&self.place, offset, &error)));
                return None;
            }
        };
        let high_watermark = answer.high_watermark;
        self.shared
            .note_high_watermark(&self.place, told_before, high_watermark);
        let mut ledger = self.shared.ledger();
        self.shared
            .judge(visible::check(&self.place, high_watermark, &batches));
        self.shared
            .judge(contiguous::check(&self.place, offset, &batches));
        for batch in &batches {
            self.shared
                .judge(immutable::note(&mut ledger, &self.place, batch));
        }
        ledger.count_answer("fetch");
        let end = batches.last().map_or(offset, BatchView::end_offset);
        Some((end, high_watermark))
    }

    async fn list_offsets(self, timestamp: i64) {
        let told_before = self.shared.ledger().partition(&self.place).high_watermark;
        match self
            .client
            .list_offset(&self.topic, self.place.1, timestamp)
            .await
        {
            Ok(listed) => {
                if timestamp == list_offsets::LATEST {
                    self.shared
                        .note_high_watermark(&self.place, told_before, listed.offset);
                }
                self.settle("list offsets", Ok(()));
            }
            // Old versions cannot ask for the largest timestamp, and are told so.
            Err(error)
                if timestamp == list_offsets::MAX_TIMESTAMP
                    && error.code() == Some(ErrorCode::UnsupportedVersion) =>
            {
                self.settle("list offsets", Ok(()));
            }
            Err(error) => self.settle("list offsets", Err(error)),
        }
    }

    async fn epoch_end(self, epoch: i32) {
        let known_before = self.shared.ledger().partition(&self.place).epoch;
        let answer = self
            .client
            .epoch_end(&self.topic, self.place.1, epoch)
            .await;
        let told = answer.map(|end| {
            let asked = (epoch, known_before);
            let noted = epochs::note(&mut self.shared.ledger(), &self.place, asked, end);
            self.shared.judge(noted);
        });
        self.settle("epoch end", told);
    }

    async fn metadata(self) {
        let answer = self.client.metadata(None, false).await;
        self.settle("metadata", answer.map(drop));
    }

    async fn create_topic(self, name: String, partitions: i32) {
        let made = self.client.create_topic(&name, partitions, -1, &[]).await;
        if made.is_ok() {
            self.shared.add_topic(&name, partitions);
        }
        self.settle("create topic", made.map(drop));
    }

    /// Counts how it ended.
    pub(super) fn settle(&self, kind: &'static str, result: Result<(), ClientError>) {
        let mut ledger = self.shared.ledger();
        match result {
            Ok(()) => ledger.count_answer(kind),
            Err(error) => ledger.count_failure(kind, error.to_string()),
        }
    }
}
