//! `ApiVersions` (key 18): which APIs and versions are served.
//!
//! # Versions
//! 0-5
//!
//! # Behaviour
//! - Lists exactly what is served, and Produce from version 0 on: old librdkafka finds no common version otherwise,
//!   though it then uses a newer one.
//! - A version that is not served is answered in the layout of version 0 with the whole list, so that the client
//!   can ask again.
//! - The answer's header is always version 0: a client reads it before it knows what the broker speaks.
//! - Names no features: none is finalized.
//!
//! # Not done
//! - No quota of questions per connection.
//!
//! # Version notes
//! - 3: the client's software name and version [KIP-511].
//! - 4: features with a minimal version of zero [KIP-584]; there are none here.
//! - 5: the cluster and broker that the client means [KIP-1242].
//!
//! # Errors
//! - `UNSUPPORTED_VERSION`: the version is not served.
//! - `INVALID_REQUEST`: from version 3 on, a software name or version that is not letters, digits, `-` and `.`.
//! - `REBOOTSTRAP_REQUIRED`: from version 5 on, the client means another cluster or broker.

use std::rc::Rc;

use protocol::api_versions::ApiVersion;
use protocol::{ApiKey, ApiVersionsRequest, ApiVersionsResponse, ErrorCode, Message, SERVED};

use crate::answer::{Finish, Reply};
use crate::closed::Closed;
use crate::connection::Connection;
use crate::marks;
use crate::request::Request;

/// The version in whose layout a question of an unknown version is answered.
const FALLBACK_VERSION: i16 = 0;

/// Answers at once.
pub(crate) fn dispatch(
    connection: &Rc<Connection>,
    mut request: Request,
) -> Result<Finish, Closed> {
    let known = ApiVersionsRequest::MIN_VERSION..=ApiVersionsRequest::MAX_VERSION;
    let (version, error) = if known.contains(&request.version) {
        let asked: ApiVersionsRequest = request.decode()?;
        (request.version, check(connection, &asked, request.version))
    } else {
        marks::VERSION_REFUSED.hit();
        (FALLBACK_VERSION, ErrorCode::UnsupportedVersion)
    };
    Ok(Finish::later(request.held(), async move {
        let response = ApiVersionsResponse {
            error_code: error.code(),
            api_keys: api_keys(error),
            ..ApiVersionsResponse::default()
        };
        Reply::message_in(request, response, version, None)
    }))
}

fn check(connection: &Connection, asked: &ApiVersionsRequest, version: i16) -> ErrorCode {
    let named = is_name(&asked.client_software_name) && is_name(&asked.client_software_version);
    if version >= 3 && !named {
        return ErrorCode::InvalidRequest;
    }
    let context = &connection.door.context;
    let other_cluster = asked
        .cluster_id
        .as_ref()
        .is_some_and(|id| *id != context.cluster.cluster_id());
    let other_node = asked.node_id >= 0 && asked.node_id != context.config.node.0;
    if other_cluster || other_node {
        return ErrorCode::RebootstrapRequired;
    }
    ErrorCode::None
}

/// Letters and digits, with `-` and `.` between them.
fn is_name(text: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    let within = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    edge(bytes.first()) && edge(bytes.last()) && bytes.iter().all(within)
}

/// What is served; nothing beside an error that the client cannot mend by choosing another version.
fn api_keys(error: ErrorCode) -> Vec<ApiVersion> {
    if !matches!(error, ErrorCode::None | ErrorCode::UnsupportedVersion) {
        return Vec::new();
    }
    let advertised = |&(api, min, max): &(ApiKey, i16, i16)| ApiVersion {
        api_key: api.number(),
        min_version: if api == ApiKey::Produce { 0 } else { min },
        max_version: max,
    };
    SERVED.iter().map(advertised).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn software_names_are_those_that_kafka_accepts() {
        for name in ["apache-kafka-java", "4.4.0", "a", "librdkafka"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "-a", "a-", "a b", "a_b", "."] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn produce_is_advertised_from_zero_on() {
        let keys = api_keys(ErrorCode::UnsupportedVersion);
        assert_eq!(keys.len(), SERVED.len());
        assert_eq!((keys[0].api_key, keys[0].min_version), (0, 0));
        assert!(api_keys(ErrorCode::InvalidRequest).is_empty());
    }
}
