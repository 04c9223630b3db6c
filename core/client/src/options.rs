//! How a client behaves.

use protocol::ApiKey;
use stdx::Duration;

/// Bounds and names of one client.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the client calls itself.
    pub client_id: String,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long an answer may take, from when the request was handed to the client.
    pub request_timeout: Duration,
    /// How long the broker may wait for a commit before it says that it does not know.
    pub commit_timeout: Duration,
    /// Requests that are on their way at once; who starts another one waits.
    pub in_flight_max: usize,
    /// Bytes of the largest answer that is taken.
    pub response_bytes_max: usize,
    /// Newest versions to speak, where that is not the newest that both sides know: for tests of old versions.
    pub version_caps: Vec<(ApiKey, i16)>,
}

impl Options {
    /// The defaults, under this name.
    pub fn named(client_id: &str) -> Self {
        Self {
            client_id: client_id.to_owned(),
            ..Self::default()
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            client_id: "ouzel".to_owned(),
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            commit_timeout: Duration::from_secs(30),
            in_flight_max: 32,
            response_bytes_max: 128 << 20,
            version_caps: Vec::new(),
        }
    }
}
