//! `ouzel log`: the files of a broker that is stopped, or a copy of them. Nothing is changed, made, or locked.
//!
//! ```text
//!   PATH --> Target: partitions, each with what its journal claims --> stat | verify | dump --> lines
//! ```

mod dump;
mod journal;
mod stat;
mod target;
mod verify;

use core::num::NonZeroU16;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use cli::ExitCode;
use runtime::{Budget, Runtime};
use serde_json::Value;

use crate::advice::Failure;
use crate::args::{LogCommand, LogFormat, LogLevel, LogPath};
use crate::ground::Ground;
use crate::log;
use target::Target;

/// Memory that windows into files may take.
const MEMORY_BYTES: usize = 64 << 20;

/// What is looked at, and where it goes.
struct Look {
    runtime: Runtime,
    budget: Budget,
    format: LogFormat,
    /// Nobody reads what is printed any more.
    closed: bool,
}

impl Look {
    /// Prints one fact: for people, or as an object.
    fn say(&mut self, text: impl FnOnce() -> String, object: impl FnOnce() -> Value) {
        let line = match self.format {
            LogFormat::Text => text(),
            LogFormat::Json => object().to_string(),
        };
        self.closed |= writeln!(io::stdout().lock(), "{line}").is_err();
    }
}

/// Looks, and says with what the process is to end.
pub(crate) fn run(asked: LogCommand) -> ExitCode {
    // What goes wrong is a line like any other's, on standard error.
    log::start(LogFormat::Text, LogLevel::Error);
    let ended: Arc<Mutex<Option<Result<ExitCode, Failure>>>> = Arc::default();
    let outcome = Arc::clone(&ended);
    let main: runtime::Main = Arc::new(move |runtime| {
        let (asked, outcome) = (asked.clone(), Arc::clone(&outcome));
        Box::pin(async move {
            let result = look(runtime, asked).await;
            *outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        })
    });
    let ran = Ground::Portable.run(NonZeroU16::MIN, MEMORY_BYTES, main);
    let outcome = ended.lock().unwrap_or_else(PoisonError::into_inner).take();
    let unfinished = || Failure::internal("the look at the files ended without a word");
    match ran.and_then(|()| outcome.ok_or_else(unfinished)?) {
        Ok(code) => code,
        Err(failure) => {
            log::fail(&failure);
            failure.code
        }
    }
}

async fn look(runtime: Runtime, asked: LogCommand) -> Result<ExitCode, Failure> {
    let (LogCommand::Stat(at) | LogCommand::Verify(at) | LogCommand::Dump { path: at, .. }) =
        &asked;
    let LogPath { path, format } = at;
    let mut look = Look {
        budget: runtime.budget("log files", MEMORY_BYTES),
        runtime,
        format: *format,
        closed: false,
    };
    let target = target::find(&look.runtime, path).await?;
    if let Target::Journal(path) = &target {
        let records = matches!(asked, LogCommand::Dump { .. });
        return journal::run(&mut look, path, records).await;
    }
    match &asked {
        LogCommand::Stat(_) => stat::run(&mut look, &target).await,
        LogCommand::Verify(_) => verify::run(&mut look, &target).await,
        LogCommand::Dump { level, .. } => dump::run(&mut look, &target, *level).await,
    }
}
