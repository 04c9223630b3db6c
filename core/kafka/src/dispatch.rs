//! From an admitted request to its handler.

use std::rc::Rc;

use protocol::ApiKey;

use crate::answer::Finish;
use crate::closed::Closed;
use crate::connection::Connection;
use crate::handlers::{
    api_versions, create_topics, fetch, list_offsets, metadata, offset_for_leader_epoch, produce,
};
use crate::request::Request;

/// Runs the first stage of a request. Once it returns, what the request asks for is on its way.
pub(crate) async fn dispatch(
    connection: &Rc<Connection>,
    request: Request,
) -> Result<Finish, Closed> {
    match request.api {
        ApiKey::Produce => produce::dispatch(connection, request).await,
        ApiKey::Fetch => fetch::dispatch(connection, request),
        ApiKey::ListOffsets => list_offsets::dispatch(connection, request).await,
        ApiKey::Metadata => metadata::dispatch(connection, request).await,
        ApiKey::ApiVersions => api_versions::dispatch(connection, request),
        ApiKey::OffsetForLeaderEpoch => {
            offset_for_leader_epoch::dispatch(connection, request).await
        }
        ApiKey::CreateTopics => create_topics::dispatch(connection, request).await,
        // Admission let none through; a new one needs a line here.
        other => Err(Closed::UnknownApi(other.number())),
    }
}
