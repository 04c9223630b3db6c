//! The way from any core to a partition.

use std::sync::Arc;

use model::PartitionKey;
use runtime::port::CallInFlight;
use runtime::{CallPort, CoreId, Runtime};
use storage::journal::read_all;
use storage::{DataPath, JournalError};

use crate::calls::{
    BEGIN, Committed, OPEN, Open, Opened, PROPOSE, Propose, ProposeError, READ, REMOVE, Read,
    ReadAnswer, ReadError, SEEK, Seek, Sought, WATCH, Watch, Watermarks,
};

/// Finds the core of a partition and asks it.
#[derive(Clone, Debug)]
pub struct Router {
    runtime: Runtime,
}

impl Router {
    /// The router of this core.
    pub fn new(runtime: Runtime) -> Self {
        Self { runtime }
    }

    /// The core on which a partition lives. A function of the key and the number of cores alone; nothing on disk
    /// depends on it, so that number may change between starts.
    pub fn core_of(&self, key: PartitionKey) -> CoreId {
        if key == PartitionKey::CONTROLLER {
            return CoreId::ZERO;
        }
        let mut digest = runtime::Digest::new();
        digest.bytes(&key.topic.0);
        digest.words(&[u64::from(key.partition.0.cast_unsigned())]);
        let core = digest.value() % u128::from(self.runtime.cores());
        CoreId::new(u16::try_from(core).expect("below the number of cores"))
    }

    /// Sends a proposal on its way. Proposals to one partition are appended in the order in which this returned;
    /// the answer is the future's.
    pub async fn propose(&self, propose: Propose) -> Answer<Committed, ProposeError> {
        self.start(PROPOSE, propose.key, propose, ProposeError::Unknown)
            .await
    }

    /// Sends a read on its way.
    pub async fn read(&self, read: Read) -> Answer<ReadAnswer, ReadError> {
        self.start(READ, read.key, read, ReadError::Stopping).await
    }

    /// Sends a watch on its way.
    pub async fn watch(&self, watch: Watch) -> Answer<Watermarks, ReadError> {
        self.start(WATCH, watch.key, watch, ReadError::Stopping)
            .await
    }

    /// Sends a look-up on its way.
    pub async fn seek(&self, seek: Seek) -> Answer<Sought, ReadError> {
        self.start(SEEK, seek.key, seek, ReadError::Stopping).await
    }

    /// Reads what the replicas of this node must not forget, from the journals of all cores that it ever had, and has each
    /// core go on with its own. For the core that holds the folder, before any partition is opened.
    pub async fn begin(&self, data: &DataPath) -> Result<(), JournalError> {
        let found = Arc::new(read_all(&self.runtime, data).await?);
        for core in (0..self.runtime.cores()).map(CoreId::new) {
            let begun = self.runtime.call(core, BEGIN, Arc::clone(&found)).await;
            // Without an answer the core is on its way out, and opens nothing.
            begun.unwrap_or(Ok(()))?;
        }
        Ok(())
    }

    /// Makes a replica ready on its core.
    pub async fn open(&self, open: Open) -> Result<Opened, String> {
        self.start(OPEN, open.key, open, "the node is stopping".to_owned())
            .await
            .outcome()
            .await
    }

    /// Ends a replica and removes its folder.
    pub async fn remove(&self, key: PartitionKey) -> Result<(), String> {
        self.start(REMOVE, key, key, "the node is stopping".to_owned())
            .await
            .outcome()
            .await
    }

    async fn start<Q: Send + 'static, T: Send + 'static, E: Send + 'static>(
        &self,
        port: CallPort<Q, Result<T, E>>,
        key: PartitionKey,
        request: Q,
        if_gone: E,
    ) -> Answer<T, E> {
        let call = self
            .runtime
            .start_call(self.core_of(key), port, request)
            .await;
        Answer { call, if_gone }
    }
}

/// An answer on its way.
#[derive(Debug)]
pub struct Answer<T, E> {
    call: CallInFlight<Result<T, E>>,
    /// What it means when the partition's core drops the call.
    if_gone: E,
}

impl<T: 'static, E: 'static> Answer<T, E> {
    /// Waits for it.
    pub async fn outcome(self) -> Result<T, E> {
        let Self { call, if_gone } = self;
        call.await.unwrap_or(Err(if_gone))
    }
}
