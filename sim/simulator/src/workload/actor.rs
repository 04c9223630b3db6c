//! One client: connects, works, loses its connection, comes back.

use core::net::SocketAddr;
use std::collections::BTreeMap;
use std::sync::Arc;

use client::{Acks, Client, ClientError, Options, TopicRef, list_offsets};
use protocol::{ApiKey, SERVED};
use runtime::sync::Queue;
use runtime::{Class, Runtime, Scope};
use stdx::{Duration, Prng};

use super::act::{Act, Action};
use super::shared::{Phase, Shared};
use crate::scenario::{ClientShape, Mix, Scenario};

/// Topics that one client makes; after that it asks for metadata instead.
const TOPICS_MADE_MAX: u32 = 8;

/// Between two tries to connect.
const RECONNECT_AFTER: Duration = Duration::from_millis(30);

/// One client of the workload.
pub(super) struct Actor {
    runtime: Runtime,
    shared: Arc<Shared>,
    broker: SocketAddr,
    number: usize,
    shape: ClientShape,
    /// How long it waits for an answer: where nothing breaks, as long as a slow network needs.
    patience: Duration,
    /// Something is scheduled to happen.
    has_faults: bool,
    prng: Prng,
    /// Identities of topics, learned from metadata, with which newer versions name them.
    ids: BTreeMap<String, TopicRef>,
    topics_made: u32,
}

impl Actor {
    pub(super) fn new(
        runtime: &Runtime,
        scenario: &Scenario,
        shared: &Arc<Shared>,
        broker: SocketAddr,
        number: usize,
    ) -> Self {
        Self {
            runtime: runtime.clone(),
            shared: Arc::clone(shared),
            broker,
            number,
            shape: scenario.clients[number].clone(),
            patience: Duration::from_secs(if scenario.faults.is_empty() { 120 } else { 5 }),
            has_faults: !scenario.faults.is_empty(),
            prng: Prng::labelled(scenario.seed, &format!("workload/{number}")),
            ids: BTreeMap::new(),
            topics_made: 0,
        }
    }

    /// Works until its operations are used up, or until the phase is over.
    pub(super) async fn run(mut self) {
        let mut left = self.shape.operations;
        while self.goes_on(left) {
            match self.connect().await {
                Ok(client) => self.work(&client, &mut left).await,
                Err(error) => {
                    self.shared
                        .ledger()
                        .count_failure("connect", error.to_string());
                    self.runtime.sleep(RECONNECT_AFTER).await;
                }
            }
        }
    }

    /// Where faults are scheduled, it works until they are over: they need something to happen to.
    fn goes_on(&self, left: u32) -> bool {
        (left > 0 || self.has_faults) && self.shared.phase() == Phase::Working
    }

    async fn connect(&mut self) -> Result<Client, ClientError> {
        let options = Options {
            connect_timeout: Duration::from_secs(*self.prng.choose(&[2, 8])),
            request_timeout: self.patience,
            commit_timeout: Duration::from_millis(self.shape.commit_millis),
            in_flight_max: self.shape.in_flight as usize,
            version_caps: self.draw_version_caps(),
            ..Options::named(&format!("c{}", self.number))
        };
        let client = Client::connect(&self.runtime, self.broker, options).await?;
        let metadata = client.metadata(None, false).await?;
        for topic in metadata.topics {
            if let Some(name) = topic.name {
                let id = topic.topic_id;
                self.ids.insert(name.clone(), TopicRef { name, id });
            }
        }
        Ok(client)
    }

    /// Half of the connections speak like an older client, each API in a version of its own.
    fn draw_version_caps(&mut self) -> Vec<(ApiKey, i16)> {
        if self.prng.chance(1, 2) {
            return Vec::new();
        }
        let draw = |(key, first, last): (ApiKey, i16, i16)| {
            let version = self
                .prng
                .between(first.unsigned_abs().into(), last.unsigned_abs().into());
            (key, i16::try_from(version).expect("between two versions"))
        };
        SERVED
            .into_iter()
            .filter(|(key, ..)| *key != ApiKey::ApiVersions)
            .map(draw)
            .collect()
    }

    /// Works on one connection until that ends. Answers are awaited by tasks of their own, so that as much is in
    /// flight as the client's shape says.
    async fn work(&mut self, client: &Client, left: &mut u32) {
        let scope = self.runtime.scope("connection");
        // One entry for each operation on its way: who is full waits here, not in the client.
        let on_their_way = Queue::new(self.shape.in_flight as usize);
        while self.goes_on(*left) && client.broken().is_none() {
            self.pause().await;
            *left = left.saturating_sub(1);
            on_their_way.push(()).await.unwrap_or_default();
            self.start(client, &scope, &on_their_way).await;
        }
        if let Err(fault) = scope.join().await {
            // A client's own panic is a bug of the simulator: let it be seen.
            panic!("{fault}");
        }
        if let Some(error) = client.broken() {
            self.shared
                .ledger()
                .count_failure("connection", error.to_string());
            if let ClientError::OutOfOrder { expected, received } = error {
                let violation = crate::oracles::order::violation(self.number, expected, received);
                self.shared.judge(Err(violation));
            }
        }
    }

    async fn pause(&mut self) {
        let pause = self.prng.below(self.shape.pace_micros * 2 + 1);
        self.runtime.sleep(Duration::from_micros(pause)).await;
    }

    async fn start(&mut self, client: &Client, scope: &Scope, on_their_way: &Queue<()>) {
        let place = self.shared.draw_place(&mut self.prng);
        let topic = self
            .ids
            .get(&place.0)
            .cloned()
            .unwrap_or_else(|| TopicRef::named(&place.0));
        let action = self.draw_action(&place);
        let act = Act {
            runtime: self.runtime.clone(),
            shared: Arc::clone(&self.shared),
            client: client.clone(),
            topic,
            place,
        };
        let Some(rest) = act.begin(action).await else {
            on_their_way.try_pop();
            return;
        };
        let on_their_way = on_their_way.clone();
        let answered = async move {
            rest.await;
            on_their_way.try_pop();
        };
        drop(scope.spawn(Class::Fetch, "answer", answered));
    }

    /// Which of the kinds of the mix, in its order.
    fn draw_kind(&mut self) -> usize {
        let Mix {
            produce_none,
            produce_leader,
            produce_all,
            fetch,
            follow,
            list_offsets,
            metadata,
            create_topic,
            epoch_end,
        } = self.shape.mix;
        let weights = [
            produce_none,
            produce_leader,
            produce_all,
            fetch,
            follow,
            list_offsets,
            metadata,
            create_topic,
            epoch_end,
        ];
        let mut draw = self
            .prng
            .below(weights.iter().map(|&weight| u64::from(weight)).sum());
        weights
            .iter()
            .position(|&weight| {
                let chosen = draw < u64::from(weight);
                draw = draw.saturating_sub(u64::from(weight));
                chosen
            })
            .expect("a draw below the sum of the weights")
    }

    fn draw_action(&mut self, place: &crate::ledger::Place) -> Action {
        let index = self.draw_kind();
        let high_watermark = self.shared.ledger().partition(place).high_watermark;
        match index {
            0..=2 => Action::Produce {
                acks: [Acks::None, Acks::Leader, Acks::All][index],
                records: u32::try_from(self.prng.between(1, u64::from(self.shape.records_max)))
                    .expect("small"),
                value_bytes_max: self.shape.value_bytes_max,
            },
            3 => Action::Fetch {
                offset: i64::try_from(self.prng.below(high_watermark.unsigned_abs() + 1))
                    .expect("below the mark"),
                bytes_max: i32::try_from(self.shape.fetch_bytes_max).unwrap_or(i32::MAX),
                wait: Duration::ZERO,
            },
            4 => Action::Fetch {
                offset: high_watermark,
                bytes_max: i32::try_from(self.shape.fetch_bytes_max).unwrap_or(i32::MAX),
                wait: Duration::from_millis(self.prng.between(1, 500)),
            },
            5 => Action::ListOffsets {
                timestamp: [
                    list_offsets::LATEST,
                    list_offsets::EARLIEST,
                    list_offsets::MAX_TIMESTAMP,
                    1_000,
                ][self.prng.index(4)],
            },
            7 if self.topics_made < TOPICS_MADE_MAX => {
                self.topics_made += 1;
                Action::CreateTopic {
                    name: format!("made-{}-{}", self.number, self.topics_made),
                    partitions: i32::try_from(self.prng.between(1, 3)).expect("small"),
                }
            }
            8 => Action::EpochEnd {
                // None, the first, and up to the one after the last.
                epoch: self.shared.ledger().partition(place).epoch + 1
                    - i32::try_from(self.prng.below(5)).expect("small"),
            },
            _ => Action::Metadata,
        }
    }
}
