//! The data folder: whose it is, who uses it, and where each partition lies.
//!
//! ```text
//!   <data>/lock                                        held by the process that uses it
//!   <data>/identity                                    which node this is
//!   <data>/journal/<core>.a, .b                        what the replicas of a core must never forget
//!   <data>/topics/<topic id>/<partition>/<index>.log   one folder a partition, whatever the number of cores
//! ```
//!
//! `papers/format/data-folder.md` is the written truth.

use core::fmt;

use model::PartitionKey;
use runtime::{EntryKind, File, Frozen, IoErrorKind, OpenOptions, PAGE_BYTES, Pieces, Runtime};

use crate::error::{OnPath, PathError};
use crate::fatal;
use crate::identity::{IDENTITY_BYTES, Identity, IdentityError, Uuid};

const LOCK: &str = "lock";
const IDENTITY: &str = "identity";
const IDENTITY_NEW: &str = "identity.new";
const TOPICS: &str = "topics";
const JOURNALS: &str = "journal";

/// Where data lies. Any core may ask; only the one that has the [`DataFolder`] changes who it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataPath(String);

impl DataPath {
    /// The folder at `path`.
    pub fn new(path: &str) -> Self {
        let trimmed = path.trim_end_matches('/');
        Self(if trimmed.is_empty() { path } else { trimmed }.to_owned())
    }

    /// The folder of a partition.
    pub fn partition(&self, key: PartitionKey) -> String {
        format!("{}/{}", self.topic(key), key.partition)
    }

    /// The folder of all cores' journals.
    pub(crate) fn journals(&self) -> String {
        format!("{}/{JOURNALS}", self.0)
    }

    /// Makes the folder of journals, durably.
    pub(crate) async fn create_journals(&self, runtime: &Runtime) -> Result<(), PathError> {
        create_directory(runtime, &self.0, &self.journals()).await
    }

    fn topics(&self) -> String {
        format!("{}/{TOPICS}", self.0)
    }

    fn topic(&self, key: PartitionKey) -> String {
        format!("{}/{}", self.topics(), key.topic)
    }

    /// Makes a partition's folder, durably; returns its path. What is there already is made durable too: a start
    /// that was cut off may have made it.
    pub async fn create_partition(
        &self,
        runtime: &Runtime,
        key: PartitionKey,
    ) -> Result<String, PathError> {
        let (topics, topic, partition) = (self.topics(), self.topic(key), self.partition(key));
        create_directory(runtime, &self.0, &topics).await?;
        create_directory(runtime, &topics, &topic).await?;
        create_directory(runtime, &topic, &partition).await?;
        Ok(partition)
    }

    /// Removes a partition's folder and what we put there. What is gone already is no error: a removal that was
    /// cut off is taken up again.
    pub async fn remove_partition(
        &self,
        runtime: &Runtime,
        key: PartitionKey,
    ) -> Result<(), PathError> {
        let (topic, partition) = (self.topic(key), self.partition(key));
        let entries = match runtime.read_directory(&partition).await {
            Err(error) if error.kind() == IoErrorKind::NotFound => return Ok(()),
            entries => entries.on("list", &partition)?,
        };
        for entry in entries.iter().filter(|entry| entry.kind == EntryKind::File) {
            let path = format!("{partition}/{}", entry.name);
            gone(runtime.unlink(&path).await).on("remove", &path)?;
        }
        gone(runtime.remove_directory(&partition).await).on("remove", &partition)?;
        fatal::sync_directory(runtime, &topic).await?;
        // The topic's folder goes with its last partition.
        match runtime.remove_directory(&topic).await {
            Err(error) if error.kind() == IoErrorKind::DirectoryNotEmpty => Ok(()),
            result => gone(result).on("remove", &topic),
        }
    }
}

impl fmt::Display for DataPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// That something is gone already is as good.
fn gone(result: Result<(), runtime::IoError>) -> Result<(), runtime::IoError> {
    match result {
        Err(error) if error.kind() == IoErrorKind::NotFound => Ok(()),
        result => result,
    }
}

async fn create_directory(runtime: &Runtime, parent: &str, path: &str) -> Result<(), PathError> {
    match runtime.create_directory(path).await {
        Err(error) if error.kind() != IoErrorKind::AlreadyExists => {
            return Err(PathError::new("create", path, error));
        }
        _ => {}
    }
    fatal::sync_directory(runtime, parent).await
}

/// Why a data folder cannot be used, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FolderError {
    /// Another process uses it.
    InUse(DataPath),
    /// Its identity does not read.
    Identity(String, IdentityError),
    /// It holds partitions and has no identity: not one of ours, or half of one.
    NoIdentity(DataPath),
    /// The system refused something.
    Path(PathError),
}

impl fmt::Display for FolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse(path) => write!(
                f,
                "the data folder {path} is in use by another process: stop that one, or give this one a folder of \
                 its own with --data"
            ),
            Self::Identity(path, error) => write!(f, "{path}: {error}"),
            Self::NoIdentity(path) => write!(
                f,
                "the data folder {path} has topics and no file '{IDENTITY}': put back the one that belongs to it, or \
                 choose another folder with --data"
            ),
            Self::Path(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for FolderError {}

impl From<PathError> for FolderError {
    fn from(error: PathError) -> Self {
        Self::Path(error)
    }
}

/// A data folder in use. Core 0 opens it and keeps it for as long as the node lives.
#[derive(Debug)]
pub struct DataFolder {
    runtime: Runtime,
    path: DataPath,
    identity: Identity,
    /// Open, and so locked.
    _lock: File,
}

impl DataFolder {
    /// Takes the folder at `path`, making it where there is none.
    pub async fn open(runtime: &Runtime, path: &str) -> Result<Self, FolderError> {
        let path = DataPath::new(path);
        create_all(runtime, &path.0).await?;
        let lock = take_lock(runtime, &path).await?;
        let identity = match read_identity(runtime, &path).await? {
            Some(identity) => identity,
            None => create_identity(runtime, &path).await?,
        };
        create_directory(runtime, &path.0, &path.topics()).await?;
        Ok(Self {
            runtime: runtime.clone(),
            path,
            identity,
            _lock: lock,
        })
    }

    /// Where it is.
    pub const fn path(&self) -> &DataPath {
        &self.path
    }

    /// Whose it is.
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Notes which cluster the node belongs to, durably, the first time it is known.
    pub async fn set_cluster(&mut self, cluster: Uuid) -> Result<(), PathError> {
        let identity = Identity {
            cluster: Some(cluster),
            ..self.identity
        };
        write_identity(&self.runtime, &self.path, &identity).await?;
        self.identity = identity;
        Ok(())
    }
}

/// Makes a folder and those above it. While there is no identity, those that are there already are made durable too: a
/// start that was killed may have made them, and all that comes later would go with them when the power does.
async fn create_all(runtime: &Runtime, path: &str) -> Result<(), PathError> {
    let borders = path
        .match_indices('/')
        .map(|(at, _)| at)
        .chain([path.len()]);
    let begun = runtime.status(&format!("{path}/{IDENTITY}")).await.is_ok();
    let mut parent = if path.starts_with('/') { "/" } else { "." };
    for part in borders
        .filter_map(|end| path.get(..end))
        .filter(|part| !part.is_empty())
    {
        if runtime.status(part).await.is_err() {
            create_directory(runtime, parent, part).await?;
        } else if !begun {
            match runtime.sync_directory(parent).await {
                // What refuses for any other reason than a device that fails is none that we made.
                Err(error) if error.kind() != IoErrorKind::Device => {}
                result => fatal::check(runtime, result, "sync", parent)?,
            }
        }
        parent = part;
    }
    Ok(())
}

async fn take_lock(runtime: &Runtime, path: &DataPath) -> Result<File, FolderError> {
    let name = format!("{path}/{LOCK}");
    let options = OpenOptions {
        write: true,
        create: true,
        ..OpenOptions::default()
    };
    let file = runtime.open(&name, options).await.on("open", &name)?;
    match file.lock().await {
        Err(error) if error.kind() == IoErrorKind::Locked => Err(FolderError::InUse(path.clone())),
        result => Ok(result.on("lock", &name).map(|()| file)?),
    }
}

async fn read_identity(
    runtime: &Runtime,
    path: &DataPath,
) -> Result<Option<Identity>, FolderError> {
    let name = format!("{path}/{IDENTITY}");
    let file = match runtime.open(&name, OpenOptions::default()).await {
        Err(error) if error.kind() == IoErrorKind::NotFound => return Ok(None),
        file => file.on("open", &name)?,
    };
    let read = crate::read::read_upto(&file, 0, PAGE_BYTES, runtime.buffer(PAGE_BYTES)).await;
    let bytes = read.on("read", &name)?;
    match Identity::decode(bytes.as_slice()) {
        Ok(identity) => Ok(Some(identity)),
        Err(error) => Err(FolderError::Identity(name, error)),
    }
}

async fn create_identity(runtime: &Runtime, path: &DataPath) -> Result<Identity, FolderError> {
    let topics = runtime
        .read_directory(&path.topics())
        .await
        .unwrap_or_default();
    if !topics.is_empty() {
        return Err(FolderError::NoIdentity(path.clone()));
    }
    let identity = Identity {
        node: Uuid::from_random(runtime.random(), runtime.random()),
        cluster: None,
    };
    write_identity(runtime, path, &identity).await?;
    Ok(identity)
}

/// Writes the identity beside the old one and puts it in its place: after a power cut one of the two is there, whole.
async fn write_identity(
    runtime: &Runtime,
    path: &DataPath,
    identity: &Identity,
) -> Result<(), PathError> {
    let (new, name) = (
        format!("{path}/{IDENTITY_NEW}"),
        format!("{path}/{IDENTITY}"),
    );
    let options = OpenOptions {
        write: true,
        create: true,
        ..OpenOptions::default()
    };
    let file = runtime.open(&new, options).await.on("create", &new)?;
    let mut pieces = Pieces::new();
    pieces.push(Frozen::from(identity.encode().to_vec()));
    file.truncate(IDENTITY_BYTES as u64)
        .await
        .on("size", &new)?;
    file.write_at_sync(0, pieces).await.on("write", &new)?;
    runtime.rename(&new, &name).await.on("rename", &new)?;
    fatal::sync_directory(runtime, &path.0).await
}
