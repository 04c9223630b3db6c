//! What ends the process: a write or a sync that failed. What is durable is not known any more then, and only a
//! start that reads the disk again can tell [fsyncgate]. A device that is full is no such failure.

use runtime::{File, IoError, IoErrorKind, Runtime};

use crate::error::{OnPath, PathError};

/// Passes a result on, unless it is a failure of the device: that ends the process.
pub(crate) fn check(
    runtime: &Runtime,
    result: Result<(), IoError>,
    verb: &'static str,
    path: &str,
) -> Result<(), PathError> {
    match result {
        Err(error) if is_fatal(error) => stop(runtime, verb, path, error),
        result => result.on(verb, path),
    }
}

/// Whether nobody knows what a write or sync with this error did.
pub(crate) fn is_fatal(error: IoError) -> bool {
    matches!(error.kind(), IoErrorKind::Device | IoErrorKind::Other)
}

/// Ends the process.
pub(crate) fn stop(runtime: &Runtime, verb: &str, path: &str, error: IoError) -> ! {
    runtime.crash(&format!(
        "cannot {verb} {path}: {error}; what was not durable before may be lost, so nothing more is acknowledged: \
         start again to recover what the disk holds"
    ))
}

/// Makes a file's data durable.
pub(crate) async fn sync(runtime: &Runtime, file: &File, path: &str) -> Result<(), PathError> {
    check(runtime, file.sync().await, "sync", path)
}

/// Makes the names in a folder durable.
pub(crate) async fn sync_directory(runtime: &Runtime, path: &str) -> Result<(), PathError> {
    check(runtime, runtime.sync_directory(path).await, "sync", path)
}
