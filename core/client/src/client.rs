//! One connection to one broker.

use core::fmt;
use core::net::SocketAddr;
use std::rc::Rc;

use protocol::{
    ApiVersionsRequest, ApiVersionsResponse, Decode, ErrorCode, Message, NoRecords, Request,
};
use runtime::{Frozen, Pieces, Runtime};

use crate::error::ClientError;
use crate::link::Link;
use crate::options::Options;
use crate::pending::{Pending, decode};
use crate::slices::{Slices, pieces};
use crate::versions::Versions;

/// The version in whose layout a broker answers a question for versions that it does not know.
const FALLBACK_VERSION: i16 = 0;

/// A connection to a broker, with the versions that both speak. Cheap to clone; clones share the connection.
#[derive(Clone)]
pub struct Client(Rc<Inner>);

struct Inner {
    runtime: Runtime,
    options: Options,
    link: Rc<Link>,
    versions: Versions,
}

impl Client {
    /// Connects to `address` and asks for versions.
    pub async fn connect(
        runtime: &Runtime,
        address: SocketAddr,
        options: Options,
    ) -> Result<Self, ClientError> {
        let connecting = runtime.timeout(options.connect_timeout, runtime.connect(address));
        let connected = connecting.await.ok_or(ClientError::ConnectTimedOut)?;
        let stream = connected.map_err(ClientError::Connect)?;
        let link = Link::new(
            runtime,
            stream,
            options.in_flight_max,
            options.response_bytes_max,
        );
        let mut inner = Inner {
            runtime: runtime.clone(),
            options,
            link: Rc::new(link),
            versions: Versions::default(),
        };
        let listed = inner.ask_versions(ApiVersionsRequest::MAX_VERSION).await?;
        inner.versions = Versions::new(&listed, &inner.options.version_caps);
        Ok(Self(Rc::new(inner)))
    }

    /// What both sides speak.
    pub fn versions(&self) -> &Versions {
        &self.0.versions
    }

    /// How it behaves.
    pub(crate) fn options(&self) -> &Options {
        &self.0.options
    }

    /// Why the connection is over, when it is.
    pub fn broken(&self) -> Option<ClientError> {
        self.0.link.broken()
    }

    /// The core that the client is on.
    pub fn runtime(&self) -> &Runtime {
        &self.0.runtime
    }

    /// Sends a message without records in the newest common version. Requests are sent in the order in which this
    /// returned; answers come by [`Pending::response`].
    pub async fn start<M>(&self, message: M) -> Result<Pending<M>, ClientError>
    where
        M: Request<Records = NoRecords>,
    {
        let version = self.0.versions.choose::<M>(i16::MAX)?;
        self.start_in(message, version).await
    }

    /// The same in a version of the caller's choice, whatever the broker listed.
    pub async fn start_in<M>(&self, message: M, version: i16) -> Result<Pending<M>, ClientError>
    where
        M: Request<Records = NoRecords>,
    {
        self.0.start_in(message, version).await
    }

    /// Sends a message without records and waits for its answer.
    pub async fn call<M>(&self, message: M) -> Result<M::Response, ClientError>
    where
        M: Request<Records = NoRecords>,
        M::Response: Decode,
    {
        self.start(message).await?.response().await
    }

    /// Sends a message with records in `version`.
    pub(crate) async fn start_records<M>(
        &self,
        message: M,
        version: i16,
    ) -> Result<Pending<M>, ClientError>
    where
        M: Request<Records = Slices>,
    {
        let (correlation_id, pieces) = self.0.with_records(message, version)?;
        self.0.pending(correlation_id, pieces, version).await
    }

    /// Sends a message with records to which no answer comes.
    pub(crate) async fn send_silent<M>(&self, message: M, version: i16) -> Result<(), ClientError>
    where
        M: Request<Records = Slices>,
    {
        let (_correlation_id, pieces) = self.0.with_records(message, version)?;
        self.0.link.send_silent(pieces).await
    }
}

impl Inner {
    /// The versions of the broker. One that does not know the version of the question answers all the same, and the
    /// question is not repeated: its list says what is needed.
    async fn ask_versions(&self, version: i16) -> Result<ApiVersionsResponse, ClientError> {
        let question = ApiVersionsRequest {
            client_software_name: "ouzel".to_owned(),
            client_software_version: env!("CARGO_PKG_VERSION").to_owned(),
            ..ApiVersionsRequest::default()
        };
        let pending = self.start_in(question, version).await?;
        let (frame, body) = pending.frame().await?;
        let bytes = &frame[body..];
        let code = bytes.first_chunk().map(|code| i16::from_be_bytes(*code));
        if code == Some(ErrorCode::UnsupportedVersion.code()) {
            return decode(bytes, FALLBACK_VERSION);
        }
        let listed: ApiVersionsResponse = decode(bytes, version)?;
        ClientError::check(listed.error_code, None)?;
        Ok(listed)
    }

    async fn start_in<M>(&self, message: M, version: i16) -> Result<Pending<M>, ClientError>
    where
        M: Request<Records = NoRecords>,
    {
        let correlation_id = self.link.next_correlation_id();
        let client_id = Some(self.options.client_id.as_str());
        let parts = protocol::request_frame(correlation_id, client_id, message, version)?;
        let pieces = core::iter::once(Frozen::from(parts.into_bytes())).collect();
        self.pending(correlation_id, pieces, version).await
    }

    fn with_records<M>(&self, message: M, version: i16) -> Result<(i32, Pieces), ClientError>
    where
        M: Request<Records = Slices>,
    {
        let correlation_id = self.link.next_correlation_id();
        let client_id = Some(self.options.client_id.as_str());
        let parts = protocol::request_frame(correlation_id, client_id, message, version)?;
        Ok((correlation_id, pieces(parts)))
    }

    async fn pending<M: Request>(
        &self,
        correlation_id: i32,
        pieces: Pieces,
        version: i16,
    ) -> Result<Pending<M>, ClientError> {
        let deadline = self.runtime.now() + self.options.request_timeout;
        let queueing = self.link.send(correlation_id, pieces);
        let queued = self
            .runtime
            .timeout(self.options.request_timeout, queueing)
            .await;
        let answer = queued.ok_or(ClientError::TimedOut)??;
        let (runtime, link) = (self.runtime.clone(), Rc::clone(&self.link));
        Ok(Pending::new(runtime, link, answer, version, deadline))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.0.options.client_id)
    }
}
