//! Counters and histograms of the door, one set per core.

use protocol::{ApiKey, SERVED};
use runtime::Runtime;
use runtime::metrics::{Counter, Gauge, Histogram, Metrics};
use stdx::Instant;

/// What the door counts.
#[derive(Debug)]
pub(crate) struct Instruments {
    pub(crate) connections: Gauge,
    pub(crate) connections_accepted: Counter,
    pub(crate) connections_failed: Counter,
    pub(crate) bytes_received: Counter,
    pub(crate) bytes_sent: Counter,
    pub(crate) errors: Counter,
    requests: [Counter; SERVED.len()],
    stages: [Histogram; STAGES.len()],
}

/// Times between two marks of a request.
const STAGES: [(&str, &str); 4] = [
    (
        "kafka_request_received_us",
        "Microseconds from a request's first bytes to its last, waits for memory included.",
    ),
    (
        "kafka_request_dispatched_us",
        "Microseconds of a request's first stage.",
    ),
    (
        "kafka_request_finished_us",
        "Microseconds from a request's first stage to its answer, with the wait for answers before it.",
    ),
    (
        "kafka_request_sent_us",
        "Microseconds until the network took the whole answer.",
    ),
];

impl Instruments {
    pub(crate) fn new(runtime: &Runtime) -> Self {
        let metrics = runtime.metrics();
        let counter = |name, help| metrics.counter(name, help);
        Self {
            connections: metrics.gauge("kafka_connections", "Connections that are open."),
            connections_accepted: counter(
                "kafka_connections_accepted_total",
                "Connections that were served.",
            ),
            connections_failed: counter(
                "kafka_connections_failed_total",
                "Connections that ended otherwise than by the client closing, idling or a drain.",
            ),
            bytes_received: counter(
                "kafka_received_bytes_total",
                "Bytes of requests, sizes included.",
            ),
            bytes_sent: counter(
                "kafka_sent_bytes_total",
                "Bytes of answers, sizes included.",
            ),
            errors: counter(
                "kafka_errors_total",
                "Error codes in answers, one per topic or partition that has one.",
            ),
            requests: SERVED.map(|(api, _, _)| requests_counter(metrics, api)),
            stages: STAGES.map(|(name, help)| metrics.histogram(name, help)),
        }
    }

    /// Counts a request.
    pub(crate) fn count_request(&self, api: ApiKey) {
        let place = SERVED.iter().position(|&(served, _, _)| served == api);
        if let Some(place) = place {
            self.requests[place].add(1);
        }
    }

    /// Counts the times of an answered request.
    pub(crate) fn count_times(&self, times: &Times, now: Instant) {
        let marks = [
            times.began,
            times.received,
            times.dispatched,
            times.finished,
            now,
        ];
        for (stage, pair) in self.stages.iter().zip(marks.windows(2)) {
            stage.record_micros(pair[1].since(pair[0]));
        }
    }
}

fn requests_counter(metrics: &Metrics, api: ApiKey) -> Counter {
    let name = match api {
        ApiKey::Produce => "kafka_requests_produce_total",
        ApiKey::Fetch => "kafka_requests_fetch_total",
        ApiKey::ListOffsets => "kafka_requests_list_offsets_total",
        ApiKey::Metadata => "kafka_requests_metadata_total",
        ApiKey::ApiVersions => "kafka_requests_api_versions_total",
        ApiKey::OffsetForLeaderEpoch => "kafka_requests_offset_for_leader_epoch_total",
        ApiKey::CreateTopics => "kafka_requests_create_topics_total",
        _ => "kafka_requests_other_total",
    };
    metrics.counter(name, "Requests of this API.")
}

/// When a request passed its stages, on the clock of turns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// Its head was read.
    pub(crate) began: Instant,
    /// It was there whole.
    pub(crate) received: Instant,
    /// Its first stage ended.
    pub(crate) dispatched: Instant,
    /// Its second stage ended.
    pub(crate) finished: Instant,
}

/// A number of bytes as counters take it.
pub(crate) fn counted(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
